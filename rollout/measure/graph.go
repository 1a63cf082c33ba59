package measure

import (
	"container/heap"

	"github.com/monosense/k8s-ops/rollout"
)

// A graph is the commits and who their parents are. Positions are indexes into
// commits.
type graph struct {
	commits []rollout.Commit
	index   map[rollout.SHA]int
	parents [][]int
	// height is greater than that of every parent.
	height []int
}

func newGraph(commits []rollout.Commit) *graph {
	g := &graph{commits: commits, index: make(map[rollout.SHA]int, len(commits)), parents: make([][]int, len(commits)), height: make([]int, len(commits))}
	for i, c := range commits {
		g.index[c.SHA] = i
	}
	for i, c := range commits {
		for _, parent := range c.Parents {
			if p, ok := g.index[parent]; ok {
				g.parents[i] = append(g.parents[i], p)
			}
		}
	}
	g.measureHeights()
	return g
}

// measureHeights goes from the oldest commits up, to each when all of its parents
// are done.
func (g *graph) measureHeights() {
	children, missing := make([][]int, len(g.commits)), make([]int, len(g.commits))
	var ready []int
	for i, parents := range g.parents {
		for _, p := range parents {
			children[p] = append(children[p], i)
		}
		if missing[i] = len(parents); missing[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, child := range children[i] {
			g.height[child] = max(g.height[child], g.height[i]+1)
			if missing[child]--; missing[child] == 0 {
				ready = append(ready, child)
			}
		}
	}
}

// reach calls visit for every commit that one reaches, itself included, and does
// not look behind a commit for which visit says false.
func (g *graph) reach(sha rollout.SHA, visit func(position int) bool) {
	start, ok := g.index[sha]
	if !ok {
		return
	}
	stack := []int{start}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if visit(top) {
			stack = append(stack, g.parents[top]...)
		}
	}
}

// without are the commits that one reaches and another does not. It goes down from
// both, the highest first, until all that is left is reached by the other: so it
// costs what the two differ by, and not the length of the history.
func (g *graph) without(one, other rollout.SHA) []int {
	w := walk{graph: g, kept: map[int]bool{}}
	w.add(one, false)
	w.add(other, true)
	var found []int
	for w.open > 0 {
		position := w.next()
		if !w.kept[position] {
			found = append(found, position)
		}
		for _, parent := range g.parents[position] {
			w.meet(parent, w.kept[position])
		}
	}
	return found
}

// A walk goes down a graph. Whatever is above a commit is met before it.
type walk struct {
	*graph
	queue []int
	// kept has what was met, and whether the other reaches it; open counts those in
	// the queue that it does not reach, as far as is known.
	kept map[int]bool
	open int
}

func (w *walk) add(sha rollout.SHA, keep bool) {
	if position, ok := w.index[sha]; ok {
		w.meet(position, keep)
	}
}

func (w *walk) meet(position int, keep bool) {
	kept, met := w.kept[position]
	switch {
	case !met:
		w.kept[position] = keep
		heap.Push(w, position)
		if !keep {
			w.open++
		}
	case keep && !kept:
		w.kept[position] = true
		w.open--
	}
}

func (w *walk) next() int {
	position := heap.Pop(w).(int)
	if !w.kept[position] {
		w.open--
	}
	return position
}

// Len, Less, Swap, Push and Pop implement [heap.Interface].
func (w *walk) Len() int           { return len(w.queue) }
func (w *walk) Less(i, j int) bool { return w.height[w.queue[i]] > w.height[w.queue[j]] }
func (w *walk) Swap(i, j int)      { w.queue[i], w.queue[j] = w.queue[j], w.queue[i] }
func (w *walk) Push(position any)  { w.queue = append(w.queue, position.(int)) }
func (w *walk) Pop() any {
	last := len(w.queue) - 1
	position := w.queue[last]
	w.queue = w.queue[:last]
	return position
}
