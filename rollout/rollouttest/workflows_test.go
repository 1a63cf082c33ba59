package rollouttest_test

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestWorkflowStates(t *testing.T) {
	s := newWorkflowStage(t)
	state := func() string {
		t.Helper()
		var w struct {
			ID    int64
			State string
		}
		s.do("GET", "actions/workflows/promote.yaml", nil).into(t, &w)
		return w.State
	}
	turn := func(to string) {
		t.Helper()
		if r := s.do("PUT", "actions/workflows/promote.yaml/"+to, nil); r.status != 204 {
			t.Errorf("%s: %d %s", to, r.status, r.body)
		}
	}
	if got := state(); got != "active" {
		t.Errorf("it begins %s", got)
	}
	turn("disable")
	if got := state(); got != "disabled_manually" {
		t.Errorf("it is %s after it was disabled", got)
	}
	s.want(s.do("POST", "actions/workflows/promote.yaml/dispatches", map[string]any{"ref": "main"}), 422, "on a disabled workflow")
	turn("enable")
	s.repo.SetWorkflowState("promote.yaml", rollouttest.WorkflowDisabledIdle)
	if got := state(); got != "disabled_inactivity" {
		t.Errorf("it is %s", got)
	}
	turn("enable")
	if got := state(); got != "active" {
		t.Errorf("it is %s after it was enabled", got)
	}
	var list struct {
		Total     int `json:"total_count"`
		Workflows []struct{ Path string }
	}
	s.do("GET", "actions/workflows?per_page=3", nil).into(t, &list)
	if list.Total != 4 || len(list.Workflows) != 3 || list.Workflows[0].Path != ".github/workflows/broken.yaml" {
		t.Errorf("listed %+v", list)
	}
	for _, path := range []string{"actions/workflows/another.yaml", "actions/workflows/7"} {
		if r := s.do("GET", path, nil); r.status != 404 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	reader := s.as(rollouttest.Identity{Login: "reader", Permissions: map[string]string{"actions": "read"}})
	if r := reader.do("PUT", "actions/workflows/promote.yaml/disable", nil); r.status != 403 {
		t.Errorf("who may only look disables it: %d", r.status)
	}
}

func TestRunsOfEvents(t *testing.T) {
	s := newWorkflowStage(t)
	for _, event := range []string{"push", "schedule"} {
		if err := s.repo.Ran("push.yaml", event, rollouttest.Success); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.repo.Ran("other.yaml", "push", rollouttest.Success); err == nil {
		t.Error("a workflow ran that is not there")
	}
	list := s.want(s.do("GET", "actions/workflows/push.yaml/runs?event=schedule&status=success", nil), 200, "").object(t)
	if list["total_count"] != 1.0 || at(list, "workflow_runs", 0, "event") != "schedule" {
		t.Errorf("runs of the schedule: %v", list["total_count"])
	}
}
