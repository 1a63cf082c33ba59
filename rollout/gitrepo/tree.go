package gitrepo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/monosense/k8s-ops/rollout"
)

// A Tree is all the files of one commit of a remote.
type Tree struct {
	store storer.EncodedObjectStorer
	tree  *object.Tree
	where string
}

// Tree fetches the files of a commit. A remote may refuse one that is no branch's
// head; GitHub gives all.
func (r *Remote) Tree(ctx context.Context, commit rollout.SHA) (*Tree, error) {
	store, err := r.fetch(ctx, want{tip: hash(commit), depth: 1})
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("%s of %s", commit.Short(), r.where)
	c, err := object.GetCommit(store, hash(commit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", where, err)
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read the tree of %s: %w", where, err)
	}
	return &Tree{store: store, tree: tree, where: where}, nil
}

// deepestTree is how many directories deep a tree may go.
const deepestTree = 200

// walk calls for every file and symbolic link below a directory. It takes names
// that go-git's own walker refuses, as Git does.
func (t *Tree) walk(dir string, tree *object.Tree, visit func(name string, entry object.TreeEntry) error) error {
	if strings.Count(dir, "/") > deepestTree {
		return fmt.Errorf("the tree of %s has more than %d directories in each other", t.where, deepestTree)
	}
	for _, entry := range tree.Entries {
		name := path.Join(dir, entry.Name)
		switch entry.Mode {
		case filemode.Submodule:
		case filemode.Dir:
			below, err := object.GetTree(t.store, entry.Hash)
			if err != nil {
				return fmt.Errorf("read the tree of %s, %s: %w", t.where, name, err)
			}
			if err := t.walk(name, below, visit); err != nil {
				return err
			}
		default:
			if err := visit(name, entry); err != nil {
				return fmt.Errorf("read %s at %s: %w", name, t.where, err)
			}
		}
	}
	return nil
}

// Files tells of every file what it is made of: two files of one value are the
// same, in any two trees.
func (t *Tree) Files() (map[string]string, error) {
	files := map[string]string{}
	err := t.walk("", t.tree, func(name string, entry object.TreeEntry) error {
		files[name] = entry.Mode.String() + " " + entry.Hash.String()
		return nil
	})
	return files, err
}

// Write writes the files into an empty directory, byte for byte, and symbolic
// links as such. What cannot be written below the directory is refused.
func (t *Tree) Write(into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return fmt.Errorf("write the tree of %s: %w", t.where, err)
	}
	defer func() { _ = root.Close() }() // what it wrote is written
	made := map[string]bool{".": true}
	return t.walk("", t.tree, func(name string, entry object.TreeEntry) error {
		blob, err := object.GetBlob(t.store, entry.Hash)
		if err != nil {
			return err
		}
		content, err := read(blob)
		if err != nil {
			return err
		}
		mode := ""
		if entry.Mode == filemode.Symlink {
			mode = linkMode
		}
		return writeEntry(root, made, filepath.FromSlash(name), mode, content)
	})
}

func read(blob *object.Blob) ([]byte, error) {
	reader, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}
