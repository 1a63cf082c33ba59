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
	// Key is the private key for ssh remotes, as PEM or in OpenSSH's format,
	// without a passphrase. Default is to ask the agent.
	Key []byte
	// HostKeys tells which public keys an ssh host may show, each as a line of
	// authorized_keys. It is asked whenever a connection is made. Where it
	// tells none, or is nil, the user's known_hosts does.
	HostKeys func(context.Context) ([]string, error)
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
	where string
	at    place
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
	r := &Remote{options: o, where: withoutPassword(*endpoint)}
	if r.at, err = reach(o, *endpoint, r.where); err != nil {
		return nil, err
	}
	r.options.Key = nil // kept in one place alone
	return r, nil
}

// reach finds out how to get to an endpoint.
func reach(o Options, endpoint transport.Endpoint, where string) (place, error) {
	switch endpoint.Protocol {
	case "file":
		path, err := gitDirectory(endpoint.Path)
		return local{path}, err
	case "http", "https":
		w := wire{git: githttp.NewClient(&http.Client{Transport: o.Transport}), endpoint: endpoint, where: where}
		if o.Token != "" && (endpoint.Protocol == "https" || loopback(endpoint.Host)) {
			// GitHub takes any user name with a token, and shows this one in
			// its documentation.
			w.auth = &githttp.BasicAuth{Username: "x-access-token", Password: o.Token}
		}
		return w, nil
	case "ssh":
		git, err := newOverSSH(o, where)
		return wire{git: git, endpoint: endpoint, where: where}, err
	default:
		git, err := client.NewClient(&endpoint)
		if err != nil {
			return nil, &rollout.Problem{
				Kind: rollout.ErrUsage, What: fmt.Sprintf("nothing here speaks %s, so %s cannot be reached", endpoint.Protocol, where),
				Ways: []string{"give a path, https://host/owner/name.git or ssh://git@host/owner/name.git"},
			}
		}
		return wire{git: git, endpoint: endpoint, where: where}, nil
	}
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

// Observe implements [rollout.Remote]. It costs one session for the heads and
// their trees, one for the ledger's commit and tree, and one for more of its log. A
// remote that does not offer `filter` would send all files of the heads to tell their
// trees: then these are left out.
func (r *Remote) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	viewer := r.signature()
	o := rollout.Observation{Heads: map[string]rollout.SHA{}, Trees: map[string]rollout.SHA{}, Viewer: viewer.String()}
	refs, trees, err := r.look(ctx, q.Branches)
	if err != nil {
		return o, err
	}
	// Only now: what was pushed while the refs were read must not seem to
	// have arrived before.
	o.At = r.options.Now()
	for _, branch := range q.Branches {
		hash, ok := refs[branchRef(branch)]
		if !ok {
			continue
		}
		o.Heads[branch] = rollout.SHA(hash.String())
		if tree, ok := trees[o.Heads[branch]]; ok {
			o.Trees[branch] = tree
		}
	}
	ledger, ok := refs[branchRef(q.Ledger)]
	if !ok {
		return o, nil
	}
	o.Ledger = rollout.SHA(ledger.String())
	if o.Log, o.Files, err = r.ledger(ctx, ledger); err == nil && q.Entries > 1 {
		o.Log, err = r.Log(ctx, rollout.Head{Branch: q.Ledger, SHA: o.Ledger}, q.Entries)
	}
	return o, err
}

// look reads every ref of the remote, and the trees of some branches by commit.
func (r *Remote) look(ctx context.Context, branches []string) (found refs, trees map[rollout.SHA]rollout.SHA, err error) {
	var commits []rollout.Commit
	err = r.patiently(ctx, "read the branches of", func(ctx context.Context) (err error) {
		found, commits, err = r.at.look(ctx, branches)
		return err
	})
	trees = map[rollout.SHA]rollout.SHA{}
	for _, commit := range commits {
		trees[commit.SHA] = commit.Tree
	}
	return found, trees, err
}

// Movements implements [rollout.Remote]: a plain Git remote keeps no log of
// pushes.
func (r *Remote) Movements(context.Context, string, func(rollout.Movement) bool) ([]rollout.Movement, error) {
	return nil, nil
}

// Log implements [rollout.Remote].
func (r *Remote) Log(ctx context.Context, ledger rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	store, err := r.fetch(ctx, want{tips: []plumbing.Hash{hash(ledger.SHA)}, depth: limit, without: treesAndFiles})
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
func (r *Remote) heads(ctx context.Context) (refs, error) {
	found, _, err := r.look(ctx, nil)
	return found, err
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
