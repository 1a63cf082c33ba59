package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// as is an engine that somebody runs.
func (r *remote) as(who string, plan rollout.Plan) *rollout.Engine {
	e := r.engine(plan)
	e.By = who
	return e
}

// state is what the ledger's tree says.
func (r *remote) state(t *testing.T) rollout.State {
	t.Helper()
	s, err := ledger.Ledger{}.State(r.files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// holders lists who holds what.
func (r *remote) holders(t *testing.T) string {
	t.Helper()
	var all []string
	for _, h := range r.state(t).Holds {
		all = append(all, strings.TrimSuffix(h.By+":"+h.Stage, ":"))
	}
	return strings.Join(all, " ")
}

// promotes promotes apps, and says what came of it.
func (r *remote) promotes(t *testing.T) rollout.Action {
	t.Helper()
	receipt, err := r.engine(twoStages).Promote(t.Context(), apps)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Decision.Action
}

// must fails the test if a call does.
func must(t *testing.T) func(rollout.Receipt, error) rollout.Receipt {
	return func(r rollout.Receipt, err error) rollout.Receipt {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// refusal checks that an error is of a kind and says what it has to.
func refusal(t *testing.T, err, kind error, says ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestAStageMovesWhenTheLastHoldIsLifted(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	ada, ben := r.as("ada", twoStages), r.as("ben", twoStages)
	for _, e := range []*rollout.Engine{ada, ben} {
		receipt := must(t)(e.Hold(t.Context(), rollout.HoldRequest{Stage: "apps", Reason: " broken "}))
		if receipt.Entry.Kind != rollout.EntryHold || receipt.Entry.Reason != "broken" || receipt.Commit != r.ledgerHead() {
			t.Errorf("entry %+v at %s", receipt.Entry, receipt.Commit)
		}
	}
	if got := r.promotes(t); got != rollout.Blocked {
		t.Errorf("held by two: %s", got)
	}
	receipt := must(t)(ada.Resume(t.Context(), rollout.ResumeRequest{}))
	if len(receipt.Entry.Holds) != 1 || receipt.Entry.Holds[0].By != "ada" || receipt.Entry.Reason != rollout.NoReason {
		t.Errorf("entry %+v", receipt.Entry)
	}
	if got := r.promotes(t); got != rollout.Blocked || r.holders(t) != "ben:apps" {
		t.Errorf("held by %s: %s", r.holders(t), got)
	}
	_, err := ada.Resume(t.Context(), rollout.ResumeRequest{})
	refusal(t, err, rollout.ErrRefused, "ben holds apps: broken", "-by=", "-all")
	must(t)(ada.Resume(t.Context(), rollout.ResumeRequest{By: "ben", Reason: "he sleeps"}))
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("held by nobody: %s", got)
	}
	_, err = ada.Resume(t.Context(), rollout.ResumeRequest{})
	refusal(t, err, rollout.ErrRefused, "there is no hold to lift")
}

func TestHoldsRunOut(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze", Until: hour(40).Add(300 * time.Millisecond)}))
	must(t)(r.as("ben", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "me, too", Until: hour(35)}))
	if got := r.promotes(t); got != rollout.Wait {
		t.Errorf("held until hour 40: %s", got)
	}
	r.now = hour(36)
	must(t)(r.as("cleo", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a third", Until: hour(37)}))
	if receipt := must(t)(r.as("ben", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a fourth", Until: hour(37)})); len(receipt.Snapshot.State.Holds) != 3 {
		t.Errorf("what has run out is told: %v", receipt.Snapshot.State.Holds)
	}
	_, err := r.as("dora", twoStages).Resume(t.Context(), rollout.ResumeRequest{By: "eve"})
	refusal(t, err, rollout.ErrRefused, "eve has no such hold", "a freeze")
	r.now = hour(40)
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("at hour 40: %s", got)
	}
	_, err = r.as("ada", twoStages).Resume(t.Context(), rollout.ResumeRequest{})
	refusal(t, err, rollout.ErrRefused, "there is no hold to lift")
	r.now = hour(40 + 31*24)
	must(t)(r.as("cleo", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a month later"}))
	if diff := cmp.Diff("cleo", r.holders(t)); diff != "" {
		t.Errorf("what ran out a month ago is kept (-want +got):\n%s", diff)
	}
}

// Whoever writes with a clock that is ahead takes no hold away for those whose
// clock is right.
func TestAHoldOutlivesAClockThatIsAhead(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	r.push("main", 1, "B")
	r.now = hour(2)
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze", Until: hour(60)}))
	r.now = hour(2 + 5*24)
	must(t)(r.as("ben", twoStages).Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("D")), Reason: "it will break"}))
	r.now = hour(59)
	if got := r.promotes(t); got != rollout.Wait {
		t.Errorf("held until hour 60: %s", got)
	}
}

func TestHoldsAreRefused(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.now = hour(1)
	e := r.as("ada", twoStages)
	for what, c := range map[string]struct {
		request rollout.HoldRequest
		says    string
	}{
		"no reason":      {rollout.HoldRequest{Reason: " \n"}, "a reason is required"},
		"not UTF-8":      {rollout.HoldRequest{Reason: "\xff"}, "not UTF-8"},
		"too long":       {rollout.HoldRequest{Reason: strings.Repeat("x", 4001)}, "4001 bytes"},
		"unknown stage":  {rollout.HoldRequest{Reason: "x", Stage: "prod"}, `no stage "prod"`},
		"first stage":    {rollout.HoldRequest{Reason: "x", Stage: "infra"}, "cannot be held"},
		"in the past":    {rollout.HoldRequest{Reason: "x", Until: hour(0)}, "would be over already"},
		"at this moment": {rollout.HoldRequest{Reason: "x", Until: hour(1)}, "would be over already"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := e.Hold(t.Context(), c.request)
			refusal(t, err, rollout.ErrUsage, c.says)
		})
	}
	if r.writes > 0 {
		t.Errorf("%d of them wrote", r.writes)
	}
}

func TestResumeOfAStage(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	ada := r.as("ada", threeStages)
	for _, stage := range []string{"apps", "edge", ""} {
		must(t)(ada.Hold(t.Context(), rollout.HoldRequest{Stage: stage, Reason: "x"}))
	}
	must(t)(ada.Resume(t.Context(), rollout.ResumeRequest{Stage: "apps"}))
	if got := r.holders(t); got != "ada:edge ada" {
		t.Errorf("held: %q", got)
	}
	_, err := ada.Resume(t.Context(), rollout.ResumeRequest{Stage: "apps"})
	refusal(t, err, rollout.ErrRefused, "of apps alone", "leave the stage out")
	_, err = ada.Resume(t.Context(), rollout.ResumeRequest{All: true, By: "ben"})
	refusal(t, err, rollout.ErrUsage, "not both")
	must(t)(r.as("ben", threeStages).Resume(t.Context(), rollout.ResumeRequest{All: true}))
	if got := r.holders(t); got != "" {
		t.Errorf("held: %q", got)
	}
}

// A hold works at once, also against a promotion that has already decided.
func TestAHoldWinsAgainstADecisionThatWasMadeBefore(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	held := false
	r.beforeCommit = func() {
		if !held {
			held = true
			must(t)(r.as("ada", twoStages).Hold(context.Background(), rollout.HoldRequest{Reason: "stop"}))
		}
	}
	if got := r.promotes(t); got != rollout.Blocked || r.branches["release"] != sha("A") {
		t.Errorf("%s, and release stands at %s", got, name(r.branches["release"]))
	}
}

// Nothing is lost when many people write at once.
func TestManyHoldAtOnce(t *testing.T) {
	r := newRemote(t, "main", "release")
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			if _, err := r.as(fmt.Sprintf("%c", 'a'+i), twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "me"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(r.state(t).Holds); got != 12 || len(r.entries()) != 12 {
		t.Errorf("%d holds and %d entries, want 12", got, len(r.entries()))
	}
}

func TestAHoldOfAStageThatWasRenamed(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	r.push("main", 1, "B")
	r.now = hour(30)
	must(t)(r.as("ada", threeStages).Hold(t.Context(), rollout.HoldRequest{Stage: "edge", Reason: "x"}))
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	refusal(t, err, rollout.ErrLedger, "ada holds edge: x, and the plan has no such stage", "release:resume")
	must(t)(r.as("ada", twoStages).Resume(t.Context(), rollout.ResumeRequest{}))
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("lifted: %s", got)
	}
}

func TestTaintAndClear(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	ada := r.as("ada", twoStages)
	receipt := must(t)(ada.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")[:7]), Reason: "it leaks"}))
	if receipt.Entry.Kind != rollout.EntryTaint || receipt.Entry.Commit != sha("B") {
		t.Errorf("entry %+v", receipt.Entry)
	}
	if got := r.promotes(t); got != rollout.Blocked {
		t.Errorf("tainted: %s", got)
	}
	_, err := ada.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "again"})
	refusal(t, err, rollout.ErrRefused, "is tainted already")
	must(t)(ada.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "it does not"}))
	if got := r.state(t); len(got.Taints)+len(got.Cleared) != 0 {
		t.Errorf("a taint that was cleared leaves %+v", got)
	}
	_, err = ada.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "again"})
	refusal(t, err, rollout.ErrRefused, "neither tainted nor reverted")
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("cleared: %s", got)
	}
}

// What was reverted and cleared stays cleared, until it is out.
func TestClearWhatWasReverted(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.messages[sha("C")] = "Revert B\n\nThis reverts commit " + string(sha("B")) + ".\n"
	r.push("main", 29, "C")
	r.now = hour(30)
	ada := r.as("ada", twoStages)
	if got := r.promotes(t); got != rollout.Wait {
		t.Errorf("reverted: %s", got)
	}
	clear := rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "the revert was wrong"}
	must(t)(ada.Clear(t.Context(), clear))
	_, err := ada.Clear(t.Context(), clear)
	refusal(t, err, rollout.ErrRefused, "is cleared already")
	if got := r.promotes(t); got != rollout.Promote || r.branches["release"] != sha("B") {
		t.Errorf("cleared: %s, at %s", got, name(r.branches["release"]))
	}
	if got := r.state(t).Cleared; len(got) > 0 {
		t.Errorf("what is out is still cleared: %+v", got)
	}
}

// Whoever clears what a cluster failed on lets out what comes after it, for as
// long as that failure counts.
func TestClearWhatFailed(t *testing.T) {
	stage := apps
	healthy(0, "flux/*")(&stage)
	plan := twoStages
	plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
	w := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
	e := &rollout.Engine{Plan: plan, Remote: w, History: w, Ledger: ledger.Ledger{}, By: "ada"}
	report := func(sha rollout.SHA, at float64, context string, state rollout.EvidenceState) {
		w.evidence[sha] = append([]rollout.Evidence{{Context: context, State: state, At: hour(at)}}, w.evidence[sha]...)
	}
	promotes := func(now float64, want rollout.SHA) {
		t.Helper()
		w.now = hour(now)
		if r := must(t)(e.Promote(t.Context(), stage)); w.branches["release"] != want {
			t.Fatalf("release stands at %s: %s", name(w.branches["release"]), describe(r.Decision))
		}
	}
	b := w.push("main", 1, "B")
	clear := rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "y is gone for good"}
	report(b, 1, "flux/x", rollout.EvidenceSuccess)
	report(b, 1, "ci/tests", rollout.EvidenceFailure)
	_, err := e.Clear(t.Context(), clear)
	refusal(t, err, rollout.ErrRefused, "neither tainted nor reverted, and no cluster failed on it")
	report(b, 1, "flux/y", rollout.EvidenceFailure)
	w.now = hour(2)
	must(t)(e.Override(t.Context(), stage, rollout.OverrideRequest{Reason: "fire"}))

	// B is out, and C has nothing of y.
	c := w.push("main", 3, "C")
	report(c, 3, "flux/x", rollout.EvidenceSuccess)
	d := w.push("main", 4, "D")
	report(d, 4, "flux/x", rollout.EvidenceSuccess)
	promotes(40, b)
	must(t)(e.Clear(t.Context(), clear))
	_, err = e.Clear(t.Context(), clear)
	refusal(t, err, rollout.ErrRefused, "is cleared already")

	// It fails once more, and is cleared once more.
	report(b, 41, "flux/y", rollout.EvidenceError)
	promotes(42, b)
	must(t)(e.Clear(t.Context(), clear))
	promotes(43, d)
	if got := w.state(t).Cleared; len(got) > 0 {
		t.Errorf("what no longer counts is still cleared: %+v", got)
	}
}

// A clearing of the stage's head is kept while it counts.
func TestAClearingOfTheHeadIsKept(t *testing.T) {
	stage := apps
	healthy(0, "flux/*")(&stage)
	stage.Soak = 0
	plan := twoStages
	plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
	w := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
	e := &rollout.Engine{Plan: plan, Remote: w, History: w, Ledger: ledger.Ledger{}, By: "ada"}
	b := w.push("main", 1, "B")
	w.evidence[b] = []rollout.Evidence{{Context: "flux/y", State: rollout.EvidenceFailure, At: hour(1)}}
	w.now = hour(2)
	must(t)(e.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "y is gone for good"}))
	must(t)(e.Override(t.Context(), stage, rollout.OverrideRequest{Reason: "fire"}))
	w.trees[sha("C")] = sha("treeB")
	c := w.push("main", 3, "C")
	must(t)(e.Promote(t.Context(), stage))
	if w.branches["release"] != c || len(w.state(t).Cleared) != 1 {
		t.Errorf("release stands at %s, cleared are %+v", name(w.branches["release"]), w.state(t).Cleared)
	}
	d := w.push("main", 4, "D")
	w.evidence[d] = []rollout.Evidence{{Context: "flux/x", State: rollout.EvidenceSuccess, At: hour(4)}}
	w.now = hour(5)
	r := must(t)(e.Preview(t.Context(), stage))
	if v := r.Decision.Verdicts[0]; v.Outcome != rollout.Unproven || !strings.Contains(v.Reason(), "nothing was reported of it in flux/y") {
		t.Errorf("%s: %s", describe(r.Decision), v.Reason())
	}
}

// A success that is still settling may have begun to before: then the forge is
// asked for all that it said.
func TestTheWholeLogIsReadOfWhatSettles(t *testing.T) {
	stage := apps
	healthy(2*time.Hour, "flux/*")(&stage)
	w := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
	e := &rollout.Engine{Plan: twoStages, Remote: w, History: w, Ledger: ledger.Ledger{}}
	b := w.push("main", 1, "B")
	for now, want := range map[float64]string{29: "A B log B", 31: "A B"} {
		w.evidence[b] = []rollout.Evidence{
			{Context: "flux/x", State: rollout.EvidenceSuccess, At: hour(28)},
			{Context: "flux/x", State: rollout.EvidenceSuccess, At: hour(2)},
		}
		w.asked, w.now = nil, hour(now)
		s, err := e.Observe(t.Context(), stage)
		if err != nil || strings.Join(w.asked, " ") != want {
			t.Errorf("at %v: asked of %v (%v), and got %v", now, w.asked, err, s.Evidence)
		}
	}
}

// A clearance sets aside the reverts that there are, and no others.
func TestALaterRevertCounts(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	revert := "Revert B\n\nThis reverts commit " + string(b) + ".\n"
	r.messages[sha("C")], r.messages[sha("D")] = revert, revert
	c := r.push("main", 10, "C")
	r.now = hour(11)
	ada := r.as("ada", twoStages)
	clear := rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "the revert was wrong"}
	receipt := must(t)(ada.Clear(t.Context(), clear))
	if diff := cmp.Diff([]rollout.SHA{c}, receipt.Entry.Reverts); diff != "" {
		t.Errorf("set aside (-want +got):\n%s", diff)
	}
	d := r.push("main", 12, "D")
	r.now = hour(25)
	if got := r.promotes(t); got != rollout.Wait || r.branches["release"] != sha("A") {
		t.Errorf("%s, and release stands at %s", got, name(r.branches["release"]))
	}
	receipt = must(t)(ada.Clear(t.Context(), clear))
	if diff := cmp.Diff([]rollout.SHA{d, c}, receipt.Entry.Reverts); diff != "" || len(r.state(t).Cleared) != 1 {
		t.Errorf("set aside (-want +got):\n%s", diff)
	}
	if r.promotes(t); r.branches["release"] != b {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
}

func TestTaintsAreRefused(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	e := r.as("ada", twoStages)
	_, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: "1234567", Reason: "x"})
	refusal(t, err, rollout.ErrRefused, "1234567 is no commit that waits for any stage", "all 40 digits")
	_, err = e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B"))})
	refusal(t, err, rollout.ErrUsage, "a reason is required")
	if r.writes > 0 {
		t.Errorf("%d of them wrote", r.writes)
	}
	// One that nobody has merged yet is kept out beforehand.
	must(t)(e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("C")), Reason: "do not merge"}))
	r.push("main", 2, "C")
	r.now = hour(40)
	if r.promotes(t); r.branches["release"] != sha("B") {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
}

// Whoever takes a taint back says nothing of somebody else's revert.
func TestClearOfATaintLeavesTheRevert(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	r.messages[sha("C")] = "Revert B\n\nThis reverts commit " + string(b) + ".\n"
	r.push("main", 10, "C")
	r.now = hour(25)
	ada := r.as("ada", twoStages)
	request := rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "x"}
	must(t)(ada.Taint(t.Context(), request))
	must(t)(ada.Clear(t.Context(), request))
	if r.promotes(t); r.branches["release"] != sha("A") {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
	must(t)(ada.Clear(t.Context(), request))
	if r.promotes(t); r.branches["release"] != b {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
}

func TestOverridesAndHolds(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(2)
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze"}))
	ben := r.as("ben", twoStages)
	_, err := ben.Override(t.Context(), apps, rollout.OverrideRequest{Reason: "fire"})
	refusal(t, err, rollout.ErrRefused, "ada holds all stages: a freeze", "-throughHold", "release:resume")
	must(t)(ben.Override(t.Context(), apps, rollout.OverrideRequest{Reason: "fire", ThroughHold: true}))
	last := r.entries()[1]
	if diff := cmp.Diff([]rollout.Gate{rollout.GateSoak, rollout.GateHold}, last.Skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if len(last.Holds) != 1 || last.Holds[0].By != "ada" || r.holders(t) != "ada" {
		t.Errorf("the entry names %+v, and %q holds", last.Holds, r.holders(t))
	}
}

func TestAnOverrideNeverGoesThroughATaint(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(2)
	e := r.as("ada", twoStages)
	must(t)(e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "it leaks"}))
	_, err := e.Override(t.Context(), apps, rollout.OverrideRequest{Reason: "fire", ThroughHold: true})
	refusal(t, err, rollout.ErrRefused, "it is tainted by ada: it leaks", "revert 4200000 on main", "release:clear 4200000")
	r.messages[sha("C")] = "This reverts commit " + string(sha("B")) + ".\n"
	r.push("main", 2, "C")
	_, err = e.Override(t.Context(), apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("B")), Reason: "fire"})
	refusal(t, err, rollout.ErrRefused, "-sha=4300000")
	must(t)(e.Override(t.Context(), apps, rollout.OverrideRequest{Reason: "fire"}))
	if r.branches["release"] != sha("C") {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
}

// A revert counts as soon as it is on the first branch, however far it is from
// the stage.
func TestAStageLooksAheadOfItsUpstream(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	e := r.engine(threeStages)
	b := r.push("main", 1, "B")
	r.move("release", b, hour(30))
	r.messages[sha("C")] = "This reverts commit " + string(b) + ".\n"
	r.push("main", 31, "C")
	r.now = hour(90)
	receipt := must(t)(e.Promote(t.Context(), edge))
	if receipt.Decision.Action != rollout.Blocked || receipt.Decision.Verdicts[0].Outcome != rollout.Tainted {
		t.Errorf("%s", describe(receipt.Decision))
	}
	must(t)(e.Promote(t.Context(), apps))
	r.now = hour(140)
	must(t)(e.Promote(t.Context(), edge))
	if r.branches["edge"] != sha("C") {
		t.Errorf("edge stands at %s", name(r.branches["edge"]))
	}
}

func TestAStateThatSomebodyElseChanged(t *testing.T) {
	foreign := func(r *remote, files map[string][]byte) {
		r.append(rollout.Draft{Message: "Tidy up by hand\n", Files: files})
	}
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	before := r.files
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze"}))
	held, head := r.files, r.ledgerHead()

	// It takes the hold away: nobody promotes, nobody writes.
	foreign(r, before)
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	refusal(t, err, rollout.ErrLedger, "could hide a hold", "git checkout "+head.Short())
	_, err = r.as("ben", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "me, too"})
	refusal(t, err, rollout.ErrLedger, "could hide a hold")

	// What the rollout wrote is put back, by another commit by hand.
	foreign(r, held)
	if got := r.promotes(t); got != rollout.Blocked {
		t.Errorf("put back: %s", got)
	}
	must(t)(r.as("ada", twoStages).Resume(t.Context(), rollout.ResumeRequest{}))
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("lifted: %s", got)
	}

	// Nothing but commits by hand, as far as anybody looks.
	for range 60 {
		foreign(r, r.files)
	}
	_, err = r.engine(twoStages).Promote(t.Context(), apps)
	refusal(t, err, rollout.ErrLedger, "none of its last 50 commits")
}

// Entries name their state since they do; one that does not is no proof.
func TestAnEntryWithoutItsState(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	bare := "init: by hand\n\nRollout-Entry: {\"kind\":\"init\",\"at\":\"2026-03-02T08:00:00Z\"}\n"
	r.append(rollout.Draft{Message: bare, Files: r.files})
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	refusal(t, err, rollout.ErrLedger, "could hide a hold")

	// A ledger from before has none.
	old := newRemote(t, "main", "release")
	old.push("main", 1, "B")
	old.now, old.ledger[0].Message = hour(30), bare
	if got := old.promotes(t); got != rollout.Promote {
		t.Errorf("an old ledger: %s", got)
	}
}

// An entry whose state is not the one it was written with is no proof.
func TestAnEntryThatWasCopied(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	before := r.files
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze"}))
	r.append(rollout.Draft{Message: r.ledger[1].Message, Files: before})
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	refusal(t, err, rollout.ErrLedger, "could hide a hold")
}

// reporting is a remote that knows what was reported.
type reporting struct {
	*remote
	evidence map[rollout.SHA][]rollout.Evidence
	asked    []string
	err      error
}

func (r *reporting) Evidence(_ context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	for _, c := range commits {
		r.asked = append(r.asked, name(c))
	}
	return r.evidence, r.err
}

func (r *reporting) EvidenceLog(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	r.asked = append(r.asked, "log")
	return r.Evidence(ctx, commits)
}

func TestEvidenceIsGathered(t *testing.T) {
	stage := apps
	healthy(0, "flux/*")(&stage)
	plan := twoStages
	plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
	w := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
	b := w.push("main", 1, "B")
	w.now = hour(30)
	e := &rollout.Engine{Plan: plan, Remote: w, History: w, Ledger: ledger.Ledger{}}
	receipt := must(t)(e.Promote(t.Context(), stage))
	if receipt.Decision.Action != rollout.Blocked || strings.Join(w.asked, " ") != "A B" {
		t.Errorf("%s, asked of %v", describe(receipt.Decision), w.asked)
	}
	w.evidence[b] = []rollout.Evidence{{Context: "flux/x", State: rollout.EvidenceSuccess, At: hour(2)}}
	w.asked, stage.SoakClock = nil, rollout.PausingClock
	receipt = must(t)(e.Promote(t.Context(), stage))
	if receipt.Decision.Action != rollout.Promote || strings.Join(w.asked, " ") != "A B log B" {
		t.Errorf("%s, asked of %v", describe(receipt.Decision), w.asked)
	}

	w.err = &rollout.Problem{Kind: rollout.ErrUnavailable, What: "statuses cannot be read"}
	w.push("main", 31, "C")
	if _, err := e.Promote(t.Context(), stage); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	// An override goes through it anyway, and what is tainted is tainted.
	must(t)(e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("C")), Reason: "x"}))
	must(t)(e.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("C")), Reason: "x"}))
	preview, err := e.PreviewOverride(t.Context(), stage, rollout.OverrideRequest{})
	if diff := cmp.Diff([]rollout.Gate{rollout.GateHealth, rollout.GateSoak}, preview.Decision.Skipped); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// A forge that knows no statuses shows nothing, so nothing goes out.
	e.Remote = w.remote
	receipt = must(t)(e.Promote(t.Context(), stage))
	if receipt.Decision.Action != rollout.Blocked {
		t.Errorf("%s", describe(receipt.Decision))
	}
}

// What was reported of an earlier head counts where nothing was of the head.
func TestEvidenceOfAnEarlierHead(t *testing.T) {
	stage := apps
	healthy(0, "flux/*")(&stage)
	stage.Soak = 0
	plan := twoStages
	plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
	w := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
	good := func(context string, at float64) rollout.Evidence {
		return rollout.Evidence{Context: context, State: rollout.EvidenceSuccess, At: hour(at)}
	}
	w.evidence[sha("A")] = []rollout.Evidence{good("flux/x", 0), good("flux/y", 0)}
	w.trees[sha("B")] = sha("treeA")
	w.push("main", 1, "B")
	w.now = hour(2)
	e := &rollout.Engine{Plan: plan, Remote: w, History: w, Ledger: ledger.Ledger{}}
	if must(t)(e.Promote(t.Context(), stage)); w.branches["release"] != sha("B") {
		t.Fatalf("release stands at %s", name(w.branches["release"]))
	}
	w.evidence[w.push("main", 3, "C")] = []rollout.Evidence{good("flux/x", 3)}
	w.now = hour(4)
	receipt := must(t)(e.Promote(t.Context(), stage))
	if v := receipt.Decision.Verdicts[0]; v.Outcome != rollout.Unproven || !strings.Contains(v.Reason(), "flux/y") {
		t.Errorf("%s: %s", describe(receipt.Decision), v.Reason())
	}
}
