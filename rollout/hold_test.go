package rollout_test

import (
	"strings"
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
		"two more ends":    {Reason: "x", For: time.Hour, Clock: &rollout.TimeOfDay{Hour: 9}},
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

// Holders are called by all of what is recorded, or by a part that only one of
// them has.
func TestWhoseHoldsAreLifted(t *testing.T) {
	for name, want := range map[string]string{
		"olga":                      "ada ben <ben@x> Ben <ben@y> Olga <o@x>",
		"Olga <o@x>":                "ada ben <ben@x> Ben <ben@y> olga:apps",
		"O@X":                       "ada ben <ben@x> Ben <ben@y> olga:apps",
		"<o@x>":                     "ada ben <ben@x> Ben <ben@y> olga:apps",
		"ADA":                       "ben <ben@x> Ben <ben@y> Olga <o@x> olga:apps",
		"ben@y":                     "ada ben <ben@x> Olga <o@x> olga:apps",
		"ben":                       "could be any of 2 who hold\n  → mage release:resume -by='ben <ben@x>'\n  → mage release:resume -by='Ben <ben@y>'",
		"o":                         "o has no such hold; ada holds all stages: x; ",
		"cleo; rm -rf /":            "→ mage release:resume -by='Olga <o@x>'",
		"Olga <o@x> and her team":   "has no such hold",
		"":                          "viewer has no such hold",
		"ben <ben@x>":               "ada Ben <ben@y> Olga <o@x> olga:apps",
		"\x1b[2J":                   "\\x1b[2J has no such hold",
		"  ada ":                    "ben <ben@x> Ben <ben@y> Olga <o@x> olga:apps",
		"nobody\nada holds nothing": `nobody\x0aada holds nothing has no such hold`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, "main", "release")
			for _, by := range []string{"ada", "ben <ben@x>", "Ben <ben@y>", "Olga <o@x>"} {
				must(t)(r.as(by, twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "x"}))
			}
			must(t)(r.as("olga", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "x", Stage: "apps"}))
			_, err := r.engine(twoStages).Resume(t.Context(), rollout.ResumeRequest{By: name})
			if got := r.holders(t); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("left are %q, %v; want %q", got, err, want)
			}
		})
	}
}

// A time of the day is the next one, by the forge's clock.
func TestAHoldUntilATimeOfTheDay(t *testing.T) {
	for now, want := range map[float64]string{0: "10h", 9.99: "10h", 10: "34h", 15.5: "34h", 16: "34h"} {
		r := newRemote(t, "main", "release")
		r.now = hour(now).In(time.FixedZone("", -7*60*60))
		receipt := must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "x", Clock: &rollout.TimeOfDay{Hour: 18}}))
		if got := hours(receipt.Entry.Until); got != want {
			t.Errorf("at %gh it lasts until %s, want %s", now, got, want)
		}
	}
}

// An end that is far away is a slip, or meant for good.
func TestAHoldWithAnEndThatIsFarAway(t *testing.T) {
	r := newRemote(t, "main", "release")
	_, err := r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "x", Until: epoch.AddDate(10, 0, 1)})
	refusal(t, err, rollout.ErrUsage, "would last longer than 10 years", "leave the end out")
	must(t)(r.as("ada", twoStages).Hold(t.Context(), rollout.HoldRequest{Reason: "x", Until: epoch.AddDate(10, 0, 0)}))
}

// Nobody has the commit, and the receipt says so.
func TestATaintOfWhatNobodyKnows(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	b := r.push("main", 1, "B")
	e := r.as("ada", threeStages)
	taint := func(commit rollout.SHA) rollout.Receipt {
		t.Helper()
		return must(t)(e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(commit), Reason: "x"}))
	}
	if taint(b).Unmerged {
		t.Error("what waits is said to wait for no stage")
	}
	if !taint(r.commit("C", b)).Unmerged || !taint(sha("Z")).Unmerged {
		t.Error("what no stage waits for is not said to be so")
	}
	s, err := e.Status(t.Context(), rollout.StatusQuery{Records: 1})
	if err != nil || len(s.Taints) != 3 {
		t.Errorf("taints %v, %v", s.Taints, err)
	}
	_, err = e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(strings.Repeat("0", 40)), Reason: "x"})
	refusal(t, err, rollout.ErrUsage, "is the name of no commit")
	r.unobservable = "edge"
	if receipt, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("Y")), Reason: "x"}); err == nil {
		t.Errorf("a stage that cannot be asked may have it: %+v", receipt)
	}
	r.unobservable = ""
	if _, err := e.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("Z"))[:7], Reason: "x"}); err != nil {
		t.Errorf("what is only tainted is not found by its first digits: %v", err)
	}
}

// Who takes a taint back learns that the commit is reverted, too.
func TestAClearedCommitCanStayReverted(t *testing.T) {
	r := newRemote(t, "main", "release")
	b := r.push("main", 1, "B")
	r.messages[sha("C")] = "This reverts commit " + string(b) + ".\n"
	c := r.push("main", 2, "C")
	e := r.as("ada", twoStages)
	request := rollout.MarkRequest{Commit: rollout.Prefix(b), Reason: "x"}
	must(t)(e.Taint(t.Context(), request))
	if got := must(t)(e.Clear(t.Context(), request)).Remaining; len(got) != 1 || got[0] != c {
		t.Errorf("left is %v, want %s", got, c)
	}
	if got := must(t)(e.Clear(t.Context(), request)); len(got.Remaining) != 0 || len(got.Entry.Reverts) != 1 {
		t.Errorf("left is %v, set aside %v", got.Remaining, got.Entry.Reverts)
	}
}
