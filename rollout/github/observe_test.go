package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestObserveIsOneRequest(t *testing.T) {
	clock := rollouttest.NewClock(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	s := newStage(t, rollouttest.Options{Clock: clock.Now})
	many := []string{"main", "release", "missing"}
	for i := range 20 {
		branch := fmt.Sprintf("stage/%d", i)
		many = append(many, branch)
		if err := s.repo.SetBranch(branch, s.commits[1]); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Hour)
	o, err := s.client.Observe(t.Context(), rollout.Query{Branches: many, Ledger: ledgerBranch})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(s.github.Requests()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
	if len(o.Heads) != 22 || o.Heads["stage/19"] != rollout.SHA(s.commits[1]) {
		t.Errorf("heads = %v", o.Heads)
	}
	for branch, head := range o.Heads {
		tree, err := s.repo.Git("rev-parse", string(head)+"^{tree}")
		if err != nil || o.Trees[branch] != rollout.SHA(strings.TrimSpace(tree)) {
			t.Errorf("the tree of %s is %s, want %s (%v)", branch, o.Trees[branch], tree, err)
		}
	}
	if len(o.Trees) != len(o.Heads) || len(o.Log) != 1 || strings.TrimSpace(o.Log[0].Message) != "begin" {
		t.Errorf("%d trees of %d heads, log %v", len(o.Trees), len(o.Heads), o.Log)
	}
	if !o.At.Equal(clock.Now()) || o.Viewer != rollouttest.DefaultLogin || o.Ledger != s.next.Ledger.SHA {
		t.Errorf("observed %v as %s at %v", o.Ledger, o.Viewer, o.At)
	}
}

func TestObserveAsTheActionsToken(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	c := s.as(rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: map[string]string{"contents": "write"}})
	if o, err := c.Observe(t.Context(), query); err != nil || o.Viewer != "github-actions[bot]" {
		t.Errorf("viewer = %q, %v", o.Viewer, err)
	}
}

func TestObserveOfAnUnreadableLedger(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	head, err := s.repo.Commit(ledgerBranch, rollouttest.Change{Files: map[string]string{"state.json": "\x00\x01\xff\xfe"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.client.Observe(t.Context(), query)
	problem(t, err, rollout.ErrLedger, "state.json on rollout/ledger at "+head[:7]+" is not text", "revert that commit")
}

func TestObserveOfARepositoryThatIsNotThere(t *testing.T) {
	private := []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet", Private: true}}
	g := rollouttest.New(t, rollouttest.Options{Repositories: private})
	g.AddToken("stranger", rollouttest.Identity{Login: "stranger", Repositories: []string{}})
	missing, err := github.New(github.Options{Host: g.Host(), Owner: "octo-org", Name: "flet", Token: rollouttest.DefaultToken, Transport: g.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*github.Client{"misspelt": missing, "invisible": newClient(t, g, "stranger")} {
		_, err := c.Observe(t.Context(), query)
		problem(t, err, rollout.ErrNotPermitted, "it answers the same to both", "correct `repository:`", "give a token that may see")
		if strings.Contains(err.Error(), "GraphQL") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestObserveWithATokenThatIsNotOne(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	_, err := newClient(t, g, "expired").Observe(t.Context(), query)
	problem(t, err, rollout.ErrNotPermitted, "does not accept the token (from GH_TOKEN)", "gh auth login", "GH_ENTERPRISE_TOKEN")
}

func TestMovementsAcrossPages(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	commits, err := g.Repositories()[0].History("main", 250, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, g, rollouttest.DefaultToken)
	for until, requests := range map[int]int{249: 1, 150: 1, 149: 2, 10: 3, -1: 3} {
		g.ResetRequests()
		got, err := c.Movements(t.Context(), "main", func(m rollout.Movement) bool {
			return until >= 0 && m.After == rollout.SHA(commits[until])
		})
		if err != nil || len(got) != 250-max(until, 0) {
			t.Errorf("until %d: %d movements, %v", until, len(got), err)
		}
		if len(g.Requests()) != requests {
			t.Errorf("until %d: %d requests, want %d", until, len(g.Requests()), requests)
		}
	}
}

func TestMovementsOfAServerWithoutAPushLog(t *testing.T) {
	activity := rollouttest.Match{Path: "/repos/*/activity", Count: -1}
	never := func(rollout.Movement) bool { return false }
	t.Run("are none", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		s.github.FailNext(activity, rollouttest.Failure{Status: http.StatusNotFound, Body: `{"message":"Not Found"}`})
		if got, err := s.client.Movements(t.Context(), "main", never); err != nil || len(got) != 0 {
			t.Errorf("movements = %v, %v; want none", got, err)
		}
	})
	t.Run("are an error where the token may not see it", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		s.github.FailNext(activity, rollouttest.Failure{Status: http.StatusForbidden, Body: `{"message":"Resource not accessible by integration"}`})
		_, err := s.client.Movements(t.Context(), "main", never)
		problem(t, err, rollout.ErrNotPermitted)
	})
	t.Run("are an error where the repository is not to be seen", func(t *testing.T) {
		g := rollouttest.New(t, rollouttest.Options{Repositories: []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet", Private: true}}})
		g.AddToken("stranger", rollouttest.Identity{Login: "stranger", Repositories: []string{}})
		_, err := newClient(t, g, "stranger").Movements(t.Context(), "main", never)
		problem(t, err, rollout.ErrNotPermitted)
	})
}

func TestMovementsThatCannotBeRead(t *testing.T) {
	const a, b = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	row := func(before, after, at, kind string) string {
		return fmt.Sprintf(`[{"before":%q,"after":%q,"ref":"refs/heads/main","timestamp":%q,"activity_type":%q}]`, before, after, at, kind)
	}
	read := func(t *testing.T, body string, header http.Header) ([]rollout.Movement, error) {
		g := rollouttest.New(t, rollouttest.Options{})
		g.FailNext(rollouttest.Match{Path: "/repos/*/activity"}, rollouttest.Failure{Status: 200, Body: body, Header: header})
		return newClientOver(t, g, rollouttest.DefaultToken, g.Transport()).Movements(t.Context(), "main", func(rollout.Movement) bool { return false })
	}
	t.Run("of an unknown type prove nothing", func(t *testing.T) {
		got, err := read(t, row(a, b, "2026-01-01T00:00:00Z", "time_travel"), nil)
		want := []rollout.Movement{{Before: a, After: b, At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Forced: true}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("movements: %v (-want +got):\n%s", err, diff)
		}
	})
	for name, body := range map[string]string{
		"commit":  row("x", b, "2026-01-01T00:00:00Z", "push"),
		"no time": `[{"before":"` + a + `","after":"` + b + `","ref":"refs/heads/main","activity_type":"push"}]`,
		"a time":  row(a, b, "soon", "push"),
		"object":  `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read(t, body, nil); !errors.Is(err, rollout.ErrUnavailable) {
				t.Errorf("error: %v, want ErrUnavailable", err)
			}
		})
	}
	t.Run("because they are said to be elsewhere", func(t *testing.T) {
		_, err := read(t, `[]`, http.Header{"Link": {`<https://evil.example/next>; rel="next"`}})
		problem(t, err, rollout.ErrUnavailable, "evil.example")
	})
}
