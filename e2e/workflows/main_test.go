package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// shared is the machine that all scenarios run on.
var shared *machine

func TestMain(m *testing.M) { os.Exit(suite.Code(play(m))) }

// play prepares the machine and runs the tests.
func play(m *testing.M) (code int, err error) {
	root, err := suite.Root()
	if err != nil {
		return 1, err
	}
	act, err := buildAct(root)
	if err != nil {
		return 1, err
	}
	return suite.InRun(func(run *process.Run) (code int, err error) {
		shared = &machine{run: run, root: root, act: act, binary: filepath.Join(run.Dir(), "rollout")}
		if err := shared.prepare(); err != nil {
			return 1, err
		}
		return m.Run(), nil
	})
}

// A machine is what workflows run on.
type machine struct {
	run     *process.Run
	root    string       // this repository
	files   []string     // in it
	act     string       // the binary
	binary  string       // the compiled targets, for people at their terminals
	golang  []string     // what a job's environment has about Go
	started atomic.Int64 // runs so far
}

// buildAct builds act, unless it is built. A signal ends that.
func buildAct(root string) (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, err := tools.Open(filepath.Join(root, "e2e", "tools"), os.Stdout)
	if err != nil {
		return "", err
	}
	return cache.Build(ctx, tools.Act)
}

func (m *machine) prepare() (err error) {
	if m.golang, err = goEnvironment(); err != nil {
		return err
	}
	if m.files, err = listed(m.root); err != nil {
		return err
	}
	// With that file act does not ask which images it shall use.
	if err := os.WriteFile(filepath.Join(m.run.Dir(), ".actrc"), nil, 0o644); err != nil {
		return err
	}
	// The binary that people run; and with it the caches are filled.
	return suite.Compile(m.run, m.binary, goFlags)
}

// goFlags leave the paths of a checkout out of what is compiled, so that another
// job finds it in the cache, and what only debuggers read.
const goFlags = "GOFLAGS=-trimpath -ldflags=-w -gcflags=all=-dwarf=false"

// goEnvironment lets jobs share the caches of whoever runs the tests. A job fetches
// nothing: what it needs, compile has fetched.
func goEnvironment() ([]string, error) {
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("ask go where its caches are: %w", err)
	}
	var caches map[string]string
	if err := json.Unmarshal(out, &caches); err != nil {
		return nil, fmt.Errorf("understand what go says of its caches: %w", err)
	}
	env := []string{"GOPROXY=off", goFlags}
	for name, dir := range caches {
		env = append(env, name+"="+dir)
	}
	return env, nil
}

// listed are the files of a checkout that Git has or would add, without the tests of
// the code: no workflow looks at them, and they are most of the files.
func listed(root string) ([]string, error) {
	list := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", root, err)
	}
	return slices.DeleteFunc(strings.Split(strings.TrimRight(string(out), "\x00"), "\x00"), func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/")
	}), nil
}
