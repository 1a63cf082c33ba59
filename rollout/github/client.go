package github

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cli/go-gh/v2/pkg/api"
	"github.com/cli/go-gh/v2/pkg/auth"

	"github.com/monosense/k8s-ops/rollout"
)

// Options say which repository is meant, and who asks.
type Options struct {
	// Host is github.com, a *.ghe.com tenancy or a GitHub Enterprise server,
	// with a port if it has one. Default is github.com.
	Host string
	// Owner and Name of the repository. Required.
	Owner, Name string
	// Token authenticates every request. Required; [Token] finds one.
	Token string
	// TokenSource is where the token comes from, as errors shall name it:
	// GH_TOKEN. Default is not to name it.
	TokenSource string
	// Transport carries the requests. Default is http.DefaultTransport.
	Transport http.RoundTripper
	// APITimeout is the longest that one request may take, its answer
	// included. Default is 30 seconds.
	APITimeout time.Duration
	// MaxWait is the longest time that is spent on one question to GitHub
	// before giving up: on trying again, and on waiting for a rate limit to
	// end. Default is 2 minutes.
	MaxWait time.Duration
	// Now is the clock for answers that carry no date. Default is time.Now.
	Now func() time.Time
}

// A Client speaks to GitHub about one repository.
type Client struct {
	options Options
	apiHost string
	rest    *api.RESTClient
	graphql *api.GraphQLClient

	mu    sync.Mutex
	known *repository
}

// The ports that a Client implements.
var (
	_ rollout.Remote     = (*Client)(nil)
	_ rollout.Gatekeeper = (*Client)(nil)
	_ rollout.Witness    = (*Client)(nil)
	_ rollout.Workflows  = (*Client)(nil)
	_ rollout.Settings   = (*Client)(nil)
)

// A repository is what is remembered of it: neither changes while a command
// runs.
type repository struct {
	ID            string
	DefaultBranch string
}

// Token finds a token for a host where gh looks for it, in this order: GH_TOKEN
// and GITHUB_TOKEN (for github.com; GH_ENTERPRISE_TOKEN and
// GITHUB_ENTERPRISE_TOKEN for others), gh's hosts.yml, the system's keyring
// through `gh auth token`. The source is what to name in messages. The token is
// empty where there is none.
func Token(host string) (token, source string) {
	token, source = auth.TokenForHost(host)
	if source == "oauth_token" {
		source = "gh's hosts.yml"
	}
	return strings.TrimSpace(token), source
}

// New prepares to speak to GitHub; it sends nothing yet. An error is of kind
// [rollout.ErrUsage], or [rollout.ErrNotPermitted] where there is no token.
func New(o Options) (*Client, error) {
	o.Host = cmp.Or(o.Host, "github.com")
	o.APITimeout = cmp.Or(o.APITimeout, 30*time.Second)
	o.MaxWait = cmp.Or(o.MaxWait, 2*time.Minute)
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // a default; the composition root has its own
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{options: o, apiHost: apiHost(o.Host)}
	var err error
	if c.rest, err = api.NewRESTClient(c.clientOptions()); err == nil {
		c.graphql, err = api.NewGraphQLClient(c.clientOptions())
	}
	if err != nil {
		return nil, &rollout.Problem{Kind: rollout.ErrUsage, What: "prepare to speak to " + o.Host, Cause: c.redacted(err)}
	}
	return c, nil
}

// clientOptions leave go-gh nothing to look up by itself: a host, a token and
// a transport are given, and an API host wherever go-gh takes one (it takes
// none with a port). Every client needs options of its own, since go-gh fills
// the map of headers.
func (c *Client) clientOptions() api.ClientOptions {
	o := api.ClientOptions{
		Host:         c.options.Host,
		AuthToken:    c.options.Token,
		LogIgnoreEnv: true, // GH_DEBUG=api prints bodies to standard error
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			return c.checkRedirect(next, via)
		},
		Transport: &transport{
			base:    c.options.Transport,
			host:    c.apiHost,
			token:   c.options.Token,
			timeout: c.options.APITimeout,
			maxWait: c.options.MaxWait,
			now:     c.options.Now,
		},
	}
	if !strings.Contains(c.apiHost, ":") {
		o.APIHost = c.apiHost
	}
	return o
}

// apiHost is the host that answers API requests.
func apiHost(host string) string {
	if auth.IsEnterprise(host) {
		return auth.NormalizeHostname(host)
	}
	return "api." + auth.NormalizeHostname(host)
}

// check refuses what could lead a request somewhere else than it should.
func (o Options) check() error {
	if u, err := url.Parse("https://" + o.Host); err != nil || u.Host != o.Host || u.Hostname() == "" {
		return usagef("%q is not the name of a GitHub host: expected github.com, or the name of an Enterprise server, without https:// and without a path", o.Host)
	}
	if !isName(o.Owner) || !isName(o.Name) {
		return usagef("%q is not a GitHub repository: expected owner/name", o.Owner+"/"+o.Name)
	}
	if o.Token == "" {
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted,
			What: fmt.Sprintf("there is no token for %s", o.Host),
			Ways: tokenWays(o.Host),
		}
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return usagef("the token%s for %s has characters in it that no token has: a blank, a line break, a quotation mark of a word processor", o.from(), o.Host)
	}
	return nil
}

// from names where the token came from, where that is known.
func (o Options) from() string {
	if o.TokenSource == "" {
		return ""
	}
	return fmt.Sprintf(" (from %s)", o.TokenSource)
}

// isName tells whether GitHub could have given the name to an owner or to a
// repository.
func isName(s string) bool {
	if s == "" || s == "." || s == ".." || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// slug is owner/name.
func (c *Client) slug() string {
	return c.options.Owner + "/" + c.options.Name
}

// path is that of a resource of the repository.
func (c *Client) path(resource string) string {
	return "repos/" + c.slug() + "/" + resource
}

// get reads a resource, and tries again where that can help. It returns the
// answer's headers.
func (c *Client) get(ctx context.Context, path string, answer any) (http.Header, error) {
	ctx, _ = withQuestion(ctx)
	return c.request(ctx, http.MethodGet, path, nil, answer)
}

// send writes once. The answer may be nil.
func (c *Client) send(ctx context.Context, method, path string, body, answer any) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	_, err = c.request(ctx, method, path, encoded, answer)
	return err
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader, answer any) (http.Header, error) {
	response, err := c.rest.RequestWithContext(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if answer == nil || response.StatusCode == http.StatusNoContent {
		return response.Header, nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return nil, &garbledError{err}
	}
	return response.Header, nil
}

// encode writes JSON as it is: the default of Go escapes <, > and &, which
// makes a message harder to find in a recording.
func encode(body any) (io.Reader, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	return bytes.NewReader(b.Bytes()), nil
}

// query asks a GraphQL question, and tries again where that can help. It
// returns when it was answered, by GitHub's clock.
func (c *Client) query(ctx context.Context, query string, variables map[string]any, answer any) (time.Time, error) {
	ctx, question := withQuestion(ctx)
	err := c.graphql.DoWithContext(ctx, query, variables, answer)
	if question.answered.IsZero() {
		return c.options.Now(), garbled(err)
	}
	return question.answered, garbled(err)
}

// mutate sends a GraphQL mutation once.
func (c *Client) mutate(ctx context.Context, mutation string, variables map[string]any, answer any) error {
	return garbled(c.graphql.DoWithContext(ctx, mutation, variables, answer))
}

// repository returns what is remembered of the repository, and asks if nothing
// is.
func (c *Client) repository(ctx context.Context) (repository, error) {
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var answer struct {
		Repository *struct {
			ID               string
			DefaultBranchRef *struct{ Name string }
		}
	}
	_, err := c.query(ctx, `query Repository($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { id defaultBranchRef { name } }
}`, c.variables(nil), &answer)
	if err == nil && answer.Repository == nil {
		err = errNoRepository
	}
	if err != nil {
		return repository{}, c.explain("look up the repository", err)
	}
	r := repository{ID: answer.Repository.ID}
	if answer.Repository.DefaultBranchRef != nil {
		r.DefaultBranch = answer.Repository.DefaultBranchRef.Name
	}
	c.remember(r)
	return r, nil
}

func (c *Client) remember(r repository) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = &r
}

// variables are those of every query about the repository, and more.
func (c *Client) variables(more map[string]any) map[string]any {
	all := map[string]any{"owner": c.options.Owner, "name": c.options.Name}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// checkRedirect follows GitHub to where a renamed repository lives now, which
// is on the same host, and only with the request that was meant: Go's default
// turns a POST that is answered 301 into a GET.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	if next.URL.Scheme != "https" || next.URL.Host != c.apiHost || next.Method != via[0].Method || len(via) > 3 {
		return &redirectError{to: next.URL.Redacted()}
	}
	return nil
}

// errNoRepository is what a query finds where there is no repository.
var errNoRepository = errors.New("no repository")
