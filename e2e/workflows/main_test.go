package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
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
	return suite.InRun(func(run *process.Run) (code int, err error) {
		cache, err := suite.Cache()
		if err != nil {
			return 1, err
		}
		binaries, err := cache.Build(context.Background(), tools.ForWorkflows)
		if err != nil {
			return 1, err
		}
		shared = &machine{run: run, root: root, act: binaries.Path(tools.Act)}
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

func (m *machine) prepare() (err error) {
	if m.golang, err = goEnvironment(filepath.Join(m.run.Dir(), "mage")); err != nil {
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
	m.binary, err = suite.Compile(m.run)
	return err
}

// goEnvironment lets jobs share the caches of whoever runs the tests, and one of mage,
// whose binaries need not be linked again. A job fetches nothing: what it needs, compile
// has fetched.
func goEnvironment(mage string) ([]string, error) {
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("ask go where its caches are: %w", err)
	}
	var caches map[string]string
	if err := json.Unmarshal(out, &caches); err != nil {
		return nil, fmt.Errorf("understand what go says of its caches: %w", err)
	}
	// All that a job starts ends before it pays to collect garbage: without that, the
	// toolkit is linked in five sixths of the time.
	env := append([]string{"GOPROXY=off", "GOGC=off", "MAGEFILE_CACHE=" + mage}, suite.HowGoCompiles...)
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
