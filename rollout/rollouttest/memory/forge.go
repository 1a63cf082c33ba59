package memory

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Options configure a [Forge].
type Options struct {
	// Clock gives the forge's time. It is required.
	Clock func() time.Time
	// PushLog keeps a log of pushes, as GitHub does. Default is a remote that
	// keeps none.
	PushLog bool
	// Viewer is who the forge takes callers for, and the author of ledger
	// commits. Default is "viewer".
	Viewer string
}

// A Forge is a repository in memory. Make one with [New].
type Forge struct {
	options Options

	mu      sync.Mutex
	nodes   []node
	walks   int
	index   map[rollout.SHA]int
	objects map[rollout.SHA][]byte
	trees   map[rollout.SHA]map[string][]byte
	heads   map[string]rollout.SHA
	// log holds the pushes of each branch, oldest first.
	log      map[string][]rollout.Movement
	statuses map[rollout.SHA][]rollout.Evidence
	// late are transactions that are still on their way.
	late      []pending
	intercept func(Call) Fate
	watch     func(Effect)
}

// A node is a commit and its place in the graph.
type node struct {
	commit  rollout.Commit
	parents []int
	// generation is 1 more than the greatest of the parents'.
	generation int
	// walk is the last walk that came to the commit, and had whether what it
	// started from had the commit.
	walk int
	had  bool
}

// New makes an empty repository.
func New(o Options) *Forge {
	if o.Viewer == "" {
		o.Viewer = "viewer"
	}
	return &Forge{
		options:  o,
		index:    map[rollout.SHA]int{},
		objects:  map[rollout.SHA][]byte{},
		trees:    map[rollout.SHA]map[string][]byte{},
		heads:    map[string]rollout.SHA{},
		log:      map[string][]rollout.Movement{},
		statuses: map[rollout.SHA][]rollout.Evidence{},
	}
}

// Add makes a commit, and tells its name. The commit's SHA is not looked at;
// its tree is the empty one where there is none, it was authored at the forge's
// time, and committed when it was authored. Its parents have to be there.
func (f *Forge) Add(c rollout.Commit) (rollout.SHA, error) {
	if c.Authored.IsZero() {
		c.Authored = f.options.Clock()
	}
	if c.Committed.IsZero() {
		c.Committed = c.Authored
	}
	if c.Tree == "" {
		c.Tree = f.AddTree(nil)
	}
	return f.Store(encodeCommit(c))
}

// Store takes a commit as Git stores it, without its header, and tells its
// name. Its parents have to be there.
func (f *Forge) Store(object []byte) (rollout.SHA, error) {
	c, err := decodeCommit(object)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return c.SHA, f.store(c, object)
}

func (f *Forge) store(c rollout.Commit, object []byte) error {
	if _, known := f.index[c.SHA]; known {
		return nil
	}
	n := node{commit: c, generation: 1}
	for _, parent := range c.Parents {
		i, known := f.index[parent]
		if !known {
			return fmt.Errorf("commit %s has the parent %s, which nobody has", c.SHA.Short(), parent)
		}
		n.parents = append(n.parents, i)
		n.generation = max(n.generation, f.nodes[i].generation+1)
	}
	f.index[c.SHA] = len(f.nodes)
	f.nodes = append(f.nodes, n)
	f.objects[c.SHA] = object
	return nil
}

// AddTree makes a flat tree of ordinary files, and tells its name.
func (f *Forge) AddTree(files map[string][]byte) rollout.SHA {
	tree := name("tree", encodeTree(files))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trees[tree] = files
	return tree
}

// Object is a commit as Git stores it, without its header.
func (f *Forge) Object(commit rollout.SHA) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	object, known := f.objects[commit]
	return slices.Clone(object), known
}

// Tree is a tree of files that the forge stores.
func (f *Forge) Tree(tree rollout.SHA) (map[string][]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return copied(f.trees[tree]), f.trees[tree] != nil
}

// Push points a branch at a commit, by force if need be, and logs it. An empty
// SHA deletes the branch.
func (f *Forge) Push(branch string, to rollout.SHA) error {
	now := f.options.Clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.index[to]; to != "" && !known {
		return fmt.Errorf("push to %s: nobody has %s", branch, to)
	}
	if from := f.heads[branch]; from != to {
		f.move(branch, to, now)
	}
	return nil
}

// move points a branch at a commit and logs it.
func (f *Forge) move(branch string, to rollout.SHA, at time.Time) {
	from := f.heads[branch]
	f.heads[branch] = to
	if to == "" {
		delete(f.heads, branch)
	}
	if !f.options.PushLog {
		return
	}
	f.log[branch] = append(f.log[branch], rollout.Movement{
		Before: from, After: to, At: at,
		Forced: from != "" && to != "" && !f.contains(to, from),
	})
}

// Last is the newest row of a branch's push log, as [Forge.Lose] would take
// it.
func (f *Forge) Last(branch string) (rollout.Movement, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log[branch]
	if len(log) == 0 {
		return rollout.Movement{}, false
	}
	return log[len(log)-1], true
}

// Lose takes away the newest row of a branch's push log, as a forge may:
// nothing promises that it keeps them all.
func (f *Forge) Lose(branch string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.log[branch]); n > 0 {
		f.log[branch] = f.log[branch][:n-1]
	}
}

// Report posts a status to a commit. Its time is the forge's.
func (f *Forge) Report(commit rollout.SHA, e rollout.Evidence) error {
	e.At = f.options.Clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.index[commit]; !known {
		return fmt.Errorf("report of %s: nobody has it", commit)
	}
	f.statuses[commit] = append(f.statuses[commit], e)
	return nil
}

// Head is where a branch stands. It is empty where there is no such branch.
func (f *Forge) Head(branch string) rollout.SHA {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heads[branch]
}

// Find is what the history says of a commit.
func (f *Forge) Find(commit rollout.SHA) (rollout.Commit, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.find(commit)
}

func (f *Forge) find(sha rollout.SHA) (rollout.Commit, bool) {
	i, known := f.index[sha]
	if !known {
		return rollout.Commit{}, false
	}
	return f.nodes[i].commit, true
}

func copied(files map[string][]byte) map[string][]byte {
	all := make(map[string][]byte, len(files))
	for file, content := range files {
		all[file] = slices.Clone(content)
	}
	return all
}
