package github_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

const promoteYAML = `name: Promote
run-name: Promote ${{ inputs.stage }} (${{ inputs.request }})
on:
  workflow_dispatch:
    inputs:
      stage: {required: true}
      request: {default: none}
jobs:
  promote:
    name: Promote it
    runs-on: ubuntu-latest
    steps: [{run: mage release:promote}]
`

var dispatches = rollouttest.Match{Method: http.MethodPost, Path: "/repos/*/dispatches"}

// newWorkflows is a stand-in with promote.yaml, and plain.yaml that cannot be
// dispatched.
func newWorkflows(t *testing.T, options rollouttest.Options) (*rollouttest.GitHub, *github.Client) {
	t.Helper()
	g := rollouttest.New(t, options)
	_, err := g.Repositories()[0].Commit("main", rollouttest.Change{Files: map[string]string{
		".github/workflows/promote.yaml": promoteYAML,
		".github/workflows/plain.yaml":   "on: push\njobs: {}\n",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return g, newClient(t, g, rollouttest.DefaultToken)
}

func TestDispatchTellsTheRun(t *testing.T) {
	for _, test := range []struct {
		name     string
		answers  rollouttest.DispatchAnswers
		tells    bool
		requests int // the repository's default branch is the first
	}{
		{"as github.com does", rollouttest.DispatchFlag, true, 2},
		{"as later versions do", rollouttest.DispatchAlways, true, 2},
		{"not, as older servers do not", rollouttest.DispatchNoFlag, false, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, c := newWorkflows(t, rollouttest.Options{Dispatch: test.answers})
			id, err := c.Dispatch(t.Context(), "promote.yaml", map[string]string{"stage": "apps", "request": "4711"})
			if err != nil {
				t.Fatal(err)
			}
			runs := g.Repositories()[0].Runs()
			if len(runs) != 1 || runs[0].Inputs["stage"] != "apps" || runs[0].Ref != "main" {
				t.Fatalf("runs = %v, want one of main for apps", runs)
			}
			if test.tells && id != runs[0].RunID || !test.tells && id != 0 {
				t.Errorf("ID = %d of run %d", id, runs[0].RunID)
			}
			if got := len(g.Requests()); got != test.requests {
				t.Errorf("%d requests, want %d", got, test.requests)
			}
			found, err := c.FindRun(t.Context(), "promote.yaml", "4711")
			if err != nil || found.ID != runs[0].RunID {
				t.Errorf("FindRun = %v, %v", found, err)
			}
		})
	}
}

func TestDispatchThatIsRefused(t *testing.T) {
	for _, test := range []struct {
		name     string
		workflow string
		inputs   map[string]string
		failure  *rollouttest.Failure
		kind     error
		says     []string
	}{
		{
			name: "a workflow that is not there", workflow: "missing.yaml",
			kind: rollout.ErrNotPermitted, says: []string{"no such workflow on main", "push .github/workflows/missing.yaml to main", "Actions: write"},
		},
		{
			name: "a workflow without the trigger", workflow: "plain.yaml",
			kind: rollout.ErrRefused, says: []string{"add `workflow_dispatch:` to `on:` in .github/workflows/plain.yaml"},
		},
		{
			name: "an input that it does not have", workflow: "promote.yaml", inputs: map[string]string{"stage": "apps", "colour": "red"},
			kind: rollout.ErrRefused, says: []string{"bring .github/workflows/promote.yaml on main up to date"},
		},
		{
			name: "an input that is missing", workflow: "promote.yaml",
			kind: rollout.ErrRefused, says: []string{"bring .github/workflows/promote.yaml on main up to date"},
		},
		{
			name: "a workflow that is disabled", workflow: "promote.yaml", inputs: map[string]string{"stage": "apps"},
			failure: &rollouttest.Failure{Status: 422, Body: `{"message":"Cannot trigger a 'workflow_dispatch' on a disabled workflow"}`},
			kind:    rollout.ErrRefused, says: []string{"gh workflow enable promote.yaml"},
		},
		{
			name: "a token without the permission", workflow: "promote.yaml", inputs: map[string]string{"stage": "apps"},
			failure: &rollouttest.Failure{Status: 403, Body: `{"message":"Resource not accessible by integration"}`, Header: http.Header{"X-Accepted-Github-Permissions": {"actions=write"}}},
			kind:    rollout.ErrNotPermitted, says: []string{"the token needs actions=write"},
		},
		{
			name: "a lost answer", workflow: "promote.yaml", inputs: map[string]string{"stage": "apps"},
			failure: &rollouttest.Failure{Cut: true, After: true},
			kind:    rollout.ErrUncertain, says: []string{"gave no clear answer"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, c := newWorkflows(t, rollouttest.Options{})
			if test.failure != nil {
				g.FailNext(dispatches, *test.failure)
			}
			_, err := c.Dispatch(t.Context(), test.workflow, test.inputs)
			problem(t, err, test.kind, test.says...)
			if got := len(g.Requests()); got != 2 {
				t.Errorf("%d requests, want 2: only what is about the flag is sent again", got)
			}
		})
	}
}

func TestFindRunOfNothing(t *testing.T) {
	_, c := newWorkflows(t, rollouttest.Options{})
	for range 3 {
		if _, err := c.Dispatch(t.Context(), "promote.yaml", map[string]string{"stage": "apps"}); err != nil {
			t.Fatal(err)
		}
	}
	if run, err := c.FindRun(t.Context(), "promote.yaml", "4711"); err != nil || run.ID != 0 {
		t.Errorf("FindRun = %v, %v; want none", run, err)
	}
	if _, err := c.FindRun(t.Context(), "promote.yaml", ""); !errors.Is(err, rollout.ErrUsage) {
		t.Errorf("FindRun of no text: %v, want ErrUsage", err)
	}
}

func TestRunIsFollowed(t *testing.T) {
	g, c := newWorkflows(t, rollouttest.Options{})
	done := make(chan struct{})
	g.OnDispatch(func(context.Context, rollouttest.Dispatch) rollouttest.Conclusion {
		<-done
		return rollouttest.Failed
	})
	g.Hold(rollouttest.RunWaiting)
	id, err := c.Dispatch(t.Context(), "promote.yaml", map[string]string{"stage": "apps", "request": "4711"})
	if err != nil {
		t.Fatal(err)
	}
	g.ResetRequests()
	waiting, err := c.Run(t.Context(), id)
	if err != nil || waiting.Status != "waiting" || waiting.Conclusion != "" {
		t.Errorf("run = %v, %v; want it waiting", waiting, err)
	}
	if got := len(g.Requests()); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
	g.ResetRequests()
	going, err := c.Going(t.Context(), "promote.yaml")
	if diff := cmp.Diff([]rollout.Run{waiting}, going); diff != "" || err != nil || len(g.Requests()) != 2 {
		t.Errorf("what goes on, in %d requests, %v (-want +got):\n%s", len(g.Requests()), err, diff)
	}
	close(done)
	if err := g.Repositories()[0].Release(id); err != nil {
		t.Fatal(err)
	}
	run := waiting
	for run.Status != "completed" {
		if run, err = c.Run(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	want := rollout.Run{
		ID: id, Name: "Promote apps (4711)", URL: run.URL, Status: "completed", Conclusion: "failure",
		Jobs: []rollout.Job{{Name: "Promote it", Status: "completed", Conclusion: "failure", Step: "Run mage release:promote"}},
	}
	if diff := cmp.Diff(want, run); diff != "" || run.URL == "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if going, err := c.Going(t.Context(), "promote.yaml"); err != nil || len(going) != 0 {
		t.Errorf("what has ended goes on: %v, %v", going, err)
	}
}
