package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// A Tree is all the files of one commit of a remote.
type Tree struct {
	store storer.EncodedObjectStorer
	root  plumbing.Hash
	where string
}

// Tree fetches the files of a commit.
func (r *Remote) Tree(ctx context.Context, commit rollout.SHA) (*Tree, error) {
	store, err := r.fetchSingly(ctx, want{tips: []plumbing.Hash{hash(commit)}, depth: 1})
	if err != nil {
		return nil, err
	}
	return r.tree(store, commit)
}

// tree is that of a commit which has been fetched.
func (r *Remote) tree(store storer.EncodedObjectStorer, commit rollout.SHA) (*Tree, error) {
	where := fmt.Sprintf("%s of %s", commit.Short(), r.where)
	c, err := object.GetCommit(store, hash(commit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", where, err)
	}
	return &Tree{store: store, root: c.TreeHash, where: where}, nil
}

// fetchSingly fetches commits that need not be heads of branches. GitHub gives
// them, as Gitea and GitLab do. A server that does not, because its
// uploadpack.allowReachableSHA1InWant is off, as is the default, is asked for all
// that its branches have.
func (r *Remote) fetchSingly(ctx context.Context, w want) (*memory.Storage, error) {
	store, err := r.fetch(ctx, w)
	if !errors.Is(err, rollout.ErrMoved) {
		return store, err
	}
	found, _, lookErr := r.look(ctx, nil)
	if lookErr != nil {
		return nil, lookErr
	}
	w.tips, w.depth = nil, 0
	for name, tip := range found {
		if name.IsBranch() {
			w.tips = append(w.tips, tip)
		}
	}
	if len(w.tips) == 0 {
		return nil, err
	}
	return r.fetch(ctx, w)
}

// Changes lists, for each of some commits, the files in which it differs from
// each of its parents, sorted, in the order of these. It implements a part of
// [rollout.Exposer].
func (r *Remote) Changes(ctx context.Context, commits []rollout.Commit) (map[rollout.SHA][][]string, error) {
	w := want{depth: 1, without: files}
	asked := map[rollout.SHA]bool{}
	for _, c := range commits {
		for _, sha := range append([]rollout.SHA{c.SHA}, c.Parents...) {
			if !asked[sha] {
				asked[sha], w.tips = true, append(w.tips, hash(sha))
			}
		}
	}
	if len(w.tips) == 0 {
		return nil, nil
	}
	store, err := r.fetchSingly(ctx, w)
	if err != nil {
		return nil, err
	}
	all := make(map[rollout.SHA][][]string, len(commits))
	for _, c := range commits {
		if all[c.SHA], err = r.changesOf(store, c); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Remote) changesOf(store storer.EncodedObjectStorer, c rollout.Commit) ([][]string, error) {
	tree, err := r.tree(store, c.SHA)
	if err != nil {
		return nil, err
	}
	if len(c.Parents) == 0 {
		all, err := tree.Changed(&Tree{where: "nothing"})
		return [][]string{all}, err
	}
	var changes [][]string
	for _, sha := range c.Parents {
		parent, err := r.tree(store, sha)
		if err != nil {
			return nil, err
		}
		changed, err := tree.Changed(parent)
		if err != nil {
			return nil, err
		}
		changes = append(changes, changed)
	}
	return changes, nil
}

// Changed lists the files that differ from those of another tree, sorted: slash
// paths relative to the root. A renamed file is there under both names.
func (t *Tree) Changed(other *Tree) ([]string, error) {
	var names []string
	err := compare("", side{t, t.root}, side{other, other.root}, func(name string) { names = append(names, name) })
	slices.Sort(names)
	return names, err
}

// A side is a directory of one of two trees that are compared. Where there is no
// such directory its hash is zero.
type side struct {
	tree *Tree
	hash plumbing.Hash
}

// entries are what stands in a directory, by name.
func (s side) entries(dir string) (map[string]object.TreeEntry, error) {
	if s.hash.IsZero() {
		return nil, nil
	}
	read, err := object.GetTree(s.tree.store, s.hash)
	if err != nil {
		return nil, fmt.Errorf("read the tree of %s, %s: %w", s.tree.where, dir, err)
	}
	entries := make(map[string]object.TreeEntry, len(read.Entries))
	for _, e := range read.Entries {
		entries[e.Name] = e
	}
	return entries, nil
}

// below is the directory of a name, if it is one.
func (s side) below(e object.TreeEntry) side {
	if e.Mode != filemode.Dir {
		return side{s.tree, plumbing.ZeroHash}
	}
	return side{s.tree, e.Hash}
}

// compare calls for every file in which two directories differ. It looks into
// those alone that are not the same.
func compare(dir string, one, other side, differs func(name string)) error {
	if one.hash == other.hash {
		return nil
	}
	if strings.Count(dir, "/") > deepestTree {
		return one.tree.tooDeep()
	}
	ours, err := one.entries(dir)
	if err != nil {
		return err
	}
	theirs, err := other.entries(dir)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, entries := range []map[string]object.TreeEntry{ours, theirs} {
		for name := range entries {
			names[name] = true
		}
	}
	for name := range names {
		a, b := ours[name], theirs[name]
		if a.Mode == b.Mode && a.Hash == b.Hash {
			continue
		}
		if isFile(a) || isFile(b) {
			differs(path.Join(dir, name))
		}
		if err := compare(path.Join(dir, name), one.below(a), other.below(b), differs); err != nil {
			return err
		}
	}
	return nil
}

// isFile tells whether there is such an entry, and it is no directory.
func isFile(e object.TreeEntry) bool { return e.Mode != filemode.Empty && e.Mode != filemode.Dir }

// deepestTree is how many directories deep a tree may go.
const deepestTree = 200

func (t *Tree) tooDeep() error {
	return fmt.Errorf("the tree of %s has more than %d directories in each other", t.where, deepestTree)
}

// walk calls for every file and symbolic link below a directory. It takes names
// that go-git's own walker refuses, as Git does.
func (t *Tree) walk(dir string, root plumbing.Hash, visit func(name string, entry object.TreeEntry) error) error {
	if strings.Count(dir, "/") > deepestTree {
		return t.tooDeep()
	}
	tree, err := object.GetTree(t.store, root)
	if err != nil {
		return fmt.Errorf("read the tree of %s, %s: %w", t.where, dir, err)
	}
	for _, entry := range tree.Entries {
		name := path.Join(dir, entry.Name)
		switch entry.Mode {
		case filemode.Submodule:
		case filemode.Dir:
			if err := t.walk(name, entry.Hash, visit); err != nil {
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

// Write writes the files into an empty directory, byte for byte, and symbolic
// links as such. What cannot be written below the directory is refused.
func (t *Tree) Write(into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return fmt.Errorf("write the tree of %s: %w", t.where, err)
	}
	defer func() { _ = root.Close() }() // what it wrote is written
	made := map[string]bool{".": true}
	return t.walk("", t.root, func(name string, entry object.TreeEntry) error {
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
