package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// How the targets end: docs/exit-codes.md.
const (
	done   = 0
	failed = 1
	notYet = 75
)

// A scene is a scenario on the shared fleet. Its methods fail the test.
type scene struct {
	*fleet
	t      *testing.T
	number int            // of the scenarios so far
	marks  map[string]int // of the journals, when it began
	moved  time.Time      // when a branch was moved last
	stray  bool           // a cluster is meant to leave its branch
}

// begin brings the fleet together: everything that is on main has soaked and runs
// on both clusters. At the end, no cluster may have left its branch. A scenario
// that fails does not leave its files to the next.
func begin(t *testing.T) *scene {
	t.Helper()
	shared.scenes++
	s := &scene{fleet: shared, t: t, number: shared.scenes, marks: map[string]int{}}
	t.Cleanup(s.end)
	s.clock.Advance(soak)
	s.promote(done, "apps: ")
	s.must(cluster.Everywhere(t.Context(), s.clusters, s.fleet.settled))
	for name := range s.clusters {
		s.marks[name] = s.clusters[name].Journal().Mark()
	}
	return s
}

// end is for when the scenario is over, whatever came of it.
func (s *scene) end() {
	for name, mark := range s.marks {
		for _, sight := range s.astray(name, mark) {
			if !s.stray {
				s.t.Errorf("%s was not where the plan has it: %s", name, sight.Says())
			}
		}
	}
	if s.t.Failed() {
		if err := s.restore(context.Background()); err != nil {
			s.t.Error(err)
		}
	}
}

// atRest is all that is in a cluster, once nothing of it changes any more.
func (s *scene) atRest(name string) cluster.Inventory {
	s.t.Helper()
	last := s.inventory(name)
	s.must(cluster.Await(s.t.Context(), name+" to rest", func(ctx context.Context) error {
		if err := s.fleet.looks(ctx, name, 2); err != nil {
			return err
		}
		now, err := s.clusters[name].Inventory(ctx)
		if err != nil {
			return err
		}
		changes := last.Changes(now)
		last = now
		if len(changes) > 0 {
			return fmt.Errorf("these change: %s", strings.Join(changes, ", "))
		}
		return nil
	}))
	return last
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) settled(name string) {
	s.t.Helper()
	s.must(s.fleet.settled(s.t.Context(), name))
}

func (s *scene) looks(name string, times int) {
	s.t.Helper()
	s.must(s.fleet.looks(s.t.Context(), name, times))
}

// appliesAgain waits until a cluster has applied everything once more since a mark
// of its journal, with nothing new.
func (s *scene) appliesAgain(name string, mark int) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), name+" to apply everything again", func(context.Context) error {
		began, ended := map[string]bool{}, map[string]bool{}
		for _, sight := range s.clusters[name].Journal().Since(mark) {
			began[sight.Name] = began[sight.Name] || sight.Ready == "Unknown"
			ended[sight.Name] = ended[sight.Name] || began[sight.Name] && sight.Ready == "True"
		}
		for _, kustomization := range kustomizations {
			if !ended[kustomization] {
				return fmt.Errorf("it has not applied %s again", kustomization)
			}
		}
		return nil
	}))
}

// word is one that no other scenario has, nor this one when it was played
// before.
func (s *scene) word(text string) string {
	return fmt.Sprintf("%s in scenario %d", text, s.number)
}

// notes waits until podinfo of a cluster has a word for a note, and says how long after
// a branch was moved that was. What follows, what depends on podinfo, is waited for as
// well, and not counted.
func (s *scene) notes(name, word string) time.Duration {
	s.t.Helper()
	var took time.Duration
	s.must(cluster.Await(s.t.Context(), name+" to have "+word, func(ctx context.Context) error {
		note, err := s.fleet.note(ctx, name)
		if err == nil && !strings.Contains(note, word) {
			err = fmt.Errorf("it has %q", note)
		}
		took = time.Since(s.moved)
		return err
	}))
	s.settled(name)
	return took
}

func (s *scene) inventory(name string) cluster.Inventory {
	s.t.Helper()
	inventory, err := s.clusters[name].Inventory(s.t.Context())
	s.must(err)
	return inventory
}

// unchanged is that nobody has written to any object of a cluster since.
func (s *scene) unchanged(name string, since cluster.Inventory) {
	s.t.Helper()
	if len(since) == 0 {
		s.t.Fatalf("%s was empty", name)
	}
	for _, object := range since.Changes(s.inventory(name)) {
		s.t.Errorf("%s has changed: %s", name, object)
	}
}

// changed is that an object of a cluster was written to since.
func (s *scene) changed(name string, since cluster.Inventory, object string) {
	s.t.Helper()
	if changes := since.Changes(s.inventory(name)); !slices.Contains(changes, object) {
		s.t.Errorf("%s of %s has not changed; these have: %v", object, name, changes)
	}
}

// had is that a cluster's Flux has fetched a commit.
func (s *scene) had(name, commit string) {
	s.t.Helper()
	if commits := s.clusters[name].Journal().Commits(); !slices.Contains(commits, commit) {
		s.t.Errorf("%s has not had %s, but %v", name, commit, commits)
	}
}

// neverHad is that a cluster's Flux has not fetched a commit, nor tried it.
func (s *scene) neverHad(name, commit string) {
	s.t.Helper()
	commits := s.clusters[name].Journal().Commits()
	if len(commits) == 0 {
		s.t.Fatalf("the journal of %s is empty", name)
	}
	if slices.Contains(commits, commit) {
		s.t.Errorf("%s has had %s", name, commit)
	}
}

// astrayOn complains unless the journal tells that a cluster followed another
// branch, and that Flux tried a commit from there.
func (s *scene) astrayOn(name string, mark int, branch, commit string) error {
	astray := s.astray(name, mark)
	follows := slices.ContainsFunc(astray, func(s cluster.Sight) bool { return s.Branch == branch })
	runs := slices.ContainsFunc(astray, func(s cluster.Sight) bool {
		return s.Kind == "Kustomization" && s.Attempted == branch+"@sha1:"+commit
	})
	if !follows || !runs {
		return fmt.Errorf("it follows %s: %v; it has tried %s: %v", branch, follows, commit, runs)
	}
	return nil
}

// seesAstray waits until the journal tells what astrayOn asks for.
func (s *scene) seesAstray(name string, mark int, branch, commit string) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), name+" to be seen astray", func(context.Context) error {
		return s.astrayOn(name, mark, branch, commit)
	}))
}

// An edit is a change of one file.
type edit struct{ path, from, to string }

// merge commits an edit on main and pushes it.
func (s *scene) merge(subject string, e edit) (commit string) {
	s.t.Helper()
	s.commit(subject, e)
	return s.push()
}

// commit commits an edit of what is checked out.
func (s *scene) commit(subject string, e edit) {
	s.t.Helper()
	path := filepath.Join(s.work, filepath.FromSlash(e.path))
	data, err := os.ReadFile(path)
	s.must(err)
	edited := regexp.MustCompile(e.from).ReplaceAll(data, []byte(e.to))
	if bytes.Equal(data, edited) {
		s.t.Fatalf("%s does not change %s", e.from, e.path)
	}
	s.must(os.WriteFile(path, edited, 0o644))
	s.mustGit("commit", "--quiet", "--all", "--message", subject)
}

// revert takes a commit back, as git revert does, and pushes that.
func (s *scene) revert(commit string) string {
	s.t.Helper()
	s.mustGit("revert", "--no-edit", commit)
	return s.push()
}

func (s *scene) push() (commit string) {
	s.t.Helper()
	s.moved = time.Now()
	s.mustGit("push", "--quiet", "origin", upstream)
	return s.mustGit("rev-parse", "HEAD")
}

func (s *scene) mustGit(args ...string) string {
	s.t.Helper()
	out, err := s.Git(s.t.Context(), args...)
	s.must(err)
	return out
}

// promote runs release:promote, which has to end with a code and say something.
func (s *scene) promote(code int, says string) {
	s.t.Helper()
	s.runs(code, says, "release:promote")
}

// runs runs a target, which has to end with a code and say something.
func (s *scene) runs(code int, says string, args ...string) {
	s.t.Helper()
	s.runsWith(nil, code, says, args...)
}

// runsWith does the same with more in the environment.
func (s *scene) runsWith(environment []string, code int, says string, args ...string) {
	s.t.Helper()
	s.moved = time.Now()
	out, got, err := s.RolloutWith(s.t.Context(), environment, args...)
	s.must(err)
	if got != code || !strings.Contains(strings.Join(strings.Fields(out), " "), says) { // lines are wrapped
		s.t.Fatalf("%s ends with %d, want %d and %q:\n%s", args[0], got, code, says, out)
	}
}

// killed runs a target that is killed at the moment at which it writes: GitHub has
// its request, and nobody is left to hear what came of it.
func (s *scene) killed(args ...string) {
	s.t.Helper()
	ctx, kill := context.WithCancel(s.t.Context())
	defer kill()
	gone := make(chan struct{})
	s.github.Before(writing, func() {
		kill()
		<-gone
	})
	out, code, err := s.Rollout(ctx, args...)
	close(gone)
	if err == nil {
		s.t.Fatalf("%s was not killed; it ends with %d:\n%s", args[0], code, out)
	}
}

// writing is the one request in which a promotion and an override write.
var writing = rollouttest.Match{Operation: "updateRefs"}

// blackout is a time without GitHub: it is killed, and started again afterwards.
func (s *scene) blackout(meanwhile func()) {
	s.t.Helper()
	s.must(s.github.Crash())
	defer func() { s.must(s.github.Resume()) }()
	meanwhile()
}

// once is that a branch was moved to a commit one time only, by GitHub's own log
// and by the ledger.
func (s *scene) once(branch, commit string) {
	s.t.Helper()
	s.stands(branch, commit)
	moves := 0
	for _, row := range s.repo.Activity() {
		if row.Ref == "refs/heads/"+branch && row.After == commit {
			moves++
		}
	}
	out, _, err := s.Rollout(s.t.Context(), "release:history", "-json")
	s.must(err)
	if entries := strings.Count(out, `"to": "`+commit+`"`); moves != 1 || entries != 1 {
		s.t.Errorf("%s was moved %d times to %s, and the ledger has %d entries of it", branch, moves, commit, entries)
	}
}

// crash kills programs of a cluster, all of them before any is there again. They
// come back in the order in which they are named.
func (s *scene) crash(name string, programs ...tools.Program) {
	s.t.Helper()
	for _, program := range programs {
		s.must(s.clusters[name].Kill(program))
	}
	for _, program := range programs {
		s.must(s.clusters[name].Restart(s.t.Context(), program))
	}
}

func (s *scene) head(branch string) string {
	s.t.Helper()
	head, err := s.repo.Head(branch)
	s.must(err)
	return head
}

func (s *scene) stands(branch, commit string) {
	s.t.Helper()
	if head := s.head(branch); head != commit {
		s.t.Errorf("%s stands at %s, want %s", branch, head, commit)
	}
}

// message is what podinfo is told to say in a cluster.
func (s *scene) message(name string) string {
	s.t.Helper()
	message, err := s.fleet.message(s.t.Context(), name)
	s.must(err)
	return message
}

// point makes a cluster follow another branch, as somebody with kubectl would.
func (s *scene) point(cluster, branch string) {
	s.t.Helper()
	s.must(s.fleet.point(s.t.Context(), cluster, branch))
}

// pointAstray points a cluster elsewhere until it has tried a commit from there: a
// reconciliation every second may point it back before its source has looked.
func (s *scene) pointAstray(name string, mark int, branch, commit string) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), name+" to be astray", func(ctx context.Context) error {
		if err := s.fleet.point(ctx, name, branch); err != nil {
			return err
		}
		if err := s.fleet.looks(ctx, name, 2); err != nil {
			return err
		}
		return s.astrayOn(name, mark, branch, commit)
	}))
}

// pointForGood points a cluster elsewhere until it stays there: a reconciliation
// that began before it was suspended may still point it back, once.
func (s *scene) pointForGood(name, branch string) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), name+" to stay on "+branch, func(ctx context.Context) error {
		if err := s.fleet.point(ctx, name, branch); err != nil {
			return err
		}
		if err := s.fleet.looks(ctx, name, 5); err != nil {
			return err
		}
		if source := s.source(name); source.Branch != branch {
			return fmt.Errorf("it was pointed back: %s", source.Says())
		}
		return nil
	}))
}

// source is what a cluster's source was seen as last.
func (s *scene) source(of string) cluster.Sight {
	return s.clusters[of].Journal().Latest("GitRepository")[name]
}

// suspend suspends a Kustomization of apps, or resumes it, as the flux command does:
// under its name. What kubectl sets under its own, a Kustomization that applies
// itself takes back with a reconciliation that had begun before.
func (s *scene) suspend(kustomization string, suspended bool) {
	s.t.Helper()
	_, err := s.kubectl(s.t.Context(), apps, "patch", "kustomization.kustomize.toolkit.fluxcd.io", kustomization,
		"--namespace=flux-system", "--type=merge", "--field-manager=flux", fmt.Sprintf(`--patch={"spec":{"suspend":%v}}`, suspended))
	s.must(err)
}
