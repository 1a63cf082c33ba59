package tools

import (
	"context"
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

// act gives each step a terminal, and reads from it what the step says: up to a
// character that it writes there itself when the step has ended. Where a step fails it
// does not wait for that, and what the step said last can be lost. Where anything else
// comes last, it waits for ever. GitHub's runner gives a step a pipe, which ends when all
// is read; with these, act does, too. The terminal stays where the step reads: with it
// ends what the step has started, when act is killed.
var (
	actWritesIntoPipe = patch{
		file: "pkg/container/host_environment.go",
		from: "	cmd.Stdin = tty\n	cmd.Stdout = tty\n	cmd.Stderr = tty\n",
		to:   "	cmd.Stdin = tty\n",
	}
	actReadsNoTerminal = patch{
		file: "pkg/container/host_environment.go",
		from: "	if ppty != nil {\n		go copyPtyOutput(writer, ppty, finishLog)\n	} else {\n		finishLog()\n	}\n",
		to:   "	finishLog()\n",
	}
)

// patched copies the repository of a module's only program, patches it, and writes a
// go.mod by which the go command takes the copy: it lets nobody change what is in its own
// cache.
func (c Cache) patched(ctx context.Context, m Module, into string) (modfile string, err error) {
	program := m.Programs[0]
	source, err := c.download(ctx, m, program)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(into, "copy")
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		return "", err
	}
	for _, patch := range m.patches {
		if err := patch.apply(copied); err != nil {
			return "", err
		}
	}
	mod, err := os.ReadFile(filepath.Join(c.Root, m.Name, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(c.Root, m.Name, "go.sum"))
	if err != nil {
		return "", err
	}
	modfile = filepath.Join(into, "go.mod")
	mod = fmt.Appendf(mod, "\nreplace %s => %s\n", program.Repository, copied)
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
