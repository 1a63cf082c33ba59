package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A tree is the repository's checkout. Names are slash paths relative to its
// root; nothing outside of the root can be named, also not through a symbolic
// link.
type tree struct {
	root *os.Root
	// dir is the root's absolute path without symbolic links.
	dir string
}

func openTree(dir string) (*tree, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the repository's root %s: %w", dir, err)
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return nil, fmt.Errorf("find the repository's root: %w", err)
	}
	root, err := os.OpenRoot(resolved)
	if err != nil {
		return nil, fmt.Errorf("open the repository's root: %w", err)
	}
	return &tree{root: root, dir: resolved}, nil
}

func (t *tree) close() {
	_ = t.root.Close() // it was only read
}

// abs is the path that kustomize is given for a name.
func (t *tree) abs(name string) string {
	return filepath.Join(t.dir, filepath.FromSlash(name))
}

// name is the inverse of abs. It is false for a path outside of the root.
func (t *tree) name(abs string) (string, bool) {
	if !filepath.IsAbs(abs) {
		return "", false
	}
	rel, err := filepath.Rel(t.dir, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

func (t *tree) stat(name string) (fs.FileInfo, error) {
	return t.root.Stat(filepath.FromSlash(name))
}

// read returns the content of a regular file; a pipe or a device would block
// or never end.
func (t *tree) read(name string) ([]byte, error) {
	info, err := t.stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	return t.root.ReadFile(filepath.FromSlash(name))
}

var (
	errNotRegular = errors.New("not a regular file")
	errOutside    = errors.New("outside of the repository")
)

// resolve returns the name of a directory without symbolic links, as
// kustomize does for every directory that it enters.
func (t *tree) resolve(name string) (string, error) {
	resolved, err := filepath.EvalSymlinks(t.abs(name))
	if err != nil {
		return "", err
	}
	inside, ok := t.name(resolved)
	if !ok {
		return "", errOutside
	}
	return inside, nil
}

// isOutside tells whether an error came from a symbolic link that leads out of
// the root. os does not export the error that os.Root gives then.
func isOutside(err error) bool {
	return errors.Is(err, errOutside) || err != nil && strings.Contains(err.Error(), "path escapes from parent")
}

// joinLocal joins a path that is written in a file of directory dir. It is
// false for a path that is absolute or leaves the repository.
func joinLocal(dir, written string) (string, bool) {
	if filepath.IsAbs(written) {
		return "", false
	}
	name := path.Join(dir, filepath.ToSlash(written))
	return name, filepath.IsLocal(filepath.FromSlash(name))
}
