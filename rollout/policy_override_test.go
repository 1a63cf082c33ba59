package rollout_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// An override goes through what it may, and says exactly through what. It goes
// through no taint, never elsewhere than forward, and through a hold only if
// it is told to.
func TestAnOverrideSaysWhatItGoesThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, mostly(t))
		s := l.look()
		if len(s.Foreign) > 0 || len(s.Pending) == 0 {
			return
		}
		o := ask(l, s)
		decided := rollout.Decide(s.At, l.stage, s)
		for _, v := range decided.Verdicts {
			o.arrived[v.Revision.SHA] = v.Revision.Arrival
		}
		of := o.revisions
		if !l.noted { // else anything may have been a head
			of = append(o.pending, of...)
		}
		wanted := rapid.SampledFrom(of).Draw(t, "wanted")
		request := rollout.OverrideRequest{Revision: rollout.Prefix(wanted), ThroughHold: rapid.Bool().Draw(t, "through hold")}
		if wanted == o.s.Upstream.SHA && rapid.Bool().Draw(t, "default") {
			request.Revision = ""
		}
		d, err := rollout.DecideOverride(s.At, l.stage, s, request)
		o.allows(t, d, err, wanted, request, l.tale(s, decided))
	})
}

func (o *oracle) allows(t *rapid.T, d rollout.Decision, err error, wanted rollout.SHA, request rollout.OverrideRequest, tale string) {
	var shut []rollout.Gate
	if slices.Contains(o.revisions, wanted) {
		shut = o.shut(wanted, o.s.At)
	}
	has := func(g rollout.Gate) bool { return slices.Contains(shut, g) }
	refused := !slices.Contains(o.revisions, wanted) || has(rollout.GateFastForward) || has(rollout.GateTaint) || has(rollout.GateHold) && !request.ThroughHold
	if refused != (err != nil) || err != nil && !errors.Is(err, rollout.ErrRefused) {
		t.Fatalf("override to %s, where closed are %s: %v\n%s", name(wanted), shut, err, tale)
	}
	if refused {
		return
	}
	var unsoaked []rollout.Unsoaked
	for _, c := range d.GoesOut {
		if left := o.left(c.SHA); left > 0 && !o.sameTree(wanted, o.s.At) {
			unsoaked = append(unsoaked, rollout.Unsoaked{Commit: c.SHA, Remaining: left})
		}
	}
	if len(unsoaked) > 0 && !has(rollout.GateSoak) {
		shut = append(shut, rollout.GateSoak)
	}
	slices.Sort(shut)
	if skipped := slices.Sorted(slices.Values(d.Skipped)); !slices.Equal(shut, skipped) {
		t.Errorf("it goes through %s, and says through %s\n%s", shut, skipped, tale)
	}
	if !slices.Equal(unsoaked, d.Unsoaked) {
		t.Errorf("un-soaked are %v, and said to be %v\n%s", unsoaked, d.Unsoaked, tale)
	}
	if through := o.holding(o.s.At); !slices.Equal(through, d.Through) {
		t.Errorf("it goes through holds %v, and says through %v\n%s", through, d.Through, tale)
	}
	if d.Action != rollout.Promote || d.Revision.SHA != wanted || len(d.GoesOut) != len(o.between(o.s.Target.SHA, wanted)) {
		t.Errorf("an override to %s is %s\n%s", name(wanted), describe(d), tale)
	}
}

// left is what a commit has before it of the soak of the revision with which
// it came.
func (o *oracle) left(c rollout.SHA) time.Duration {
	for _, r := range slices.Backward(o.revisions) {
		if o.contains[r][c] {
			return o.soak(r) - o.soaked(o.arrived[r], o.s.At)
		}
	}
	return 0
}
