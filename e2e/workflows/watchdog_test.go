package workflows

import (
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestWatchdog: while promotions are run and nothing waits that could go out, the run is
// green. When ticks stop, it is red, and its page says so, and what could have gone out;
// and when GitHub has switched them off.
func TestWatchdog(t *testing.T) {
	s := template(t)
	commit := s.budget("2")
	s.must(s.repo.Ran(rollout.PromoteWorkflow, "schedule", rollouttest.Success))
	r := s.runs(s.watching())
	s.green(r, "watchdog")
	s.shows(r.summary("watchdog"), "### all is well")

	s.clock.Advance(soak + 3*time.Hour)
	r = s.runs(s.watching())
	s.red(r, "watchdog")
	s.shows(r.summary("watchdog"), "### apps: overdue: "+commit[:7]+" could have gone out 2h ago")
	s.shows(r.summary("watchdog"), "### silent: no run of release-promote.yaml has ended well for")
	s.shows(r.said("watchdog"), "gh workflow run "+rollout.PromoteWorkflow)

	s.must(s.repo.Ran(rollout.PromoteWorkflow, "schedule", rollouttest.Success))
	s.repo.SetWorkflowState(rollout.PromoteWorkflow, rollouttest.WorkflowDisabledIdle)
	s.people(0, "", "release:promote")
	r = s.runs(s.watching())
	s.red(r, "watchdog")
	s.shows(r.summary("watchdog"), "### disabled: GitHub has disabled")
}

// watching is a tick of the watchdog's own.
func (s *scene) watching() event {
	s.t.Helper()
	e := s.scheduled()
	e.file = s.workflow("release-watchdog.yaml")
	return e
}
