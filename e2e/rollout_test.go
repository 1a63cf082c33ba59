package e2e

import (
	"strings"
	"testing"
	"time"
)

// soak is longer than any that the plan asks for.
const soak = 24 * time.Hour

// TestClustersBecomeReady: both clusters, connected as clusters/README.md says,
// run what the repository holds, and the targets say the same.
func TestClustersBecomeReady(t *testing.T) {
	s := begin(t)
	for _, name := range []string{infra, apps} {
		for kustomization, sight := range s.clusters[name].Journal().Latest("Kustomization") {
			t.Logf("%s: %s is ready with %s", name, kustomization, sight.Revision)
		}
		if message := s.message(name); !strings.HasPrefix(message, name+".") {
			t.Errorf("podinfo of %s says %q: that is not what the variables of %s make of it", name, message, name)
		}
	}
	s.runs(done, "apps", "verify:clusters")
}

// TestMergeSoaksBeforeApps: what is merged runs on infra at once, and does not touch
// apps, which looks every second, and applies everything again when it is asked to. When
// it has soaked, apps runs that revision, and nothing that came later.
func TestMergeSoaksBeforeApps(t *testing.T) {
	s := begin(t)
	before, hub := s.atRest(apps), s.inventory(infra)
	mark := s.clusters[apps].Journal().Mark()
	soaked := s.merge("Note the first thing", noting(s.word("first")))
	t.Logf("push to applied on infra: %.1f s", s.notes(infra, s.word("first")).Seconds())
	s.changed(infra, hub, "services podinfo/podinfo")
	s.had(infra, soaked)
	s.promote(notYet, "not yet")
	s.runs(done, "in 24h", "release:status")
	s.runs(done, "is applied and ready", "flux:reconcile", apps)
	s.appliesAgain(apps, mark)
	s.unchanged(apps, before)
	s.neverHad(apps, soaked)

	s.clock.Advance(soak - time.Minute)
	late := s.merge("Note something later", noting(s.word("later")))
	s.notes(infra, s.word("later"))
	s.promote(notYet, "not yet")
	s.clock.Advance(time.Minute)
	s.promote(done, "apps: promoted to")
	t.Logf("promotion to applied on apps: %.1f s", s.notes(apps, s.word("first")).Seconds())
	s.once(downstream, soaked)
	s.runs(done, "release at "+soaked[:7], "release:status")
	s.looks(apps, 2)
	s.neverHad(apps, late)
}

// TestRevertedInTheSoak: what main takes back before its soak ends is no change
// for apps, neither when it comes nor when it goes.
func TestRevertedInTheSoak(t *testing.T) {
	s := begin(t)
	before := s.atRest(apps)
	bad := s.merge("Note something bad", noting(s.word("bad")))
	s.notes(infra, s.word("bad"))
	s.clock.Advance(time.Hour)
	mended := s.revert(bad)
	s.settled(infra)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	s.settled(apps)
	s.looks(apps, 2)
	s.unchanged(apps, before)
	s.neverHad(apps, bad)
}

// TestOverrideGoesAtOnce: an override reaches apps in seconds, and the ledger has
// its reason.
func TestOverrideGoesAtOnce(t *testing.T) {
	s := begin(t)
	commit := s.merge("Note something urgent", noting(s.word("urgent")))
	s.notes(infra, s.word("urgent"))
	s.runs(done, "override to", "release:override", "-direct", "-yes", "-reason=the old note is wrong")
	t.Logf("override command to applied on apps: %.1f s", s.notes(apps, s.word("urgent")).Seconds())
	s.stands(downstream, commit)
	s.runs(done, "the old note is wrong", "release:history")
}

// TestPointedElsewhereByHand: who points apps at main gets main for a moment; then
// the revision itself points apps back at release. Who also suspends what would
// point apps back keeps it on main, and the targets say so.
func TestPointedElsewhereByHand(t *testing.T) {
	s := begin(t)
	commit := s.merge("Note something too early", noting(s.word("early")))
	s.notes(infra, s.word("early"))
	s.stray = true
	mark := s.clusters[apps].Journal().Mark()
	s.pointAstray(apps, mark, upstream, commit)
	s.settled(apps)
	if note, err := s.note(t.Context(), apps); err != nil || strings.Contains(note, s.word("early")) {
		t.Errorf("podinfo of apps still has the note %q (%v)", note, err)
	}

	mark = s.clusters[apps].Journal().Mark()
	s.suspend("cluster", true)
	s.pointForGood(apps, upstream)
	s.seesAstray(apps, mark, upstream, commit)
	if source := s.source(apps); source.Branch != upstream || source.Commit() != commit {
		t.Errorf("apps did not stay where it was pointed: %s", source.Says())
	}
	s.runs(failed, "branch-differs: spec.ref.branch is main, and the stage apps follows release", "verify:clusters")
	s.promote(notYet, "not yet")

	s.suspend("cluster", false)
	s.point(apps, downstream)
	s.settled(apps)
}

// noting is a change that replaces no pods: kustomize-controller looks whether they
// are ready, and then not again for five seconds.
func noting(word string) edit {
	return edit{
		path: "clusters/base/apps/podinfo/service.yaml",
		from: `(?s)  name: podinfo\n.*?  labels:`,
		to:   "  name: podinfo\n  annotations:\n    note: " + word + "\n  labels:",
	}
}
