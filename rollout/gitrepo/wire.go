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
	// look reads every ref, and the commits that some branches point at. These
	// are left out where they would come with all of their files.
	look(ctx context.Context, branches []string) (refs, []rollout.Commit, error)
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

// of are the heads of those branches that exist.
func (r refs) of(branches []string) []plumbing.Hash {
	var heads []plumbing.Hash
	for _, branch := range branches {
		if head, ok := r[branchRef(branch)]; ok {
			heads = append(heads, head)
		}
	}
	return heads
}

func advertised(offered *packp.AdvRefs) refs {
	found := make(refs, len(offered.References))
	for name, hash := range offered.References {
		found[plumbing.ReferenceName(name)] = hash
	}
	return found
}

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

// look asks for the commits in the session in which the refs were offered.
func (w wire) look(ctx context.Context, branches []string) (refs, []rollout.Commit, error) {
	session, offered, err := w.reading(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	found := advertised(offered)
	tips := found.of(branches)
	if len(tips) == 0 || !offered.Capabilities.Supports(capability.Filter) {
		return found, nil, nil
	}
	request, err := uploadRequest(want{tips: tips, depth: 1, without: treesAndFiles}, offered.Capabilities)
	if err != nil {
		return nil, nil, err
	}
	store := memory.NewStorage()
	if err := exchange(ctx, session, request, unpackInto(ctx, store)); err != nil {
		return nil, nil, err
	}
	commits, err := decoded(store)
	return found, commits, err
}

func (w wire) commits(ctx context.Context, wanted want) ([]rollout.Commit, error) {
	store, err := w.fetch(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return decoded(store)
}

func decoded(store *memory.Storage) ([]rollout.Commit, error) {
	all := make([]rollout.Commit, 0, len(store.Commits))
	for _, encoded := range store.Commits {
		c, err := object.DecodeCommit(store, encoded)
		if err != nil {
			return nil, fmt.Errorf("commit %s: %w", encoded.Hash(), err)
		}
		all = append(all, commit(c))
	}
	return all, nil
}

func commit(c *object.Commit) rollout.Commit {
	parents := make([]rollout.SHA, len(c.ParentHashes))
	for i, parent := range c.ParentHashes {
		parents[i] = rollout.SHA(parent.String())
	}
	return rollout.Commit{
		SHA:       rollout.SHA(c.Hash.String()),
		Parents:   parents,
		Tree:      rollout.SHA(c.TreeHash.String()),
		Author:    c.Author.Name,
		Message:   c.Message,
		Authored:  c.Author.When,
		Committed: c.Committer.When,
	}
}

func (w wire) fetch(ctx context.Context, wanted want) (*memory.Storage, error) {
	store := memory.NewStorage()
	return store, w.ask(ctx, wanted, unpackInto(ctx, store))
}

// has fetches the tip of a branch and names the commit as one that is had
// already: the remote acknowledges what it knows. Asking for the commit itself
// would not do, since a server may refuse what is not the tip of a branch.
func (w wire) has(ctx context.Context, commit, tip plumbing.Hash) (bool, error) {
	var known bool
	wanted := want{tips: []plumbing.Hash{tip}, have: commit, depth: 1, without: treesAndFiles}
	err := w.ask(ctx, wanted, func(_ *packp.UploadPackRequest, answer *packp.UploadPackResponse) error {
		known = slices.Contains(answer.ACKs, commit)
		return nil
	})
	return known, err
}

// ask makes one request, and has the answer read.
func (w wire) ask(ctx context.Context, wanted want, read reader) error {
	session, offered, err := w.reading(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	request, err := uploadRequest(wanted, offered.Capabilities)
	if err != nil {
		return err
	}
	return exchange(ctx, session, request, read)
}

// A reader reads the answer to a request.
type reader func(*packp.UploadPackRequest, *packp.UploadPackResponse) error

func exchange(ctx context.Context, session transport.UploadPackSession, request *packp.UploadPackRequest, read reader) error {
	answer, err := session.UploadPack(ctx, request)
	if err != nil {
		return err
	}
	defer answer.Close() //nolint:errcheck // it was only read
	return read(request, answer)
}

func uploadRequest(w want, offered *capability.List) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequest()
	request.Wants = w.tips
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
	if w.without != "" && offered.Supports(capability.Filter) {
		request.Filter = packp.Filter(w.without)
		if err := request.Capabilities.Set(capability.Filter); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// unpackInto keeps the objects of an answer.
func unpackInto(ctx context.Context, store *memory.Storage) reader {
	return func(request *packp.UploadPackRequest, answer *packp.UploadPackResponse) error {
		received := &counter{progress: rollout.ProgressOf(ctx)}
		defer func() { received.phase.End() }() // which begins while it is unpacked
		return unpack(answer, request, store, received)
	}
}

func unpack(answer io.Reader, request *packp.UploadPackRequest, store *memory.Storage, received *counter) error {
	if request.Capabilities.Supports(capability.Sideband64k) {
		answer = sideband.NewDemuxer(sideband.Sideband64k, answer)
	}
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(answer), store, received)
	if err != nil {
		return err
	}
	_, err = parser.Parse()
	if errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil
	}
	return err
}
