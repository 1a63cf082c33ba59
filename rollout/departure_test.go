package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

func commitID(digit string) rollout.SHA { return rollout.SHA(strings.Repeat(digit, 40)) }

// Whatever the ledger notes, the push log says what the branch had: a commit
// that was forced onto it a minute ago has soaked a minute.
func TestTheLogOutdoesTheLedger(t *testing.T) {
	now := time.Date(2026, time.March, 3, 9, 0, 0, 0, time.UTC)
	released, taken, forced := commitID("1"), commitID("2"), commitID("3")
	s := rollout.Snapshot{
		At: now, PushLog: true,
		Upstream: rollout.Head{Branch: "main", SHA: forced},
		Target:   rollout.Head{Branch: "release", SHA: released},
		Pending:  []rollout.Commit{{SHA: forced, Parents: []rollout.SHA{released}}},
		Movements: []rollout.Movement{
			{Before: taken, After: forced, At: now.Add(-time.Minute), Forced: true},
			{Before: released, After: taken, At: now.Add(-23 * time.Hour)},
		},
		State: rollout.State{Arrivals: map[string][]rollout.Arrival{"main": {{Revision: forced, At: now.Add(-22 * time.Hour)}}}},
	}
	d := rollout.Decide(now, rollout.Stage{Name: "apps", Branch: "release", Soak: 20 * time.Hour}, s)
	if d.Action != rollout.Wait || !d.RetryAt.Equal(now.Add(20*time.Hour-time.Minute)) {
		t.Errorf("%s until %s: %s", d.Action, d.RetryAt, d.Reason)
	}
}

// A report can be newer than the observation by a moment: the clocks of a forge
// are not quite one. Healthy time goes on from there, and not from before.
func TestHealthyTimeGoesOnFromTheReport(t *testing.T) {
	glob, err := rollout.ParseGlob("flux/x")
	if err != nil {
		t.Fatal(err)
	}
	late := hour(25).Add(time.Second)
	for clock, want := range map[rollout.SoakClock]time.Time{
		rollout.PausingClock:    late.Add(6 * time.Hour),
		rollout.RestartingClock: late.Add(24 * time.Hour),
	} {
		s := tell(t, `
			0  push A
			0  release A
			1  push B
			2  report B flux/x good
			20 report B flux/x bad
			25 look`)
		s.Evidence[sha("B")] = append([]rollout.Evidence{{Context: "flux/x", State: rollout.EvidenceSuccess, At: late}}, s.Evidence[sha("B")]...)
		stage := rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour, SoakClock: clock}
		stage.Health.Required = []rollout.Requirement{{Cluster: "infra", Contexts: glob}}
		if d := rollout.Decide(s.At, stage, s); !d.RetryAt.Equal(want) {
			t.Errorf("clock %v: look again at %s, want %s: %s", clock, d.RetryAt, want, d.Reason)
		}
	}
}

// Without a log, the ledger forgets the arrival of what was taken away, also
// where something else is still waiting.
func TestTakenAwayAndBroughtBack(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	e := r.engine(twoStages)
	promote := func(at float64) rollout.Receipt {
		t.Helper()
		r.now = hour(at)
		receipt, err := e.Promote(t.Context(), apps)
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	b := r.push("main", 1, "B")
	promote(1)
	r.push("main", 2, "C")
	promote(2)
	if got := r.arrivals(t, "main"); got != "B@1h C@2h" {
		t.Fatalf("the ledger has %q", got)
	}
	r.branches["main"] = b
	if receipt := promote(3); receipt.Entry == nil || receipt.Entry.Kind != rollout.EntryDeparture {
		t.Errorf("nothing was recorded: %+v", receipt.Entry)
	}
	if got := r.arrivals(t, "main"); got != "B@1h" {
		t.Errorf("the ledger has %q, and C is not on main", got)
	}
	if receipt := promote(4); receipt.Entry != nil {
		t.Errorf("recorded again: %+v", receipt.Entry)
	}
}
