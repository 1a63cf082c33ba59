package develop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// E2e proves the rollout on real API servers and Flux controllers, and runs the workflows. It builds both first: once, in minutes.
//
// Flags: -run chooses scenarios, as it does for go test. docs/testing.md says
// what is real in them.
func E2e(ctx context.Context, run *string) error {
	if err := wire.RefuseAfter("e2e"); err != nil {
		return wire.Exit(err)
	}
	pattern := ""
	if run != nil {
		pattern = *run
	}
	return wire.Exit(endToEnd(ctx, pattern))
}

// module is where the scenarios are: in the packages of its root and right below.
const module = "e2e"

// endToEnd compiles the scenarios and starts them itself: the go command would not tell
// them that they shall end.
func endToEnd(ctx context.Context, pattern string) error {
	ctx, cancel := whileAwaited(ctx)
	defer cancel()
	suites, err := suitesWith(pattern)
	if err != nil {
		return err
	}
	dir, err := workplace()
	if err != nil {
		return err
	}
	return playAll(ctx, dir, suites, pattern)
}

// besides are the suites that start no clusters. They have the time that clusters
// wait, and none that these could use.
var besides = []string{"workflows", "board", "manifests"}

// lowest is a command that runs another when nobody else wants the processor.
var lowest = []string{"nice", "-n", "19"}

// playAll compiles and plays the suites. Those with clusters are played one after the
// other, since each takes much memory. Beside the first the others are compiled, and
// beside the last, which waits the most, those are played that start no clusters: what
// they say comes last, in one piece.
func playAll(ctx context.Context, dir string, suites []string, pattern string) error {
	isBeside := func(suite string) bool { return slices.Contains(besides, filepath.Base(suite)) }
	alone := slices.DeleteFunc(slices.Clone(suites), isBeside)
	beside := slices.DeleteFunc(slices.Clone(suites), func(suite string) bool { return !isBeside(suite) })
	last := max(len(alone)-1, 0)
	early, late := alone[:last], alone[last:]
	if err := compile(ctx, dir, early, nil); err != nil {
		return err
	}
	err := together(ctx, func(ctx context.Context) error {
		return playEach(ctx, dir, early, pattern, os.Stdout, nil)
	}, func(ctx context.Context) error {
		return compile(ctx, dir, slices.Concat(late, beside), lowest)
	})
	if err != nil {
		return err
	}
	var said bytes.Buffer
	err = together(ctx, func(ctx context.Context) error {
		return playEach(ctx, dir, late, pattern, os.Stdout, nil)
	}, func(ctx context.Context) error {
		return playEach(ctx, dir, beside, pattern, &said, lowest)
	})
	_, written := said.WriteTo(os.Stdout)
	return errors.Join(err, written)
}

// together does one thing and another beside it, and ends both where one fails.
func together(ctx context.Context, one, other func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := other(ctx)
		if err != nil {
			cancel()
		}
		ended <- err
	}()
	err := one(ctx)
	if err != nil {
		cancel()
	}
	return errors.Join(<-ended, err)
}

// playEach plays suites one after the other, by a command that runs another, if any.
func playEach(ctx context.Context, dir string, suites []string, pattern string, out io.Writer, by []string) error {
	for _, suite := range suites {
		if err := play(ctx, dir, suite, pattern, out, by); err != nil {
			return fmt.Errorf("%s: %w", suite, err)
		}
	}
	return nil
}

// compile makes a binary of each suite, by a command that runs another, if any. It is
// called after the suite's directory. One that is there and up to date is not linked again.
func compile(ctx context.Context, dir string, suites []string, by []string) error {
	if len(suites) == 0 {
		return nil
	}
	// Without what debuggers read, they are linked in half the time. To vet them takes as
	// long as a quarter of what it takes to compile them; .ci/run does that.
	args := slices.Concat(by, []string{"go", "-C", module, "test", "-c", "-vet=off", "-ldflags=-w", "-o", dir + string(filepath.Separator)})
	for _, suite := range suites {
		inside, err := filepath.Rel(module, suite)
		if err != nil {
			return err
		}
		args = append(args, "./"+filepath.ToSlash(inside))
	}
	command := inOrder(ctx, os.Stdout, args)
	command.Env = append(os.Environ(), "GOTMPDIR="+linking(dir))
	return command.Run()
}

// inOrder is a command that is asked to end when ctx does, and ends what it has started.
func inOrder(ctx context.Context, out io.Writer, args []string) *exec.Cmd {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Stdout, command.Stderr = out, out
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute
	return command
}

// play runs the scenarios of a suite that a pattern chooses.
func play(ctx context.Context, dir, suite, pattern string, out io.Writer, by []string) error {
	scenarios := filepath.Join(dir, filepath.Base(suite)+".test")
	args := slices.Concat(by, []string{scenarios, "-test.v", "-test.timeout=40m", "-test.run=" + pattern})
	command := inOrder(ctx, out, args)
	command.Dir = suite
	return command.Run()
}

// suitesWith are the directories with scenarios that a pattern chooses: for others
// nothing needs to be built or started. The root, which takes longest, is last.
func suitesWith(pattern string) ([]string, error) {
	name, _, _ := strings.Cut(pattern, "/") // what follows chooses inside of a scenario
	chosen, err := regexp.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("-run=%s: %w", pattern, err)
	}
	var suites []string
	for _, files := range []string{filepath.Join(module, "*", "*_test.go"), filepath.Join(module, "*_test.go")} {
		paths, err := filepath.Glob(files)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			found, err := hasScenario(path, chosen)
			if err != nil {
				return nil, err
			}
			if suite := filepath.Dir(path); found && !slices.Contains(suites, suite) {
				suites = append(suites, suite)
			}
		}
	}
	if len(suites) == 0 {
		return nil, fmt.Errorf("-run=%s: docs/testing.md lists the scenarios, and none of them is called like that", pattern)
	}
	return suites, nil
}

// scenario is how one begins.
var scenario = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

func hasScenario(path string, chosen *regexp.Regexp) (bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(scenario.FindAllSubmatch(text, -1), func(found [][]byte) bool {
		return chosen.Match(found[1])
	}), nil
}
