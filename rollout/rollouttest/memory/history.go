package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
		only := f.between(have, want)
		commits = make([]rollout.Commit, len(only))
		for n, i := range only {
			commits[n] = f.nodes[i].commit
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
	f.walks++
	w := walk{forge: f}
	if i, known := f.index[want]; known {
		w.reach(i, false)
	}
	if i, known := f.index[have]; known {
		w.reach(i, true)
	}
	var only []int
	for w.wanted > 0 {
		i := w.next()
		had := f.nodes[i].had
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
// What it finds out of a commit it leaves in the commit's node.
type walk struct {
	forge *Forge
	// queue has the greatest generation number last. There are no more in it
	// than lines side by side, so it is kept in order as it grows.
	queue []int
	// wanted counts those in the queue that only `want` reaches, as far as is
	// known.
	wanted int
}

// reach comes to a commit from one of its children.
func (w *walk) reach(i int, had bool) {
	n := &w.forge.nodes[i]
	switch {
	case n.walk != w.forge.walks:
		n.walk, n.had = w.forge.walks, had
		w.put(i)
		if !had {
			w.wanted++
		}
	case had && !n.had:
		n.had = true
		w.wanted--
	}
}

func (w *walk) put(i int) {
	at, _ := slices.BinarySearchFunc(w.queue, w.forge.nodes[i].generation, func(i, generation int) int {
		return cmp.Compare(w.forge.nodes[i].generation, generation)
	})
	w.queue = slices.Insert(w.queue, at, i)
}

func (w *walk) next() int {
	last := w.queue[len(w.queue)-1]
	w.queue = w.queue[:len(w.queue)-1]
	return last
}
