package rollout_test

import (
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A hold for some hours ends by the forge's clock, whatever the caller's says.
func TestAHoldForAWhile(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30).Add(300 * time.Millisecond)
	receipt, err := r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "a freeze", For: 4 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ends := hour(34).Add(time.Second)
	if got := receipt.Entry.Until; !got.Equal(ends) {
		t.Errorf("it ends %s, want %s", got, ends)
	}
	r.now = ends.Add(-time.Nanosecond)
	if got := r.promotes(t); got != rollout.Wait {
		t.Errorf("just before: %s", got)
	}
	r.now = ends
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("then: %s", got)
	}
}

func TestAHoldHasOneEnd(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.now = hour(1)
	for what, request := range map[string]rollout.HoldRequest{
		"two ends":         {Reason: "x", For: time.Hour, Until: hour(9)},
		"less than no end": {Reason: "x", For: -time.Hour},
	} {
		_, err := r.as("ada", twoStages).Hold(t.Context(), request)
		t.Run(what, func(t *testing.T) { refusal(t, err, rollout.ErrUsage, "one of them, and not in the past") })
	}
	if r.writes > 0 {
		t.Errorf("%d of them wrote", r.writes)
	}
}

// What has run out is no longer there to be lifted, although it may still be
// written down.
func TestAHoldThatHasRunOutIsNotLifted(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.now = hour(1)
	ada := r.as("ada", twoStages)
	if _, err := ada.Hold(t.Context(), rollout.HoldRequest{Reason: "x", For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	r.now = hour(3)
	_, err := ada.Resume(t.Context(), rollout.ResumeRequest{})
	refusal(t, err, rollout.ErrRefused, "there is no hold to lift")
}

// Who wrote something can see what holds now.
func TestAReceiptHasTheStateAfterwards(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.now = hour(1)
	ada, ben := r.as("ada", twoStages), r.as("ben", twoStages)
	if _, err := ada.Hold(t.Context(), rollout.HoldRequest{Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := ben.Hold(t.Context(), rollout.HoldRequest{Reason: "y"}); err != nil {
		t.Fatal(err)
	}
	receipt, err := ada.Resume(t.Context(), rollout.ResumeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if left := receipt.Snapshot.State.Holds; len(left) != 1 || left[0].By != "ben" || !receipt.Snapshot.At.Equal(hour(1)) {
		t.Errorf("left are %+v at %s", left, receipt.Snapshot.At)
	}
}

// Nobody shall rely on a taint that keeps nothing in.
func TestATaintOfWhatIsOutIsRefused(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	b := r.push("main", 1, "B")
	r.branches["release"] = b
	r.now = hour(30)
	e := r.as("ada", threeStages)
	if _, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "edge has it not yet"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "and now it has"}); err != nil {
		t.Fatal(err)
	}
	r.branches["edge"] = b
	_, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "too late"})
	refusal(t, err, rollout.ErrRefused, "4200000 is on every stage already", "revert it on main")
}
