package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// shared is the fleet that the scenarios have in common. Starting it takes longer
// than any of them.
var shared *fleet

func TestMain(m *testing.M) {
	code, err := play(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// play builds, starts, runs the tests and leaves nothing behind but, where
// something failed, the logs.
func play(m *testing.M) (code int, err error) {
	cache, err := tools.Open("tools", os.Stdout)
	if err != nil {
		return 1, err
	}
	binaries, definitions, err := prepare(cache)
	if err != nil {
		return 1, err
	}
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
	started := time.Now()
	fmt.Println("Starting the clusters …")
	shared, err = startFleet(context.Background(), run, binaries, definitions)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.close()) }()
	fmt.Printf("The clusters are ready after %.1f s\n", time.Since(started).Seconds())
	return m.Run(), nil
}

// prepare builds what is not built yet. A signal ends that.
func prepare(cache tools.Cache) (cluster.Binaries, []*unstructured.Unstructured, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cluster.Prepare(ctx, cache)
}

// keep takes the logs out of a run that failed.
func keep(run *process.Run) error {
	logs, err := run.Keep()
	if err == nil {
		fmt.Printf("What every process said is kept in %s\n", logs)
	}
	return err
}

// root is the root of the repository that is tested.
func root() (string, error) { return filepath.Abs("..") }
