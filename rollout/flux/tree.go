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
	// plain are the directories that are known not to lie behind a link.
	plain map[string]bool
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
	return &tree{root: root, dir: resolved, plain: map[string]bool{".": true}, artifacts: map[string]*artifact{}}, nil
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

// stat looks at a name. It is errLink for a symbolic link, and for what lies
// behind one.
func (t *tree) stat(name string) (fs.FileInfo, error) {
	name = path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, &fs.PathError{Op: "look at", Path: name, Err: errOutside}
	}
	if err := t.checkDirectory(path.Dir(name)); err != nil {
		return nil, err
	}
	return t.look(name)
}

// checkDirectory looks at a directory and those above it, at each once.
func (t *tree) checkDirectory(dir string) error {
	t.mu.Lock()
	plain := t.plain[dir]
	t.mu.Unlock()
	if plain {
		return nil
	}
	if err := t.checkDirectory(path.Dir(dir)); err != nil {
		return err
	}
	if _, err := t.look(dir); err != nil {
		return err
	}
	t.mu.Lock()
	t.plain[dir] = true
	t.mu.Unlock()
	return nil
}

func (t *tree) look(name string) (fs.FileInfo, error) {
	info, err := t.root.Lstat(filepath.FromSlash(name))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: "follow", Path: name, Err: errLink}
	}
	return info, err
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
