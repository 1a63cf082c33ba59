package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// Between implements [rollout.History] with one fetch: the remote itself
// works out what want reaches and have does not.
func (r *Remote) Between(ctx context.Context, have, wanted rollout.SHA) ([]rollout.Commit, error) {
	if have == wanted {
		return nil, nil
	}
	w := want{tip: hash(wanted), commitsOnly: true}
	if have != "" {
		w.have = hash(have)
	}
	store, err := r.fetch(ctx, w)
	if err != nil {
		return nil, err
	}
	commits := make([]rollout.Commit, 0, len(store.Commits))
	for _, encoded := range store.Commits {
		decoded, err := object.DecodeCommit(store, encoded)
		if err != nil {
			return nil, fmt.Errorf("read commit %s of %s: %w", encoded.Hash(), r.where, err)
		}
		commits = append(commits, commit(decoded))
	}
	return commits, nil
}

func commit(c *object.Commit) rollout.Commit {
	parents := make([]rollout.SHA, len(c.ParentHashes))
	for i, parent := range c.ParentHashes {
		parents[i] = rollout.SHA(parent.String())
	}
	return rollout.Commit{
		SHA:      rollout.SHA(c.Hash.String()),
		Parents:  parents,
		Author:   c.Author.Name,
		Message:  c.Message,
		Authored: c.Author.When,
	}
}

// want is what to fetch.
type want struct {
	tip plumbing.Hash
	// have is what the answer can leave out, with all that it reaches.
	have plumbing.Hash
	// depth is how many generations to fetch; 0 means all.
	depth int
	// commitsOnly leaves out trees and files, where the remote can.
	commitsOnly bool
}

// fetch asks for objects and keeps them in memory. Asking for what is there
// already gives an empty store.
func (r *Remote) fetch(ctx context.Context, w want) (*memory.Storage, error) {
	var store *memory.Storage
	err := r.patiently(ctx, "fetch from", func(ctx context.Context) error {
		store = memory.NewStorage()
		session, err := r.reading()
		if err != nil {
			return err
		}
		defer session.Close()
		offered, err := session.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		if len(offered.Shallows) > 0 {
			return shallow(r.where)
		}
		request, err := uploadRequest(w, offered.Capabilities)
		if err != nil {
			return err
		}
		answer, err := session.UploadPack(ctx, request)
		if err != nil {
			return err
		}
		defer answer.Close() //nolint:errcheck // it was only read
		return unpack(answer, request, store)
	})
	return store, err
}

// has asks whether the remote has a commit, by fetching the tip of one of its
// branches and naming the commit as one that is had already: the remote
// acknowledges what it knows. Asking for the commit itself would not do, since
// a server may refuse what is not the tip of a branch.
func (r *Remote) has(ctx context.Context, commit, tip plumbing.Hash) (bool, error) {
	var known bool
	err := r.patiently(ctx, "ask for a commit of", func(ctx context.Context) error {
		session, err := r.reading()
		if err != nil {
			return err
		}
		defer session.Close()
		offered, err := session.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		request, err := uploadRequest(want{tip: tip, have: commit, depth: 1, commitsOnly: true}, offered.Capabilities)
		if err != nil {
			return err
		}
		answer, err := session.UploadPack(ctx, request)
		if err != nil {
			return err
		}
		known = slices.Contains(answer.ACKs, commit)
		return answer.Close()
	})
	return known, err
}

func uploadRequest(w want, offered *capability.List) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequest()
	request.Wants = []plumbing.Hash{w.tip}
	if !w.have.IsZero() {
		request.Haves = []plumbing.Hash{w.have}
	}
	// No `thin-pack`: then no delta of the answer has its base outside it.
	for _, c := range []capability.Capability{capability.OFSDelta, capability.Sideband64k, capability.NoProgress} {
		if offered.Supports(c) {
			if err := request.Capabilities.Set(c); err != nil {
				return nil, err
			}
		}
	}
	if w.depth > 0 {
		request.Depth = packp.DepthCommits(w.depth)
		if err := request.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
	}
	if w.commitsOnly && offered.Supports(capability.Filter) {
		request.Filter = packp.FilterTreeDepth(0)
		if err := request.Capabilities.Set(capability.Filter); err != nil {
			return nil, err
		}
	}
	return request, nil
}

func unpack(answer io.Reader, request *packp.UploadPackRequest, store *memory.Storage) error {
	if request.Capabilities.Supports(capability.Sideband64k) {
		answer = sideband.NewDemuxer(sideband.Sideband64k, answer)
	}
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(answer), store)
	if err != nil {
		return err
	}
	_, err = parser.Parse()
	if errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil
	}
	return err
}

// files reads the whole tree of one commit: names of its files and what they
// hold. The ledger's tree is flat; a directory in it is not the toolkit's, and
// is left out.
func (r *Remote) files(ctx context.Context, head plumbing.Hash) (map[string][]byte, error) {
	store, err := r.fetch(ctx, want{tip: head, depth: 1})
	if err != nil {
		return nil, err
	}
	c, err := object.GetCommit(store, head)
	if err != nil {
		return nil, fmt.Errorf("read commit %s of %s: %w", head, r.where, err)
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read the tree of %s of %s: %w", head, r.where, err)
	}
	files := map[string][]byte{}
	for _, entry := range tree.Entries {
		if entry.Mode == filemode.Dir || entry.Mode == filemode.Submodule {
			continue
		}
		if files[entry.Name], err = content(tree, entry); err != nil {
			return nil, fmt.Errorf("read %s at %s of %s: %w", entry.Name, head, r.where, err)
		}
	}
	return files, nil
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
