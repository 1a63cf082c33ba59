package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestTicking(t *testing.T) {
	clock := rollouttest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	g, c := newWorkflows(t, rollouttest.Options{Clock: clock.Now})
	repo := g.Repositories()[0]
	look := func(state rollout.WorkflowState, succeeded time.Time) {
		t.Helper()
		g.ResetRequests()
		got, err := c.Ticking(t.Context(), "plain.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got.State != state || !got.Succeeded.Equal(succeeded) {
			t.Errorf("%s, succeeded %s; want %s, %s", got.State, got.Succeeded, state, succeeded)
		}
		if want := "https://" + g.Host() + "/octo-org/fleet/actions/workflows/plain.yaml"; got.URL != want {
			t.Errorf("its runs are at %s, want %s", got.URL, want)
		}
		if n := len(g.Requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	}
	ran := func(file, event string, conclusion rollouttest.Conclusion) {
		t.Helper()
		if err := repo.Ran(file, event, conclusion); err != nil {
			t.Fatal(err)
		}
	}
	look("active", time.Time{})
	ran("plain.yaml", "push", rollouttest.Success)
	first := clock.Now()
	look("active", first)
	clock.Advance(time.Hour)
	ran("plain.yaml", "schedule", rollouttest.Failed)
	ran("plain.yaml", "schedule", rollouttest.Cancelled)
	ran("promote.yaml", "schedule", rollouttest.Success)
	look("active", first)
	ran("plain.yaml", "schedule", rollouttest.Success)
	repo.SetWorkflowState("plain.yaml", rollouttest.WorkflowDisabledIdle)
	look("disabled_inactivity", clock.Now())
}

func TestTickingThatIsNotKnown(t *testing.T) {
	g, c := newWorkflows(t, rollouttest.Options{})
	_, err := c.Ticking(t.Context(), "missing.yaml")
	if !errors.Is(err, rollout.ErrNotPermitted) || !strings.Contains(err.Error(), "push .github/workflows/missing.yaml to the default branch") {
		t.Errorf("of no such workflow: %v", err)
	}
	g.FailNext(rollouttest.Match{Method: http.MethodGet, Path: "/repos/*/runs", Count: 99}, rollouttest.Failure{Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	if _, err := c.Ticking(t.Context(), "plain.yaml"); !errors.Is(err, rollout.ErrNotPermitted) {
		t.Errorf("of runs that the token may not see: %v", err)
	}
}
