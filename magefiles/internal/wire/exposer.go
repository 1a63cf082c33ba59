package wire

import (
	"context"
	"fmt"
	"sync"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// An exposer renders what clusters apply of revisions as the repository has them:
// not of the checkout, which can be of another revision, or shallow.
type exposer struct {
	*gitrepo.Remote
	plan rollout.Plan
	// mu is held while a revision is looked at.
	mu sync.Mutex
	// seen are the two revisions that were rendered last: what the stage has is
	// compared with each that may go out.
	seen map[rollout.SHA]seen
}

type seen struct {
	tree      *gitrepo.Tree
	rendering rollout.Rendering
}

func newExposer(remote *gitrepo.Remote, plan rollout.Plan) *exposer {
	return &exposer{Remote: remote, plan: plan, seen: map[rollout.SHA]seen{}}
}

// Expose implements [rollout.Exposer]. A tree that kustomize cannot stand is an
// error like any other: whoever overrides goes on.
func (e *exposer) Expose(ctx context.Context, from, to rollout.SHA) (exposure rollout.Exposure, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("rendering failed in a way that nobody foresaw: %v", cause)
		}
	}()
	before, err := e.see(ctx, from)
	if err != nil {
		return rollout.Exposure{}, err
	}
	after, err := e.see(ctx, to)
	if err != nil {
		return rollout.Exposure{}, err
	}
	e.seen = map[rollout.SHA]seen{from: before, to: after}
	changed, err := after.tree.Changed(before.tree)
	if err != nil {
		return rollout.Exposure{}, err
	}
	exposure = flux.Expose(e.plan, before.rendering, after.rendering, changed)
	exposure.From, exposure.To = from, to
	return exposure, nil
}

func (e *exposer) see(ctx context.Context, commit rollout.SHA) (seen, error) {
	if known, ok := e.seen[commit]; ok {
		return known, nil
	}
	defer rollout.Begin(ctx, rollout.Effort{What: "reading " + commit.Short()}).End()
	tree, err := e.Tree(ctx, commit)
	if err != nil {
		return seen{}, err
	}
	rendering, err := flux.RenderWritten(ctx, flux.Options{Plan: e.plan}, tree.Write)
	if err != nil {
		return seen{}, fmt.Errorf("render %s: %w", commit.Short(), err)
	}
	e.seen[commit] = seen{tree, rendering}
	return e.seen[commit], nil
}
