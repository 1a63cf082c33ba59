package e2e

import (
	"errors"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/tools"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestCrashesConverge: whatever is killed while a merge, a promotion or an override
// is on its way, each cluster ends where its branch is, and apps moves when it may,
// and once.
func TestCrashesConverge(t *testing.T) {
	s := begin(t)
	before, was := s.atRest(apps), s.head(downstream)
	commit := s.merge("Note a storm", noting(s.word("storm")))
	s.blackout(func() {
		s.crash(infra, tools.SourceController, tools.KustomizeController)
		s.crash(apps, tools.KustomizeController)
	})
	s.crash(infra, tools.APIServer)
	t.Logf("push to applied on infra, with crashes: %.1f s", s.notes(infra, s.word("storm")).Seconds())
	s.looks(apps, 2)
	s.unchanged(apps, before)
	s.neverHad(apps, commit)

	s.clock.Advance(soak)
	s.github.FailNext(writing, rollouttest.Failure{Delay: rollouttest.Hang})
	s.killed("release:promote")
	s.stands(downstream, was)
	s.github.Before(writing, func() {
		if err := errors.Join(s.github.Crash(), s.github.Resume()); err != nil {
			t.Error(err)
		}
	})
	s.promote(done, "apps: ")
	s.crash(apps, tools.APIServer, tools.SourceController, tools.KustomizeController)
	t.Logf("promotion to applied on apps, with crashes: %.1f s", s.notes(apps, s.word("storm")).Seconds())
	s.once(downstream, commit)
	s.promote(done, "release has everything that main has")
}

// TestOverrideInAStorm is the same of an override, with everything gone at once.
func TestOverrideInAStorm(t *testing.T) {
	s := begin(t)
	commit := s.merge("Note a flood", noting(s.word("flood")))
	override := []string{"release:override", "-direct", "-yes", "-reason=the cellar is full"}
	s.killed(override...)
	s.runs(done, "", override...)
	s.blackout(func() {
		s.crash(apps, tools.APIServer, tools.SourceController, tools.KustomizeController)
	})
	t.Logf("override to applied on apps, with crashes: %.1f s", s.notes(apps, s.word("flood")).Seconds())
	s.once(downstream, commit)
	s.settled(infra)
}
