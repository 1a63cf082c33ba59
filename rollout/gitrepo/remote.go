package gitrepo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

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
	// Token is sent to https remotes, and to nothing else but http on this
	// machine. Default is to ask without one.
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
	options Options
	// where is the remote as messages name it, without credentials.
	where    string
	endpoint transport.Endpoint
	git      transport.Transport
	auth     transport.AuthMethod
}

// Open prepares to speak to a remote. It does not connect yet; an error is of
// kind [rollout.ErrUsage].
func Open(o Options) (*Remote, error) {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // a default; the composition root has its own
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	endpoint, err := transport.NewEndpoint(o.URL)
	if err != nil {
		return nil, &rollout.Problem{
			Kind: rollout.ErrUsage, What: "`repository:` in the plan is not the address of a Git repository",
			Ways: []string{"give a path, https://host/owner/name.git or ssh://git@host/owner/name.git"},
		}
	}
	r := &Remote{options: o, where: withoutPassword(*endpoint), endpoint: *endpoint}
	switch endpoint.Protocol {
	case "file":
		if r.endpoint.Path, err = gitDirectory(endpoint.Path); err != nil {
			return nil, err
		}
		r.git = local{}
	case "http", "https":
		r.git = githttp.NewClient(&http.Client{Transport: o.Transport})
		if o.Token != "" && (endpoint.Protocol == "https" || loopback(endpoint.Host)) {
			// GitHub takes any user name with a token, and shows this one in
			// its documentation.
			r.auth = &githttp.BasicAuth{Username: "x-access-token", Password: o.Token}
		}
	default:
		if r.git, err = client.NewClient(endpoint); err != nil {
			return nil, &rollout.Problem{
				Kind: rollout.ErrUsage, What: fmt.Sprintf("nothing here speaks %s, so %s cannot be reached", endpoint.Protocol, r.where),
				Ways: []string{"give a path, https://host/owner/name.git or ssh://git@host/owner/name.git"},
			}
		}
	}
	return r, nil
}

// withoutPassword is an address as it can be shown to anybody.
func withoutPassword(e transport.Endpoint) string {
	if e.Protocol == "file" {
		return e.Path
	}
	if e.Password != "" {
		e.Password = "…"
	}
	e.Path, _, _ = strings.Cut(e.Path, "?")
	return strings.Replace(e.String(), url.PathEscape("…"), "…", 1)
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip.IsLoopback()
}

// reading opens a session to fetch with. It has an endpoint of its own:
// go-git's http transport follows a redirect by changing the endpoint that it
// was given, and the next session would take the token there.
func (r *Remote) reading() (transport.UploadPackSession, error) {
	endpoint := r.endpoint
	return r.git.NewUploadPackSession(&endpoint, r.auth)
}

// writing opens a session to push with, in the same way.
func (r *Remote) writing() (transport.ReceivePackSession, error) {
	endpoint := r.endpoint
	return r.git.NewReceivePackSession(&endpoint, r.auth)
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
	o := rollout.Observation{Heads: map[string]rollout.SHA{}, Viewer: viewer.String()}
	refs, err := r.heads(ctx)
	if err != nil {
		return o, err
	}
	// Only now: what was pushed while the refs were read must not seem to
	// have arrived before.
	o.At = r.options.Now()
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
			return nil, fmt.Errorf("read commit %s of %s: %w", next, r.where, err)
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
		session, err := r.reading()
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
		return nil, shallow(r.where)
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

// signature is who writes. What would end a name or a line of the commit's
// header is left out, as git leaves it out.
func (r *Remote) signature() object.Signature {
	clean := func(text string) string {
		return strings.TrimSpace(strings.Map(func(c rune) rune {
			if unicode.IsControl(c) || c == '<' || c == '>' {
				return -1
			}
			return c
		}, text))
	}
	return object.Signature{Name: clean(r.options.Name), Email: clean(r.options.Email), When: r.options.Now()}
}
