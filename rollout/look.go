package rollout

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// An ExposurePolicy says what is made of changes that the clusters of a stage
// render and those of no stage before it do: they have soaked for nothing.
type ExposurePolicy string

// The policies of exposure.
const (
	// ExposureIgnored: nobody looks.
	ExposureIgnored ExposurePolicy = ""
	// ExposureWarned: they go out, and are named.
	ExposureWarned ExposurePolicy = "warn"
	// ExposureRequired: they do not go out but by an override, or where the
	// commits that make them say why.
	ExposureRequired ExposurePolicy = "require"
)

// An Exposer renders what clusters would apply of a revision. Optional: a stage
// that requires exposure cannot take anything without one.
//
// An override does not wait for one that does not heed its context. So it can be
// asked again while it is still at it.
type Exposer interface {
	// Expose tells which of the changes between two commits the clusters of
	// each stage render, and which of them those of the stages before.
	Expose(ctx context.Context, from, to SHA) (Exposure, error)
	// Changes lists, for each of some commits, the files in which it differs
	// from each of its parents, in the order of these. A commit without
	// parents differs from nothing in all of its files.
	Changes(ctx context.Context, commits []Commit) (map[SHA][][]string, error)
}

// A Look is what an [Exposer] told of one revision: of everything with which it
// would change the stage.
type Look struct {
	StageExposure
	// Unexcused are the unexercised files of which no commit says why, and
	// Excused the others.
	Unexcused []UnexcusedFile
	Excused   []ExcusedFile
	// Failed says why nothing could be told. It is empty where something was.
	Failed string
	// makers are all commits that change a file which is unexercised.
	makers []SHA
}

// An UnexcusedFile is one that no cluster of a stage before renders.
type UnexcusedFile struct {
	Name string
	// Commits are those that change it and do not say why that is right, newest
	// first. There are none where only a merge brought the change about.
	Commits []SHA
	// Others are those that change it, too, and say why.
	Others []SHA
}

// An ExcusedFile is one that no cluster of a stage before renders, and of which
// each commit that changes it says why that is right.
type ExcusedFile struct {
	Name string
	// Commit is the newest of them, and Reason what it says. It is somebody's
	// text.
	Commit SHA
	Reason string
}

// excuseTrailer is the line of a commit's message by which its files may go out
// unexercised. It lets something out, so it counts only where it is written as
// it should be: at the beginning of a line, with a reason, and not in a block of
// code or a quote.
var excuseTrailer = regexp.MustCompile(`(?i)^rollout-unexercised:[ \t]*(\S.*)$`)

// noWords is what a reason cannot be made of: a comment, a place to fill in.
var noWords = regexp.MustCompile(`<[^>]*>?`)

// excuse is the first reason that a message gives for what was not exercised. It
// is empty where there is none. A template's comment is none, closed or not.
func excuse(message string) string {
	if !mayAsk(message) {
		return ""
	}
	text := readText(message)
	for _, paragraph := range text.paragraphs[:text.plain] {
		for _, line := range spoken(paragraph) {
			found := excuseTrailer.FindStringSubmatch(line)
			if found != nil && strings.ContainsFunc(noWords.ReplaceAllString(found[1], ""), isOfAWord) {
				return strings.TrimSpace(found[1])
			}
		}
	}
	return ""
}

// isOfAWord tells of a character whether words are made of it: a reason has one.
func isOfAWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// spoken are the lines of a paragraph without those in a comment that begins in
// the middle of a line.
func spoken(paragraph []string) []string {
	var lines []string
	hidden := false
	for _, line := range paragraph {
		if hidden {
			hidden = !strings.Contains(line, "-->")
			continue
		}
		lines = append(lines, line)
		// One that begins a line is a block, of which the rest is left out.
		hidden = !beginsMarkup(line) && strings.LastIndex(line, "<!--") > strings.LastIndex(line, "-->")
	}
	return lines
}

// NewLook finds out of each unexercised file which of the commits that go out
// change it, and whether all of these say why. Commits are children before
// parents, and changes is of all of them.
func NewLook(s StageExposure, goesOut []Commit, changes map[SHA][][]string) Look {
	l := Look{StageExposure: s}
	unexercised, own := s.Unexercised(), ownReasons(goesOut)
	by := map[string][]Commit{}
	for _, name := range unexercised {
		by[name] = nil
	}
	for _, c := range goesOut {
		makes := false
		for _, name := range ownFiles(c, changes[c.SHA], own) {
			if _, asked := by[name]; asked {
				by[name], makes = append(by[name], c), true
			}
		}
		if makes {
			l.makers = append(l.makers, c.SHA)
		}
	}
	excuses := excuses(goesOut, own)
	for _, name := range unexercised {
		l.add(name, by[name], excuses)
	}
	return l
}

// ownReasons are those that the commits give themselves. Each message is read
// once, since it can be long.
func ownReasons(commits []Commit) map[SHA]string {
	own := map[SHA]string{}
	for _, c := range commits {
		if reason := excuse(c.Message); reason != "" {
			own[c.SHA] = reason
		}
	}
	return own
}

// add files an unexercised file under those that are excused, or those that are
// not.
func (l *Look) add(name string, by []Commit, excuses map[SHA]ExcusedFile) {
	unexcused := UnexcusedFile{Name: name}
	for _, c := range by {
		if _, ok := excuses[c.SHA]; ok {
			unexcused.Others = append(unexcused.Others, c.SHA)
		} else {
			unexcused.Commits = append(unexcused.Commits, c.SHA)
		}
	}
	if len(by) == 0 || len(unexcused.Commits) > 0 {
		l.Unexcused = append(l.Unexcused, unexcused)
		return
	}
	excused := excuses[by[0].SHA]
	excused.Name = name
	l.Excused = append(l.Excused, excused)
}

// ownFiles are the files that a commit itself changes: of a merge those that
// differ from all of its parents, or, where it says why what it merges may go
// out unexercised, from the first.
func ownFiles(c Commit, differs [][]string, reasons map[SHA]string) []string {
	if len(differs) == 0 {
		return nil
	}
	own := differs[0]
	if reasons[c.SHA] != "" {
		return own
	}
	for _, other := range differs[1:] {
		own = intersection(own, other)
	}
	return own
}

func intersection(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, name := range b {
		in[name] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !in[name] })
}

// excuses tells of each commit which one says why its files may go out
// unexercised: itself, or the merge that brings it. A pull request's text can
// become the message of its merge.
func excuses(commits []Commit, own map[SHA]string) map[SHA]ExcusedFile {
	by := map[SHA]ExcusedFile{}
	places := make(map[SHA]int, len(commits))
	for i, c := range commits {
		places[c.SHA] = i
	}
	for _, c := range commits {
		if own[c.SHA] == "" {
			continue
		}
		says := ExcusedFile{Commit: c.SHA, Reason: own[c.SHA]}
		by[c.SHA] = says
		for _, brought := range broughtByMerge(c, commits, places) {
			if _, ok := by[brought]; !ok {
				by[brought] = says
			}
		}
	}
	return by
}

// broughtByMerge are the commits that a merge brings to its first parent. Commits
// are children before parents, and places tells where each stands. It goes down
// both sides together, and ends where they meet: for thousands of merges, each
// of which brings a little, that is not much.
func broughtByMerge(merge Commit, commits []Commit, places map[SHA]int) []SHA {
	if len(merge.Parents) < 2 {
		return nil
	}
	var brought []SHA
	descent := descent{had: map[int]bool{}}
	descent.to(merge.Parents[:1], true, places)
	descent.to(merge.Parents[1:], false, places)
	for descent.new > 0 {
		place, had := descent.next()
		if !had {
			brought = append(brought, commits[place].SHA)
		}
		descent.to(commits[place].Parents, had, places)
	}
	return brought
}

// mayPass tells whether a revision that was looked at may go out where exposure
// is required.
func (l Look) mayPass() bool { return l.Failed == "" && len(l.Broken) == 0 && len(l.Unexcused) == 0 }

// Complaint is one sentence on what goes out with a revision and was not
// exercised. It is empty where everything was, or is excused.
func (l Look) Complaint() string {
	switch {
	case l.Failed != "":
		return "nobody knows what of it was exercised: " + l.Failed
	case len(l.Broken) > 0:
		return fmt.Sprintf("nobody knows what of it was exercised: %s cannot be rendered: %s", l.Stage, Printable(l.Broken[0], 300))
	case len(l.Unexcused) > 0:
		return fmt.Sprintf("%s that %s renders %s exercised by no cluster before it: %s%s",
			ofFiles(len(l.Unexcused), len(l.Files)), l.Stage, was(len(l.Unexcused)), unexcusedNames(l.Unexcused), l.idle())
	default:
		return ""
	}
}

// idle names what of the stages before meets nothing, and so may be why.
func (l Look) idle() string {
	switch len(l.Idle) {
	case 0:
		return ""
	case 1:
		return "; not applied there: " + Printable(l.Idle[0], 300)
	default:
		return fmt.Sprintf("; not applied there: %s, and %d more", Printable(l.Idle[0], 300), len(l.Idle)-1)
	}
}

func ofFiles(n, all int) string {
	if all == 1 {
		return "the 1 changed file"
	}
	return fmt.Sprintf("%d of the %d changed files", n, all)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// unexcusedShown is how many files a sentence names.
const unexcusedShown = 3

func unexcusedNames(files []UnexcusedFile) string {
	var names []string
	for _, f := range files[:min(unexcusedShown, len(files))] {
		text := Printable(f.Name, 120)
		if len(f.Commits) > 0 {
			text += " (changed by " + f.Commits[0].Short() + ")"
		}
		names = append(names, text)
	}
	if more := len(files) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
