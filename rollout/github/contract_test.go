package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/contract"
	"github.com/monosense/k8s-ops/rollout/rollouttest/openapi"
)

func TestClientFulfilsTheContract(t *testing.T) {
	t.Run("of Remote", func(t *testing.T) { contract.TestRemote(t, fixture) })
	t.Run("of Branches", func(t *testing.T) { contract.TestBranches(t, fixture) })
	t.Run("of Witness", func(t *testing.T) { contract.TestWitness(t, fixture) })
}

func fixture(t *testing.T) contract.Fixture {
	clock := rollouttest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	g := rollouttest.New(t, rollouttest.Options{Clock: clock.Now})
	return contract.Fixture{
		Remote: newClient(t, g, rollouttest.DefaultToken),
		URL:    fmt.Sprintf("https://x-access-token:%s@%s/octo-org/fleet.git", rollouttest.DefaultToken, g.Host()),
		Env:    []string{"GIT_SSL_CAINFO=" + g.CACert(), "NO_PROXY=127.0.0.1"},
		SetStatus: func(commit rollout.SHA, e rollout.Evidence) error {
			clock.Set(e.At)
			return g.Repositories()[0].SetStatus(string(commit), rollouttest.CommitStatus{
				State: string(e.State), Context: e.Context, Description: e.Description,
			})
		},
		PushLog: true,
	}
}

// newClient speaks to the stand-in's one repository. All that it sends and gets
// is checked against GitHub's description of its API.
func newClient(t *testing.T, g *rollouttest.GitHub, token string) *github.Client {
	t.Helper()
	return newClientOver(t, g, token, openapi.Validate(t, g.Transport()))
}

// newClientOver is for answers that GitHub's description does not allow.
func newClientOver(t *testing.T, g *rollouttest.GitHub, token string, transport http.RoundTripper) *github.Client {
	t.Helper()
	return newClientTo(t, g, token, "octo-org/fleet", transport)
}

// newClientOf is for another repository than the usual one.
func newClientOf(t *testing.T, g *rollouttest.GitHub, token, slug string) *github.Client {
	t.Helper()
	return newClientTo(t, g, token, slug, openapi.Validate(t, g.Transport()))
}

func newClientTo(t *testing.T, g *rollouttest.GitHub, token, slug string, transport http.RoundTripper) *github.Client {
	t.Helper()
	owner, name, _ := strings.Cut(slug, "/")
	c, err := github.New(github.Options{
		Host: g.Host(), Owner: owner, Name: name,
		Token: token, TokenSource: "GH_TOKEN", Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
