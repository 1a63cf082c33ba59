package backtest

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A History is what is known of an upstream branch.
type History struct {
	Repository rollout.Repository
	// Branch is the branch's name and Head where it stands. An empty Head
	// stands for a branch without a commit.
	Branch string
	Head   rollout.SHA
	// Commits are those that the head reaches, in any order.
	Commits []rollout.Commit
	// Movements are the branch's whole push log, newest first, where PushLog
	// tells that there is one.
	Movements []rollout.Movement
	PushLog   bool
	// Until is when the history was read, and so the end of the replay.
	Until time.Time
}

// A line is a branch as a sequence of revisions, each of which contains the
// one before it and arrived no earlier.
type line struct {
	// revisions are oldest first. The stage begins at the first of them.
	revisions []revision
	// commits are what the revisions after the first bring, by revision.
	commits []rollout.Commit
	// movements is the push log that the line would have, newest first: a row
	// for each revision after the first.
	movements []rollout.Movement
	// trees are the revisions that have a tree, oldest first. One that is not
	// known is like no other.
	trees map[rollout.SHA][]int
	// under is, for each revision, the newest older one of its first-parent
	// line, and -1 where there is none.
	under []int
}

// A revision is one of a line.
type revision struct {
	sha, tree rollout.SHA
	arrival   time.Time
	// end is where, among the line's commits, those end that have arrived with
	// it or before.
	end int
}

// newLine makes a line of what is known to have arrived. It begins at the last
// revision that arrived before since, or at the first.
func newLine(h History, since time.Time) line {
	w := newWalk(h.Commits)
	var all []revision
	var brings [][]rollout.Commit
	for _, r := range slices.Backward(arrivals(h)) {
		next := revision{sha: r.SHA, tree: r.Tree, arrival: r.Arrival}
		if len(all) == 0 {
			w.take(r.SHA, "")
			all, brings = append(all, next), append(brings, nil)
			continue
		}
		before := all[len(all)-1]
		// What a force-push brought back beside what had replaced it comes with
		// the revision that contains both.
		brought, follows := w.take(r.SHA, before.sha)
		if !follows {
			continue
		}
		if next.arrival.Before(before.arrival) {
			next.arrival = before.arrival
		}
		all, brings = append(all, next), append(brings, brought)
	}
	begin := 0
	for i, r := range all {
		if r.arrival.Before(since) {
			begin = i
		}
	}
	return assemble(all[begin:], brings[begin:])
}

// assemble puts what each revision brings into one row.
func assemble(revisions []revision, brings [][]rollout.Commit) line {
	l := line{revisions: revisions, movements: make([]rollout.Movement, max(0, len(revisions)-1)), trees: map[rollout.SHA][]int{}}
	for i := range revisions {
		if i > 0 {
			l.commits = append(l.commits, brings[i]...)
			l.movements[len(revisions)-1-i] = rollout.Movement{
				Before: revisions[i-1].sha, After: revisions[i].sha, At: revisions[i].arrival,
			}
		}
		revisions[i].end = len(l.commits)
		if tree := revisions[i].tree; tree != "" {
			l.trees[tree] = append(l.trees[tree], i)
		}
	}
	l.under = l.firstParentLines()
	return l
}

// firstParentLines finds what is under each revision. It looks at every commit
// once.
func (l line) firstParentLines() []int {
	first := make(map[rollout.SHA]rollout.SHA, len(l.commits))
	for _, c := range l.commits {
		if len(c.Parents) > 0 {
			first[c.SHA] = c.Parents[0]
		}
	}
	at := make(map[rollout.SHA]int, len(l.commits)) // or under it
	under := make([]int, len(l.revisions))
	for i, r := range l.revisions {
		under[i] = -1
		var walked []rollout.SHA
		for sha, more := first[r.sha]; more; sha, more = first[sha] {
			if known, ok := at[sha]; ok {
				under[i] = known
				break
			}
			walked = append(walked, sha)
		}
		for _, sha := range walked {
			at[sha] = under[i]
		}
		at[r.sha] = i
	}
	return under
}

// onTrunk is the oldest revision, but none older than one, of the first-parent
// line of a head.
func (l line) onTrunk(revision, head int) int {
	for l.under[head] >= revision {
		head = l.under[head]
	}
	return head
}

// alike tells whether two revisions have the same tree.
func (l line) alike(a, b int) bool {
	return l.revisions[a].tree != "" && l.revisions[a].tree == l.revisions[b].tree
}

// newestAlike is the newest revision, up to and with a head, that has the tree
// of one. At least that one does.
func (l line) newestAlike(revision, head int) int {
	all := l.trees[l.revisions[revision].tree]
	n, _ := slices.BinarySearch(all, head+1)
	if n == 0 {
		return revision
	}
	return all[n-1]
}

// brought are the commits of the revisions after one, up to and with another.
func (l line) brought(after, to int) []rollout.Commit {
	return l.commits[l.revisions[after].end:l.revisions[to].end]
}

// log are the rows of the push log of the revisions after one, up to and with
// another, newest first.
func (l line) log(after, to int) []rollout.Movement {
	return l.movements[len(l.movements)-to : len(l.movements)-after]
}

// arrivals are the branch's revisions, newest first, with the arrivals that the
// policy would find.
func arrivals(h History) []rollout.Revision {
	rows := h.Movements
	if !h.PushLog {
		rows = committed(h)
	}
	d := rollout.Decide(h.Until, rollout.Stage{}, rollout.Snapshot{
		At: h.Until, Upstream: rollout.Head{Branch: h.Branch, SHA: h.Head}, Pending: h.Commits,
		Movements: rows, PushLog: true, Repository: h.Repository,
	})
	all := make([]rollout.Revision, len(d.Verdicts))
	for i, v := range d.Verdicts {
		all[i] = v.Revision
	}
	return all
}

// committed makes a push log of the dates in the commits, newest first, as if
// every commit of the first-parent line had been pushed by itself. Nothing is
// pushed before its first parent; a date that is none, that has not come yet, or
// that is out of line with most of the others, says nothing. So one clock that
// was wrong moves neither what came before it nor what came after it.
func committed(h History) []rollout.Movement {
	chain := firstParents(h)
	tells := inLine(chain, h.Until)
	at := h.Until
	for i, c := range chain {
		if tells[i] {
			at = c.Committed // at last that of the oldest that tells anything
		}
	}
	rows := make([]rollout.Movement, len(chain))
	var before rollout.SHA
	for i, c := range slices.Backward(chain) {
		if tells[i] {
			at = c.Committed
		}
		rows[i] = rollout.Movement{Before: before, After: c.SHA, At: at}
		before = c.SHA
	}
	return rows
}

// inLine picks, of commits given newest first, as many as there can be whose
// dates never go back. Of rows that are equally long it extends the one whose
// oldest date is latest.
func inLine(chain []rollout.Commit, until time.Time) []bool {
	var oldest []int // of a row of each length, less one
	newer := make([]int, len(chain))
	for i, c := range chain {
		if c.Committed.IsZero() || c.Committed.After(until) {
			continue
		}
		length, _ := slices.BinarySearchFunc(oldest, c.Committed, func(last int, at time.Time) int {
			if chain[last].Committed.Before(at) {
				return 1
			}
			return -1
		})
		if newer[i] = -1; length > 0 {
			newer[i] = oldest[length-1]
		}
		if length == len(oldest) {
			oldest = append(oldest, i)
		}
		oldest[length] = i
	}
	picked := make([]bool, len(chain))
	if len(oldest) > 0 {
		for i := oldest[len(oldest)-1]; i >= 0; i = newer[i] {
			picked[i] = true
		}
	}
	return picked
}

// firstParents are the head, its first parent, that one's first parent, and so
// on.
func firstParents(h History) []rollout.Commit {
	index := newWalk(h.Commits).index
	var chain []rollout.Commit
	for sha := h.Head; ; {
		i, ok := index[sha]
		if !ok {
			return chain
		}
		chain = append(chain, h.Commits[i])
		if len(h.Commits[i].Parents) == 0 {
			return chain
		}
		sha = h.Commits[i].Parents[0]
	}
}

// left is how many pushes since its beginning are not part of the line.
func (l line) left(h History) int {
	if !h.PushLog || len(l.revisions) == 0 {
		return 0
	}
	on := map[rollout.SHA]bool{"": true}
	for _, r := range l.revisions {
		on[r.sha] = true
	}
	n := 0
	for _, row := range h.Movements {
		if !on[row.After] && !row.At.Before(l.revisions[0].arrival) {
			n++
		}
	}
	return n
}

// A walk goes through a history from old to new, and looks at no commit twice
// that was taken.
type walk struct {
	commits []rollout.Commit
	index   map[rollout.SHA]int
	taken   []bool
}

func newWalk(commits []rollout.Commit) *walk {
	w := &walk{commits: commits, index: make(map[rollout.SHA]int, len(commits)), taken: make([]bool, len(commits))}
	for i, c := range commits {
		w.index[c.SHA] = i
	}
	return w
}

// take takes what a commit reaches and nobody took yet, if it contains the one
// that was taken last. It does where one of what is new has that one as a
// parent: whatever else was taken is contained in it.
func (w *walk) take(sha, last rollout.SHA) (brought []rollout.Commit, follows bool) {
	follows = last == ""
	var todo []int
	visit := func(s rollout.SHA) {
		if i, ok := w.index[s]; ok && !w.taken[i] {
			w.taken[i] = true
			todo = append(todo, i)
		}
	}
	visit(sha)
	for next := 0; next < len(todo); next++ {
		c := w.commits[todo[next]]
		brought = append(brought, c)
		for _, parent := range c.Parents {
			follows = follows || parent == last
			visit(parent)
		}
	}
	if !follows {
		for _, i := range todo {
			w.taken[i] = false
		}
	}
	return brought, follows
}
