package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A patch changes one place of a program's source as it is built, where a defect of it
// makes a test fail now and then. It has to fit: once, or nothing is built.
type patch struct {
	// File is below the root of the program's repository.
	file     string
	from, to string
}

// Where a step fails, act ends before it has read all that the step said: it waits for
// the rest only where the step succeeds.
var actReadsAll = patch{
	file: "pkg/container/host_environment.go",
	from: "	err = cmd.Run()\n	if err != nil {\n		return err\n	}\n	if tty != nil {",
	to:   "	err = cmd.Run()\n	if tty != nil {",
}

// patched copies a program's repository, patches it, and writes a go.mod by which the
// go command takes the copy: it lets nobody change what is in its own cache.
func (c Cache) patched(ctx context.Context, p Program, into string) (modfile string, err error) {
	out, err := c.run(ctx, p.Module, "mod", "download", "-json", p.Repository)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	copied := filepath.Join(into, "copy")
	if err := os.CopyFS(copied, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	for _, patch := range p.patches {
		if err := patch.apply(copied); err != nil {
			return "", err
		}
	}
	mod, err := os.ReadFile(filepath.Join(c.Root, p.Module, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(c.Root, p.Module, "go.sum"))
	if err != nil {
		return "", err
	}
	modfile = filepath.Join(into, "go.mod")
	mod = fmt.Appendf(mod, "\nreplace %s => %s\n", p.Repository, copied)
	return modfile, errors.Join(os.WriteFile(modfile, mod, 0o600), os.WriteFile(filepath.Join(into, "go.sum"), sum, 0o600))
}

// apply changes the file below a root.
func (p patch) apply(root string) error {
	path := filepath.Join(root, filepath.FromSlash(p.file))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), p.from); n != 1 {
		return fmt.Errorf("what is patched in %s stands there %d times, and has to stand there once: look whether this version still needs it", p.file, n)
	}
	// Files of Go's cache, and so their copies, cannot be written to.
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), p.from, p.to, 1)), 0o600)
}
