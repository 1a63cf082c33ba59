package rollout_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// explained is an explanation on one line for each subject.
func explained(x rollout.Explanation) string {
	if x.Err != nil {
		return "error"
	}
	if x.Instead != "" {
		return x.Instead
	}
	var all []string
	for _, s := range x.Subjects {
		var in []string
		for _, sha := range s.In {
			in = append(in, name(sha))
		}
		text := fmt.Sprintf("%s with %s %s, in %d: %s", name(s.Commit.SHA), name(s.Verdict.Revision.SHA), s.Verdict.Outcome, s.Containers, strings.Join(in, " "))
		if s.Verdict.Unblocks != "" {
			text += ", free: " + name(s.Verdict.Unblocks)
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestExplain(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	r.push("main", 1, "B")
	c := r.commit("C", sha("B"))
	r.move("main", r.commit("D", c), hour(2))
	r.messages[sha("E")] = "This reverts commit " + string(sha("C")) + ".\n"
	r.push("main", 3, "E")
	r.now = hour(30)
	e := r.as("ada", threeStages)
	explain := func(wanted rollout.SHA) string {
		t.Helper()
		x, err := e.Explain(t.Context(), []rollout.Stage{apps}, rollout.Prefix(wanted))
		if err != nil {
			t.Fatal(err)
		}
		return explained(x[0])
	}
	for _, c := range []struct {
		about rollout.SHA
		want  string
	}{
		{"", "E with E promotable, in 0: \nD with D tainted, in 1: E, free: E\nB with B promotable, in 2: D E"},
		{sha("B"), "B with B promotable, in 2: D E"},
		{sha("C"), "C with D tainted, in 2: D E, free: E"},
		{sha("D")[:7], "D with D tainted, in 1: E, free: E"},
		{sha("A"), "release has it: it is the head"},
	} {
		if diff := cmp.Diff(c.want, explain(c.about)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name(c.about), diff)
		}
	}

	must(t)(e.Promote(t.Context(), apps))
	r.push("main", 31, "F")
	r.now = hour(60)
	must(t)(e.Promote(t.Context(), apps))
	for about, want := range map[rollout.SHA]string{
		sha("E")[:7]: "release has it since 2026-03-03 14:00 UTC, by a promotion of ada",
		sha("B"):     "release has it since 2026-03-03 14:00 UTC, with 4500000, by a promotion of ada",
		sha("C"):     "release has it since 2026-03-03 14:00 UTC, with 4500000, by a promotion of ada; it is reverted by 4500000 (Ada)",
		sha("A"):     "release has it",
		sha("F"):     "release has it: it is the head since 2026-03-04 20:00 UTC, by a promotion of ada",
	} {
		if diff := cmp.Diff(want, explain(about)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name(about), diff)
		}
	}
	x, err := e.Explain(t.Context(), threeStages.Downstream(), rollout.Prefix(sha("F")))
	if err != nil || explained(x[1]) != "F with F soaking, in 0: " {
		t.Errorf("in edge: %q, %v", explained(x[1]), err)
	}
	g := r.commit("G", sha("F"))
	if got := explain(g); got != "main does not have it yet, so it does not wait for release" {
		t.Errorf("not on main: %q", got)
	}
	_, err = e.Explain(t.Context(), threeStages.Downstream(), "1234567")
	refusal(t, err, rollout.ErrRefused, "1234567 is no commit that waits for any stage", "all 40 digits")
}

// What a force-push took away and a merge brought back is not contained in
// what was pushed in between.
func TestExplainOfABrokenLine(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	r.move("main", sha("A"), hour(2))
	c := r.push("main", 3, "C")
	r.move("main", r.commit("M", c, b), hour(4))
	r.now = hour(5)
	x, err := r.engine(twoStages).Explain(t.Context(), []rollout.Stage{apps}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(explained(x[0]), "\n") {
		if n := strings.Fields(line); n[0] != "M" && !strings.HasSuffix(line, "in 1: M") {
			t.Errorf("%s", line)
		}
	}
}

func TestExplainGoesOnWithoutAStage(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	r.push("main", 1, "B")
	r.unobservable = "edge"
	x, err := r.engine(threeStages).Explain(t.Context(), threeStages.Downstream(), "")
	if err == nil || x[1].Err == nil || explained(x[0]) != "B with B promotable, in 0: " && explained(x[0]) != "B with B soaking, in 0: " {
		t.Errorf("%v: %q", err, explained(x[0]))
	}
}

// What is pending and cannot go out, because the branches have diverged, is not
// said to be missing upstream.
func TestExplainOfADivergedStage(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	r.push("release", 2, "X")
	x, err := r.engine(twoStages).Explain(t.Context(), []rollout.Stage{apps}, rollout.Prefix(b))
	if want := "main has it, but nothing can go from there to release, which has diverged"; err != nil || explained(x[0]) != want {
		t.Errorf("%q, %v; want %q", explained(x[0]), err, want)
	}
}

// An operator's word is dated, and what went out although somebody tainted it
// is still known to be bad.
func TestExplainSaysSinceWhen(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	r.now = hour(2)
	e := r.as("ada", twoStages)
	must(t)(e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "it leaks\r\n\r\nand burns"}))
	r.now = hour(3)
	must(t)(e.Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze"}))
	x, err := e.Explain(t.Context(), []rollout.Stage{apps}, rollout.Prefix(b))
	if err != nil {
		t.Fatal(err)
	}
	since := map[rollout.Gate]string{}
	for _, block := range x[0].Subjects[0].Verdict.Blocks {
		if !block.Since.IsZero() {
			since[block.Gate] = hours(block.Since) + " " + block.Reason()
		}
	}
	if diff := cmp.Diff(map[rollout.Gate]string{
		rollout.GateTaint: "2h it is tainted by ada: it leaks · and burns", rollout.GateHold: "3h ada holds all stages: a freeze",
	}, since); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.branches["release"] = b // somebody moves it by hand
	x, err = e.Explain(t.Context(), []rollout.Stage{apps}, rollout.Prefix(b))
	if want := "release has it: it is the head; it was tainted by ada, since 2026-03-02 10:00 UTC: it leaks · and burns"; err != nil || explained(x[0]) != want {
		t.Errorf("%q, %v; want %q", explained(x[0]), err, want)
	}
}
