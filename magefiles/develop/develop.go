// Package develop has the targets for whoever changes this repository, and
// for whoever wants to see what it does: mage demo, simulate, test, bench, lint.
package develop

import (
	"context"
	"io"
	"os"
	"os/exec"

	"github.com/monosense/k8s-ops/magefiles/internal/demo"
	"github.com/monosense/k8s-ops/magefiles/internal/simulate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Demo plays a whole staged rollout on a GitHub that it brings along, in seconds. It leaves a board to look at.
func Demo(ctx context.Context) error {
	boards, err := os.MkdirTemp("", "k8s-ops-board-*")
	if err != nil {
		return wire.Exit(err)
	}
	return wire.Exit(demo.Run(ctx, ".", boards, os.Stdout))
}

// Simulate plays whole years of a rollout in seconds, and checks every step of them.
//
// Flags: -years is how many to play, default 20; -seed is that of the first
// one, default 1, and each further one has the next number. docs/simulation.md
// says what happens in them, and what is checked.
func Simulate(ctx context.Context, years, seed *int) error {
	if err := wire.RefuseAfter("simulate"); err != nil {
		return wire.Exit(err)
	}
	return wire.Exit(wire.InSight(ctx, func(ctx context.Context, out io.Writer) error {
		return simulate.Report(ctx, simulate.Asked(years, seed), out)
	}))
}

// Test runs every test.
func Test(ctx context.Context) error {
	// The simulation's own mutations take longer than Go allows by default,
	// on a slow machine.
	return wire.Exit(run(ctx, "test", "-timeout=40m", "./..."))
}

// Bench runs every benchmark beside git and kustomize doing the same, and fails on a broken promise.
//
// Run it on a quiet machine. docs/performance.md says what is promised.
func Bench(ctx context.Context) error {
	if err := os.Setenv("BENCH_LIMITS", "1"); err != nil {
		return wire.Exit(err)
	}
	return wire.Exit(run(ctx, "test", "-p=1", "-run=^$", "-bench=.", "-benchtime=10x", "-timeout=60m",
		"./rollout", "./rollout/backtest", "./rollout/measure", "./rollout/gitrepo", "./rollout/flux", "./magefiles/internal/scripttest", "./magefiles/internal/simulate"))
}

// Lint runs golangci-lint with this repository's rules.
func Lint(ctx context.Context) error {
	return wire.Exit(run(ctx, "run", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@"+golangciLint, "run"))
}

// golangciLint is the version that .ci/run installs too.
const golangciLint = "v2.15.0"

// run runs the go command with the terminal's own input and output.
func run(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "go", args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}
