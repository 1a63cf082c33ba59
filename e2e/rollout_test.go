package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// soak is longer than any that the plan asks for.
const soak = 24 * time.Hour

// TestClustersBecomeReady: both clusters, connected as clusters/README.md says,
// run what the repository holds.
func TestClustersBecomeReady(t *testing.T) {
	s := begin(t)
	for _, name := range []string{infra, apps} {
		s.settled(name)
		for kustomization, sight := range s.clusters[name].Journal().Latest("Kustomization") {
			t.Logf("%s: %s is ready with %s", name, kustomization, sight.Revision)
		}
		if message := s.message(name); !strings.HasPrefix(message, name+".") {
			t.Errorf("podinfo of %s says %q: that is not what the variables of %s make of it", name, message, name)
		}
	}
}

// TestMergeReachesInfraOnly: what is merged runs on infra at once, and does not
// touch apps, however often apps looks.
func TestMergeReachesInfraOnly(t *testing.T) {
	s := begin(t)
	before, hub := s.inventory(apps), s.inventory(infra)
	commit := s.merge("Greet differently", greeting(s.word("hello")))
	t.Logf("push to applied on infra: %.1f s", s.greets(infra, s.word("hello")).Seconds())
	s.changed(infra, hub, "deployments.apps podinfo/podinfo")
	s.had(infra, commit)
	s.promote(notYet, "not yet")
	s.looks(apps, 5)
	s.unchanged(apps, before)
	s.neverHad(apps, commit)
}

// TestSoakEnds: when a revision has soaked, apps runs that one, and nothing that
// came later.
func TestSoakEnds(t *testing.T) {
	s := begin(t)
	before := s.head(downstream)
	soaked := s.merge("Greet the first time", greeting(s.word("first")))
	s.greets(infra, s.word("first"))
	s.clock.Advance(soak - time.Minute)
	late := s.merge("Greet the second time", greeting(s.word("second")))
	s.greets(infra, s.word("second"))
	s.promote(notYet, "not yet")
	s.stands(downstream, before)

	s.clock.Advance(time.Minute)
	s.promote(done, "apps: promoted to")
	t.Logf("promotion to applied on apps: %.1f s", s.greets(apps, s.word("first")).Seconds())
	s.stands(downstream, soaked)
	s.looks(apps, 3)
	s.neverHad(apps, late)
}

// TestRevertedInTheSoak: what main takes back before its soak ends is no change
// for apps, neither when it comes nor when it goes.
func TestRevertedInTheSoak(t *testing.T) {
	s := begin(t)
	before := s.inventory(apps)
	bad := s.merge("Greet badly", greeting(s.word("bad")))
	s.greets(infra, s.word("bad"))
	s.clock.Advance(time.Hour)
	mended := s.revert(bad)
	s.settled(infra)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	s.settled(apps)
	s.looks(apps, 3)
	s.unchanged(apps, before)
	s.neverHad(apps, bad)
}

// TestOverrideGoesAtOnce: an override reaches apps in seconds, and the ledger has
// its reason.
func TestOverrideGoesAtOnce(t *testing.T) {
	s := begin(t)
	commit := s.merge("Greet urgently", greeting(s.word("urgently")))
	s.greets(infra, s.word("urgently"))
	s.runs(done, "override to", "release:override", "-direct", "-yes", "-reason=the old greeting is wrong")
	t.Logf("override command to applied on apps: %.1f s", s.greets(apps, s.word("urgently")).Seconds())
	s.stands(downstream, commit)
	s.runs(done, "the old greeting is wrong", "release:history")
}

// TestCrashesConverge: whatever is killed while a revision is on its way, each
// cluster ends where its branch is, and apps moves once, when it may.
func TestCrashesConverge(t *testing.T) {
	s := begin(t)
	before := s.inventory(apps)
	commit := s.merge("Greet in a storm", greeting(s.word("storm")))
	s.crash(infra, tools.SourceController, tools.KustomizeController)
	s.crash(apps, tools.KustomizeController)
	s.crash(infra, tools.APIServer)
	t.Logf("push to applied on infra, with crashes: %.1f s", s.greets(infra, s.word("storm")).Seconds())
	s.looks(apps, 3)
	s.unchanged(apps, before)
	s.neverHad(apps, commit)

	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.crash(apps, tools.APIServer, tools.SourceController)
	t.Logf("promotion to applied on apps, with crashes: %.1f s", s.greets(apps, s.word("storm")).Seconds())
	s.stands(downstream, commit)
	s.promote(done, "release has everything that main has")
}

// TestPointedElsewhereByHand: who points apps at main gets main for a moment; then
// the revision itself points apps back at release.
func TestPointedElsewhereByHand(t *testing.T) {
	s := begin(t)
	commit := s.merge("Greet too early", greeting(s.word("early")))
	s.greets(infra, s.word("early"))
	s.stray = true
	mark := s.clusters[apps].Journal().Mark()
	s.pointAstray(apps, mark, upstream, commit)
	s.settled(apps)
	if message := s.message(apps); strings.Contains(message, s.word("early")) {
		t.Errorf("podinfo of apps still says %q", message)
	}
}

// TestHeldElsewhereByHand: who also suspends what would point apps back keeps it
// on main, until somebody resumes it.
func TestHeldElsewhereByHand(t *testing.T) {
	s := begin(t)
	commit := s.merge("Greet much too early", greeting(s.word("by hand")))
	s.greets(infra, s.word("by hand"))
	s.stray = true
	mark := s.clusters[apps].Journal().Mark()
	s.suspend("cluster", true)
	s.pointForGood(apps, upstream)
	s.seesAstray(apps, mark, upstream, commit)
	s.looks(apps, 3)
	if source := s.source(apps); source.Branch != upstream || source.Commit() != commit {
		t.Errorf("apps did not stay where it was pointed: %s", source.Says())
	}
	s.promote(notYet, "not yet")

	s.suspend("cluster", false)
	s.point(apps, downstream)
	s.settled(apps)
}

// greeting is a change of what podinfo says.
func greeting(word string) edit {
	return edit{
		path: "clusters/base/apps/podinfo/deployment.yaml",
		from: `(?m)^(\s+value: \$\{CLUSTER_NAME\}\.\$\{CLUSTER_DOMAIN\}).*$`,
		to:   "${1}, " + word + " from cluster $${CLUSTER_ID}",
	}
}
