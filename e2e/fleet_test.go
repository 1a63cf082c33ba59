package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/desk"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// The repository of every scenario.
const (
	owner = desk.Owner
	name  = desk.Name
)

// The clusters, and the branch that each one follows by the plan.
const (
	infra = "infra"
	apps  = "apps"

	upstream   = desk.Upstream
	downstream = "release"
)

// A fleet is two clusters that follow one repository.
type fleet struct {
	*desk.Desk
	run      *process.Run
	site     *cluster.Site
	clusters map[string]*cluster.Cluster
	clock    *rollouttest.Clock
	github   *rollouttest.GitHub
	repo     *rollouttest.Repository
	work     string // somebody's checkout of main
	scenes   int    // that were played
	cancel   context.CancelFunc
}

// startFleet starts clusters that follow the repository's own manifests, and waits
// until all of it is ready.
func startFleet(ctx context.Context, run *process.Run, parts cluster.Parts) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{run: run, cancel: cancel}
	if err := f.start(ctx, parts); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *fleet) start(ctx context.Context, parts cluster.Parts) error {
	var err error
	if f.site, err = cluster.Open(ctx, f.run, parts); err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() (err error) {
		f.clusters, err = f.site.StartAll(ctx, cluster.Whole(), infra, apps)
		return err
	})
	group.Go(func() error { return f.furnish(ctx) })
	if err = group.Wait(); err != nil {
		return err
	}
	if err = cluster.Everywhere(ctx, f.clusters, f.bootstrap); err != nil {
		return err
	}
	return cluster.Everywhere(ctx, f.clusters, f.settled)
}

// Close ends what the run does not end.
func (f *fleet) Close() error {
	f.cancel()
	if f.Desk == nil {
		return nil
	}
	return f.Desk.Close()
}

// furnish makes what the clusters are to follow.
func (f *fleet) furnish(ctx context.Context) error {
	var err error
	if f.Desk, err = desk.Open(ctx, f.run, f.site, infra, apps); err != nil {
		return err
	}
	f.clock, f.github, f.repo, f.work = f.Clock, f.GitHub, f.Repo, f.Work
	return f.publish(ctx)
}

// publish pushes this repository's clusters to main, and has the targets set up
// the rest.
func (f *fleet) publish(ctx context.Context) error {
	from, err := suite.Root()
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(f.work, "clusters"), os.DirFS(filepath.Join(from, "clusters"))); err != nil {
		return err
	}
	workflows := filepath.Join(".github", "workflows")
	if err := os.CopyFS(filepath.Join(f.work, workflows), os.DirFS(filepath.Join(from, workflows))); err != nil {
		return err
	}
	if err := f.patch(); err != nil {
		return err
	}
	return f.Begin(ctx)
}

// restore pushes what main began with, and has apps take it, however seldom that looks.
func (f *fleet) restore(ctx context.Context) error {
	first, err := f.Git(ctx, "rev-list", "--max-parents=0", "HEAD")
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"checkout", first, "--", "."},
		{"commit", "--quiet", "--allow-empty", "--message", "Begin again"},
		{"push", "--quiet", "origin", upstream},
	} {
		if _, err := f.Git(ctx, args...); err != nil {
			return err
		}
	}
	out, code, err := f.Rollout(ctx, "release:override", "-direct", "-yes", "-reason=a scenario has failed")
	if err == nil && code != done {
		err = fmt.Errorf("release:override ends with %d:\n%s", code, out)
	}
	return err
}

// bootstrap connects a cluster as clusters/README.md says, and lets it report.
func (f *fleet) bootstrap(ctx context.Context, name string) error {
	if err := f.Admit(ctx, name); err != nil {
		return err
	}
	f.github.AddToken(reportToken(name), rollouttest.Identity{Login: reporter(name), Permissions: map[string]string{"statuses": "write"}})
	if err := f.letReport(ctx, name); err != nil {
		return err
	}
	dir := filepath.Join(f.work, "clusters", name, "flux")
	_, err := f.kubectl(ctx, name, "apply", "--kustomize", dir)
	return err
}

// kubectl talks to a cluster as its administrator.
func (f *fleet) kubectl(ctx context.Context, cluster string, args ...string) (string, error) {
	return f.Kubectl(ctx, cluster, args...)
}
