package backtest

import (
	"cmp"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
)

// A suspect is a commit that was reverted at some time.
type suspect struct {
	commit rollout.SHA
	// revision is the one that brings it. It is 0 where the stage had it from
	// the beginning.
	revision int
	// reverts tells that it reverts something itself.
	reverts bool
	// turns are the revisions with which it became bad, was cleared by a revert
	// of its revert, became bad again, and so on.
	turns []int
}

// bad tells whether it is reverted, all in all, by what a revision contains.
func (s suspect) bad(revision int) bool {
	n, _ := slices.BinarySearch(s.turns, revision+1)
	return n%2 == 1
}

// turnsBad tells whether it becomes bad with a revision.
func (s suspect) turnsBad(revision int) bool {
	n, found := slices.BinarySearch(s.turns, revision)
	return found && n%2 == 0
}

// A file is what is known of the commits that were reverted.
type file struct {
	// suspects are in the order in which they arrived.
	suspects []suspect
	// reverted are, for each revision, the suspects that become bad with it.
	reverted map[int][]suspect
	// arrived are the revisions of the line that bring a commit. Reverting are
	// those with a commit that reverts something, and restoring those with one
	// that reverts such a commit, in order.
	arrived              map[rollout.SHA]int
	reverting, restoring []int
}

// newFile reads from the messages which commits were reverted, and finds out
// with which revision of a line each turned bad.
func newFile(h History, l line) file {
	i := newInquiry(certain(rollout.Reverts(h.Head, h.Commits, h.Repository)), l)
	reverting := revertingOf(l.commits, h.Repository)
	f := file{
		reverted: map[int][]suspect{}, arrived: i.arrived,
		reverting: i.broughtBy(reverting), restoring: i.broughtBy(revertingOf(reverting, h.Repository)),
	}
	for commit := range i.by {
		if turns := i.turns[commit]; len(turns) > 0 {
			f.suspects = append(f.suspects, suspect{commit, i.arrived[commit], len(i.of[commit]) > 0, turns})
		}
	}
	slices.SortFunc(f.suspects, func(a, b suspect) int {
		return cmp.Or(cmp.Compare(a.revision, b.revision), cmp.Compare(a.commit, b.commit))
	})
	for _, s := range f.suspects {
		for _, revision := range s.turns {
			if s.turnsBad(revision) {
				f.reverted[revision] = append(f.reverted[revision], s)
			}
		}
	}
	return f
}

// certain are the reverts that count. One of a doubtful title can make a commit
// known bad, but takes back no revert.
func certain(by map[rollout.SHA][]rollout.Revert) map[rollout.SHA][]rollout.SHA {
	reverting := map[rollout.SHA]bool{}
	for _, reverts := range by {
		for _, r := range reverts {
			reverting[r.By] = true
		}
	}
	counting := map[rollout.SHA][]rollout.SHA{}
	for commit, reverts := range by {
		for _, r := range reverts {
			if !r.Doubtful || !reverting[commit] {
				counting[commit] = append(counting[commit], r.By)
			}
		}
	}
	return counting
}

// suspected are those that the revisions after one bring, up to and with
// another.
func (f file) suspected(after, to int) []suspect {
	from := func(revision int) int {
		n, _ := slices.BinarySearchFunc(f.suspects, revision, func(s suspect, r int) int { return cmp.Compare(s.revision, r) })
		return n
	}
	return f.suspects[from(after+1):from(to+1)]
}

// revertingOf are those of some commits that revert another one of them, whatever
// else is pending with them and whatever came first: so they are read as if they
// stood in a row, and then in the other order.
func revertingOf(commits []rollout.Commit, of rollout.Repository) []rollout.Commit {
	reverting := map[rollout.SHA]bool{}
	row := slices.Clone(commits)
	for range 2 {
		slices.Reverse(row)
		for i := range row {
			row[i].Parents = nil
			if i+1 < len(row) {
				row[i].Parents = []rollout.SHA{row[i+1].SHA}
			}
		}
		if len(row) == 0 {
			return nil
		}
		for _, by := range rollout.Reverts(row[0].SHA, row, of) {
			for _, r := range by {
				reverting[r.By] = true
			}
		}
	}
	return slices.DeleteFunc(row, func(c rollout.Commit) bool { return !reverting[c.SHA] })
}

// broughtBy are the revisions that bring some commits, in order.
func (i *inquiry) broughtBy(commits []rollout.Commit) []int {
	all := make([]int, len(commits))
	for n, c := range commits {
		all[n] = i.arrived[c.SHA]
	}
	slices.Sort(all)
	return all
}

// anyOf tells whether one of some revisions, given in order, comes after one and
// is not newer than another.
func anyOf(revisions []int, after, to int) bool {
	n, _ := slices.BinarySearch(revisions, after+1)
	return n < len(revisions) && revisions[n] <= to
}

// An inquiry lets the reverts of a history arrive, one revision after the
// other.
type inquiry struct {
	// by are, for each commit that is reverted, those that revert it, and of
	// the other way round.
	by, of map[rollout.SHA][]rollout.SHA
	// arrived are the revisions of the line that bring a commit.
	arrived map[rollout.SHA]int
	// bad is what is known by now, and turns when that changed.
	bad   map[rollout.SHA]bool
	turns map[rollout.SHA][]int
	// open are the commits of which it has to be found out anew.
	open map[rollout.SHA]bool
}

func newInquiry(by map[rollout.SHA][]rollout.SHA, l line) *inquiry {
	i := &inquiry{
		by: by, of: map[rollout.SHA][]rollout.SHA{}, arrived: map[rollout.SHA]int{},
		bad: map[rollout.SHA]bool{}, turns: map[rollout.SHA][]int{}, open: map[rollout.SHA]bool{},
	}
	for n := 1; n < len(l.revisions); n++ {
		for _, c := range l.brought(n-1, n) {
			i.arrived[c.SHA] = n
		}
	}
	for commit, reverting := range by {
		for _, y := range reverting {
			i.of[y] = append(i.of[y], commit)
		}
	}
	arriving := map[int][]rollout.SHA{}
	for y := range i.of {
		arriving[i.arrived[y]] = append(arriving[i.arrived[y]], y)
	}
	for n := range l.revisions {
		i.arrive(n, arriving[n])
	}
	return i
}

// arrive notes what the reverts of a revision change: what they revert, what
// that reverts, and so on.
func (i *inquiry) arrive(revision int, reverting []rollout.SHA) {
	for n := 0; n < len(reverting); n++ {
		for _, x := range i.of[reverting[n]] {
			if !i.open[x] {
				i.open[x] = true
				reverting = append(reverting, x)
			}
		}
	}
	for _, commit := range reverting {
		i.settle(commit, revision)
	}
}

// settle tells whether a commit is bad. It ends, since whatever reverts a
// commit is newer.
func (i *inquiry) settle(commit rollout.SHA, revision int) bool {
	if !i.open[commit] {
		return i.bad[commit]
	}
	delete(i.open, commit)
	bad := slices.ContainsFunc(i.by[commit], func(y rollout.SHA) bool {
		return i.arrived[y] <= revision && !i.settle(y, revision)
	})
	if bad != i.bad[commit] {
		i.bad[commit] = bad
		i.turns[commit] = append(i.turns[commit], revision)
	}
	return bad
}
