package cluster

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// Namespace is where Flux is.
const Namespace = "flux-system"

// startNotification starts the controller that the others report to.
func (c *Cluster) startNotification(ctx context.Context) error {
	addresses, err := c.site.addresses(2)
	if err != nil {
		return err
	}
	events, receiver := addresses[0], addresses[1]
	c.events = "http://" + events + "/"
	return c.startController(ctx, tools.NotificationController,
		"--events-addr="+events, "--receiverAddr="+receiver, "--rate-limit-interval=1s")
}

// startFlux starts the controllers that fetch and apply, and waits until they are
// ready.
func (c *Cluster) startFlux(ctx context.Context) error {
	storage, err := c.site.ports.Address()
	if err != nil {
		return err
	}
	artifacts := filepath.Join(c.dir, "artifacts")
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		return err
	}
	common := []string{"--events-addr=" + c.events, "--interval-jitter-percentage=0"}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return c.startController(ctx, tools.SourceController, append(slices.Clip(common),
			"--storage-path="+artifacts, "--storage-addr="+storage, "--storage-adv-addr="+storage)...)
	})
	group.Go(func() error {
		return c.startController(ctx, tools.KustomizeController, append(slices.Clip(common),
			"--requeue-dependency=200ms", "--no-remote-bases=true")...)
	})
	return group.Wait()
}

// startController starts one of them.
func (c *Cluster) startController(ctx context.Context, program tools.Program, args ...string) error {
	health, err := c.site.ports.Address()
	if err != nil {
		return err
	}
	temporary := filepath.Join(c.dir, program.Name)
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		return err
	}
	return c.start(ctx, &unit{
		program: program,
		env:     []string{c.collector, "KUBECONFIG=" + c.kubeconfig(), "RUNTIME_NAMESPACE=" + Namespace, "TMPDIR=" + temporary},
		args: append(args,
			"--watch-all-namespaces", "--enable-leader-election=false", "--metrics-addr=127.0.0.1:0", "--health-addr="+health),
		ready: func(ctx context.Context) error { return probe(ctx, "http://"+health+"/readyz") },
	})
}
