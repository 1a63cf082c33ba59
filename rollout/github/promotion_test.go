package github_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

var (
	infra = rollout.Stage{Name: "infra", Branch: "main"}
	apps  = rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}
)

// newEngine promotes from main to release on a stand-in.
func newEngine(t *testing.T, g *rollouttest.GitHub, c *github.Client, token string) *rollout.Engine {
	t.Helper()
	history, err := gitrepo.Open(gitrepo.Options{URL: g.CloneURL("octo-org/fleet"), Token: token, Transport: g.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return &rollout.Engine{
		Plan: rollout.Plan{
			Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Host: g.Host(), Owner: "octo-org", Name: "fleet"},
			Ledger:     ledgerBranch, Stages: []rollout.Stage{infra, apps},
		},
		Remote: c, History: history, Ledger: ledger.Ledger{},
	}
}

// A promotion as the workflow makes it, with the Actions token: at most 8
// requests up to 100 pending commits, and one more for each further 100. What
// was reported of them costs one more for each 100, and nothing where the stage
// does not ask for it.
func TestPromotionStaysWithinItsRequests(t *testing.T) {
	reports, err := rollout.ParseGlob("kustomization/**")
	if err != nil {
		t.Fatal(err)
	}
	healthy := apps
	healthy.Health.Required = []rollout.Requirement{{Cluster: "infra", Contexts: reports, Where: "rollout.yaml:1"}}
	for _, pending := range []int{1, 100, 500, 1000} {
		hundreds := (pending + 99) / 100
		t.Run(fmt.Sprint(pending), func(t *testing.T) {
			promoteWithin(t, pending, apps, 7+hundreds)
		})
		t.Run(fmt.Sprintf("%d with health", pending), func(t *testing.T) {
			promoteWithin(t, pending, healthy, 7+2*hundreds)
		})
	}
}

// promoteWithin promotes that many commits of which good was reported, with at
// most that many requests.
func promoteWithin(t *testing.T, pending int, stage rollout.Stage, atMost int) {
	t.Helper()
	if testing.Short() && pending > 100 {
		t.Skip("a long history takes seconds to make")
	}
	clock := rollouttest.NewClock(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))
	g := rollouttest.New(t, rollouttest.Options{Clock: clock.Now})
	repo := g.Repositories()[0]
	commits, err := repo.History("main", pending+1, 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	const token = "the-workflow's-own"
	g.AddToken(token, rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: map[string]string{"contents": "write"}})
	c := newClient(t, g, token)
	if err := repo.SetBranch("release", commits[0]); err != nil {
		t.Fatal(err)
	}
	draft, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: clock.Now()}, rollout.State{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Commit(t.Context(), rollout.Transaction{Ledger: rollout.Head{Branch: ledgerBranch}, Draft: draft}); err != nil {
		t.Fatal(err)
	}
	for _, commit := range commits {
		if err := repo.SetStatus(commit, rollouttest.CommitStatus{State: "success", Context: "kustomization/apps/x"}); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(25 * time.Hour)
	g.ResetRequests()

	engine := newEngine(t, g, newClient(t, g, token), token)
	receipt, err := engine.Promote(t.Context(), stage)
	if err != nil {
		t.Fatal(err)
	}
	last := rollout.SHA(commits[pending])
	if receipt.Decision.Action != rollout.Promote || receipt.Decision.Revision.SHA != last || len(receipt.Decision.GoesOut) != pending {
		t.Fatalf("decision: %s %s", receipt.Decision.Action, receipt.Decision.Reason)
	}
	if head, err := repo.Head("release"); err != nil || head != string(last) {
		t.Errorf("release is at %s (%v), want %s", head, err, last)
	}
	if receipt.Entry.By != "github-actions[bot]" {
		t.Errorf("recorded as by %q", receipt.Entry.By)
	}
	t.Logf("%d requests", len(g.Requests()))
	if got := len(g.Requests()); got > atMost {
		t.Errorf("%d requests, want at most %d:\n%s", got, atMost, traffic(g))
	}
}

func traffic(g *rollouttest.GitHub) string {
	var b strings.Builder
	for _, r := range g.Requests() {
		fmt.Fprintf(&b, "%s %s %s %d\n", r.Method, r.Path, r.Operation, r.Status)
	}
	return b.String()
}

// Whatever happens to the answers, a promotion is made once and recorded once.
func TestPromotionSurvivesLostAnswers(t *testing.T) {
	for name, failures := range map[string][]rollouttest.Failure{
		"after it was done":  {{Cut: true, After: true}},
		"before it was done": {{Cut: true}},
		"both":               {rollouttest.BadGateway(), {Cut: true, After: true}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := rollouttest.NewClock(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))
			s := newStage(t, rollouttest.Options{Clock: clock.Now})
			draft, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: clock.Now()}, rollout.State{})
			if err != nil {
				t.Fatal(err)
			}
			head, err := s.client.Commit(t.Context(), rollout.Transaction{Ledger: s.next.Ledger, Draft: draft})
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(25 * time.Hour)
			for _, failure := range failures {
				s.github.FailNext(rollouttest.Match{Operation: "updateRefs"}, failure)
			}
			receipt, err := newEngine(t, s.github, s.client, rollouttest.DefaultToken).Promote(t.Context(), apps)
			if err != nil {
				t.Fatal(err)
			}
			s.stands(s.next.To, receipt.Commit)
			parent, err := s.repo.Git("rev-parse", string(receipt.Commit)+"^")
			if err != nil || strings.TrimSpace(parent) != string(head) {
				t.Errorf("the ledger gained more than one entry: %s is on top of %s", receipt.Commit, parent)
			}
		})
	}
}
