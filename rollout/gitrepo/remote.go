package gitrepo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/monosense/k8s-ops/rollout"
)

// Options say how a remote is reached, and who writes to it.
type Options struct {
	// URL is what a Git client takes: a path, https:// or ssh://.
	URL string
	// Token is sent to https remotes, and to nothing else. Default is to ask
	// without one.
	Token string
	// Transport carries https requests. Default is http.DefaultTransport.
	Transport http.RoundTripper
	// Name and Email are the identity of ledger commits.
	Name, Email string
	// Now is the clock of a remote that has none of its own. Default is
	// time.Now.
	Now func() time.Time
	// Timeout is the longest that one exchange with the remote may take.
	// Default is one minute.
	Timeout time.Duration
}

// A Remote is a Git repository that somebody else keeps.
type Remote struct {
	options  Options
	endpoint *transport.Endpoint
	git      transport.Transport
	auth     transport.AuthMethod
}

// Open prepares to speak to a remote. It does not connect yet; an error is of
// kind [rollout.ErrUsage].
func Open(o Options) (*Remote, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	endpoint, err := transport.NewEndpoint(o.URL)
	if err != nil {
		return nil, &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf("%q is not the address of a Git repository", o.URL), Cause: err}
	}
	r := &Remote{options: o, endpoint: endpoint}
	switch endpoint.Protocol {
	case "file":
		if endpoint.Path, err = gitDirectory(endpoint.Path); err != nil {
			return nil, err
		}
		r.git = local{}
	case "http", "https":
		r.git = githttp.NewClient(&http.Client{Transport: o.Transport})
		if o.Token != "" {
			// GitHub takes any user name with a token, and shows this one in
			// its documentation.
			r.auth = &githttp.BasicAuth{Username: "x-access-token", Password: o.Token}
		}
	default:
		if r.git, err = client.NewClient(endpoint); err != nil {
			return nil, &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf("%q cannot be reached", o.URL), Cause: err}
		}
	}
	return r, nil
}

// gitDirectory finds the repository at a path: the path itself where it is
// bare, and its .git where it is a work tree.
func gitDirectory(path string) (string, error) {
	for _, dir := range []string{path, filepath.Join(path, ".git")} {
		if _, err := os.Stat(filepath.Join(dir, "objects")); err == nil {
			return dir, refuseShallow(dir)
		}
	}
	return "", &rollout.Problem{
		Kind: rollout.ErrUsage,
		What: fmt.Sprintf("%s is not a Git repository", path),
		Ways: []string{"correct `repository:` in the plan, or create it with `git init --bare`"},
	}
}

func refuseShallow(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "shallow")); err != nil {
		return nil
	}
	return shallow(dir)
}

func shallow(where string) error {
	return &rollout.Problem{
		Kind: rollout.ErrUsage,
		What: fmt.Sprintf("%s is a shallow clone: it does not know which commit contains which", where),
		Ways: []string{"run `git fetch --unshallow` in it, or name the repository that it was cloned from in the plan"},
	}
}

// Observe implements [rollout.Remote]. It costs one exchange for the heads,
// and one for the ledger's tree.
func (r *Remote) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	viewer := r.signature()
	o := rollout.Observation{At: r.options.Now(), Heads: map[string]rollout.SHA{}, Viewer: viewer.String()}
	refs, err := r.heads(ctx)
	if err != nil {
		return o, err
	}
	for _, branch := range q.Branches {
		if hash, ok := refs[branchRef(branch)]; ok {
			o.Heads[branch] = rollout.SHA(hash.String())
		}
	}
	ledger, ok := refs[branchRef(q.Ledger)]
	if !ok {
		return o, nil
	}
	o.Ledger = rollout.SHA(ledger.String())
	o.Files, err = r.files(ctx, ledger)
	return o, err
}

// Movements implements [rollout.Remote]: a plain Git remote keeps no log of
// pushes.
func (r *Remote) Movements(context.Context, string, func(rollout.Movement) bool) ([]rollout.Movement, error) {
	return nil, nil
}

// Log implements [rollout.Remote].
func (r *Remote) Log(ctx context.Context, ledger rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	store, err := r.fetch(ctx, want{tip: hash(ledger.SHA), depth: limit, commitsOnly: true})
	if err != nil {
		return nil, err
	}
	var log []rollout.LedgerCommit
	for next := hash(ledger.SHA); limit == 0 || len(log) < limit; {
		commit, err := object.GetCommit(store, next)
		if err != nil {
			break // the last one, or where the fetch was cut off
		}
		log = append(log, rollout.LedgerCommit{SHA: rollout.SHA(next.String()), Message: commit.Message})
		if len(commit.ParentHashes) == 0 {
			break
		}
		next = commit.ParentHashes[0]
	}
	return log, nil
}

// heads reads every ref of the remote. An empty repository has none.
func (r *Remote) heads(ctx context.Context) (map[plumbing.ReferenceName]plumbing.Hash, error) {
	var advertised *packp.AdvRefs
	err := r.patiently(ctx, "read the branches of", func(ctx context.Context) error {
		session, err := r.git.NewUploadPackSession(r.endpoint, r.auth)
		if err != nil {
			return err
		}
		defer session.Close()
		advertised, err = session.AdvertisedReferencesContext(ctx)
		return err
	})
	if err != nil || advertised == nil {
		return nil, err
	}
	if len(advertised.Shallows) > 0 {
		return nil, shallow(r.options.URL)
	}
	refs := make(map[plumbing.ReferenceName]plumbing.Hash, len(advertised.References))
	for name, hash := range advertised.References {
		refs[plumbing.ReferenceName(name)] = hash
	}
	return refs, nil
}

func branchRef(branch string) plumbing.ReferenceName {
	return plumbing.NewBranchReferenceName(branch)
}

func hash(sha rollout.SHA) plumbing.Hash {
	return plumbing.NewHash(string(sha))
}

func (r *Remote) signature() object.Signature {
	return object.Signature{Name: r.options.Name, Email: r.options.Email, When: r.options.Now()}
}
