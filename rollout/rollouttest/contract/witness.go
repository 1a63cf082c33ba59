package contract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/monosense/k8s-ops/rollout"
)

// TestWitness tests a remote that is a [rollout.Witness], too. It opens a fresh
// fixture for every case, which has to have SetStatus.
func TestWitness(t *testing.T, open func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		test func(w *witnessScene)
	}{
		{"knows every state", knowsEveryState},
		{"gives the newest status of each context", givesNewest},
		{"takes the later one of two of the same second", givesLaterOfOneSecond},
		{"gives a log newest first", givesLog},
		{"gives a log of many statuses", givesLongLog},
		{"leaves out commits of which nothing was reported", leavesOutUnreported},
		{"leaves out a commit that nobody has", leavesOutUnknown},
		{"knows nothing of no commits", knowsNothingOfNone},
		{"knows a commit that is asked for twice", knowsRepeated},
		{"knows a hundred and fifty commits", knowsMany},
		{"gives back hostile text as it was posted", givesBackHostileText},
		{"stops when its context is cancelled", stopsWitnessing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(newWitnessScene(t, open)) })
	}
}

// A witnessScene is a scene with a line of commits on main, and a clock for
// what is reported of them.
type witnessScene struct {
	*scene
	witness rollout.Witness
	commits []rollout.SHA
	now     time.Time
}

func newWitnessScene(t *testing.T, open func(t *testing.T) Fixture) *witnessScene {
	t.Helper()
	s := newScene(t, open)
	witness, ok := s.Remote.(rollout.Witness)
	if !ok || s.SetStatus == nil {
		t.Fatalf("%T is no Witness, or the fixture cannot set a status", s.Remote)
	}
	return &witnessScene{scene: s, witness: witness, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

// begin pushes a line of commits.
func (w *witnessScene) begin(n int) {
	w.t.Helper()
	w.commits = w.line(n, "")
	w.push(upstream, w.commits[n-1])
}

// report posts a status a second after the one before.
func (w *witnessScene) report(of rollout.SHA, context string, state rollout.EvidenceState, description string) rollout.Evidence {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	return w.reportNow(of, context, state, description)
}

// reportNow posts a status in the same second as the one before.
func (w *witnessScene) reportNow(of rollout.SHA, context string, state rollout.EvidenceState, description string) rollout.Evidence {
	w.t.Helper()
	e := rollout.Evidence{Context: context, State: state, At: w.now, Description: description}
	if err := w.SetStatus(of, e); err != nil {
		w.t.Fatalf("set a status of %s: %v", of.Short(), err)
	}
	return e
}

func knowsEveryState(w *witnessScene) {
	w.begin(1)
	var want []rollout.Evidence
	for _, state := range []rollout.EvidenceState{
		rollout.EvidenceSuccess, rollout.EvidenceFailure, rollout.EvidenceError, rollout.EvidencePending,
	} {
		want = append(want, w.report(w.commits[0], "kustomization/"+string(state), state, "it is "+string(state)))
	}
	w.newest(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want}, w.commits[0])
	slices.Reverse(want)
	w.log(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want}, w.commits[0])
}

func givesNewest(w *witnessScene) {
	w.begin(2)
	first, second := w.commits[0], w.commits[1]
	w.report(first, "a", rollout.EvidenceFailure, "failed")
	w.report(second, "a", rollout.EvidenceSuccess, "applied")
	recovered := w.report(first, "a", rollout.EvidenceSuccess, "applied after all")
	w.report(first, "b", rollout.EvidenceSuccess, "applied")
	broken := w.report(second, "a", rollout.EvidenceFailure, "failed after all")
	pending := w.report(first, "b", rollout.EvidencePending, "once more")
	w.newest(map[rollout.SHA][]rollout.Evidence{first: {recovered, pending}, second: {broken}}, first, second)
}

func givesLaterOfOneSecond(w *witnessScene) {
	w.begin(1)
	was := w.report(w.commits[0], "a", rollout.EvidenceSuccess, "applied")
	is := w.reportNow(w.commits[0], "a", rollout.EvidenceFailure, "failed")
	w.newest(map[rollout.SHA][]rollout.Evidence{w.commits[0]: {is}}, w.commits[0])
	w.log(map[rollout.SHA][]rollout.Evidence{w.commits[0]: {is, was}}, w.commits[0])
}

func givesLog(w *witnessScene) {
	w.begin(2)
	first, second := w.commits[0], w.commits[1]
	want := map[rollout.SHA][]rollout.Evidence{}
	for _, r := range []struct {
		of      rollout.SHA
		context string
		state   rollout.EvidenceState
	}{
		{first, "a", rollout.EvidencePending},
		{first, "b", rollout.EvidenceSuccess},
		{second, "a", rollout.EvidenceError},
		{first, "a", rollout.EvidenceFailure},
		{first, "a", rollout.EvidenceSuccess},
		{second, "a", rollout.EvidenceSuccess},
		{first, "a", rollout.EvidenceSuccess},
	} {
		want[r.of] = append([]rollout.Evidence{w.report(r.of, r.context, r.state, "")}, want[r.of]...)
	}
	w.log(want, first, second)
}

func givesLongLog(w *witnessScene) {
	w.begin(1)
	var want []rollout.Evidence
	for i := range 230 {
		want = append(want, w.report(w.commits[0], fmt.Sprintf("context %d", i%3), rollout.EvidenceSuccess, fmt.Sprintf("event %d", i)))
	}
	w.newest(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want[227:]}, w.commits[0])
	slices.Reverse(want)
	w.log(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want}, w.commits[0])
}

func leavesOutUnreported(w *witnessScene) {
	w.begin(3)
	reported := w.report(w.commits[1], "a", rollout.EvidenceSuccess, "applied")
	want := map[rollout.SHA][]rollout.Evidence{w.commits[1]: {reported}}
	w.newest(want, w.commits...)
	w.log(want, w.commits...)
	w.newest(nil, w.commits[0])
	w.log(nil, w.commits[0], w.commits[2])
}

func leavesOutUnknown(w *witnessScene) {
	const unknown = "0123456789abcdef0123456789abcdef01234567"
	w.begin(1)
	want := map[rollout.SHA][]rollout.Evidence{w.commits[0]: {w.report(w.commits[0], "a", rollout.EvidenceSuccess, "")}}
	w.newest(want, unknown, w.commits[0])
	w.log(want, unknown, w.commits[0])
}

func knowsNothingOfNone(w *witnessScene) {
	w.begin(1)
	w.report(w.commits[0], "a", rollout.EvidenceSuccess, "")
	w.newest(nil)
	w.log(nil)
}

func knowsRepeated(w *witnessScene) {
	w.begin(1)
	want := map[rollout.SHA][]rollout.Evidence{w.commits[0]: {w.report(w.commits[0], "a", rollout.EvidenceSuccess, "")}}
	w.newest(want, w.commits[0], w.commits[0])
	w.log(want, w.commits[0], w.commits[0])
}

func knowsMany(w *witnessScene) {
	w.begin(150)
	want := map[rollout.SHA][]rollout.Evidence{}
	for i, commit := range w.commits {
		if i%10 != 3 {
			want[commit] = []rollout.Evidence{w.report(commit, "a", rollout.EvidenceSuccess, fmt.Sprintf("change %d", i+1))}
		}
	}
	w.newest(want, w.commits...)
}

// longest is how many characters GitHub takes as a description.
const longest = 140

func givesBackHostileText(w *witnessScene) {
	w.begin(1)
	var want []rollout.Evidence
	for _, text := range hostile {
		if len(text) <= longest {
			want = append(want, w.report(w.commits[0], text, rollout.EvidenceFailure, text))
		}
	}
	w.newest(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want}, w.commits[0])
	slices.Reverse(want)
	w.log(map[rollout.SHA][]rollout.Evidence{w.commits[0]: want}, w.commits[0])
}

func stopsWitnessing(w *witnessScene) {
	w.begin(1)
	w.report(w.commits[0], "a", rollout.EvidenceSuccess, "")
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	if _, err := w.witness.Evidence(ctx, w.commits); !errors.Is(err, context.Canceled) {
		w.t.Errorf("Evidence: %v, want context.Canceled", err)
	}
	if _, err := w.witness.EvidenceLog(ctx, w.commits); !errors.Is(err, context.Canceled) {
		w.t.Errorf("EvidenceLog: %v, want context.Canceled", err)
	}
}

// newest checks the newest status of each context, in any order.
func (w *witnessScene) newest(want map[rollout.SHA][]rollout.Evidence, of ...rollout.SHA) {
	w.t.Helper()
	got, err := w.witness.Evidence(w.t.Context(), of)
	if err != nil {
		w.t.Fatalf("Evidence: %v", err)
	}
	byContext := cmpopts.SortSlices(func(a, b rollout.Evidence) int { return cmp.Compare(a.Context, b.Context) })
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), byContext); diff != "" {
		w.t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

// log checks all statuses, in their order.
func (w *witnessScene) log(want map[rollout.SHA][]rollout.Evidence, of ...rollout.SHA) {
	w.t.Helper()
	got, err := w.witness.EvidenceLog(w.t.Context(), of)
	if err != nil {
		w.t.Fatalf("EvidenceLog: %v", err)
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("the log of evidence (-want +got):\n%s", diff)
	}
}
