package rollouttest_test

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestDisabledWorkflow(t *testing.T) {
	s := newWorkflowStage(t)
	s.repo.Disable("list.yml", "disabled_manually")
	s.repo.Disable("promote.yaml", "disabled_inactivity")
	s.repo.Disable("promote.yaml", "active")
	for file, want := range map[string]string{"list.yml": "disabled_manually", "promote.yaml": "active", "push.yaml": "active"} {
		if got := s.want(s.do("GET", "actions/workflows/"+file, nil), 200, "").object(t)["state"]; got != want {
			t.Errorf("%s is %v, want %s", file, got, want)
		}
	}
	s.want(s.do("GET", "actions/workflows/other.yaml", nil), 404, "Not Found")
	s.want(s.do("POST", "actions/workflows/list.yml/dispatches", map[string]any{"ref": "main"}), 422, "on a disabled workflow")
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
