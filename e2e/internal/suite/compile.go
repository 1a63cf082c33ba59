package suite

import (
	"errors"
	"os"
	"os/exec"

	"github.com/monosense/k8s-ops/e2e/internal/process"
)

// HowGoCompiles is the environment in which the targets are compiled. The paths of a
// checkout are left out of what is compiled, so that one checkout finds it in the cache
// when another has compiled it; so is what only debuggers read; and without C they are
// linked in half the time.
var HowGoCompiles = []string{"GOFLAGS=-trimpath -ldflags=-w -gcflags=all=-dwarf=false", "CGO_ENABLED=0"}

// Compile makes a binary of the targets of this checkout. Suites run side by side, and
// mage writes a file into the checkout while it compiles, under a name that is always the
// same: so it is done alone.
func Compile(run *process.Run, binary string) (err error) {
	root, err := Root()
	if err != nil {
		return err
	}
	path, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	release, err := process.Alone("compile")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return run.Finish(process.Command{
		Name: "compile", Path: path, Args: []string{"-C", root, "tool", "mage", "-compile", binary},
		Env: append(os.Environ(), HowGoCompiles...),
	})
}
