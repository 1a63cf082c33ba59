package flux

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// helmScript starts helm with an allowlist of variables.
//
//go:embed helm.sh
var helmScript []byte

// A helm is the command that kustomize may start, in a directory of its own.
type helm struct {
	command string
	dir     string
}

// prepareHelm finds the helm command and puts the script in front of it. The
// error is that of [exec.LookPath] if there is no helm.
func prepareHelm(command string) (helm, error) {
	if command == "" {
		command = "helm"
	}
	real, err := exec.LookPath(command)
	if err != nil {
		return helm{}, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return helm{}, fmt.Errorf("find helm: %w", err)
	}
	dir, err := os.MkdirTemp("", "helm-")
	if err != nil {
		return helm{}, fmt.Errorf("prepare helm: %w", err)
	}
	h := helm{command: filepath.Join(dir, "helm"), dir: dir}
	if err := h.fill(real); err != nil {
		h.remove()
		return helm{}, fmt.Errorf("prepare helm: %w", err)
	}
	return h, nil
}

// fill writes the script and the link. No process may be forked meanwhile: the
// child would hold the script open for writing, and executing it would fail
// with "text file busy" (golang/go#22315).
func (h helm) fill(real string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(h.command, helmScript, 0o700); err != nil {
		return err
	}
	return os.Symlink(real, filepath.Join(h.dir, "real"))
}

func (h helm) remove() {
	_ = os.RemoveAll(h.dir) // a leftover in the temporary directory holds nothing secret
}
