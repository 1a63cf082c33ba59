package simulate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// A ground is the forge that a year takes place on, from behind the engine's
// back.
type ground interface {
	// ports are what the engine is given.
	ports() (rollout.Remote, rollout.History)
	// add makes a commit with its parents and tree, and names it.
	add(c *change, author, message string) error
	// push points a branch at a commit. The clock showed last when it did.
	push(branch string, to *change) error
	// lose takes the newest row of a branch's push log away.
	lose(branch string)
	// report posts a status. The clock showed last when it did.
	report(of *change, context string, state rollout.EvidenceState) error
	// head is where a branch stands.
	head(branch string) rollout.SHA
	// moved is when a branch moved last, false where no log says so.
	moved(branch string) (time.Time, bool)
	// ledger lists the ledger's commits after a known one, oldest first, and
	// state is what its tree holds.
	ledger(after rollout.SHA) ([]rollout.LedgerCommit, error)
	state() ([]byte, error)
	// intercept has a function asked about every call that the engine makes.
	intercept(ask func(port string) memory.Fate)
}

// inMemory is a ground of memory alone.
type inMemory struct {
	forge *memory.Forge
	y     *year
}

func newInMemory(y *year) *inMemory {
	return &inMemory{memory.New(memory.Options{Clock: y.clock.Now, PushLog: y.character.pushLog, Viewer: "cron"}), y}
}

// eyes tell what the engine was told of the branches.
type eyes struct {
	*memory.Forge
	y *year
}

func (e eyes) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	o, err := e.Forge.Observe(ctx, q)
	if err == nil {
		o.At = e.y.watch.of(o.At)
		e.y.seen(q, o)
	}
	return o, err
}

func (g *inMemory) ports() (rollout.Remote, rollout.History) {
	return eyes{g.forge, g.y}, g.forge
}

func (g *inMemory) add(c *change, author, message string) (err error) {
	commit := rollout.Commit{Author: author, Message: message, Tree: c.tree.sha(), Authored: begin, Committed: begin}
	for _, parent := range c.parents {
		commit.Parents = append(commit.Parents, parent.sha)
	}
	c.sha, err = g.forge.Add(commit)
	return err
}

func (g *inMemory) push(branch string, to *change) error { return g.forge.Push(branch, to.sha) }

func (g *inMemory) lose(branch string) { g.forge.Lose(branch) }

func (g *inMemory) report(of *change, context string, state rollout.EvidenceState) error {
	return g.forge.Report(of.sha, rollout.Evidence{Context: context, State: state, Description: "reconciliation " + string(state)})
}

func (g *inMemory) head(branch string) rollout.SHA { return g.forge.Head(branch) }

func (g *inMemory) moved(branch string) (time.Time, bool) {
	row, logged := g.forge.Last(branch)
	return row.At, logged
}

func (g *inMemory) ledger(after rollout.SHA) ([]rollout.LedgerCommit, error) {
	var found []rollout.LedgerCommit
	for sha := g.head(ledgerBranch); sha != after && sha != ""; {
		commit, known := g.forge.Find(sha)
		if !known {
			return nil, fmt.Errorf("the ledger has lost %s", sha)
		}
		found = append(found, rollout.LedgerCommit{SHA: sha, Message: commit.Message})
		if len(commit.Parents) == 0 {
			if after != "" {
				return nil, fmt.Errorf("the ledger no longer contains %s", after)
			}
			break
		}
		sha = commit.Parents[0]
	}
	slices.Reverse(found)
	return found, nil
}

func (g *inMemory) state() ([]byte, error) {
	commit, _ := g.forge.Find(g.head(ledgerBranch))
	files, known := g.forge.Tree(commit.Tree)
	if !known {
		return nil, fmt.Errorf("the ledger at %s has no tree", commit.SHA)
	}
	return files["state.json"], nil
}

func (g *inMemory) intercept(ask func(port string) memory.Fate) {
	g.forge.Intercept(func(c memory.Call) memory.Fate { return ask(c.Port) })
}
