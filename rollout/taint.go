package rollout

import (
	"container/list"
	"fmt"
	"slices"
	"time"
)

// A Taint is a pending commit that is known to be bad, and who says so.
type Taint struct {
	Commit Commit
	// By and Reason are whose word it is. A revert's author and subject are
	// as hostile as an operator's words.
	By, Reason string
	// Revert is the commit that reverts it. It is empty where an operator
	// tainted it.
	Revert SHA
	// Doubtful tells that only the title of the revert says so, which could
	// mean something else.
	Doubtful bool
	// At is when an operator tainted it. A revert came when its revision did.
	At time.Time
}

// Why is what is wrong, to follow the commit's name.
func (t *Taint) Why() string {
	if t.Revert == "" {
		return fmt.Sprintf("is tainted by %s: %s", Printable(t.By, 60), OneLine(t.Reason, 200))
	}
	if t.Doubtful {
		return fmt.Sprintf("may be reverted by %s (%s), as its title says", t.Revert.Short(), Printable(t.By, 60))
	}
	return fmt.Sprintf("is reverted by %s (%s)", t.Revert.Short(), Printable(t.By, 60))
}

// taints are the pending commits that are known to be bad: those that
// operators tainted, and those that a commit of the upstream branch, or of one
// before it, reverts. What an operator cleared is not bad because it was
// reverted.
type taints struct {
	g     *graph
	all   []Taint
	cases []badCase
	// seats say, by position in the graph, in which cases a commit has a part.
	seats [][]seat
	// tangle is what the cases are about that are too long.
	tangle tangle
}

// A seat is a member of a case.
type seat struct{ number, member int }

// shownTaints is how many taints a verdict names.
const shownTaints = 3

// A prospect is what is pending, with what is still ahead of the upstream in
// front of it, and which of it reverts which.
type prospect struct {
	*reverts
	// ahead is how many commits are ahead of the upstream.
	ahead int
	exact func(SHA) (int, bool)
}

func newProspect(g *graph, s Snapshot) prospect {
	front := newGraph(tip(s.Ahead), s.Ahead)
	p := prospect{ahead: len(front.commits), exact: g.place}
	commits := g.commits
	if p.ahead > 0 {
		commits = slices.Concat(front.commits, g.commits)
		p.exact = func(sha SHA) (int, bool) {
			if x, ok := g.index[sha]; ok {
				return p.ahead + x, true
			}
			return front.place(sha)
		}
	}
	p.reverts = readReverts(commits, p.exact, s.Repository)
	return p
}

// findTaints reads what commits and operators say.
func findTaints(g *graph, s Snapshot) *taints {
	p := newProspect(g, s)
	t := &taints{g: g, seats: make([][]seat, len(g.commits))}
	marked, cleared := p.place(s.State.Taints), p.place(s.State.Cleared)
	for x := len(p.commits) - 1; x >= p.ahead; x-- {
		cures := p.by[x]
		if marked != nil && marked[x] != nil {
			t.add(Taint{Commit: p.commits[x], By: marked[x].By, Reason: marked[x].Reason, At: marked[x].At}, p.caseOf(x, cures))
		} else if y, doubtful, ok := p.effective(x, setAside(cleared, x)); ok {
			if doubtful {
				cures = slices.Concat(cures, p.perhaps[x])
			}
			revert := p.commits[y]
			t.add(Taint{Commit: p.commits[x], By: revert.Author, Reason: revert.Subject(), Revert: revert.SHA, Doubtful: doubtful}, p.caseOf(x, cures))
		}
	}
	t.tangle = p.entangle(t.cases)
	return t
}

// revertsIn lists by which commits a pending one is reverted, or may be.
func revertsIn(g *graph, s Snapshot, commit SHA) []SHA {
	p := newProspect(g, s)
	x, ok := p.exact(commit)
	if !ok || x < p.ahead {
		return nil
	}
	var all []SHA
	for _, y := range slices.Concat(p.by[x], p.perhaps[x]) {
		if !p.undone[y] {
			all = append(all, p.commits[y].SHA)
		}
	}
	return all
}

// setAside are the reverts of the commit at a position that an operator does
// not let count.
func setAside(cleared []*Mark, x int) []SHA {
	if cleared == nil || cleared[x] == nil {
		return nil
	}
	return cleared[x].Reverts
}

// place puts marks at the positions of their commits. It is nil where there is
// none.
func (p prospect) place(marks []Mark) []*Mark {
	if len(marks) == 0 {
		return nil
	}
	places := make([]*Mark, len(p.commits))
	for i := range marks {
		if x, ok := p.exact(marks[i].Commit); ok {
			places[x] = &marks[i]
		}
	}
	return places
}

func (t *taints) add(taint Taint, c badCase) {
	for member, position := range c.members {
		t.seats[position] = append(t.seats[position], seat{len(t.cases), member})
	}
	t.all = append(t.all, taint)
	t.cases = append(t.cases, c)
}

// tip is the one of the commits that is no other's parent: the head that they
// were listed from.
func tip(commits []Commit) SHA {
	parents := make(map[SHA]bool, len(commits))
	for _, c := range commits {
		for _, p := range c.Parents {
			parents[p] = true
		}
	}
	for _, c := range commits {
		if !parents[c.SHA] {
			return c.SHA
		}
	}
	return ""
}

// effective is the newest commit that reverts another and was not reverted
// itself, but for those that are set aside. If there is none, it is the newest
// that may revert it.
func (r *reverts) effective(x int, aside []SHA) (y int, doubtful, ok bool) {
	counts := func(y int) bool { return !r.undone[y] && !slices.Contains(aside, r.commits[y].SHA) }
	if i := slices.IndexFunc(r.by[x], counts); i >= 0 {
		return r.by[x][i], false, true
	}
	if i := slices.IndexFunc(r.perhaps[x], counts); i >= 0 {
		return r.perhaps[x][i], true, true
	}
	return 0, false, false
}

// A badCase is one bad commit and everything that decides whether it is
// reverted: what reverts it, what reverts that, and so on. They are positions
// in the graph, the bad commit last and the newest first.
type badCase struct {
	members []int
	// by are, for each member, those that revert it, as indexes into members.
	by [][]int
	// cures are those that revert the bad commit, where there are too many
	// members. Then the commit itself is the only one.
	cures []int
}

// longestCase is how many commits a case can have, so that a case fits into
// one word. Longer ones are a [tangle].
const longestCase = 64

// caseOf collects the case of a commit that is good again with one of its
// cures. What is ahead of the upstream is in none of its revisions, and is left
// out.
func (p prospect) caseOf(x int, cures []int) badCase {
	by := func(m int) []int {
		if m == x {
			return cures
		}
		return p.by[m]
	}
	members := []int{x}
	for i := 0; i < len(members); i++ {
		for _, y := range by(members[i]) {
			if y < p.ahead || slices.Contains(members, y) {
				continue
			}
			if members = append(members, y); len(members) > longestCase {
				return badCase{members: []int{x - p.ahead}, by: [][]int{nil}, cures: p.upstream(cures)}
			}
		}
	}
	slices.Sort(members)
	c := badCase{by: make([][]int, len(members))}
	for i, m := range members {
		c.members = append(c.members, m-p.ahead)
		for _, y := range by(m) {
			if j, ok := slices.BinarySearch(members, y); ok {
				c.by[i] = append(c.by[i], j)
			}
		}
	}
	return c
}

// upstream are those commits that the upstream has, as positions in the graph.
func (p prospect) upstream(commits []int) []int {
	var all []int
	for _, x := range commits {
		if x >= p.ahead {
			all = append(all, x-p.ahead)
		}
	}
	return all
}

// open tells whether the bad commit is contained without its revert, in what
// contains the members that are set in held.
func (c badCase) open(held uint64) bool {
	var undone uint64
	for i := range c.members {
		if held&(1<<i) == 0 {
			continue
		}
		for _, j := range c.by[i] {
			if held&(1<<j) != 0 && undone&(1<<j) == 0 {
				undone |= 1 << i
			}
		}
	}
	last := uint64(1) << (len(c.members) - 1)
	return held&last != 0 && undone&last == 0
}

// A tangle is all that the cases are about that are too long to be looked at one
// by one: somebody has reverted something over and over. So it is looked at once
// for all of them, at each revision that brings some of it.
type tangle struct {
	// cases are the numbers of the long cases.
	cases []int
	// members are what reverts their bad commits, what reverts that, and so on,
	// the newest first, and by, for each, those that revert it: positions in the
	// graph.
	members []int
	by      [][]int
	// part tells of each position whether anything hangs on it.
	part []bool
}

// entangle puts together the long ones among the cases.
func (p prospect) entangle(cases []badCase) tangle {
	var t tangle
	for number, c := range cases {
		if c.cures == nil {
			continue
		}
		if t.part == nil {
			t.part = make([]bool, len(p.commits)-p.ahead)
		}
		t.cases = append(t.cases, number)
		t.part[c.members[0]] = true
		t.members = append(t.members, c.cures...)
	}
	seen := make([]bool, len(t.part))
	queue := t.members
	t.members = nil
	for len(queue) > 0 {
		m := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !seen[m] {
			seen[m], t.part[m] = true, true
			t.members = append(t.members, m)
			queue = append(queue, p.upstream(p.by[p.ahead+m])...)
		}
	}
	slices.Sort(t.members)
	for _, m := range t.members {
		t.by = append(t.by, p.upstream(p.by[p.ahead+m]))
	}
	return t
}

// disentangle says of each long case whether it is open in what contains these
// commits: then its bad commit is held.
func (t *taints) disentangle(contained []bool, held []uint64) {
	if len(t.tangle.cases) == 0 {
		return
	}
	undone := make([]bool, len(contained))
	counts := func(y int) bool { return contained[y] && !undone[y] }
	for i, m := range t.tangle.members {
		undone[m] = contained[m] && slices.ContainsFunc(t.tangle.by[i], counts)
	}
	for _, number := range t.tangle.cases {
		held[number] = 0
		if c := t.cases[number]; contained[c.members[0]] && !slices.ContainsFunc(c.cures, counts) {
			held[number] = 1
		}
	}
}

// in lists the bad commits, as indexes into all, that a commit contains without
// their reverts, at most [shownTaints], the oldest first.
func (t *taints) in(position int) []int {
	if len(t.cases) == 0 {
		return nil
	}
	held := make([]uint64, len(t.cases))
	seen := make([]bool, len(t.g.commits))
	t.g.reach(position, func(p int) bool {
		if seen[p] {
			return false
		}
		seen[p] = true
		for _, s := range t.seats[p] {
			held[s.number] |= 1 << s.member
		}
		return true
	})
	t.disentangle(seen, held)
	var open []int
	for i, c := range t.cases {
		if c.open(held[i]) && len(open) < shownTaints {
			open = append(open, i)
		}
	}
	return open
}

// inRevisions is what [taints.in] says of revisions, given newest first, each
// as the positions of what it brings.
func (t *taints) inRevisions(brings [][]int) [][]int {
	in := make([][]int, len(brings))
	if len(t.cases) == 0 {
		return in
	}
	w := t.sweep()
	t.g.procession(brings, func(i int, anew bool, gained []int) {
		if anew {
			w = t.sweep()
		}
		for _, position := range slices.Backward(gained) {
			w.take(position)
		}
		w.settle(gained)
		in[i] = w.oldest()
	})
	return in
}

func (t *taints) sweep() *sweep {
	return &sweep{
		taints: t, held: make([]uint64, len(t.cases)), places: make([]*list.Element, len(t.cases)),
		contained: make([]bool, len(t.tangle.part)),
	}
}

// A sweep goes through the pending commits from the oldest to the newest.
type sweep struct {
	*taints
	held []uint64
	// open are the cases that are open, in the order in which they became so,
	// and places where each stands in it.
	open   list.List
	places []*list.Element
	// last is the answer of the last time, if it is still right.
	last []int
	// contained is what is contained of the tangle.
	contained []bool
}

// take adds a commit to what is contained.
func (w *sweep) take(position int) {
	for _, s := range w.seats[position] {
		w.held[s.number] |= 1 << s.member
		w.file(s.number)
	}
}

// settle looks at the long cases again, if what is brought has a part in one.
func (w *sweep) settle(brings []int) {
	changed := false
	for _, position := range brings {
		if len(w.contained) > 0 && w.tangle.part[position] {
			w.contained[position], changed = true, true
		}
	}
	if !changed {
		return
	}
	w.disentangle(w.contained, w.held)
	for _, number := range w.tangle.cases {
		w.file(number)
	}
}

// file puts a case where it belongs.
func (w *sweep) file(number int) {
	switch open := w.cases[number].open(w.held[number]); {
	case open && w.places[number] == nil:
		w.places[number], w.last = w.open.PushBack(number), nil
	case !open && w.places[number] != nil:
		w.open.Remove(w.places[number])
		w.places[number], w.last = nil, nil
	}
}

// oldest are the cases that have been open for longest.
func (w *sweep) oldest() []int {
	if w.last == nil {
		for e := w.open.Front(); e != nil && len(w.last) < shownTaints; e = e.Next() {
			w.last = append(w.last, e.Value.(int))
		}
	}
	return w.last
}
