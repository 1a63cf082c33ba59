package rollouttest

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DefaultToken belongs to the user "octocat-admin", who may do everything.
const DefaultToken = "rollouttest-admin-token"

// DefaultLogin is the user whom [DefaultToken] belongs to, and the author and
// actor of commits that name nobody else.
const DefaultLogin = "octocat-admin"

// Plan is what the account of a repository's owner pays for.
type Plan string

// The plans that differ in what a private repository may have.
const (
	PlanFree       Plan = "free"
	PlanTeam       Plan = "team"
	PlanEnterprise Plan = "enterprise"
)

// DispatchAnswers says how the server answers a workflow_dispatch request.
type DispatchAnswers string

const (
	// DispatchFlag is github.com with API version 2022-11-28: 200 with the
	// run's id where return_run_details is set, 204 where it is not.
	DispatchFlag DispatchAnswers = ""
	// DispatchNoFlag is an older GitHub Enterprise server: it knows no
	// return_run_details, refuses it with 422, and answers 204.
	DispatchNoFlag DispatchAnswers = "no-flag"
	// DispatchAlways is API version 2026-03-10: always 200 with the run's id.
	// A request that asks for that version gets it in the other modes too,
	// but for DispatchNoFlag.
	DispatchAlways DispatchAnswers = "always"
)

// Options configure a [GitHub]. The zero value is usable.
type Options struct {
	// Repositories to begin with. Default is one public repository,
	// octo-org/fleet.
	Repositories []RepositoryOptions
	// Clock gives the time. Default is time.Now.
	Clock func() time.Time
	// Dir is an existing directory to keep everything in; a directory is made
	// below it, and removed by Close. Default is the system's temporary one.
	Dir string
	// Address to serve on: host and port of this machine. Default is a free port
	// of 127.0.0.1, which somebody else may have by the time of a Resume.
	Address string
	// Dispatch says which answers a workflow_dispatch gets. Default is
	// DispatchFlag.
	Dispatch DispatchAnswers
}

// RepositoryOptions describe one repository.
type RepositoryOptions struct {
	// Owner and Name are required.
	Owner, Name string
	// Private hides the repository from tokens that are not given it.
	Private bool
	// DefaultBranch is what HEAD names. Default is "main".
	DefaultBranch string
	// AccountPlan limits what a private repository may have. Default is
	// PlanEnterprise, which limits nothing.
	AccountPlan Plan
}

// GitHub is a running stand-in. Make one with [Start] or [New].
type GitHub struct {
	clock    func() time.Time
	dispatch DispatchAnswers
	dir      string
	host     string
	git      gitRunner

	certificate certificate

	ctx    context.Context // ends at Close
	cancel context.CancelFunc

	mu           sync.Mutex
	server       *http.Server // nil while nothing is served
	closed       bool
	busy         sync.WaitGroup // requests and dispatched runs; Add under mu
	lastID       int64
	identities   map[string]Identity // by token
	repositories []*Repository
	faults       []*fault
	callbacks    []*callback
	requests     []Request
	unexpected   []string
	limits       rateLimits
	onDispatch   func(context.Context, Dispatch) Conclusion
	hold         RunStatus
}

// Start makes a GitHub and serves it on 127.0.0.1. It needs the git binary. The caller closes it.
func Start(opts Options) (*GitHub, error) {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Repositories == nil {
		opts.Repositories = []RepositoryOptions{{Owner: "octo-org", Name: "fleet"}}
	}
	dir, err := os.MkdirTemp(opts.Dir, "rollouttest-*")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the stand-in: %w", err)
	}
	g := &GitHub{
		clock:      opts.Clock,
		dispatch:   opts.Dispatch,
		dir:        dir,
		identities: map[string]Identity{},
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.AddToken(DefaultToken, Identity{Login: DefaultLogin, Kind: KindUser, Permissions: AllPermissions()})
	if err := g.open(opts); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// open makes the repositories and begins to serve.
func (g *GitHub) open(opts Options) error {
	var err error
	if g.git, err = newGitRunner(g.dir); err != nil {
		return err
	}
	for _, options := range opts.Repositories {
		if _, err := g.AddRepository(options); err != nil {
			return err
		}
	}
	certificate, err := makeCertificate(g.clock())
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	if err := os.WriteFile(g.CACert(), certificate.pem, 0o600); err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	g.certificate = certificate
	listener, err := g.listen(cmp.Or(opts.Address, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	g.host = listener.Addr().String()
	g.serveOn(listener)
	return nil
}

// Close stops serving, ends every run that is under way, waits for both, and
// removes the directory. A second Close does nothing.
func (g *GitHub) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	repositories, server := g.repositories, g.server
	g.mu.Unlock()

	g.cancel()
	var err error
	if server != nil {
		err = server.Close()
	}
	g.busy.Wait()
	for _, r := range repositories {
		r.objects.close()
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// enter counts something that Close has to wait for. It is false once the
// stand-in is closed; otherwise the caller ends with g.busy.Done.
func (g *GitHub) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.busy.Add(1)
	return true
}

// Host is the host and port it serves on, as GH_HOST wants them.
func (g *GitHub) Host() string { return g.host }

// URL is the address of its front page, without a slash at the end.
func (g *GitHub) URL() string { return "https://" + g.host }

// CACert is the path of the PEM file with the certificate it serves with.
func (g *GitHub) CACert() string { return filepath.Join(g.dir, "ca.pem") }

// CloneURL is what git is given to reach a repository, named owner/name.
func (g *GitHub) CloneURL(slug string) string { return g.URL() + "/" + slug + ".git" }

// Env is what an unmodified client (gh, git, a mage binary) needs in its
// environment to talk to this GitHub as [DefaultLogin]. It holds nothing else:
// PATH and HOME are the caller's to add. Git gets the token as actions/checkout
// gives it, by a header; GIT_CONFIG_COUNT=0 after these takes it away.
func (g *GitHub) Env() []string {
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + DefaultToken))
	return []string{
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=http." + g.URL() + "/.extraheader",
		"GIT_CONFIG_VALUE_0=Authorization: Basic " + basic,
		"GH_HOST=" + g.host,
		"GH_ENTERPRISE_TOKEN=" + DefaultToken,
		"GH_PROMPT_DISABLED=1",
		"GH_NO_UPDATE_NOTIFIER=1",
		"SSL_CERT_FILE=" + g.CACert(),
		"GIT_SSL_CAINFO=" + g.CACert(),
		"GIT_TERMINAL_PROMPT=0",
		"NO_PROXY=127.0.0.1",
		"no_proxy=127.0.0.1",
	}
}

// Transport is a round tripper that trusts this GitHub's certificate and no
// other, and goes through no proxy.
func (g *GitHub) Transport() http.RoundTripper {
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: g.certificate.pool, MinVersion: tls.VersionTLS12},
	}
}

// AddRepository makes one more repository, empty.
func (g *GitHub) AddRepository(opts RepositoryOptions) (*Repository, error) {
	if opts.DefaultBranch == "" {
		opts.DefaultBranch = "main"
	}
	if opts.AccountPlan == "" {
		opts.AccountPlan = PlanEnterprise
	}
	if !validName(opts.Owner) || !validName(opts.Name) {
		return nil, fmt.Errorf("add repository %q/%q: owner and name are letters, digits, '-', '_' and '.'", opts.Owner, opts.Name)
	}
	if g.find(opts.Owner, opts.Name) != nil {
		return nil, fmt.Errorf("add repository %s/%s: it exists already", opts.Owner, opts.Name)
	}
	r := &Repository{
		github:   g,
		owner:    opts.Owner,
		name:     opts.Name,
		private:  opts.Private,
		head:     opts.DefaultBranch,
		plan:     opts.AccountPlan,
		id:       g.nextID(),
		created:  g.clock().UTC(),
		path:     filepath.Join(g.dir, "git", opts.Owner, opts.Name+".git"),
		statuses: map[string][]status{},
		disabled: map[string]WorkflowState{},
		secrets:  map[string]string{},
	}
	if err := makeBare(r.path, r.head); err != nil {
		return nil, fmt.Errorf("make repository %s: %w", r.Slug(), err)
	}
	r.objects = newObjectStore(g.git, r.path)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repositories = append(g.repositories, r)
	return r, nil
}

// Repository returns the named repository.
func (g *GitHub) Repository(owner, name string) (*Repository, error) {
	if r := g.find(owner, name); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("the stand-in has no repository %s/%s", owner, name)
}

// Repositories returns all repositories, in the order in which they were made.
func (g *GitHub) Repositories() []*Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*Repository(nil), g.repositories...)
}

// find returns the named repository, whatever the case of the letters, or nil.
func (g *GitHub) find(owner, name string) *Repository {
	for _, r := range g.Repositories() {
		if strings.EqualFold(r.owner, owner) && strings.EqualFold(r.name, name) {
			return r
		}
	}
	return nil
}

// findID returns the repository with an id, or nil.
func (g *GitHub) findID(id int64) *Repository {
	for _, r := range g.Repositories() {
		if r.id == id {
			return r
		}
	}
	return nil
}

// nextID numbers repositories, activity rows, runs and whatever else has an id.
func (g *GitHub) nextID() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastID++
	return 1000 + g.lastID
}

// api is the address of a REST resource; path begins with a slash.
func (g *GitHub) api(path string) string { return g.URL() + "/api/v3" + path }

// validName keeps owner and repository names to what is safe in a path.
func validName(name string) bool {
	if name == "" || name[0] == '.' || name[0] == '-' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
