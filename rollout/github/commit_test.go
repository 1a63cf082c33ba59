package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

const ledgerBranch = "rollout/ledger"

var query = rollout.Query{Branches: []string{"main", "release"}, Ledger: ledgerBranch}

// A stage is a stand-in on which a promotion can be made.
type stage struct {
	t      *testing.T
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
	client *github.Client
	// commits are those of main; release stands at the first.
	commits []string
	// next is the transaction that promotes main's head.
	next rollout.Transaction
}

func newStage(t *testing.T, options rollouttest.Options) *stage {
	t.Helper()
	g := rollouttest.New(t, options)
	s := &stage{t: t, github: g, repo: g.Repositories()[0], client: newClient(t, g, rollouttest.DefaultToken)}
	var err error
	if s.commits, err = s.repo.History("main", 3, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	head, err := s.client.Commit(t.Context(), rollout.Transaction{
		Branch: "release", To: rollout.SHA(s.commits[0]),
		Ledger: rollout.Head{Branch: ledgerBranch}, Draft: entry("begin"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.next = rollout.Transaction{
		Branch: "release", From: rollout.SHA(s.commits[0]), To: rollout.SHA(s.commits[2]),
		Ledger: rollout.Head{Branch: ledgerBranch, SHA: head}, Draft: entry("promote"),
	}
	g.ResetRequests()
	return s
}

func entry(text string) rollout.Draft {
	return rollout.Draft{Message: text + "\n", Files: map[string][]byte{"state.json": []byte("{}\n")}}
}

// as lets another identity speak.
func (s *stage) as(who rollouttest.Identity) *github.Client {
	s.github.AddToken("another-token", who)
	return newClient(s.t, s.github, "another-token")
}

// stands checks where release and the ledger are.
func (s *stage) stands(release, ledger rollout.SHA) {
	s.t.Helper()
	for branch, want := range map[string]rollout.SHA{"release": release, ledgerBranch: ledger} {
		if got, err := s.repo.Head(branch); err != nil || got != string(want) {
			s.t.Errorf("%s is at %s (%v), want %s", branch, got, err, want)
		}
	}
}

func (s *stage) unchanged() {
	s.t.Helper()
	s.stands(s.next.From, s.next.Ledger.SHA)
}

// problem checks an error's kind and what it tells an operator.
func problem(t *testing.T, err, kind error, says ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error: %v\nwant kind %q", err, kind)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error: %v\ndoes not say %q", err, text)
		}
	}
}

func TestCommitIsThreeRequests(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	if _, err := s.client.Observe(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	s.github.ResetRequests()
	sha, err := s.client.Commit(t.Context(), s.next)
	if err != nil {
		t.Fatal(err)
	}
	s.stands(s.next.To, sha)
	if got := len(s.github.Requests()); got != 3 {
		t.Errorf("Commit took %d requests, want 3", got)
	}
	author, err := s.repo.Git("log", "-1", "--format=%an", string(sha))
	if err != nil || strings.TrimSpace(author) != rollouttest.DefaultLogin {
		t.Errorf("the entry's author is %q (%v), want the token's owner", author, err)
	}
}

func TestCommitWithoutObservationLooksTheRepositoryUpOnce(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	c := newClient(t, s.github, rollouttest.DefaultToken)
	sha, err := c.Commit(t.Context(), s.next)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Commit(t.Context(), rollout.Transaction{Ledger: rollout.Head{Branch: ledgerBranch, SHA: sha}, Draft: entry("more")}); err != nil {
		t.Fatal(err)
	}
	if got := len(s.github.Requests()); got != 7 {
		t.Errorf("%d requests for two transactions, want 7", got)
	}
}

func TestCommitThatLosesARace(t *testing.T) {
	for name, race := range map[string]func(s *stage){
		"for the branch": func(s *stage) {
			if err := s.repo.SetBranch("release", s.commits[1]); err != nil {
				s.t.Error(err)
			}
		},
		"for the ledger": func(s *stage) {
			if _, err := s.repo.Commit(ledgerBranch, rollouttest.Change{Message: "quicker"}); err != nil {
				s.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.Options{})
			s.github.Before(rollouttest.Match{Operation: "updateRefs"}, func() { race(s) })
			sha, err := s.client.Commit(t.Context(), s.next)
			problem(t, err, rollout.ErrMoved, "while deciding: nothing was changed")
			if sha != "" {
				t.Errorf("SHA = %s of a transaction that was refused", sha)
			}
		})
	}
}

func TestCommitWithoutAClearAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		failure rollouttest.Failure
		done    bool
	}{
		{"cut before", rollouttest.Failure{Cut: true}, false},
		{"cut after", rollouttest.Failure{Cut: true, After: true}, true},
		{"bad gateway", rollouttest.BadGateway(), false},
		{"server error after", rollouttest.Failure{Status: 500, Body: `{}`, After: true}, true},
		{"not JSON", rollouttest.Failure{Status: 200, Body: "<html>", After: true}, true},
		{"empty", rollouttest.Failure{Status: 200, Body: `{"data":{}}`, After: true}, true},
		{"vague", rollouttest.Failure{Status: 200, Body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`, After: true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, rollouttest.Options{})
			s.github.FailNext(rollouttest.Match{Operation: "updateRefs"}, test.failure)
			sha, err := s.client.Commit(t.Context(), s.next)
			problem(t, err, rollout.ErrUncertain, "gave no clear answer")
			if sha == "" {
				t.Fatal("the ledger's commit is not named")
			}
			if test.done {
				s.stands(s.next.To, sha)
			} else {
				s.unchanged()
			}
			if got := len(s.github.Requests()); got != 3 {
				t.Errorf("%d requests, want 3: nothing is sent twice", got)
			}
		})
	}
	for _, path := range []string{"/repos/*/git/trees", "/repos/*/git/commits"} {
		t.Run("of "+path, func(t *testing.T) {
			s := newStage(t, rollouttest.Options{})
			s.github.FailNext(rollouttest.Match{Method: http.MethodPost, Path: path}, rollouttest.Failure{Cut: true, After: true})
			sha, err := s.client.Commit(t.Context(), s.next)
			problem(t, err, rollout.ErrUncertain)
			if sha != "" {
				t.Errorf("SHA = %s, want none: no ledger commit is known", sha)
			}
			s.unchanged()
		})
	}
	t.Run("within the timeout", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		c, err := github.New(github.Options{
			Host: s.github.Host(), Owner: "octo-org", Name: "fleet", Token: rollouttest.DefaultToken,
			Transport: s.github.Transport(), APITimeout: 3 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.github.FailNext(rollouttest.Match{Operation: "updateRefs"}, rollouttest.Failure{Delay: rollouttest.Hang})
		sha, err := c.Commit(t.Context(), s.next)
		problem(t, err, rollout.ErrUncertain, "no answer within 3s")
		if sha == "" {
			t.Error("the ledger's commit is not named")
		}
	})
}

func TestCommitThatIsLimitedChangesNothing(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	s.github.FailNext(rollouttest.Match{Operation: "updateRefs"}, rollouttest.SecondaryLimit(time.Minute))
	_, err := s.client.Commit(t.Context(), s.next)
	problem(t, err, rollout.ErrUnavailable, "GitHub limits the requests until")
	s.unchanged()
}

func TestCommitOfWorkflowFiles(t *testing.T) {
	actions := rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: map[string]string{"contents": "write"}}
	// What is to go out is as it was when its soak began; main has moved on.
	changed := func(s *stage) {
		for _, content := range []string{"on: push\n", "on: pull_request\n"} {
			head, err := s.repo.Commit("main", rollouttest.Change{Files: map[string]string{".github/workflows/a.yaml": content}})
			if err != nil {
				s.t.Fatal(err)
			}
			s.commits = append(s.commits, head)
		}
		s.next.To = rollout.SHA(s.commits[len(s.commits)-2])
		s.github.ResetRequests()
	}
	t.Run("is refused to the Actions token", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		changed(s)
		c := s.as(actions)
		o, err := c.Observe(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		problem(t, c.MayMove(t.Context(), o, s.next.To), rollout.ErrNotPermitted,
			"has other files in .github/workflows than", "the head of main",
			"when its own soak is over", "Workflows: write", "deploy key", "mage release:override -direct")
		if got := len(s.github.Requests()); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
		_, err = c.Commit(t.Context(), s.next)
		problem(t, err, rollout.ErrNotPermitted, "Resource not accessible by integration", "Workflows: write")
		s.unchanged()
	})
	t.Run("is allowed to the Actions token where they are the same", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		c := s.as(actions)
		o, err := c.Observe(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.MayMove(t.Context(), o, s.next.To); err != nil {
			t.Error(err)
		}
		if _, err := c.Commit(t.Context(), s.next); err != nil {
			t.Error(err)
		}
	})
	t.Run("is allowed to the Actions token where there were none yet", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		changed(s)
		s.next.To = rollout.SHA(s.commits[2])
		c := s.as(actions)
		o, err := c.Observe(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.MayMove(t.Context(), o, s.next.To); err != nil {
			t.Error(err)
		}
		if _, err := c.Commit(t.Context(), s.next); err != nil {
			t.Error(err)
		}
	})
	t.Run("is not asked about with another token", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		changed(s)
		o := rollout.Observation{Viewer: rollouttest.DefaultLogin}
		if err := s.client.MayMove(t.Context(), o, s.next.To); err != nil {
			t.Error(err)
		}
		if got := len(s.github.Requests()); got != 0 {
			t.Errorf("%d requests, want none", got)
		}
	})
	t.Run("of a commit that nobody has", func(t *testing.T) {
		s := newStage(t, rollouttest.Options{})
		err := s.client.MayMove(t.Context(), rollout.Observation{Viewer: "github-actions[bot]"}, "0123456789abcdef0123456789abcdef01234567")
		problem(t, err, rollout.ErrRefused, "has no commit")
	})
}

func TestCommitWithoutPermission(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	c := s.as(rollouttest.Identity{Login: "reader", Permissions: map[string]string{"contents": "read"}})
	_, err := c.Commit(t.Context(), s.next)
	problem(t, err, rollout.ErrNotPermitted, "(from GH_TOKEN) may not do this", "contents=write")
	s.unchanged()
}

func TestCommitThatARuleForbids(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	change, err := s.client.Protection(t.Context(), rollout.Protection{Name: "strict", Branches: []string{"release"}, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = s.client.Commit(t.Context(), s.next)
	problem(t, err, rollout.ErrRefused, "Repository rule violations found", "bypass list")
	s.unchanged()
}

func TestCommitOfWhatCannotBeWritten(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	for name, draft := range map[string]rollout.Draft{
		"message":   {Message: "\xff", Files: entry("").Files},
		"file":      {Message: "x", Files: map[string][]byte{"state.json": []byte("\xff")}},
		"directory": {Message: "x", Files: map[string][]byte{"a/b": nil}},
	} {
		bad := s.next
		bad.Draft = draft
		if _, err := s.client.Commit(t.Context(), bad); !errors.Is(err, rollout.ErrUsage) {
			t.Errorf("%s: %v, want ErrUsage", name, err)
		}
	}
	if got := len(s.github.Requests()); got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}
