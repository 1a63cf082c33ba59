package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/sshserver"
)

const (
	workflowToken  = "the-workflow's-own"
	deployKeyToken = "what-stands-in-for-the-key"
	ledgerBranch   = "rollout/ledger"
)

var apps = rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}

// A fleet is a GitHub with ssh: whoever comes by a key is, to the stand-in, the
// identity of kind deploy key, so that its rules hold for them as well.
type fleet struct {
	t      *testing.T
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
	clock  *rollouttest.Clock
	host   *sshserver.Server
	// lose cuts the connection when a push is done, before the answer.
	lose bool
}

// newFleet is protected by the strict ruleset, and its ledger has begun.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, clock: rollouttest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}
	f.github = rollouttest.New(t, rollouttest.Options{Clock: f.clock.Now})
	f.repo = f.github.Repositories()[0]
	f.github.AddToken(workflowToken, rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: map[string]string{"contents": "write"}})
	f.github.AddToken(deployKeyToken, rollouttest.Identity{Login: "rollout-key", Kind: rollouttest.KindDeployKey})
	f.host = sshserver.New(t, f.serve)
	f.change("README.md", "begin\n")
	admin := f.wired(Access{Token: rollouttest.DefaultToken})
	if err := admin.setUp(); err != nil {
		t.Fatal(err)
	}
	return f
}

// change pushes a change to main.
func (f *fleet) change(path, content string) rollout.SHA {
	f.t.Helper()
	sha, err := f.repo.Commit("main", rollouttest.Change{Message: "Change " + path, Author: "ben", Files: map[string]string{path: content}})
	if err != nil {
		f.t.Fatal(err)
	}
	return rollout.SHA(sha)
}

// key makes a deploy key.
func (f *fleet) key() *DeployKey {
	return &DeployKey{Private: f.host.NewKey(f.t), Name: "github-actions[bot]", Email: "bot@example.com", URL: f.host.URL(f.repo.Slug() + ".git")}
}

// An operator is what wire makes of an access.
type operator struct {
	*operate.Operator
	ctx context.Context
}

func (f *fleet) wired(access Access) operator {
	f.t.Helper()
	o := &operate.Operator{Engine: &rollout.Engine{
		Plan: rollout.Plan{
			Repository: rollout.Repository{
				URL: f.github.CloneURL(f.repo.Slug()), Forge: rollout.ForgeGitHub, Host: f.github.Host(), Owner: "octo-org", Name: "fleet",
			},
			Ledger: ledgerBranch, Stages: []rollout.Stage{{Name: "infra", Branch: "main"}, apps},
		},
		Ledger: ledger.Ledger{},
	}}
	access.Transport = f
	if err := GitHub(o, access); err != nil {
		f.t.Fatal(err)
	}
	return operator{o, f.t.Context()}
}

// setUp begins the ledger and the branch, and puts the strict ruleset on them.
func (o operator) setUp() error {
	begin, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: time.Now()}, rollout.State{})
	if err != nil {
		return err
	}
	seen, err := o.Engine.Remote.Observe(o.ctx, rollout.Query{Branches: []string{"main"}, Ledger: ledgerBranch})
	if err != nil {
		return err
	}
	_, err = o.Engine.Remote.Commit(o.ctx, rollout.Transaction{
		Branch: "release", To: seen.Heads["main"], Ledger: rollout.Head{Branch: ledgerBranch}, Draft: begin,
	})
	if err != nil {
		return err
	}
	change, err := o.Settings.Protection(o.ctx, rollout.Protection{Name: "staged rollout", Branches: []string{"release", ledgerBranch}, Strict: true})
	if err != nil {
		return err
	}
	return change.Apply(o.ctx)
}

// RoundTrip implements [http.RoundTripper]: it adds to the stand-in what GitHub
// says of its ssh host keys.
func (f *fleet) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/api/v3/meta" {
		return f.github.Transport().RoundTrip(r)
	}
	body, err := json.Marshal(map[string]any{"ssh_keys": f.host.HostKeys()})
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, err
}

// serve hands what comes by ssh on to the stand-in's https.
func (f *fleet) serve(ctx context.Context, c sshserver.Command) int {
	url := f.github.URL() + c.Path
	offer, err := f.ask(ctx, http.MethodGet, url+"/info/refs?service="+c.Service, nil)
	if err != nil {
		return c.Fail(err)
	}
	// https says first which service it is: one line and a flush.
	_, offer, _ = bytes.Cut(offer, []byte("0000"))
	_, _ = c.Out.Write(offer)
	request, err := io.ReadAll(c.In)
	if err != nil || len(request) == 0 {
		return 0
	}
	answer, err := f.ask(ctx, http.MethodPost, url+"/"+c.Service, request)
	if err != nil {
		return c.Fail(err)
	}
	if f.lose && c.Service == "git-receive-pack" {
		f.lose = false
		c.Cut()
	}
	_, _ = c.Out.Write(answer)
	return 0
}

func (f *fleet) ask(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth("git", deployKeyToken)
	answer, err := f.github.Transport().RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return text, err
}

func (f *fleet) stands(branch string, want rollout.SHA) {
	f.t.Helper()
	if head, err := f.repo.Head(branch); err != nil || head != string(want) {
		f.t.Errorf("%s is at %s (%v), want %s", branch, head, err, want)
	}
}

// The workflow's own token may neither push past the strict ruleset nor promote
// what changes workflow files. With a deploy key it need not.
func TestDeployKeyPromotesWhatTheTokenMayNot(t *testing.T) {
	f := newFleet(t)
	revision := f.change(".github/workflows/ci.yaml", "on: push\n")
	f.clock.Advance(24 * time.Hour)
	f.change(".github/workflows/ci.yaml", "on: pull_request\n")

	_, err := f.wired(Access{Token: workflowToken}).Engine.Promote(t.Context(), apps)
	if !errors.Is(err, rollout.ErrNotPermitted) || !strings.Contains(err.Error(), "ROLLOUT_DEPLOY_KEY") {
		t.Errorf("without a key: %v", err)
	}
	o := f.wired(Access{Token: workflowToken, DeployKey: f.key()})
	if _, ok := o.Engine.Remote.(rollout.Gatekeeper); ok {
		t.Error("what a token may not do is held against the key")
	}
	receipt, err := o.Engine.Promote(t.Context(), apps)
	if err != nil {
		t.Fatal(err)
	}
	f.stands("release", revision)
	f.stands(ledgerBranch, receipt.Commit)
	if receipt.Entry.By != "github-actions[bot]" {
		t.Errorf("recorded as by %s", receipt.Entry.By)
	}
	author, err := f.repo.Git("log", "-1", "--format=%an <%ae>", string(receipt.Commit))
	if err != nil || strings.TrimSpace(author) != "github-actions[bot] <bot@example.com>" {
		t.Errorf("the ledger's commit is by %s, %v", author, err)
	}
}

func TestStrictRulesetKeepsTheTokenOut(t *testing.T) {
	f := newFleet(t)
	f.change("apps/a.yaml", "a: 1\n")
	f.clock.Advance(24 * time.Hour)
	if _, err := f.wired(Access{Token: workflowToken}).Engine.Promote(t.Context(), apps); !errors.Is(err, rollout.ErrRefused) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := f.wired(Access{Token: workflowToken, DeployKey: f.key()}).Engine.Promote(t.Context(), apps); err != nil {
		t.Errorf("with a key: %v", err)
	}
}

// The push was made and its answer lost: the look goes through the API.
func TestDeployKeyWhoseAnswerIsLost(t *testing.T) {
	f := newFleet(t)
	revision := f.change("apps/a.yaml", "a: 1\n")
	f.clock.Advance(24 * time.Hour)
	f.lose = true
	receipt, err := f.wired(Access{Token: workflowToken, DeployKey: f.key()}).Engine.Promote(t.Context(), apps)
	if err != nil {
		t.Fatal(err)
	}
	f.stands("release", revision)
	f.stands(ledgerBranch, receipt.Commit)
	if entries, err := f.repo.Git("rev-list", "--count", ledgerBranch); err != nil || strings.TrimSpace(entries) != "2" {
		t.Errorf("the ledger has %s entries (%v), want 2", entries, err)
	}
}

func TestDeployKeyOfTheEnvironment(t *testing.T) {
	t.Setenv("ROLLOUT_DEPLOY_KEY", "")
	if deployKey(t.Context()) != nil {
		t.Error("there is a key where there is none")
	}
	t.Setenv("ROLLOUT_DEPLOY_KEY", "not-a-key")
	t.Setenv("GIT_COMMITTER_NAME", "github-actions[bot]")
	t.Setenv("GIT_COMMITTER_EMAIL", "bot@example.com")
	key := deployKey(t.Context())
	if key == nil || key.Name != "github-actions[bot]" || key.Email != "bot@example.com" {
		t.Fatalf("%+v", key)
	}
	o := &operate.Operator{Engine: &rollout.Engine{Plan: rollout.Plan{Repository: rollout.Repository{
		URL: "https://github.com/acme/fleet.git", Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "acme", Name: "fleet",
	}}}}
	err := GitHub(o, Access{Token: "x", DeployKey: key})
	if !errors.Is(err, rollout.ErrUsage) || strings.Contains(err.Error(), "not-a-key") {
		t.Errorf("a key that is none: %v", err)
	}
}
