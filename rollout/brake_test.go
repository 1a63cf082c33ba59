package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// stagesHeld are the stages for which something is held, in the order in which it
// was written.
func stagesHeld(receipts []rollout.Receipt) []string {
	var stages []string
	for _, r := range receipts {
		stages = append(stages, r.Entry.Stage)
	}
	return stages
}

// What gets nothing new stands still, and so does what would soak there.
func TestASuspendedSourceHoldsStages(t *testing.T) {
	for cluster, want := range map[string][]string{"infra": {"apps"}, "apps": {"apps", "edge"}, "edge": {"edge"}} {
		r := newRemote(t, "main", "release", "edge")
		r.now = hour(1)
		ada := r.as("ada", threeStages)
		receipts, err := ada.HoldSuspended(t.Context(), cluster, "it burns")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, stagesHeld(receipts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cluster, diff)
		}
		if again, err := ada.HoldSuspended(t.Context(), cluster, "it still burns"); err != nil || len(again) > 0 {
			t.Errorf("%s, again: %v, %v", cluster, stagesHeld(again), err)
		}
		known, err := ada.HeldBySuspension(t.Context(), cluster)
		if err != nil || len(known) != len(want) {
			t.Errorf("%s is held by %+v, %v", cluster, known, err)
		}
		lifted, err := r.as("ben", threeStages).Resume(t.Context(), rollout.ResumeRequest{Suspended: cluster, Known: known})
		if err != nil || len(lifted.Entry.Holds) != len(want) || len(lifted.Snapshot.State.Holds) > 0 {
			t.Errorf("%s: %+v, %v", cluster, lifted, err)
		}
		// Who suspends it once more while somebody resumes it is not passed over.
		r.now = hour(2)
		if _, err := ada.HoldSuspended(t.Context(), cluster, "it burns again"); err != nil {
			t.Fatal(err)
		}
		_, err = ada.Resume(t.Context(), rollout.ResumeRequest{Suspended: cluster, Known: known})
		refusal(t, err, rollout.ErrRefused, "it burns again")
	}
}

// Nobody lifts such a hold in passing, and it does not lift another.
func TestAHoldForASuspendedSourceIsNoOther(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(30)
	ada := r.as("ada", twoStages)
	if _, err := ada.HoldSuspended(t.Context(), "apps", "it burns"); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.Hold(t.Context(), rollout.HoldRequest{Stage: "apps", Reason: "a holiday"}); err != nil {
		t.Fatal(err)
	}
	for _, request := range []rollout.ResumeRequest{{}, {Stage: "apps"}, {By: "ada"}} {
		receipt, err := ada.Resume(t.Context(), request)
		if err == nil && (len(receipt.Entry.Holds) != 1 || receipt.Entry.Holds[0].Suspended != "") {
			t.Errorf("%+v lifts %+v", request, receipt.Entry.Holds)
		}
	}
	_, err := ada.Resume(t.Context(), rollout.ResumeRequest{})
	refusal(t, err, rollout.ErrRefused, "ada holds apps while the source of the cluster apps is suspended: it burns", "mage release:resume -cluster=apps")
	if strings.Contains(err.Error(), "-by=ada") {
		t.Errorf("it offers what does not help: %v", err)
	}
	if got := r.promotes(t); got != rollout.Blocked {
		t.Errorf("while it is suspended: %s", got)
	}
	if _, err := r.as("ben", twoStages).Resume(t.Context(), rollout.ResumeRequest{All: true}); err != nil {
		t.Fatal(err)
	}
	if got := r.promotes(t); got != rollout.Promote {
		t.Errorf("then: %s", got)
	}
}

// What came while infra was suspended never ran there before: it soaks from when
// infra was resumed. What ran there before goes on soaking.
func TestNothingSoaksOnASuspendedCluster(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(10)
	ada := r.as("ada", twoStages)
	if _, err := ada.HoldSuspended(t.Context(), "infra", "it is replaced"); err != nil {
		t.Fatal(err)
	}
	r.push("main", 12, "C")
	r.now = hour(40)
	if got := r.promotes(t); got != rollout.Blocked {
		t.Errorf("while it is suspended: %s", got)
	}
	if _, err := ada.Resume(t.Context(), rollout.ResumeRequest{Suspended: "infra"}); err != nil {
		t.Fatal(err)
	}
	if got := r.promotes(t); got != rollout.Promote || r.branches["release"] != sha("B") {
		t.Errorf("what had soaked before: %s, release stands at %s", got, name(r.branches["release"]))
	}
	receipt, err := r.engine(twoStages).Preview(t.Context(), apps)
	if err != nil || receipt.Decision.Action != rollout.Wait || !receipt.Decision.Verdicts[0].RetryAt.Equal(hour(64)) {
		t.Errorf("what came meanwhile: %+v, %v", receipt.Decision, err)
	}
	want := "it arrived " + rollout.FormatTime(hour(12)) + " while infra was suspended, until " + rollout.FormatTime(hour(40)) + ", and soaks 24h, until " + rollout.FormatTime(hour(64))
	if got := receipt.Decision.Verdicts[0].Reason(); !strings.Contains(got, want) {
		t.Errorf("%q does not say %q", got, want)
	}
	r.now = hour(64)
	if got := r.promotes(t); got != rollout.Promote || r.branches["release"] != sha("C") {
		t.Errorf("a day later: %s", got)
	}
}

// One suspension can begin before another ends; what arrived a moment before one may
// not have come through; and what belongs to another stage counts for nothing.
func TestSuspensionsAddUp(t *testing.T) {
	at := func(stage string, from, to float64) rollout.Suspension {
		return rollout.Suspension{Stage: stage, Cluster: "infra", From: hour(from), To: hour(to)}
	}
	for name, c := range map[string]struct {
		suspensions []rollout.Suspension
		arrival     float64
		begins      float64
	}{
		"none":             {nil, 10, 10},
		"in one":           {[]rollout.Suspension{at("apps", 9, 12)}, 10, 12},
		"at its end":       {[]rollout.Suspension{at("apps", 9, 10)}, 10, 10},
		"a moment before":  {[]rollout.Suspension{at("apps", 10.05, 12)}, 10, 12},
		"long before":      {[]rollout.Suspension{at("apps", 11, 12)}, 10, 10},
		"two that overlap": {[]rollout.Suspension{at("apps", 11, 14), at("apps", 9, 12)}, 10, 14},
		"two apart":        {[]rollout.Suspension{at("apps", 9, 12), at("apps", 13, 14)}, 10, 12},
		"of another stage": {[]rollout.Suspension{at("edge", 9, 12)}, 10, 10},
	} {
		s := snapshotOf(c.arrival)
		s.State.Suspensions = c.suspensions
		d := rollout.Decide(hour(c.begins+24).Add(-time.Second), apps, s)
		if before := d.Action; before != rollout.Wait {
			t.Errorf("%s: a second before its time: %s", name, before)
		}
		if d = rollout.Decide(hour(c.begins+24), apps, s); d.Action != rollout.Promote {
			t.Errorf("%s: at its time: %s", name, d.Action)
		}
		o, err := rollout.DecideOverride(hour(c.begins+23), apps, s, rollout.OverrideRequest{})
		if err != nil || len(o.Unsoaked) != 1 || o.Unsoaked[0].Remaining != time.Hour {
			t.Errorf("%s: an override: %+v, %v", name, o.Unsoaked, err)
		}
	}
}

func TestAClusterThatThePlanHasNot(t *testing.T) {
	r := newRemote(t, "main", "release")
	_, err := r.as("ada", twoStages).HoldSuspended(t.Context(), "moon", "x")
	refusal(t, err, rollout.ErrUsage, `the plan has no cluster "moon"`, "write one of infra, apps")
	_, err = twoStages.ClustersNamed("moon")
	refusal(t, err, rollout.ErrUsage, `the plan has no stage and no cluster "moon"`, "stages infra, apps")
}

// snapshotOf has one revision, B, that arrived at an hour.
func snapshotOf(arrival float64) rollout.Snapshot {
	return rollout.Snapshot{
		Upstream: rollout.Head{Branch: "main", SHA: sha("B")}, Target: rollout.Head{Branch: "release", SHA: sha("A")},
		Pending:   []rollout.Commit{{SHA: sha("B"), Parents: []rollout.SHA{sha("A")}}},
		Movements: []rollout.Movement{{Before: sha("A"), After: sha("B"), At: hour(arrival)}}, PushLog: true,
	}
}
