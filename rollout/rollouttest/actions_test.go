package rollouttest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func newWorkflowStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{
		".github/workflows/promote.yaml": promoteWorkflow,
		".github/workflows/push.yaml":    "on: push\n",
		".github/workflows/list.yml":     "on: [push, workflow_dispatch]\njobs: {}\n",
		".github/workflows/broken.yaml":  "on: [\n",
	})
	return s
}

func TestDispatch(t *testing.T) {
	s := newWorkflowStage(t)
	inputs := func(pairs ...string) map[string]any {
		sent := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			sent[pairs[i]] = pairs[i+1]
		}
		return sent
	}
	many := map[string]any{}
	for i := range 26 {
		many[fmt.Sprint("input-", i)] = "x"
	}
	tests := map[string]struct {
		file    string
		body    map[string]any
		status  int
		message string
	}{
		"as it should be":       {"promote.yaml", map[string]any{"ref": "main", "inputs": inputs("stage", "apps")}, 204, ""},
		"with a full ref":       {"promote.yaml", map[string]any{"ref": "refs/heads/main", "inputs": inputs("stage", "apps")}, 204, ""},
		"asking for the run":    {"promote.yaml", map[string]any{"ref": "main", "inputs": inputs("stage", "apps"), "return_run_details": true}, 200, ""},
		"one of several events": {"list.yml", map[string]any{"ref": "main"}, 204, ""},
		"no such workflow":      {"other.yaml", map[string]any{"ref": "main"}, 404, "Not Found"},
		"no such ref":           {"promote.yaml", map[string]any{"ref": "other"}, 422, "No ref found for: other"},
		"without a ref":         {"promote.yaml", map[string]any{}, 422, `"ref" wasn't supplied`},
		"without the event":     {"push.yaml", map[string]any{"ref": "main"}, 422, "Workflow does not have 'workflow_dispatch' trigger"},
		"a file that is broken": {"broken.yaml", map[string]any{"ref": "main"}, 422, "Invalid workflow file"},
		"an unknown input":      {"promote.yaml", map[string]any{"ref": "main", "inputs": inputs("stage", "apps", "x", "1")}, 422, `Unexpected inputs provided: ["x"]`},
		"a missing input":       {"promote.yaml", map[string]any{"ref": "main"}, 422, "Required input 'stage' not provided"},
		"a choice that is none": {"promote.yaml", map[string]any{"ref": "main", "inputs": inputs("stage", "x")}, 422, "not in the list of allowed values"},
		"too many inputs":       {"promote.yaml", map[string]any{"ref": "main", "inputs": many}, 422, "No more than 25"},
	}
	s.http = s.github.Transport() // some requests are wrong on purpose
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			s.want(s.do("POST", "actions/workflows/"+test.file+"/dispatches", test.body), test.status, test.message)
		})
	}
}

// TestDispatchAnswers: three generations of servers answer in three ways.
func TestDispatchAnswers(t *testing.T) {
	flag := map[string]any{"ref": "main", "inputs": map[string]any{"stage": "apps"}, "return_run_details": true}
	plain := map[string]any{"ref": "main", "inputs": map[string]any{"stage": "apps"}}
	for mode, want := range map[rollouttest.DispatchAnswers][2]int{
		rollouttest.DispatchFlag:   {200, 204},
		rollouttest.DispatchNoFlag: {422, 204},
		rollouttest.DispatchAlways: {200, 200},
	} {
		github := rollouttest.New(t, rollouttest.Options{Dispatch: mode})
		s := &stage{t: t, github: github, repo: github.Repositories()[0], http: github.Transport(), token: rollouttest.DefaultToken}
		s.commit("main", map[string]string{".github/workflows/promote.yaml": promoteWorkflow})
		for i, body := range []map[string]any{flag, plain} {
			if got := s.do("POST", "actions/workflows/promote.yaml/dispatches", body).status; got != want[i] {
				t.Errorf("%q answers %d, want %d", mode, got, want[i])
			}
		}
	}
}

// TestRuns follows a run from its dispatch to its end.
func TestRuns(t *testing.T) {
	s := newWorkflowStage(t)
	began, end := make(chan rollouttest.Dispatch, 1), make(chan rollouttest.Conclusion)
	s.github.OnDispatch(func(_ context.Context, d rollouttest.Dispatch) rollouttest.Conclusion {
		began <- d
		return <-end
	})
	id := s.want(s.do("POST", "actions/workflows/promote.yaml/dispatches", map[string]any{
		"ref": "main", "inputs": map[string]any{"stage": "apps"}, "return_run_details": true,
	}), 200, "").object(t)["workflow_run_id"]
	path := fmt.Sprintf("actions/runs/%.0f", id)
	d := <-began
	if d.Workflow != "promote.yaml" || d.Ref != "main" || d.HeadSHA != s.head("main") || d.Inputs["stage"] != "apps" ||
		d.Inputs["nonce"] != "none" || d.Actor != rollouttest.DefaultLogin {
		t.Errorf("the run was given %+v", d)
	}
	run := s.want(s.do("GET", path, nil), 200, "").object(t)
	if run["status"] != "in_progress" || run["conclusion"] != nil || run["display_title"] != "promote apps (none) ${{ toJSON(1) }}" || run["name"] != run["display_title"] {
		t.Errorf("the run is %v %v %q", run["status"], run["conclusion"], run["display_title"])
	}
	job := s.do("GET", path+"/jobs", nil).object(t)
	if at(job, "jobs", 0, "name") != "Promote a stage" || at(job, "jobs", 0, "steps", 1, "name") != "Promote" ||
		at(job, "jobs", 0, "steps", 0, "name") != "Run actions/checkout@v5" || at(job, "jobs", 0, "status") != "in_progress" {
		t.Errorf("the jobs are %v", job)
	}
	// Its token may do what the workflow file asks for, and no more.
	worker := *s
	worker.token = d.Token
	worker.want(worker.do("POST", "git/refs", map[string]any{"ref": "refs/heads/x", "sha": d.HeadSHA}), 201, "")
	worker.want(worker.do("PUT", "environments/x", map[string]any{}), 403, "Resource not accessible by integration")
	s.clock.Advance(time.Minute)
	end <- rollouttest.Failed
	waitFor(t, func() bool {
		return s.do("GET", path, nil).object(t)["conclusion"] == "failure"
	})
	worker.want(worker.do("GET", "", nil), 401, "Bad credentials")
	byHead := "?head_sha=" + d.HeadSHA
	for query, want := range map[string]float64{
		"":                                1,
		"?status=failure&branch=main":     1,
		"?status=success":                 0,
		"?actor=nobody":                   0,
		"?created=>=2026-03-02T09:00:00Z": 1,
		"?created=2026-03-01..2026-03-02": 1,
		"?created=%3E2026-03-02":          0,
		"?event=push":                     0,
		byHead:                            1,
		"?event=workflow_dispatch&created=<2026-1": -1,
	} {
		s.http = s.github.Transport() // the description has "created" as a date, the documentation as a range
		r := s.do("GET", "actions/workflows/promote.yaml/runs"+query, nil)
		if want < 0 {
			s.want(r, 422, "created")
			continue
		}
		if got := r.object(t)["total_count"]; got != want {
			t.Errorf("%s finds %v runs, want %v", query, got, want)
		}
	}
	if got := s.do("GET", "actions/workflows/list.yml/runs", nil).object(t)["total_count"]; got != 0.0 {
		t.Errorf("another workflow has %v runs", got)
	}
	s.want(s.do("GET", "actions/workflows/other.yaml/runs", nil), 404, "Not Found")
	s.want(s.do("GET", "actions/runs/1", nil), 404, "Not Found")
}

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
	}
}

func TestHeldRuns(t *testing.T) {
	s := newWorkflowStage(t)
	ran := make(chan int64, 2)
	s.github.OnDispatch(func(_ context.Context, d rollouttest.Dispatch) rollouttest.Conclusion {
		ran <- d.RunID
		return ""
	})
	s.github.Hold(rollouttest.RunWaiting)
	s.do("POST", "actions/workflows/list.yml/dispatches", map[string]any{"ref": "main"})
	held := s.repo.Runs()[0]
	if held.Status != rollouttest.RunWaiting {
		t.Errorf("the run is %s", held.Status)
	}
	s.github.Hold("")
	s.do("POST", "actions/workflows/list.yml/dispatches", map[string]any{"ref": "main"})
	if got := <-ran; got == held.RunID {
		t.Error("the held run ran")
	}
	if err := s.repo.Release(held.RunID); err != nil {
		t.Fatal(err)
	}
	if got := <-ran; got != held.RunID {
		t.Errorf("run %d was released", got)
	}
	waitFor(t, func() bool { return s.repo.Runs()[1].Conclusion == rollouttest.Success })
	if err := s.repo.Release(held.RunID); err == nil || !strings.Contains(err.Error(), "it is completed") {
		t.Errorf("a second release says %v", err)
	}
}

// TestCloseEndsRuns: Close ends the hooks' contexts and waits for them.
func TestCloseEndsRuns(t *testing.T) {
	github, err := rollouttest.Start(rollouttest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, github: github, repo: github.Repositories()[0], http: github.Transport(), token: rollouttest.DefaultToken}
	s.commit("main", map[string]string{".github/workflows/list.yml": "on: workflow_dispatch\n"})
	began, ended := make(chan struct{}), false
	github.OnDispatch(func(ctx context.Context, _ rollouttest.Dispatch) rollouttest.Conclusion {
		close(began)
		<-ctx.Done()
		ended = true
		return rollouttest.Cancelled
	})
	s.do("POST", "actions/workflows/list.yml/dispatches", map[string]any{"ref": "main"})
	<-began
	if err := github.Close(); err != nil {
		t.Error(err)
	}
	if !ended {
		t.Error("Close did not wait for the run")
	}
}

func TestEnvironments(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.want(s.do("PUT", "environments/soak", map[string]any{"wait_timer": 1440}), 200, `"wait_timer":1440`)
	shown := s.do("GET", "environments/soak", nil).object(t)
	if at(shown, "protection_rules", 0, "type") != "wait_timer" || shown["deployment_branch_policy"] != nil {
		t.Errorf("the environment is %v", shown)
	}
	s.want(s.do("PUT", "environments/soak", map[string]any{
		"wait_timer": 0, "deployment_branch_policy": map[string]any{"protected_branches": true, "custom_branch_policies": false},
	}), 200, `"type":"branch_policy"`)
	if got := s.do("GET", "environments", nil).object(t); got["total_count"] != 1.0 {
		t.Errorf("the environments are %v", got)
	}
}
