package rollout

import "slices"

// A graph is the pending commits of one observation: what the upstream branch
// has and the stage has not. Positions are indexes into commits, which holds
// children before parents, so position 0 is the upstream's head.
type graph struct {
	commits []Commit
	index   map[SHA]int
	// parents holds, for each position, the positions of those parents that
	// are pending themselves.
	parents [][]int
}

// newGraph sorts the commits reachable from head. Commits that head does not
// reach are left out. It is linear in the number of commits.
func newGraph(head SHA, commits []Commit) *graph {
	given := make(map[SHA]int, len(commits))
	for i, commit := range commits {
		given[commit.SHA] = i
	}
	parents := resolve(commits, given)
	order := topological(head, given, parents)
	g := &graph{commits: make([]Commit, len(order)), index: given, parents: make([][]int, len(order))}
	places := make([]int, len(commits))
	for i := range places {
		places[i] = -1
	}
	for position, i := range order {
		places[i] = position
	}
	// Whatever is reachable has reachable parents, so both can be renamed in
	// place.
	for position, i := range order {
		g.commits[position], g.parents[position] = commits[i], parents[i]
		g.index[commits[i].SHA] = position
		for n, parent := range parents[i] {
			parents[i][n] = places[parent]
		}
	}
	if len(order) < len(commits) {
		for _, commit := range commits {
			if p := g.index[commit.SHA]; p >= len(order) || g.commits[p].SHA != commit.SHA {
				delete(g.index, commit.SHA)
			}
		}
	}
	return g
}

// place is the position of a commit.
func (g *graph) place(sha SHA) (int, bool) {
	p, ok := g.index[sha]
	return p, ok
}

// resolve lists, for each commit, those of its parents that are given, as
// indexes.
func resolve(commits []Commit, given map[SHA]int) [][]int {
	parents := make([][]int, len(commits))
	all := make([]int, 0, len(commits)+len(commits)/4)
	for i, commit := range commits {
		begin := len(all)
		for _, parent := range commit.Parents {
			// Most lists are in order, and save the search.
			if i+1 < len(commits) && commits[i+1].SHA == parent {
				all = append(all, i+1)
			} else if p, ok := given[parent]; ok {
				all = append(all, p)
			}
		}
		parents[i] = slices.Clip(all[begin:])
	}
	return parents
}

// topological returns the indexes of what head reaches, children before
// parents: the reverse of the order in which a depth-first walk leaves them.
// The walk keeps its own stack, since a history can be deeper than a
// goroutine's.
func topological(head SHA, given map[SHA]int, parents [][]int) []int {
	start, ok := given[head]
	if !ok {
		return nil
	}
	type frame struct{ commit, next int }
	seen := make([]bool, len(parents))
	seen[start] = true
	// Most histories are a line, and the walk goes down all of it first.
	stack := append(make([]frame, 0, len(parents)), frame{commit: start})
	left := make([]int, 0, len(parents))
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(parents[top.commit]) {
			left = append(left, top.commit)
			stack = stack[:len(stack)-1]
			continue
		}
		parent := parents[top.commit][top.next]
		top.next++
		if !seen[parent] {
			seen[parent] = true
			stack = append(stack, frame{commit: parent})
		}
	}
	slices.Reverse(left)
	return left
}

// reach calls visit for every pending commit that position reaches, itself
// included, and does not look behind a commit for which visit says false.
func (g *graph) reach(position int, visit func(position int) bool) {
	stack := []int{position}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if visit(top) {
			stack = append(stack, g.parents[top]...)
		}
	}
}

// take collects what position reaches and nobody took before, children before
// parents, behind what is there.
func (g *graph) take(position int, taken []bool, into []int) []int {
	begin := len(into)
	g.reach(position, func(p int) bool {
		if taken[p] {
			return false
		}
		taken[p] = true
		into = append(into, p)
		return true
	})
	slices.Sort(into[begin:])
	return into
}

// procession passes by revisions, given newest first as the positions of what
// each of them brings, from the oldest to the newest, and tells of each which
// commits it has that the one before it has not, children before parents.
//
// As a rule each contains the one before it, and gains what it brings. One that
// does not was taken from the branch by a force-push and brought back by a
// merge. There the procession begins anew: the revision gains all that it has.
// So each such break costs one look at what is pending.
func (g *graph) procession(brings [][]int, pass func(i int, anew bool, gained []int)) {
	var has []bool // nil as long as there was no break
	for i := len(brings) - 1; i >= 0; i-- {
		anew := i < len(brings)-1 && !g.follows(brings[i], brings[i+1][0])
		if anew {
			has = make([]bool, len(g.commits))
		}
		gained := brings[i]
		if has != nil {
			gained = g.take(brings[i][0], has, nil)
		}
		pass(i, anew, gained)
	}
}

// follows tells whether a revision, given as what it brings, contains the one
// before it. Then it does so directly: whatever it brings reaches what was
// there before through that one's head, or through something older.
func (g *graph) follows(brings []int, before int) bool {
	return slices.ContainsFunc(brings, func(p int) bool { return slices.Contains(g.parents[p], before) })
}

// containers tells of every commit which of some commits is the next newer one
// that contains it, -1 where none does. What is known of a commit is handed
// down to its parents.
func (g *graph) containers(among []bool) []int {
	next := make([]int, len(g.commits))
	for position := range next {
		next[position] = -1
	}
	for position, parents := range g.parents {
		nearest := next[position]
		if among[position] {
			nearest = position
		}
		for _, p := range parents {
			next[p] = max(next[p], nearest)
		}
	}
	return next
}

// reaches tells whether a pending commit contains another. Nothing behind the
// other reaches it.
func (g *graph) reaches(from, position int) bool {
	seen, found := make([]bool, len(g.commits)), false
	g.reach(from, func(p int) bool {
		found = found || p == position
		if found || p > position || seen[p] {
			return false
		}
		seen[p] = true
		return true
	})
	return found
}

// containing tells of every pending commit whether it contains the named
// commit, which is not pending itself: the stage's head.
func (g *graph) containing(sha SHA) []bool {
	contains := make([]bool, len(g.commits))
	for position := len(g.commits) - 1; position >= 0; position-- {
		contains[position] = slices.Contains(g.commits[position].Parents, sha) ||
			slices.ContainsFunc(g.parents[position], func(p int) bool { return contains[p] })
	}
	return contains
}

// containingAll tells of every pending commit whether it contains all of some, at
// most 64 of which count: then it has what they make together.
func (g *graph) containingAll(positions []int) []bool {
	positions = positions[:min(len(positions), 64)]
	all := ^uint64(0) >> (64 - len(positions))
	own := make(map[int]uint64, len(positions))
	for bit, p := range positions {
		own[p] |= 1 << bit
	}
	has, contains := make([]uint64, len(g.commits)), make([]bool, len(g.commits))
	for p := len(has) - 1; p >= 0; p-- {
		has[p] = own[p]
		for _, parent := range g.parents[p] {
			has[p] |= has[parent]
		}
		contains[p] = len(positions) > 0 && has[p] == all
	}
	return contains
}

// list returns the commits at some positions, which are in order. As a rule
// they stand together, and need no room of their own.
func (g *graph) list(positions []int) []Commit {
	first, last := positions[0], positions[len(positions)-1]
	if last-first+1 == len(positions) {
		return slices.Clip(g.commits[first : last+1])
	}
	commits := make([]Commit, len(positions))
	for i, p := range positions {
		commits[i] = g.commits[p]
	}
	return commits
}

// ancestry returns the pending commits that position reaches, itself
// included, children before parents.
func (g *graph) ancestry(position int) []Commit {
	return g.list(g.take(position, make([]bool, len(g.commits)), nil))
}
