package flux

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// A view is the file system that one build sees: the tree, read only, with
// the kustomizations as the survey has read them, and one directory in memory.
type view struct {
	*survey
	// overlay holds files that are not in the tree, by name.
	overlay map[string][]byte
}

var _ filesys.FileSystem = (*view)(nil)

// ReadFile returns a file's content. A kustomization is only read if the
// survey has passed it, so that nothing is built that was not looked at.
func (v *view) ReadFile(file string) ([]byte, error) {
	name, ok := v.tree.name(file)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: file, Err: errOutside}
	}
	if content, ok := v.overlay[name]; ok {
		return content, nil
	}
	if k, ok := v.kustomizations[name]; ok {
		return k.content, nil // also of one that Flux generates
	}
	if isKustomizationFile(name) && !slices.Contains(v.files, name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	content, err := v.tree.read(name)
	if err != nil {
		return nil, err
	}
	if err := checkBounds(content); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if isBlank(content) && slices.Contains(v.files, name) {
		return nil, fmt.Errorf("%s: %w", name, errBlank)
	}
	return content, nil
}

func isKustomizationFile(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name))
}

// CleanedAbs returns the directory and the file of a path. There are no symbolic
// links in the tree.
func (v *view) CleanedAbs(file string) (filesys.ConfirmedDir, string, error) {
	name, ok := v.tree.name(file)
	if !ok {
		return "", "", &fs.PathError{Op: "enter", Path: file, Err: errOutside}
	}
	for overlaid := range v.overlay {
		if path.Dir(overlaid) == name {
			return filesys.ConfirmedDir(file), "", nil
		}
	}
	mode, err := v.tree.stat(name)
	if err != nil {
		return "", "", err
	}
	abs := v.tree.abs(name)
	if mode.IsDir() {
		return filesys.ConfirmedDir(abs), "", nil
	}
	return filesys.ConfirmedDir(filepath.Dir(abs)), filepath.Base(abs), nil
}

// IsDir tells whether a path is a directory inside the tree.
func (v *view) IsDir(file string) bool {
	name, ok := v.tree.name(file)
	if !ok {
		return false
	}
	mode, err := v.tree.stat(name)
	return err == nil && mode.IsDir()
}

// Exists tells whether a path is inside the tree.
func (v *view) Exists(file string) bool {
	name, ok := v.tree.name(file)
	if !ok {
		return false
	}
	if v.kustomizations[name] != nil {
		return true
	}
	_, err := v.tree.stat(name)
	return err == nil
}

// What follows is part of the interface and no part of a build: kustomize
// writes, lists and walks only in its editing commands.

func (v *view) refuse(operation, file string) error {
	return &fs.PathError{Op: operation, Path: file, Err: fs.ErrPermission}
}

// Create is refused: a build is read only.
func (v *view) Create(file string) (filesys.File, error) { return nil, v.refuse("create", file) }

// Mkdir is refused: a build is read only.
func (v *view) Mkdir(file string) error { return v.refuse("mkdir", file) }

// MkdirAll is refused: a build is read only.
func (v *view) MkdirAll(file string) error { return v.refuse("mkdir", file) }

// RemoveAll is refused: a build is read only.
func (v *view) RemoveAll(file string) error { return v.refuse("remove", file) }

// WriteFile is refused: a build is read only.
func (v *view) WriteFile(file string, _ []byte) error { return v.refuse("write", file) }

// Open is refused: a build reads whole files.
func (v *view) Open(file string) (filesys.File, error) { return nil, v.refuse("open", file) }

// ReadDir is refused: a build names its files.
func (v *view) ReadDir(file string) ([]string, error) { return nil, v.refuse("list", file) }

// Glob is refused: a build names its files.
func (v *view) Glob(pattern string) ([]string, error) { return nil, v.refuse("glob", pattern) }

// Walk is refused: a build names its files.
func (v *view) Walk(file string, _ filepath.WalkFunc) error { return v.refuse("walk", file) }
