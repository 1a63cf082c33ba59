package workflows

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// TestCalled: a repository without any Go calls the workflow with the text of the
// README, and its push is told "not yet" by the toolkit's code.
func TestCalled(t *testing.T) {
	s := calls(t)
	before := s.head(downstream)
	s.budget("2")
	push := s.pushed()
	push.file = s.calling()
	r := s.runs(push)
	s.green(r, "soak", "promote")
	s.shows(r.summary("promote"), "apps: not yet")
	s.promoted(r, "")
	s.stands(downstream, before)
}

// TestHostileReason: whatever a reason has in it, it is text through both workflows,
// and is recorded as it was given.
func TestHostileReason(t *testing.T) {
	s := calls(t)
	before := s.head(downstream)
	commit := s.budget("2")
	runs, file := s.onDispatch(s.calling()), filepath.Join(s.dir, "executed")
	s.people(0, "", "release:override", "-yes", "-reason="+hostile(file))
	r := s.finishes(runs)
	s.green(r, "promote", "diff")
	s.shows(r.summary("diff"), "+  minAvailable: 2")
	s.unharmed(r, file, before, commit)
}

// TestUnknownToolkit: where the runner does not tell the workflow its own revision,
// as act does not, nothing but the revision that the caller names is run: never
// whatever the toolkit's default branch has.
func TestUnknownToolkit(t *testing.T) {
	s, _ := caller(t)
	before := s.head(downstream)
	s.budget("2")
	s.clock.Advance(soak)
	tick := s.scheduled()
	tick.file = s.calling()
	r := s.runs(tick)
	s.red(r, "promote")
	s.shows(r.said("promote"), "set-the-input-toolkit_ref")
	s.stands(downstream, before)
}

// calls is a caller that names the toolkit's revision twice, since act does not tell
// a workflow its own.
func calls(t *testing.T) *scene {
	t.Helper()
	s, toolkit := caller(t)
	s.edit(".github/workflows/"+rollout.PromoteWorkflow, `(?m)^    with:\n`, "    with:\n      toolkit_ref: "+toolkit+"\n")
	s.merge("Name the toolkit's revision")
	return s
}

// hostile is a reason that a careless workflow executes, expands, or takes for an
// order. What it would execute makes a file.
func hostile(file string) string {
	return strings.ReplaceAll(strings.Join([]string{
		`$(touch FILE) ${HOME}`, "`touch FILE`", `"; touch FILE; "`, `'; touch FILE; '`, `a && touch FILE | touch FILE # -direct`,
		"::error file=x,line=1::forged", "::set-output name=promoted::apps 1111111 2222222", "::add-mask::release", "##[error]forged",
		"%0A::warning::forged", "${{ github.token }} ${{ secrets.GITHUB_TOKEN }}", "EOF", "<script>alert(1)</script>",
	}, "\n"), "FILE", file)
}

// unharmed is that a hostile reason was recorded as it was given, and nothing else
// came of it.
func (s *scene) unharmed(r *result, file, before, commit string) {
	s.t.Helper()
	s.obeysNobody(r, file)
	if strings.Contains(r.summary("promote"), "<script>") {
		s.t.Errorf("the summary has a script:\n%s", r.summary("promote"))
	}
	s.promoted(r, "apps "+before+" "+commit)
	s.stands(downstream, commit)
	if e := s.entry(); e.Kind != "override" || e.Reason != hostile(file) {
		s.t.Errorf("the ledger has the %s with the reason %q, want %q", e.Kind, e.Reason, hostile(file))
	}
}
