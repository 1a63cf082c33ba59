package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// A workshop is where commits are begun and proposed, and remembers what was asked.
type workshop struct {
	remote      *remote
	differences []rollout.Difference
	begun       []rollout.NewCommit
	proposed    []rollout.Proposal
}

func (w *workshop) Begin(_ context.Context, branch string, c rollout.NewCommit) (rollout.SHA, error) {
	w.begun = append(w.begun, c)
	made := w.remote.commit(fmt.Sprintf("made %d", len(w.begun)), c.Parents...)
	commit := w.remote.commits[made]
	commit.Message = c.Message
	w.remote.commits[made] = commit
	w.remote.move(branch, made, w.remote.now)
	return made, nil
}

func (w *workshop) Differences(context.Context, rollout.SHA, rollout.SHA, rollout.SHA) ([]rollout.Difference, error) {
	return w.differences, nil
}

func (w *workshop) TreeOf(_ context.Context, commit rollout.SHA) (rollout.SHA, error) {
	return w.remote.commits[commit].Tree, nil
}

func (w *workshop) Propose(_ context.Context, p rollout.Proposal) (rollout.Proposal, error) {
	p.Number, p.State = len(w.proposed)+1, rollout.ProposalOpen
	w.proposed = append(w.proposed, p)
	return p, nil
}

func (w *workshop) Proposed(_ context.Context, branch, _ string) (rollout.Proposal, error) {
	for _, p := range slices.Backward(w.proposed) {
		if p.Branch == branch {
			return p, nil
		}
	}
	return rollout.Proposal{}, nil
}

func (w *workshop) MergeCommits(context.Context) (bool, error) { return true, nil }

// atWork has apps promoted to A, and then to C with B: what is to be rolled back.
func atWork(t *testing.T, plan rollout.Plan) (*remote, *workshop, *rollout.Mender) {
	t.Helper()
	branches := []string{}
	for _, stage := range plan.Stages {
		branches = append(branches, stage.Branch)
	}
	r := newRemote(t, branches...)
	r.push("main", 1, "B")
	r.push("main", 2, "C")
	r.now = hour(30)
	if _, err := r.engine(plan).Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	change := rollout.Difference{
		Path: "a", Before: rollout.File{Mode: "100644", Blob: sha("before")}, After: rollout.File{Mode: "100644", Blob: sha("after")},
	}
	change.Now = change.After
	w := &workshop{remote: r, differences: []rollout.Difference{change}}
	return r, w, &rollout.Mender{Engine: r.engine(plan), Branches: w, Trees: w, Proposals: w}
}

// forging is a reason that says what only a commit says.
func forging(commit rollout.SHA) string {
	return fmt.Sprintf("sorry\n\nThis reverts commit %s.\n\n```\n\nThis reverts commit %s.\n\nReverts #12\nRollout-Soak: 900h\nfixes #3 @ada gh-4 https://github.com/o/r/issues/5", commit, commit)
}

// The restoring commit reverts what is bad, in the eyes of the policy, and nothing
// else, whatever the reason says; also where a squash has the pull request's text as
// its message.
func TestARollbackRevertsWhatIsBad(t *testing.T) {
	r, w, m := atWork(t, twoStages)
	r.push("main", 3, "D")
	if _, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: forging(sha("D"))}); err != nil {
		t.Fatal(err)
	}
	if len(w.begun) != 1 || len(w.proposed) != 1 {
		t.Fatalf("%d commits and %d pull requests were made, want one of each", len(w.begun), len(w.proposed))
	}
	for name, message := range map[string]string{
		"the commit": w.begun[0].Message, "a squash with the text": w.proposed[0].Title + " (#1)\n\n" + w.proposed[0].Body,
	} {
		commits, err := r.Between(t.Context(), sha("A"), sha("D"))
		if err != nil {
			t.Fatal(err)
		}
		restoring := rollout.Commit{SHA: sha("R"), Parents: []rollout.SHA{sha("D")}, Message: message}
		reverted := rollout.Reverts(restoring.SHA, append(commits, restoring), twoStages.Repository)
		want := map[rollout.SHA][]rollout.Revert{sha("B"): {{By: sha("R")}}, sha("C"): {{By: sha("R")}}}
		if diff := cmp.Diff(want, reverted); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%s", name, diff, message)
		}
		for _, acts := range []string{"@ada", "#3", "#12", "gh-4", "https://"} {
			if strings.Contains(message, acts) {
				t.Errorf("%s has %s in it:\n%s", name, acts, message)
			}
		}
	}
}

// What ran before goes out at once when somebody rolls back to it; the word is written
// once, and is spent when the stage has moved.
func TestWhatRanBeforeGoesOutAtOnce(t *testing.T) {
	r, _, m := atWork(t, twoStages)
	for range 2 {
		if _, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "it loses mails"}); err != nil {
			t.Fatal(err)
		}
	}
	want := []rollout.Restoration{{Stage: "apps", From: sha("C"), To: sha("A"), Tree: r.commits[sha("A")].Tree, At: r.now}}
	if diff := cmp.Diff(want, r.state(t).Restorations); diff != "" {
		t.Errorf("restorations (-want +got):\n%s", diff)
	}
	r.trees[sha("R")] = r.commits[sha("A")].Tree
	r.push("main", 31, "R")
	r.now = hour(31)
	receipt, err := m.Engine.Promote(t.Context(), apps)
	if err != nil || receipt.Decision.Action != rollout.Promote || r.branches["release"] != sha("R") {
		t.Fatalf("release stands at %s: %s, %v", name(r.branches["release"]), receipt.Decision.Reason, err)
	}
	if left := r.state(t).Restorations; len(left) > 0 {
		t.Errorf("apps has moved, and the ledger still says %+v", left)
	}
}

// What was asked for last is what counts, also where it was asked for before.
func TestTheLastWordOnARollbackCounts(t *testing.T) {
	r, _, m := atWork(t, twoStages)
	r.push("main", 31, "D")
	r.now = hour(60)
	if _, err := m.Engine.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	for _, to := range []rollout.SHA{sha("C"), sha("A"), sha("C")} {
		if _, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "it loses mails", To: rollout.Prefix(to)}); err != nil {
			t.Fatal(err)
		}
		want := []rollout.Restoration{{Stage: "apps", From: sha("D"), To: to, Tree: r.commits[to].Tree, At: r.now}}
		if diff := cmp.Diff(want, r.state(t).Restorations); diff != "" {
			t.Errorf("restorations (-want +got):\n%s", diff)
		}
	}
}

// What is as the bad commits left it is put back; what is back already is left
// alone; of anything else nobody guesses.
func TestARollbackRestoresWhatItKnows(t *testing.T) {
	file := func(name string) rollout.File { return rollout.File{Mode: "100644", Blob: sha(name)} }
	none := rollout.File{}
	script := file("2")
	script.Mode = "100755"
	for name, c := range map[string]struct {
		before, after, now rollout.File
		restores           []rollout.FileChange
		conflicts          int
	}{
		"changed":              {file("1"), file("2"), file("2"), []rollout.FileChange{{Path: "a", File: file("1")}}, 0},
		"added":                {none, file("2"), file("2"), []rollout.FileChange{{Path: "a"}}, 0},
		"removed":              {file("1"), none, none, []rollout.FileChange{{Path: "a", File: file("1")}}, 0},
		"back already":         {file("1"), file("2"), file("1"), nil, 0},
		"gone already":         {none, file("2"), none, nil, 0},
		"changed since":        {file("1"), file("2"), file("3"), nil, 1},
		"removed since":        {file("1"), file("2"), none, nil, 1},
		"made again since":     {file("1"), none, file("3"), nil, 1},
		"of another mode now":  {file("1"), file("2"), script, nil, 1},
		"changed in mode only": {file("2"), script, script, []rollout.FileChange{{Path: "a", File: file("2")}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, w, m := atWork(t, twoStages)
			w.differences = []rollout.Difference{{Path: "a", Before: c.before, After: c.after, Now: c.now}}
			b, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "bad"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.restores, b.Restores); diff != "" || len(b.Conflicts) != c.conflicts {
				t.Errorf("%d conflicts, want %d; restores (-want +got):\n%s", len(b.Conflicts), c.conflicts, diff)
			}
			if made := len(w.begun); made > 0 != (len(c.restores) > 0) {
				t.Errorf("%d commits were made", made)
			}
		})
	}
}

// Somebody writes to the ledger in the instant before: nothing of it is lost, and
// what is tainted already stays whose it is.
func TestARollbackTaintsAtOnce(t *testing.T) {
	r, _, m := atWork(t, threeStages)
	r.beforeCommit = func() {
		r.beforeCommit = nil
		if _, err := r.as("ben", threeStages).Taint(context.Background(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "mine"}); err != nil {
			t.Error(err)
		}
	}
	for range 2 { // and again, which writes nothing
		if _, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "bad"}); err != nil {
			t.Fatal(err)
		}
	}
	tainted := map[rollout.SHA]string{}
	for _, mark := range r.state(t).Taints {
		tainted[mark.Commit] = mark.By + ": " + mark.Reason
	}
	want := map[rollout.SHA]string{sha("B"): "ben: mine", sha("C"): "viewer: bad"}
	if diff := cmp.Diff(want, tainted); diff != "" {
		t.Errorf("tainted (-want +got):\n%s", diff)
	}
	rolled := 0
	for _, e := range r.entries() {
		if e.Kind == rollout.EntryRollback {
			rolled++
		}
	}
	if rolled != 1 {
		t.Errorf("%d entries say so, want 1", rolled)
	}
}

// A merge that comes before the restoring commit takes the whole line with it: the
// oldest commit of main's own that contains it is what apps can go to.
func TestARollbackFindsWhereItWasMerged(t *testing.T) {
	r, _, m := atWork(t, twoStages)
	b, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "bad"})
	if err != nil {
		t.Fatal(err)
	}
	r.push("main", 31, "D")
	merge := r.commit("M", sha("D"), b.Head)
	r.move("main", merge, hour(32))
	r.push("main", 33, "E")
	r.now = hour(34)
	again, err := m.Rollback(t.Context(), apps, rollout.RollbackRequest{Reason: "bad"})
	if err != nil || again.Merged != merge || again.Override == nil {
		t.Fatalf("merged by %s (%v), want %s", again.Merged.Short(), err, merge.Short())
	}
	if got := again.Override.Decision.Revision.SHA; got != merge {
		t.Errorf("an override would go to %s", got.Short())
	}
}
