package memory

import (
	"container/heap"
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// Between implements [rollout.History].
func (f *Forge) Between(ctx context.Context, have, want rollout.SHA) ([]rollout.Commit, error) {
	var commits []rollout.Commit
	err := f.read("Between", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, sha := range []rollout.SHA{have, want} {
			if _, known := f.index[sha]; sha != "" && !known {
				return fmt.Errorf("compare %s with %s: nobody has %s", have.Short(), want.Short(), sha)
			}
		}
		for _, i := range f.between(have, want) {
			commits = append(commits, f.nodes[i].commit)
		}
		return ctx.Err()
	})
	return commits, err
}

// contains tells whether the history of a commit has another.
func (f *Forge) contains(commit, other rollout.SHA) bool {
	return len(f.between(commit, other)) == 0
}

// between finds what want reaches and have does not.
//
// A commit has a greater generation number than all it reaches. So once the
// walk, which takes the greatest number first, comes to a commit, it has been
// to everything that reaches it, and knows whose it is.
func (f *Forge) between(have, want rollout.SHA) []int {
	w := walk{forge: f, had: map[int]bool{}}
	if i, known := f.index[want]; known {
		w.reach(i, false)
	}
	if i, known := f.index[have]; known {
		w.reach(i, true)
	}
	var only []int
	for w.wanted > 0 {
		i := heap.Pop(&w).(int)
		had := w.had[i]
		if !had {
			w.wanted--
			only = append(only, i)
		}
		for _, parent := range f.nodes[i].parents {
			w.reach(parent, had)
		}
	}
	return only
}

// A walk goes from commits to their parents, greatest generation number first.
type walk struct {
	forge *Forge
	queue []int
	// had tells of every commit that was reached whether `have` reaches it.
	had map[int]bool
	// wanted counts those in the queue that only `want` reaches, as far as is
	// known.
	wanted int
}

func (w *walk) reach(i int, had bool) {
	before, reached := w.had[i]
	switch {
	case !reached:
		w.had[i] = had
		heap.Push(w, i)
		if !had {
			w.wanted++
		}
	case had && !before:
		w.had[i] = true
		w.wanted--
	}
}

// Len implements [heap.Interface].
func (w *walk) Len() int { return len(w.queue) }

// Less implements [heap.Interface].
func (w *walk) Less(a, b int) bool {
	return w.forge.nodes[w.queue[a]].generation > w.forge.nodes[w.queue[b]].generation
}

// Swap implements [heap.Interface].
func (w *walk) Swap(a, b int) { w.queue[a], w.queue[b] = w.queue[b], w.queue[a] }

// Push implements [heap.Interface].
func (w *walk) Push(i any) { w.queue = append(w.queue, i.(int)) }

// Pop implements [heap.Interface].
func (w *walk) Pop() any {
	last := w.queue[len(w.queue)-1]
	w.queue = w.queue[:len(w.queue)-1]
	return last
}
