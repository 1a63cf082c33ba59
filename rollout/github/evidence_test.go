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
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// reported is a stand-in whose commits, oldest first, have one status each.
func reported(t *testing.T, options rollouttest.Options, commits int) (*rollouttest.GitHub, []rollout.SHA) {
	t.Helper()
	g := rollouttest.New(t, options)
	repo := g.Repositories()[0]
	made, err := repo.History("main", commits, 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var all []rollout.SHA
	for _, commit := range made {
		if err := repo.SetStatus(commit, rollouttest.CommitStatus{State: "success", Context: "kustomization/apps"}); err != nil {
			t.Fatal(err)
		}
		all = append(all, rollout.SHA(commit))
	}
	return g, all
}

// The head of a stage and 100 revisions are one request.
func TestEvidenceIsOneRequestFor101Commits(t *testing.T) {
	g, commits := reported(t, rollouttest.Options{}, 203)
	c := newClient(t, g, rollouttest.DefaultToken)
	for n, want := range map[int]int{0: 0, 1: 1, 101: 1, 102: 2, 202: 2, 203: 3} {
		g.ResetRequests()
		found, err := c.Evidence(t.Context(), commits[:n])
		if err != nil || len(found) != n {
			t.Errorf("%d commits: evidence of %d, %v", n, len(found), err)
		}
		if got := len(g.Requests()); got != want {
			t.Errorf("%d commits: %d requests, want %d", n, got, want)
		}
	}
}

// A commit without statuses costs the log nothing, and a commit that is named
// twice nothing more.
func TestEvidenceLogIsOneRequestForAPageOfACommit(t *testing.T) {
	g, commits := reported(t, rollouttest.Options{}, 3)
	repo := g.Repositories()[0]
	for range 200 {
		if err := repo.SetStatus(string(commits[1]), rollouttest.CommitStatus{State: "pending"}); err != nil {
			t.Fatal(err)
		}
	}
	bare, err := repo.Commit("main", rollouttest.Change{Files: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	g.ResetRequests()
	c := newClient(t, g, rollouttest.DefaultToken)
	log, err := c.EvidenceLog(t.Context(), []rollout.SHA{commits[0], commits[1], rollout.SHA(bare), commits[1]})
	if err != nil || len(log) != 2 || len(log[commits[0]]) != 1 || len(log[commits[1]]) != 201 {
		t.Errorf("log of %d commits, %v", len(log), err)
	}
	if got := len(g.Requests()); got != 5 {
		t.Errorf("%d requests, want 1 for all commits, 1 and 3 for their logs:\n%s", got, traffic(g))
	}
}

func TestEvidenceTakesAPermissionOfItsOwn(t *testing.T) {
	const lacks = "needs Contents: write and Commit statuses: read; in a workflow `statuses: read`, beside `contents: write`"
	contents := map[string]string{"contents": "write"}
	both := map[string]string{"contents": "write", "statuses": "read"}
	for name, test := range map[string]struct {
		who     rollouttest.Identity
		private bool
		refused bool
	}{
		"a workflow's own token":                   {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: contents}, true, true},
		"a workflow's own token that may read":     {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: both}, true, false},
		"an app":                                   {rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: contents}, true, true},
		"an app that may read":                     {rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: both}, true, false},
		"a user":                                   {rollouttest.Identity{Login: "mona", Permissions: contents}, true, true},
		"a user who may read":                      {rollouttest.Identity{Login: "mona", Permissions: both}, true, false},
		"anybody's token, in a public repository":  {rollouttest.Identity{Login: "mona", Permissions: map[string]string{}}, false, false},
		"a workflow's own, in a public repository": {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: contents}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g, commits := reported(t, rollouttest.Options{
				Repositories: []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet", Private: test.private}},
			}, 2)
			g.AddToken("another-token", test.who)
			c := newClient(t, g, "another-token")
			found, err := c.Evidence(t.Context(), commits)
			log, errLog := c.EvidenceLog(t.Context(), commits)
			if !test.refused {
				if err != nil || errLog != nil || len(found) != 2 || len(log) != 2 {
					t.Errorf("evidence of %d, %v; log of %d, %v", len(found), err, len(log), errLog)
				}
				return
			}
			problem(t, err, rollout.ErrNotPermitted, "read the commit statuses of octo-org/fleet", lacks)
			problem(t, errLog, rollout.ErrNotPermitted, lacks)
			if strings.Count(err.Error(), "Resource not accessible") != 1 {
				t.Errorf("said more than once: %v", err)
			}
		})
	}
	t.Run("only the log", func(t *testing.T) {
		g, commits := reported(t, rollouttest.Options{}, 1)
		g.FailNext(rollouttest.Match{Path: "/repos/*/statuses"}, rollouttest.Failure{
			Status: http.StatusForbidden, Body: `{"message":"Resource not accessible by integration"}`,
			Header: http.Header{"X-Accepted-Github-Permissions": {"statuses=read"}},
		})
		_, err := newClientOver(t, g, rollouttest.DefaultToken, g.Transport()).EvidenceLog(t.Context(), commits)
		problem(t, err, rollout.ErrNotPermitted, lacks)
	})
	t.Run("which a token that is not one does not lack", func(t *testing.T) {
		g, commits := reported(t, rollouttest.Options{}, 1)
		_, err := newClient(t, g, "expired").Evidence(t.Context(), commits)
		problem(t, err, rollout.ErrNotPermitted, "does not accept the token", "gh auth login")
	})
	t.Run("nor a stranger", func(t *testing.T) {
		g, commits := reported(t, rollouttest.Options{
			Repositories: []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet", Private: true}},
		}, 1)
		g.AddToken("stranger", rollouttest.Identity{Login: "stranger", Repositories: []string{}})
		_, err := newClient(t, g, "stranger").Evidence(t.Context(), commits)
		problem(t, err, rollout.ErrNotPermitted, "it answers the same to both", "correct `repository:`")
	})
}

// graphqlStatus and restStatus are one status as the two interfaces tell it.
func graphqlStatus(state, at string) string {
	return fmt.Sprintf(`{"data":{"reported":{"commit0":{"status":{"contexts":[{"context":"a","state":%s,"createdAt":%s,"description":null}]}}}}}`, state, at)
}

func restStatus(state, at string) string {
	return fmt.Sprintf(`[{"context":"a","state":%s,"created_at":%s,"description":null}]`, state, at)
}

// readStatuses reads one commit's statuses from answers that GitHub's
// description need not allow. The log's is empty for the newest alone.
func readStatuses(t *testing.T, newest, log string) (map[rollout.SHA][]rollout.Evidence, rollout.SHA, error) {
	t.Helper()
	g, commits := reported(t, rollouttest.Options{}, 1)
	c := newClientOver(t, g, rollouttest.DefaultToken, g.Transport())
	if log == "" {
		g.FailNext(rollouttest.Match{Operation: "Evidence"}, rollouttest.Failure{Status: 200, Body: newest})
		found, err := c.Evidence(t.Context(), commits)
		return found, commits[0], err
	}
	g.FailNext(rollouttest.Match{Path: "/repos/*/statuses"}, rollouttest.Failure{Status: 200, Body: log})
	found, err := c.EvidenceLog(t.Context(), commits)
	return found, commits[0], err
}

// What is not known to be good is not good.
func TestStatesOfEvidence(t *testing.T) {
	for state, want := range map[string]rollout.EvidenceState{
		"SUCCESS": rollout.EvidenceSuccess, "FAILURE": rollout.EvidenceFailure, "ERROR": rollout.EvidenceError,
		"PENDING": rollout.EvidencePending, "EXPECTED": rollout.EvidencePending,
		"SUCCEEDED": rollout.EvidenceError, "NEUTRAL": rollout.EvidenceError, "": rollout.EvidenceError,
	} {
		quoted := fmt.Sprintf("%q", state)
		for _, answer := range [][2]string{
			{graphqlStatus(quoted, `"2026-03-04T05:06:07Z"`), ""},
			{"", restStatus(strings.ToLower(quoted), `"2026-03-04T05:06:07Z"`)},
		} {
			found, commit, err := readStatuses(t, answer[0], answer[1])
			is := map[rollout.SHA][]rollout.Evidence{commit: {
				{Context: "a", State: want, At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)},
			}}
			if diff := cmp.Diff(is, found); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", quoted, err, diff)
			}
		}
	}
}

func TestEvidenceThatCannotBeRead(t *testing.T) {
	const at = `"2026-03-04T05:06:07Z"`
	for name, answer := range map[string][2]string{
		"a time":                     {graphqlStatus(`"SUCCESS"`, `"soon"`), ""},
		"no time":                    {graphqlStatus(`"SUCCESS"`, `null`), ""},
		"a state":                    {graphqlStatus(`7`, at), ""},
		"half an answer":             {graphqlStatus(`"SUCCESS"`, at)[:60], ""},
		"no answer":                  {`<html>`, ""},
		"no data":                    {`{"data":null,"errors":[{"message":"Something odd"}]}`, ""},
		"a time of the log":          {"", restStatus(`"success"`, `"soon"`)},
		"no time of the log":         {"", restStatus(`"success"`, `null`)},
		"a state of the log":         {"", restStatus(`7`, at)},
		"half an answer of the log":  {"", restStatus(`"success"`, at)[:30]},
		"an answer of the log":       {"", `{}`},
		"no answer at all, of a log": {"", `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			found, _, err := readStatuses(t, answer[0], answer[1])
			if found != nil || (!errors.Is(err, rollout.ErrUnavailable) && !errors.Is(err, rollout.ErrRefused)) {
				t.Errorf("evidence = %v, %v; want none, and an error", found, err)
			}
		})
	}
	t.Run("because it is said to be elsewhere", func(t *testing.T) {
		g, commits := reported(t, rollouttest.Options{}, 1)
		g.FailNext(rollouttest.Match{Path: "/repos/*/statuses"}, rollouttest.Failure{
			Status: 200, Body: `[]`, Header: http.Header{"Link": {`<https://evil.example/next>; rel="next"`}},
		})
		_, err := newClientOver(t, g, rollouttest.DefaultToken, g.Transport()).EvidenceLog(t.Context(), commits)
		problem(t, err, rollout.ErrUnavailable, "evil.example")
	})
}

// A tree has no statuses, and is no reason to fail.
func TestEvidenceOfWhatIsNoCommit(t *testing.T) {
	g, commits := reported(t, rollouttest.Options{}, 1)
	tree, err := g.Repositories()[0].Git("rev-parse", string(commits[0])+"^{tree}")
	if err != nil {
		t.Fatal(err)
	}
	found, err := newClient(t, g, rollouttest.DefaultToken).Evidence(t.Context(), []rollout.SHA{rollout.SHA(strings.TrimSpace(tree))})
	if err != nil || len(found) != 0 {
		t.Errorf("evidence = %v, %v; want none", found, err)
	}
}
