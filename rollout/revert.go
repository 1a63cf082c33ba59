package rollout

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// mergedPull is the subject of GitHub's merge commits, and pullSuffix the
	// end of that of its squash commits.
	mergedPull = regexp.MustCompile(`^Merge pull request #([0-9]{1,9}) from \S+$`)
	pullSuffix = regexp.MustCompile(`^(.*) \(#([0-9]{1,9})\)$`)
)

// reverts is which commits revert which. Commits are named by their position,
// the newest first.
type reverts struct {
	commits []Commit
	// by are, for each commit, those that revert it. All are newer.
	by [][]int
	// perhaps are those that may revert a commit, as far as its title tells.
	// They can make it known bad, and good again where they are contained. They
	// have no say in what somebody else said of it.
	perhaps map[int][]int
	// undone tells of each commit whether, all in all, it is reverted.
	undone []bool
}

// readReverts reads the messages of commits, given children before parents. It
// is linear in their number and length, but for the search for abbreviated
// names, which is by bisection.
//
// Exact finds a commit by its full name.
func readReverts(commits []Commit, exact func(SHA) (int, bool), of Repository) *reverts {
	r := &reverts{commits: commits, by: make([][]int, len(commits)), perhaps: map[int][]int{}, undone: make([]bool, len(commits))}
	names := directory{commits: commits, exact: exact}
	for y, commit := range commits {
		// Most messages revert nothing, and need not be looked through twice.
		if !strings.Contains(commit.Message, "evert") && !strings.Contains(commit.Message, "Reapply") {
			continue
		}
		certain, doubtful := names.find(claims(commit.Message, of), y)
		for _, x := range certain {
			r.by[x] = append(r.by[x], y)
		}
		for _, x := range doubtful {
			r.perhaps[x] = append(r.perhaps[x], y)
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

// find lists what a claim of the commit at position y means, and what it may
// mean. Whatever it names counts. If that is not here, it was rebased after its
// revert was written, or is out already; then, and where the title is that of
// several, a commit of that title is no more than a guess: titles such as
// "Update images" come again and again.
func (d *directory) find(c claim, y int) (certain, doubtful []int) {
	if certain = d.named(c, y); len(certain) > 0 || c.title == "" {
		return certain, nil
	}
	switch of := d.titled(c.title, y); {
	case len(of) == 1 && !c.named:
		return of, nil
	case len(of) > 0:
		return nil, of[:1]
	}
	return nil, nil
}

// named lists the commits that a claim of the one at position y calls by their
// names or by their pull requests. None is newer, and none is called by digits
// with which several begin.
func (d *directory) named(c claim, y int) []int {
	var found []int
	for _, prefix := range c.prefixes {
		if x, ok := d.one(prefix); ok && x > y {
			found = append(found, x)
		}
	}
	if len(c.pulls) > 0 {
		d.readTitles()
	}
	for _, number := range c.pulls {
		for _, x := range d.pulls[number] {
			if x > y {
				found = append(found, x)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// titled lists the commits of a title that are older than the one at position
// y, the newest first.
func (d *directory) titled(title string, y int) []int {
	d.readTitles()
	of := d.titles[title]
	i, _ := slices.BinarySearch(of, y+1)
	return of[i:]
}

// one is the one commit whose SHA begins with a prefix.
func (d *directory) one(prefix Prefix) (int, bool) {
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
		if title != "" && title != commit.Subject() {
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

// A Revert is a commit that reverts another.
type Revert struct {
	By SHA
	// Doubtful tells that only its title says so, and could mean something else.
	Doubtful bool
}

// Reverts tells which of the commits that a head contains are reverted, and by
// which, newest first, as far as their messages say so. A commit that reverts
// another can be reverted itself.
func Reverts(head SHA, commits []Commit, of Repository) map[SHA][]Revert {
	g := newGraph(head, commits)
	r := readReverts(g.commits, g.place, of)
	by := map[SHA][]Revert{}
	for x := range r.by {
		for _, y := range r.by[x] {
			by[g.commits[x].SHA] = append(by[g.commits[x].SHA], Revert{By: g.commits[y].SHA})
		}
		for _, y := range r.perhaps[x] {
			by[g.commits[x].SHA] = append(by[g.commits[x].SHA], Revert{By: g.commits[y].SHA, Doubtful: true})
		}
	}
	return by
}
