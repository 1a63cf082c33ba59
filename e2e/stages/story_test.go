package stages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/desk"
)

// How the targets end: docs/exit-codes.md.
const (
	done   = 0
	notYet = 75
)

// TestEveryClusterKeepsToItsBranch: while main is pushed to without a pause, and
// commits are reverted, tainted, held and let through, every cluster only ever
// fetches, tries and runs what its own branch points at, and each branch gets what
// has soaked on the one before it, unless somebody overrides.
func TestEveryClusterKeepsToItsBranch(t *testing.T) {
	s := &story{fleet: shared, t: t, reverts: map[string]string{}}
	s.busy(3)
	s.catchUp()
	mistake := s.slip("a mistake")
	s.busy(1)
	s.revert(mistake)
	s.busy(2)
	s.held("early", func() { s.busy(2) })
	s.catchUp()
	leak := s.slip("a leak")
	s.runs("taint", done, "release:taint", leak, "it leaks")
	s.busy(2)
	s.revert(leak)
	s.busy(2)
	s.catchUp()
	s.override("early", s.merge())
	s.busy(1)
	s.override("late", s.head("early"))
	s.busy(2)
	s.quiet()

	for _, stage := range stages()[1:] {
		s.hasNever(stage, mistake)
		s.hasNever(stage, leak)
	}
	s.forwardOnly()
	s.soaked()
	for name, branch := range branches() {
		s.keeps(name, branch)
		s.hasHeard(name, branch)
	}
	s.runs("look", done, "verify:clusters")
}

// A story is what happens to a repository. Its methods fail the test.
type story struct {
	*fleet
	t       *testing.T
	words   int               // that were given out
	reverts map[string]string // of what was reverted
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// busy is so many pushes, three hours after each other, and a promotion after each. That is
// less than any soak.
func (s *story) busy(pushes int) {
	s.t.Helper()
	for range pushes {
		s.merge()
		s.hours(3)
		s.promote()
	}
}

// quiet is a time in which nobody pushes, until all branches have all of main.
func (s *story) quiet() {
	s.t.Helper()
	for range stages()[1:] {
		s.hours(24)
		s.promote()
	}
	for _, stage := range stages() {
		if head := s.head(stage.branch); head != s.head(desk.Upstream) {
			s.t.Errorf("%s stands at %s, and not where main is", stage.branch, head)
		}
	}
	s.catchUp()
}

// catchUp waits until every cluster is where its branch is.
func (s *story) catchUp() {
	s.t.Helper()
	s.must(cluster.Everywhere(s.t.Context(), s.clusters, s.arrives))
}

func (s *story) hours(n int) { s.Clock.Advance(time.Duration(n) * time.Hour) }

// merge pushes two commits at once: no cluster may ever have the first.
func (s *story) merge() (commit string) {
	s.t.Helper()
	s.words++
	s.commit("change", fmt.Sprintf("half of %d", s.words))
	s.commit("change", fmt.Sprintf("all of %d", s.words))
	return s.push("merge")
}

// slip pushes something bad. It is in another file than the rest, so that it can be
// reverted whatever came after it.
func (s *story) slip(word string) (commit string) {
	s.t.Helper()
	s.commit("slip", word)
	return s.push("slip")
}

// commit gives the clusters another word to run.
func (s *story) commit(object, word string) {
	s.t.Helper()
	path := filepath.Join(s.Work, "clusters", "base", object+".yaml")
	data, err := os.ReadFile(path)
	s.must(err)
	before, _, found := strings.Cut(string(data), wordKey)
	if !found {
		s.t.Fatalf("%s has no word", path)
	}
	s.must(os.WriteFile(path, []byte(before+wordKey+word+"\n"), 0o644))
	s.git("commit", "--quiet", "--all", "--message", "Have "+word)
}

// wordKey is what a word stands after, at the end of its file.
const wordKey = "\n  word: "

// revert takes a commit back.
func (s *story) revert(commit string) {
	s.t.Helper()
	s.git("revert", "--no-edit", commit)
	s.reverts[commit] = s.push("revert")
}

func (s *story) push(step string) (commit string) {
	s.t.Helper()
	s.git("push", "--quiet", "origin", desk.Upstream)
	s.must(s.chronicle.note(step))
	return s.git("rev-parse", "HEAD")
}

func (s *story) git(args ...string) string {
	s.t.Helper()
	out, err := s.Git(s.t.Context(), args...)
	s.must(err)
	return out
}

func (s *story) head(branch string) string {
	s.t.Helper()
	head, err := s.Repo.Head(branch)
	s.must(err)
	return head
}

// promote lets out what may go out. Whether anything may is not asked.
func (s *story) promote() {
	s.t.Helper()
	out, code, err := s.Rollout(s.t.Context(), "release:promote")
	s.must(err)
	if code != done && code != notYet {
		s.t.Fatalf("release:promote ends with %d:\n%s", code, out)
	}
	s.must(s.chronicle.note("promote"))
}

// runs runs a target, which has to end with a code.
func (s *story) runs(step string, code int, args ...string) {
	s.t.Helper()
	out, got, err := s.Rollout(s.t.Context(), args...)
	s.must(err)
	if got != code {
		s.t.Fatalf("%s ends with %d, want %d:\n%s", args[0], got, code, out)
	}
	s.must(s.chronicle.note(step))
}

// override has a stage take a commit that has not soaked.
func (s *story) override(stage, commit string) {
	s.t.Helper()
	s.runs(overriding, done, "release:override", "-stage="+stage, "-sha="+commit, "-direct", "-yes", "-reason=it is urgent")
}

// overriding is the step that needs no soak.
const overriding = "override"

// held is that a stage takes nothing while somebody holds it.
func (s *story) held(name string, meanwhile func()) {
	s.t.Helper()
	s.runs("hold", done, "release:hold", "infra loses its nodes", "-stage="+name)
	before := s.stood(name)
	meanwhile()
	if after := s.stood(name); after != before {
		s.t.Errorf("%s has moved %d times while it was held", name, after-before)
	}
	s.runs("resume", done, "release:resume", "-stage="+name)
}

// stood is at how many commits a stage's branch has stood.
func (s *story) stood(name string) int {
	for _, stage := range stages() {
		if stage.name == name {
			return len(s.chronicle.stands[stage.branch])
		}
	}
	s.t.Fatalf("there is no stage %s", name)
	return 0
}
