package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestForeignPushToRelease: protection refuses what somebody pushes to release. Where
// it was lifted, apps runs what was pushed, no promotion goes over it, and the
// targets say what there is; docs/runbook.md mends it.
func TestForeignPushToRelease(t *testing.T) {
	s := begin(t)
	good := s.head(downstream)
	defer s.putBack(good)
	s.runs(done, "", "release:init", "-strict")
	foreign := s.hotfix(good, noting(s.word("by hand")))
	s.refused("protected", "push", "origin", foreign+":refs/heads/"+downstream)
	s.refused("Cannot", "push", "origin", ":refs/heads/"+downstream)
	s.stands(downstream, good)

	s.unprotect()
	s.mustGit("push", "--quiet", "origin", foreign+":refs/heads/"+downstream)
	s.notes(apps, s.word("by hand"))
	s.merge("Note something else", noting(s.word("something else")))
	s.clock.Advance(soak)
	s.promote(failed, "release has 1 commit that main has not, so it cannot be fast-forwarded")
	s.stands(downstream, foreign)
	s.runs(done, "diverged", "release:status")
	s.runs(done, foreign[:7], "verify:clusters", "-cluster="+apps)

	s.mustGit("push", "--quiet", "--force-with-lease="+downstream+":"+foreign, "origin", good+":refs/heads/"+downstream)
	s.runs(done, "", "release:init")
	s.settled(apps)
	if note, err := s.note(t.Context(), apps); err != nil || strings.Contains(note, s.word("by hand")) {
		t.Errorf("podinfo of apps still has the note %q (%v)", note, err)
	}
	s.promote(done, "apps: promoted to")
}

// putBack mends what a failure has left, for the scenarios that come after it.
func (s *scene) putBack(good string) {
	if !s.t.Failed() {
		return
	}
	s.must(s.repo.SetBranch(downstream, good))
	s.unprotect()
}

// hotfix commits an edit on top of a commit, away from main.
func (s *scene) hotfix(on string, e edit) (commit string) {
	s.t.Helper()
	s.mustGit("checkout", "--quiet", "--detach", on)
	defer s.mustGit("checkout", "--quiet", upstream)
	s.commit("Hotfix straight to apps", e)
	return s.mustGit("rev-parse", "HEAD")
}

// refused is that GitHub refuses what git does, and why.
func (s *scene) refused(says string, args ...string) {
	s.t.Helper()
	out, code, err := s.Exec(s.t.Context(), "git", args...)
	s.must(err)
	if code == 0 || !strings.Contains(out, says) {
		s.t.Errorf("git %s ends with %d, and does not say %q:\n%s", strings.Join(args, " "), code, says, out)
	}
}

// unprotect takes all rulesets away, as somebody may in the settings.
func (s *scene) unprotect() {
	s.t.Helper()
	var rulesets []struct{ ID int }
	s.must(s.Ask(s.t.Context(), http.MethodGet, "/rulesets", &rulesets))
	if len(rulesets) == 0 {
		s.t.Fatal("the repository has no ruleset")
	}
	for _, ruleset := range rulesets {
		s.must(s.Ask(s.t.Context(), http.MethodDelete, fmt.Sprintf("/rulesets/%d", ruleset.ID), nil))
	}
}
