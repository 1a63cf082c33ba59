package rollout

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
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

// excuse is the first reason that a message gives for what was not exercised. It
// is empty where there is none.
func excuse(message string) string {
	if !mayAsk(message) {
		return ""
	}
	for _, paragraph := range readText(message).paragraphs {
		for _, line := range paragraph {
			if found := excuseTrailer.FindStringSubmatch(line); found != nil {
				return strings.TrimSpace(found[1])
			}
		}
	}
	return ""
}

// NewLook finds out of each unexercised file which of the commits that go out
// change it, and whether all of these say why. Commits are children before
// parents, and changes is of all of them.
func NewLook(s StageExposure, goesOut []Commit, changes map[SHA][][]string) Look {
	l := Look{StageExposure: s}
	unexercised := s.Unexercised()
	by := map[string][]Commit{}
	for _, name := range unexercised {
		by[name] = nil
	}
	for _, c := range goesOut {
		for _, name := range ownFiles(c, changes[c.SHA]) {
			if _, asked := by[name]; asked {
				by[name] = append(by[name], c)
			}
		}
	}
	excuses := excuses(goesOut)
	for _, name := range unexercised {
		l.add(name, by[name], excuses)
	}
	return l
}

// add files an unexercised file under those that are excused, or those that are
// not.
func (l *Look) add(name string, by []Commit, excuses map[SHA]Commit) {
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
	says := excuses[by[0].SHA]
	l.Excused = append(l.Excused, ExcusedFile{Name: name, Commit: says.SHA, Reason: excuse(says.Message)})
}

// ownFiles are the files that a commit itself changes: of a merge those that
// differ from all of its parents, or, where it says why what it merges may go
// out unexercised, from the first.
func ownFiles(c Commit, differs [][]string) []string {
	if len(differs) == 0 {
		return nil
	}
	own := differs[0]
	if excuse(c.Message) != "" {
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
// unexercised: itself, or the merge that brings it. A pull request's text
// becomes the message of its merge.
func excuses(commits []Commit) map[SHA]Commit {
	by := map[SHA]Commit{}
	known := make(map[SHA]Commit, len(commits))
	for _, c := range commits {
		known[c.SHA] = c
	}
	for _, c := range commits {
		if excuse(c.Message) == "" {
			continue
		}
		by[c.SHA] = c
		for _, brought := range broughtByMerge(c, known) {
			if _, ok := by[brought]; !ok {
				by[brought] = c
			}
		}
	}
	return by
}

// broughtByMerge are the commits that a merge brings to its first parent.
func broughtByMerge(merge Commit, known map[SHA]Commit) []SHA {
	if len(merge.Parents) < 2 {
		return nil
	}
	had := map[SHA]bool{}
	walk(merge.Parents[:1], known, func(sha SHA) bool {
		again := had[sha]
		had[sha] = true
		return !again
	})
	var brought []SHA
	walk(merge.Parents[1:], known, func(sha SHA) bool {
		if had[sha] {
			return false
		}
		had[sha] = true
		brought = append(brought, sha)
		return true
	})
	return brought
}

// walk visits what some commits reach among those that are known, and does not
// look behind one for which visit says false.
func walk(from []SHA, known map[SHA]Commit, visit func(SHA) bool) {
	stack := slices.Clone(from)
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c, ok := known[top]; ok && visit(top) {
			stack = append(stack, c.Parents...)
		}
	}
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
		return fmt.Sprintf("%s that %s renders %s exercised by no cluster before it: %s",
			ofFiles(len(l.Unexcused), len(l.Files)), l.Stage, was(len(l.Unexcused)), unexcusedNames(l.Unexcused))
	default:
		return ""
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
