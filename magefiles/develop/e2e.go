package develop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// E2e proves the rollout on real API servers and Flux controllers, which it builds first: once, in minutes.
//
// Flags: -run chooses scenarios, as it does for go test. docs/testing.md says
// what is real in them.
func E2e(ctx context.Context, run *string) error {
	if err := wire.RefuseAfter("e2e"); err != nil {
		return wire.Exit(err)
	}
	args := []string{"-test.v", "-test.timeout=40m"}
	if run != nil {
		args = append(args, "-test.run="+*run)
	}
	return wire.Exit(endToEnd(ctx, args...))
}

// endToEnd compiles the scenarios and then starts them itself: the go command
// would not tell them that they shall end.
func endToEnd(ctx context.Context, args ...string) (err error) {
	const module = "e2e"
	if err := run(ctx, "-C", module, "test", "./internal/..."); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "k8s-ops-e2e-scenarios-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	scenarios := filepath.Join(dir, "e2e.test")
	if err := run(ctx, "-C", module, "test", "-c", "-o", scenarios, "."); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, scenarios, args...)
	command.Dir = module
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute
	return command.Run()
}
