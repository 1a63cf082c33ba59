package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// A tree is the repository's checkout. Names are slash paths relative to its
// root; nothing outside of the root can be named, and symbolic links are not
// followed: Flux packs none (fluxcd/pkg artifact/storage, Archive).
type tree struct {
	root *os.Root
	// dir is the root's absolute path without symbolic links.
	dir string

	mu sync.Mutex
	// listings are what is in the directories that were looked at, by name: a
	// directory is listed once, rather than each file in it looked at.
	listings map[string]listing
	// artifacts are the views of the tree that were asked for, by spec.ignore.
	artifacts map[string]*artifact
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
	return &tree{root: root, dir: resolved, listings: map[string]listing{}, artifacts: map[string]*artifact{}}, nil
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

var (
	errNotRegular = errors.New("not a regular file")
	errOutside    = errors.New("outside of the repository")
	errLink       = errors.New("a symbolic link")
)

// A listing is the type of everything in a directory.
type listing struct {
	types map[string]fs.FileMode
	err   error
}

// stat tells the type of what has a name: a directory, a regular file, or
// neither. It is errLink for a symbolic link, and for what lies behind one.
func (t *tree) stat(name string) (fs.FileMode, error) {
	name = path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return 0, &fs.PathError{Op: "look at", Path: name, Err: errOutside}
	}
	if name == "." {
		return fs.ModeDir, nil
	}
	in := t.listing(path.Dir(name))
	if in.err != nil {
		return 0, in.err
	}
	mode, ok := in.types[path.Base(name)]
	switch {
	case !ok:
		return 0, &fs.PathError{Op: "look at", Path: name, Err: fs.ErrNotExist}
	case mode&fs.ModeSymlink != 0:
		return 0, &fs.PathError{Op: "follow", Path: name, Err: errLink}
	}
	return mode, nil
}

func (t *tree) listing(dir string) listing {
	t.mu.Lock()
	known, ok := t.listings[dir]
	t.mu.Unlock()
	if ok {
		return known
	}
	found := t.look(dir)
	t.mu.Lock()
	t.listings[dir] = found
	t.mu.Unlock()
	return found
}

func (t *tree) look(dir string) listing {
	mode, err := t.stat(dir)
	if err == nil && !mode.IsDir() {
		err = &fs.PathError{Op: "look at", Path: dir, Err: fs.ErrNotExist}
	}
	if err != nil {
		return listing{err: err}
	}
	entries, err := t.list(dir)
	if err != nil {
		return listing{err: err}
	}
	found := listing{types: make(map[string]fs.FileMode, len(entries))}
	for _, entry := range entries {
		found.types[entry.Name()] = entry.Type()
	}
	return found
}

// read returns the content of a regular file; a pipe or a device would block
// or never end.
func (t *tree) read(name string) ([]byte, error) {
	mode, err := t.stat(name)
	if err != nil {
		return nil, err
	}
	if !mode.IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	return t.root.ReadFile(filepath.FromSlash(name))
}

// list returns what is in a directory, sorted by name.
func (t *tree) list(dir string) ([]fs.DirEntry, error) {
	return fs.ReadDir(t.root.FS(), path.Clean(dir))
}

// joinLocal joins a path that is written in a file of directory dir. It is
// false for a path that is absolute or leaves the repository.
func joinLocal(dir, written string) (string, bool) {
	if filepath.IsAbs(written) || strings.ContainsRune(written, 0) {
		return "", false
	}
	name := path.Join(dir, filepath.ToSlash(written))
	return name, filepath.IsLocal(filepath.FromSlash(name))
}
