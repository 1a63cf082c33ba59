package suite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/monosense/k8s-ops/e2e/internal/process"
)

// HowGoCompiles is the environment in which the targets are compiled. The paths of a
// checkout are left out of what is compiled, so that one checkout finds it in the cache
// when another has compiled it; so is what only debuggers read; and without C they are
// linked in half the time. Mage asks `go list` eight times where packages are: with -find,
// that does not load all that they import, which saves a third of the time.
var HowGoCompiles = []string{"GOFLAGS=-trimpath -ldflags=-w -gcflags=all=-dwarf=false -find", "CGO_ENABLED=0"}

// Compile makes a binary of the targets of this checkout in the directory of a run. One
// that was made before is kept in the cache: where it is still right, it is not linked
// again. Suites run side by side, and mage writes a file into the checkout while it
// compiles, under a name that is always the same: so it is done alone.
func Compile(run *process.Run) (binary string, err error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache.Dir, "targets")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return "", err
	}
	release, err := process.Alone(kept + ".lock")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	const name = "rollout"
	if err := compile(run, filepath.Join(kept, name), kept+".linking"); err != nil {
		return "", err
	}
	// The run has its own: another checkout may be compiled while it plays.
	if err := os.CopyFS(run.Dir(), os.DirFS(kept)); err != nil {
		return "", fmt.Errorf("take the compiled targets from the cache: %w", err)
	}
	return filepath.Join(run.Dir(), name), nil
}

// compile makes a binary of the targets, or leaves the one that is there. Linking is a
// directory in the same file system: there the go command links, and then renames. Half a
// copy, of one that was killed, would pass for up to date.
func compile(run *process.Run, binary, linking string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	path, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(linking), os.Mkdir(linking, 0o755)); err != nil {
		return err
	}
	return run.Finish(process.Command{
		Name: "compile", Path: path, Args: []string{"-C", root, "tool", "mage", "-compile", binary},
		Env: slices.Concat(os.Environ(), HowGoCompiles, []string{"GOTMPDIR=" + linking}),
	})
}
