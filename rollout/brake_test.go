package rollout_test

import (
	"strings"
	"testing"

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
		lifted, found, err := r.as("ben", threeStages).ResumeSuspended(t.Context(), cluster, "")
		if err != nil || !found || len(lifted.Entry.Holds) != len(want) || len(lifted.Snapshot.State.Holds) > 0 {
			t.Errorf("%s: %+v, %v, %v", cluster, lifted, found, err)
		}
		if _, found, err := ada.ResumeSuspended(t.Context(), cluster, ""); found || err != nil {
			t.Errorf("%s: there is something to lift twice: %v", cluster, err)
		}
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

func TestAClusterThatThePlanHasNot(t *testing.T) {
	r := newRemote(t, "main", "release")
	_, err := r.as("ada", twoStages).HoldSuspended(t.Context(), "moon", "x")
	refusal(t, err, rollout.ErrUsage, `the plan has no cluster "moon"`, "write one of infra, apps")
	_, err = twoStages.ClustersNamed("moon")
	refusal(t, err, rollout.ErrUsage, `the plan has no stage and no cluster "moon"`, "stages infra, apps")
}
