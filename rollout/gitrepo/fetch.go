package gitrepo

import (
	"context"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// Between implements [rollout.History]: the remote itself works out what want
// reaches and have does not.
func (r *Remote) Between(ctx context.Context, have, wanted rollout.SHA) ([]rollout.Commit, error) {
	if have == wanted {
		return nil, nil
	}
	w := want{tips: []plumbing.Hash{hash(wanted)}, without: treesAndFiles}
	if have != "" {
		w.have = hash(have)
	}
	var commits []rollout.Commit
	err := r.patiently(ctx, "read commits of", func(ctx context.Context) (err error) {
		commits, err = r.at.commits(ctx, w)
		return err
	})
	return commits, err
}

// want is what to fetch.
type want struct {
	tips []plumbing.Hash
	// have is what the answer can leave out, with all that it reaches.
	have plumbing.Hash
	// depth is how many generations to fetch; 0 means all.
	depth int
	// without is what to leave out, where the remote can. Default is nothing.
	without omission
}

// An omission is what a fetch leaves out, as Git's `filter` names it.
type omission string

const (
	files         omission = "blob:none"
	treesAndFiles omission = "tree:0"
)

// fetch brings objects and keeps them in memory. Asking for what is there
// already gives an empty store.
func (r *Remote) fetch(ctx context.Context, w want) (*memory.Storage, error) {
	var store *memory.Storage
	err := r.patiently(ctx, "fetch from", func(ctx context.Context) (err error) {
		store, err = r.at.fetch(ctx, w)
		return err
	})
	return store, err
}

// ledger reads one commit and its whole tree: names of its files and
// what they hold. The ledger's tree is flat; a directory in it is not the
// toolkit's, and is left out.
func (r *Remote) ledger(ctx context.Context, head plumbing.Hash) (log []rollout.LedgerCommit, files map[string][]byte, err error) {
	store, err := r.fetch(ctx, want{tips: []plumbing.Hash{head}, depth: 1})
	if err != nil {
		return nil, nil, err
	}
	c, err := object.GetCommit(store, head)
	if err != nil {
		return nil, nil, fmt.Errorf("read commit %s of %s: %w", head, r.where, err)
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, nil, fmt.Errorf("read the tree of %s of %s: %w", head, r.where, err)
	}
	files = map[string][]byte{}
	for _, entry := range tree.Entries {
		if entry.Mode == filemode.Dir || entry.Mode == filemode.Submodule {
			continue
		}
		if files[entry.Name], err = content(tree, entry); err != nil {
			return nil, nil, fmt.Errorf("read %s at %s of %s: %w", entry.Name, head, r.where, err)
		}
	}
	return []rollout.LedgerCommit{{SHA: rollout.SHA(head.String()), Message: c.Message}}, files, nil
}

func content(tree *object.Tree, entry object.TreeEntry) ([]byte, error) {
	file, err := tree.TreeEntryFile(&entry)
	if err != nil {
		return nil, err
	}
	reader, err := file.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}
