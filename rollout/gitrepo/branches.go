package gitrepo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// Begin implements [rollout.Branches] with one receive-pack request. Only the
// commit and the directories that change are sent: the remote has the rest.
func (r *Remote) Begin(ctx context.Context, branch string, c rollout.NewCommit) (rollout.SHA, error) {
	store := memory.NewStorage()
	made, err := r.compose(ctx, store, c)
	if err != nil {
		return "", fmt.Errorf("write a commit for %s: %w", branch, err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	begin := &packp.Command{Name: branchRef(branch), Old: plumbing.ZeroHash, New: made}
	refused, err := r.receive(ctx, []*packp.Command{begin}, store, func(*packp.AdvRefs) error { return nil })
	switch {
	case err != nil:
		return "", err
	case refused != nil:
		return "", r.notBegun(ctx, begin, refused)
	default:
		return rollout.SHA(made.String()), nil
	}
}

// notBegun finds out why the remote made no branch.
func (r *Remote) notBegun(ctx context.Context, begin *packp.Command, report *packp.ReportStatus) error {
	heads, err := r.heads(ctx)
	if err != nil {
		return err
	}
	if now := heads[begin.Name]; !now.IsZero() {
		return moved(begin, now)
	}
	return &rollout.Problem{
		Kind: rollout.ErrRefused,
		What: fmt.Sprintf("%s refused the branch %s: %s", r.where, begin.Name.Short(), refusals(report)),
		Ways: []string{"look at the hooks and the branch protection of the remote"},
	}
}

// compose makes a commit, and the directories that no commit has yet.
func (r *Remote) compose(ctx context.Context, store *memory.Storage, c rollout.NewCommit) (plumbing.Hash, error) {
	known, err := r.fetchSingly(ctx, want{tips: []plumbing.Hash{hash(c.Like)}, depth: 1, without: files})
	if err != nil {
		return plumbing.ZeroHash, err
	}
	like, err := r.tree(known, c.Like)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	root, err := replant(known, store, like.root, c.Changes)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if root.IsZero() { // nothing is left
		if root, err = put(store, &object.Tree{}); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	commit := object.Commit{Author: r.signature(), Committer: r.signature(), Message: c.Message, TreeHash: root}
	for _, parent := range c.Parents {
		commit.ParentHashes = append(commit.ParentHashes, hash(parent))
	}
	return put(store, &commit)
}

// replant makes the directory that comes of changes to one, whose paths are
// relative to it. It is zero where nothing is left in it: Git has no empty
// directories.
func replant(known storer.EncodedObjectStorer, store *memory.Storage, dir plumbing.Hash, changes []rollout.FileChange) (plumbing.Hash, error) {
	if len(changes) == 0 {
		return dir, nil
	}
	entries, err := side{&Tree{store: known, where: "the commit"}, dir}.entries("")
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if entries == nil {
		entries = map[string]object.TreeEntry{}
	}
	below := map[string][]rollout.FileChange{}
	for _, change := range changes {
		name, rest, deeper := strings.Cut(change.Path, "/")
		if deeper {
			change.Path = rest
			below[name] = append(below[name], change)
			continue
		}
		delete(entries, name)
		if change.File == (rollout.File{}) {
			continue
		}
		mode, err := filemode.New(change.Mode)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("the mode of %s: %w", change.Path, err)
		}
		entries[name] = object.TreeEntry{Name: name, Mode: mode, Hash: hash(change.Blob)}
	}
	for name, changes := range below {
		sub, err := replant(known, store, side{}.below(entries[name]).hash, changes)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !sub.IsZero() {
			entries[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: sub}
		} else if entries[name].Mode == filemode.Dir {
			delete(entries, name)
		}
	}
	return plant(store, entries)
}

// plant stores a directory, unless it is empty.
func plant(store *memory.Storage, entries map[string]object.TreeEntry) (plumbing.Hash, error) {
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	tree := object.Tree{}
	for _, entry := range entries {
		tree.Entries = append(tree.Entries, entry)
	}
	// As Git sorts them: a directory as if its name ended in a slash.
	key := func(e object.TreeEntry) string {
		if e.Mode == filemode.Dir {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return strings.Compare(key(a), key(b)) })
	return put(store, &tree)
}

// Differences implements [rollout.Trees].
func (r *Remote) Differences(ctx context.Context, before, after, now rollout.SHA) ([]rollout.Difference, error) {
	tips := []plumbing.Hash{hash(before), hash(after), hash(now)}
	slices.SortFunc(tips, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	store, err := r.fetchSingly(ctx, want{tips: slices.Compact(tips), depth: 1, without: files})
	if err != nil {
		return nil, err
	}
	var places [3]finder
	for i, sha := range []rollout.SHA{before, after, now} {
		tree, err := r.tree(store, sha)
		if err != nil {
			return nil, err
		}
		places[i] = finder{tree: tree, seen: map[plumbing.Hash]map[string]object.TreeEntry{}}
	}
	names, err := places[0].tree.Changed(places[1].tree)
	if err != nil {
		return nil, err
	}
	all := make([]rollout.Difference, len(names))
	for i, name := range names {
		all[i].Path = name
		for n, file := range []*rollout.File{&all[i].Before, &all[i].After, &all[i].Now} {
			if *file, err = places[n].file(name); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// TreeOf implements [rollout.Trees].
func (r *Remote) TreeOf(ctx context.Context, commit rollout.SHA) (rollout.SHA, error) {
	store, err := r.fetchSingly(ctx, want{tips: []plumbing.Hash{hash(commit)}, depth: 1, without: treesAndFiles})
	if err != nil {
		return "", err
	}
	tree, err := r.tree(store, commit)
	if err != nil {
		return "", err
	}
	return rollout.SHA(tree.root.String()), nil
}

// A finder finds what stands in places of a tree, and reads each directory once.
type finder struct {
	tree *Tree
	seen map[plumbing.Hash]map[string]object.TreeEntry
}

// file is what stands in a place: also a directory, which is no file.
func (f finder) file(name string) (rollout.File, error) {
	at := side{f.tree, f.tree.root}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if at.hash.IsZero() {
			break
		}
		entries, known := f.seen[at.hash]
		if !known {
			var err error
			if entries, err = at.entries(strings.Join(parts[:i], "/")); err != nil {
				return rollout.File{}, err
			}
			f.seen[at.hash] = entries
		}
		entry, there := entries[part]
		if there && i == len(parts)-1 {
			return rollout.File{Mode: fmt.Sprintf("%06o", uint32(entry.Mode)), Blob: rollout.SHA(entry.Hash.String())}, nil
		}
		at = at.below(entry)
	}
	return rollout.File{}, nil
}
