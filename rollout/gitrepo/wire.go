package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// A place is where a repository is, and how it is reached there.
type place interface {
	// heads reads every ref.
	heads(ctx context.Context) (refs, error)
	// commits reads commits.
	commits(ctx context.Context, w want) ([]rollout.Commit, error)
	// fetch brings objects.
	fetch(ctx context.Context, w want) (*memory.Storage, error)
	// has asks whether the repository has a commit. It has the tip.
	has(ctx context.Context, commit, tip plumbing.Hash) (bool, error)
	// writing opens a session to push with.
	writing() (transport.ReceivePackSession, error)
}

// refs are what each ref points at.
type refs map[plumbing.ReferenceName]plumbing.Hash

// A wire reaches a repository through https or ssh, in Git's own protocol.
type wire struct {
	git      transport.Transport
	endpoint transport.Endpoint
	auth     transport.AuthMethod
	// where is the endpoint as messages name it.
	where string
}

// reading opens a session to fetch with. It has an endpoint of its own:
// go-git's http transport follows a redirect by changing the endpoint that it
// was given, and the next session would take the token there.
func (w wire) reading(ctx context.Context) (transport.UploadPackSession, *packp.AdvRefs, error) {
	endpoint := w.endpoint
	session, err := w.git.NewUploadPackSession(&endpoint, w.auth)
	if err != nil {
		return nil, nil, err
	}
	offered, err := session.AdvertisedReferencesContext(ctx)
	if err == nil && len(offered.Shallows) > 0 {
		err = shallow(w.where)
	}
	if err != nil {
		_ = session.Close() // holds nothing that was written
		return nil, nil, err
	}
	return session, offered, nil
}

// writing opens a session to push with, with an endpoint of its own, too.
func (w wire) writing() (transport.ReceivePackSession, error) {
	endpoint := w.endpoint
	return w.git.NewReceivePackSession(&endpoint, w.auth)
}

func (w wire) heads(ctx context.Context) (refs, error) {
	session, offered, err := w.reading(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer session.Close()
	found := make(refs, len(offered.References))
	for name, hash := range offered.References {
		found[plumbing.ReferenceName(name)] = hash
	}
	return found, nil
}

func (w wire) commits(ctx context.Context, wanted want) ([]rollout.Commit, error) {
	store, err := w.fetch(ctx, wanted)
	if err != nil {
		return nil, err
	}
	all := make([]rollout.Commit, 0, len(store.Commits))
	for _, encoded := range store.Commits {
		decoded, err := object.DecodeCommit(store, encoded)
		if err != nil {
			return nil, fmt.Errorf("commit %s: %w", encoded.Hash(), err)
		}
		all = append(all, commit(decoded))
	}
	return all, nil
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

func (w wire) fetch(ctx context.Context, wanted want) (*memory.Storage, error) {
	store := memory.NewStorage()
	err := w.ask(ctx, wanted, func(request *packp.UploadPackRequest, answer *packp.UploadPackResponse) error {
		return unpack(answer, request, store)
	})
	return store, err
}

// has fetches the tip of a branch and names the commit as one that is had
// already: the remote acknowledges what it knows. Asking for the commit itself
// would not do, since a server may refuse what is not the tip of a branch.
func (w wire) has(ctx context.Context, commit, tip plumbing.Hash) (bool, error) {
	var known bool
	wanted := want{tip: tip, have: commit, depth: 1, commitsOnly: true}
	err := w.ask(ctx, wanted, func(_ *packp.UploadPackRequest, answer *packp.UploadPackResponse) error {
		known = slices.Contains(answer.ACKs, commit)
		return nil
	})
	return known, err
}

// ask makes one request, and has the answer read.
func (w wire) ask(ctx context.Context, wanted want, read func(*packp.UploadPackRequest, *packp.UploadPackResponse) error) error {
	session, offered, err := w.reading(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	request, err := uploadRequest(wanted, offered.Capabilities)
	if err != nil {
		return err
	}
	answer, err := session.UploadPack(ctx, request)
	if err != nil {
		return err
	}
	defer answer.Close() //nolint:errcheck // it was only read
	return read(request, answer)
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
