package tools

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Binaries are the paths of a module's programs.
type Binaries struct{ dir string }

// Path is that of one program.
func (b Binaries) Path(p Program) string { return filepath.Join(b.dir, p.Name) }

// Build builds a module's programs, unless that was done before.
func (c Cache) Build(ctx context.Context, m Module) (Binaries, error) {
	what, err := m.describe(c.Root)
	if err != nil {
		return Binaries{}, err
	}
	linker, err := m.linker(c.Root)
	if err != nil {
		return Binaries{}, err
	}
	flags := append(slices.Clone(compiler), "-ldflags="+linker)
	dir, err := c.place(m.Name, m, fmt.Sprintf("%q %q %q", m.Programs, flags, m.patches))
	if err != nil {
		return Binaries{}, err
	}
	err = c.make(dir, "Building "+what, func(into string) error { return c.compile(ctx, m, flags, into) })
	if err != nil {
		return Binaries{}, fmt.Errorf("build %s (its modules come from the module proxy, go env GOPROXY): %w", what, err)
	}
	return Binaries{dir}, nil
}

// compile makes the binaries of a module, by one command: while one is linked, packages
// of another are compiled.
func (c Cache) compile(ctx context.Context, m Module, flags []string, into string) error {
	args := slices.Concat([]string{"build"}, flags, []string{"-o", into + string(filepath.Separator)})
	if len(m.patches) > 0 {
		dir, err := os.MkdirTemp("", "k8s-ops-e2e-patched-*")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		modfile, err := c.patched(ctx, m, dir)
		if err != nil {
			return err
		}
		args = append(args, "-modfile="+modfile)
	}
	for _, p := range m.Programs {
		args = append(args, p.Package)
	}
	if _, err := c.run(ctx, m, args...); err != nil {
		return err
	}
	for _, p := range m.Programs {
		if err := os.Rename(filepath.Join(into, p.binary()), filepath.Join(into, p.Name)); err != nil {
			return err
		}
	}
	return nil
}
