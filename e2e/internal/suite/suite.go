package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// A Fleet is the clusters of a run, and whatever else has to be closed with them.
type Fleet interface {
	// Close ends what the run does not end.
	Close() error
}

// A Starter starts a fleet and waits until all of it is ready.
type Starter func(context.Context, *process.Run, cluster.Parts) (Fleet, error)

// Play runs a package's tests on a fleet, and says with which code to exit.
func Play(m *testing.M, start Starter) (code int) {
	return Code(play(m, start))
}

// Code is with which code to exit, after an error has been printed.
func Code(code int, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func play(m *testing.M, start Starter) (code int, err error) {
	return InRun(func(run *process.Run) (code int, err error) {
		cache, err := Cache()
		if err != nil {
			return 1, err
		}
		parts, err := cluster.Prepare(context.Background(), cache)
		if err != nil {
			return 1, err
		}
		started := time.Now()
		fmt.Println("Starting the clusters …")
		fleet, err := start(context.Background(), run, parts)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, fleet.Close()) }()
		fmt.Printf("The clusters are ready after %.1f s\n", time.Since(started).Seconds())
		return m.Run(), nil
	})
}

// InRun opens a run, plays in it, and leaves nothing behind but, where something
// failed, what every process said.
func InRun(play func(*process.Run) (code int, err error)) (code int, err error) {
	run, err := process.Open()
	if err != nil {
		return 1, err
	}
	run.CloseOnSignal()
	defer func() {
		if code != 0 || err != nil {
			err = errors.Join(err, keep(run))
		}
		err = errors.Join(err, run.Close())
	}()
	return play(run)
}

// Cache is where the programs are built that this repository pins, and kept.
func Cache() (tools.Cache, error) {
	root, err := Root()
	if err != nil {
		return tools.Cache{}, err
	}
	return tools.Open(filepath.Join(root, "e2e", "tools"), os.Stdout)
}

// keep takes the logs out of a run that failed.
func keep(run *process.Run) error {
	logs, err := run.Keep()
	if err == nil {
		fmt.Printf("What every process said is kept in %s\n", logs)
	}
	return err
}

// Root is the root of the repository that is tested: the nearest directory with a
// plan, from the working directory up.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "clusters", "rollout.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no directory from here up has clusters/rollout.yaml: run the scenarios in the repository")
		}
		dir = parent
	}
}
