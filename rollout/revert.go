package rollout

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A claim is what a commit's message says that it reverts.
type claim struct {
	// prefixes are of commits, pulls the numbers of pull requests.
	prefixes []Prefix
	pulls    []int
	// title is the subject of what is reverted. It is looked at only where
	// the others name nothing that is there.
	title string
}

var (
	// revertedCommits is the line that `git revert` writes, with all that Git
	// (sequencer.c), GitLab and people who revert several commits put after
	// the name: a full stop, ", reversing", " (subject, date)", " and …".
	revertedCommits = regexp.MustCompile(`^This reverts commits? ([0-9a-fA-F]{7,40}(?:(?:, ?and |, ?| and | & )(?:commit )?[0-9a-fA-F]{7,40})*)(?:\.?|, reversing|,? \(.*\)\.?)$`)
	hexadecimal     = regexp.MustCompile(`\b[0-9a-fA-F]{7,40}\b`)
	// revertedPull is what GitHub's button writes into the description of a
	// pull request, and so into its squash or merge commit.
	revertedPull = regexp.MustCompile(`^Reverts ((?:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#[0-9]{1,9}(?:(?:, ?and |, ?| and | & )(?:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#[0-9]{1,9})*)\.?$`)
	pullName     = regexp.MustCompile(`([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#([0-9]{1,9})`)
	// revertedTitle is the subject of both; the number is the reverting pull
	// request's own.
	revertedTitle = regexp.MustCompile(`^Revert "(.+)"(?: \(#[0-9]{1,9}\))?(?: \[[a-z -]+\])?$`)
	// reappliedTitle is what Git calls a revert of a revert since 2.43.
	reappliedTitle = regexp.MustCompile(`^Reapply "(.+)"(?: \(#[0-9]{1,9}\))?$`)
	// revertingSubject is how people begin the subject of a revert that they
	// put into words of their own.
	revertingSubject = regexp.MustCompile(`(?i)^(reverts?|reapply|backs? ?out)\b`)
	// squashed is how GitHub lists the subject of a revert in a squash commit,
	// and trailers are what stands behind everything else.
	squashed = regexp.MustCompile(`^[*-] (Revert|Reapply) "`)
	trailer  = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*: |^\(cherry picked from commit |^-{3,}$`)
	// mergedPull is the subject of GitHub's merge commits, and pullSuffix the
	// end of that of its squash commits.
	mergedPull = regexp.MustCompile(`^Merge pull request #([0-9]{1,9}) from \S+$`)
	pullSuffix = regexp.MustCompile(`^(.*) \(#([0-9]{1,9})\)$`)
)

// claims reads a message. A paragraph counts only where Git, GitHub and people
// who revert write it: in a commit whose subject speaks of a revert; or as the
// first or the last words of any other; or behind its own subject in a squash
// commit. So nobody reverts anything by quoting such a line: indented, behind a
// >, in a block of code, after a colon or in the middle of a text.
func claims(message string, of Repository) claim {
	var c claim
	subject, _, _ := strings.Cut(strings.TrimLeft(message, "\r\n"), "\n")
	subject = strings.TrimRight(subject, " \t\r")
	all := paragraphs(message)
	last := lastWords(all)
	counted := false
	for i, paragraph := range all {
		reverting := revertingSubject.MatchString(subject)
		stands := i <= 1 || counted || i == last && !strings.HasSuffix(end(all[i-1]), ":") || squashed.MatchString(end(all[i-1]))
		counted = (reverting || stands) && c.readParagraph(paragraph, reverting, of)
	}
	if found := revertedTitle.FindStringSubmatch(subject); found != nil {
		c.title = found[1]
	} else if found := reappliedTitle.FindStringSubmatch(subject); found != nil {
		c.title = `Revert "` + found[1] + `"`
	}
	return c
}

// lastWords is the last paragraph that is more than trailers.
func lastWords(all [][]string) int {
	for i := len(all) - 1; i > 0; i-- {
		if slices.ContainsFunc(all[i], func(line string) bool { return !trailer.MatchString(line) }) {
			return i
		}
	}
	return 0
}

func end(paragraph []string) string { return paragraph[len(paragraph)-1] }

// paragraphs are the lines of a message between empty ones, without blocks of
// code and comments, which are what CommonMark takes for one: GitHub shows a
// message so. A block that is not closed hides nothing.
func paragraphs(message string) [][]string {
	var all [][]string
	var current []string
	lines := strings.Split(message, "\n")
	closers := closersOf(lines)
	for i := 0; i <= len(lines); i++ {
		line := ""
		if i < len(lines) {
			line = strings.TrimRight(lines[i], " \t\r")
		}
		if last, ok := closers.block(lines, i, line); ok {
			current, i = append(current, line), last
			continue
		}
		switch {
		case line != "":
			current = append(current, line)
		case len(current) > 0:
			all = append(all, current)
			current = nil
		}
	}
	return all
}

var (
	// A fence is three backticks or tildes, or more, and is indented by less
	// than four. What follows backticks holds none.
	opening = regexp.MustCompile("^ {0,3}(`{3,}[^`]*|~{3,}.*)$")
	closing = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})[ \t\r]*$")
	comment = regexp.MustCompile(`^ {0,3}<!--`)
)

// closers tells where blocks of code and comments can end: the longest fence
// of each kind, and whether there is the end of a comment, from each line on.
// Without it every opening of a hostile message would be searched to its end.
type closers struct {
	backticks, tildes []int
	comments          []bool
}

func closersOf(lines []string) closers {
	c := closers{make([]int, len(lines)+1), make([]int, len(lines)+1), make([]bool, len(lines)+1)}
	for i := len(lines) - 1; i >= 0; i-- {
		c.backticks[i], c.tildes[i] = c.backticks[i+1], c.tildes[i+1]
		c.comments[i] = c.comments[i+1] || strings.Contains(lines[i], "-->")
		if found := closing.FindStringSubmatch(lines[i]); found != nil && found[1][0] == '~' {
			c.tildes[i] = max(c.tildes[i], len(found[1]))
		} else if found != nil {
			c.backticks[i] = max(c.backticks[i], len(found[1]))
		}
	}
	return c
}

// block tells whether a block begins at a line, and where it ends.
func (c closers) block(lines []string, i int, line string) (last int, ok bool) {
	if comment.MatchString(line) && c.comments[i] {
		for !strings.Contains(lines[i], "-->") {
			i++
		}
		return i, true
	}
	found := opening.FindStringSubmatch(line)
	if found == nil {
		return i, false
	}
	mark := found[1][:1]
	length := len(found[1]) - len(strings.TrimLeft(found[1], mark))
	if (mark == "~" && c.tildes[i+1] < length) || (mark != "~" && c.backticks[i+1] < length) {
		return i, false
	}
	for i++; !closes(lines[i], mark, length); i++ {
	}
	return i, true
}

func closes(line, mark string, length int) bool {
	found := closing.FindStringSubmatch(line)
	return found != nil && strings.HasPrefix(found[1], mark) && len(found[1]) >= length
}

// readParagraph takes the lines at the beginning of a paragraph that revert
// something, and tells whether there were any. In a commit whose subject does
// not speak of a revert they have to be the whole paragraph, as Git and GitHub
// write it: else they are the beginning of a sentence about such a line.
func (c *claim) readParagraph(lines []string, reverting bool, of Repository) bool {
	read := *c
	n := 0
	for n < len(lines) && read.read(lines[n], of) {
		n++
	}
	if n > 0 && (reverting || n == len(lines) || strings.HasPrefix(lines[n], "changes made to ") || trailer.MatchString(lines[n])) {
		*c = read
		return true
	}
	return false
}

// read takes one line, and tells whether it reverts something.
func (c *claim) read(line string, of Repository) bool {
	if found := revertedCommits.FindStringSubmatch(line); found != nil {
		for _, prefix := range hexadecimal.FindAllString(found[1], -1) {
			c.prefixes = append(c.prefixes, Prefix(strings.ToLower(prefix)))
		}
		return true
	}
	found := revertedPull.FindStringSubmatch(line)
	if found == nil {
		return false
	}
	for _, name := range pullName.FindAllStringSubmatch(found[1], -1) {
		if number, err := strconv.Atoi(name[2]); err == nil && of.named(name[1]) {
			c.pulls = append(c.pulls, number)
		}
	}
	return true
}

// named tells whether owner/name is this repository. Nothing is, too: the
// short form of a reference stays within the repository.
func (r Repository) named(slug string) bool {
	if slug == "" {
		return true
	}
	if r.Forge == ForgeGitHub {
		return strings.EqualFold(slug, r.Slug())
	}
	return strings.HasSuffix(strings.ToLower("/"+strings.TrimSuffix(r.URL, ".git")), "/"+strings.ToLower(slug))
}

// reverts is which commits revert which. Commits are named by their position,
// the newest first.
type reverts struct {
	commits []Commit
	// by are, for each commit, those that revert it. All are newer.
	by [][]int
	// undone tells of each commit whether, all in all, it is reverted.
	undone []bool
}

// readReverts reads the messages of commits, given children before parents. It
// is linear in their number and length, but for the search for abbreviated
// names, which is by bisection.
//
// Exact finds a commit by its full name.
func readReverts(commits []Commit, exact func(SHA) (int, bool), of Repository) *reverts {
	r := &reverts{commits: commits, by: make([][]int, len(commits)), undone: make([]bool, len(commits))}
	names := directory{commits: commits, exact: exact}
	for y, commit := range commits {
		// Most messages revert nothing, and need not be looked through twice.
		if !strings.Contains(commit.Message, "evert") && !strings.Contains(commit.Message, "Reapply") {
			continue
		}
		for _, x := range names.find(claims(commit.Message, of), y) {
			r.by[x] = append(r.by[x], y)
		}
	}
	// Whatever reverts a commit is newer, so it was looked at before.
	for x := range commits {
		r.undone[x] = slices.ContainsFunc(r.by[x], func(y int) bool { return !r.undone[y] })
	}
	return r
}

// A directory finds commits by what a revert calls them. Each of its lists is
// made when it is needed first: most histories revert nothing, or by name.
type directory struct {
	commits []Commit
	exact   func(SHA) (int, bool)
	bySHA   []int // positions, sorted by SHA
	pulls   map[int][]int
	titles  map[string][]int
}

// find lists what a claim of the commit at position y names. It names nothing
// that is not older, and nothing that could be one of several.
func (d *directory) find(c claim, y int) []int {
	var found []int
	for _, prefix := range c.prefixes {
		if x, ok := d.named(prefix); ok && x > y {
			found = append(found, x)
		}
	}
	if len(c.pulls) > 0 || c.title != "" {
		d.readTitles()
	}
	for _, number := range c.pulls {
		for _, x := range d.pulls[number] {
			if x > y {
				found = append(found, x)
			}
		}
	}
	if c.title != "" && len(found) == 0 {
		// It names nothing else that is pending: a commit as it was before a
		// rebase, or a pull request whose number no subject has. Then the
		// newest older commit of that title is meant.
		of := d.titles[c.title]
		if i, _ := slices.BinarySearch(of, y+1); i < len(of) {
			found = append(found, of[i])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// named is the one commit whose SHA begins with a prefix.
func (d *directory) named(prefix Prefix) (int, bool) {
	if len(prefix) == shaLength {
		return d.exact(SHA(prefix))
	}
	if d.bySHA == nil {
		d.bySHA = make([]int, len(d.commits))
		for x := range d.bySHA {
			d.bySHA[x] = x
		}
		slices.SortFunc(d.bySHA, func(a, b int) int { return strings.Compare(string(d.commits[a].SHA), string(d.commits[b].SHA)) })
	}
	i, _ := slices.BinarySearchFunc(d.bySHA, string(prefix), func(x int, p string) int {
		return strings.Compare(string(d.commits[x].SHA), p)
	})
	if i == len(d.bySHA) || !prefix.Of(d.commits[d.bySHA[i]].SHA) {
		return 0, false
	}
	ambiguous := i+1 < len(d.bySHA) && prefix.Of(d.commits[d.bySHA[i+1]].SHA)
	return d.bySHA[i], !ambiguous
}

func (d *directory) readTitles() {
	if d.titles != nil {
		return
	}
	d.pulls, d.titles = map[int][]int{}, make(map[string][]int, len(d.commits))
	for x, commit := range d.commits {
		title, number := pull(commit)
		d.titles[commit.Subject()] = append(d.titles[commit.Subject()], x)
		if number == 0 {
			continue
		}
		d.pulls[number] = append(d.pulls[number], x)
		if title != "" {
			d.titles[title] = append(d.titles[title], x)
		}
	}
}

// pull is the pull request that a commit came with, and its title.
func pull(c Commit) (title string, number int) {
	subject := c.Subject()
	if !strings.HasSuffix(subject, ")") && !strings.HasPrefix(subject, "Merge ") {
		return "", 0
	}
	if found := pullSuffix.FindStringSubmatch(subject); found != nil {
		number, _ = strconv.Atoi(found[2]) // nine digits at most
		return found[1], number
	}
	if found := mergedPull.FindStringSubmatch(subject); found != nil {
		number, _ = strconv.Atoi(found[1])
		_, body, _ := strings.Cut(strings.TrimLeft(c.Message, "\r\n"), "\n")
		title, _, _ = strings.Cut(strings.TrimSpace(body), "\n")
		return strings.TrimSpace(title), number
	}
	return "", 0
}

// Reverts tells which of the commits that a head contains are reverted, and by
// which, newest first, as far as their messages say so. A commit that reverts
// another can be reverted itself.
func Reverts(head SHA, commits []Commit, of Repository) map[SHA][]SHA {
	g := newGraph(head, commits)
	r := readReverts(g.commits, g.place, of)
	by := map[SHA][]SHA{}
	for x, ys := range r.by {
		for _, y := range ys {
			by[g.commits[x].SHA] = append(by[g.commits[x].SHA], g.commits[y].SHA)
		}
	}
	return by
}
