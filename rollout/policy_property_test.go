package rollout_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// Whatever happened, the policy decides as the oracle does.
func TestThePolicyDecidesAsTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, mostly(t))
		s := l.look()
		d := rollout.Decide(s.At, l.stage, s)
		consistent(t, s, d)
		o := ask(l, s)
		tale := l.tale(s, d)
		if d.Action != rollout.Diverged && len(d.Verdicts) != len(o.revisions) {
			t.Fatalf("there are %d verdicts, and %d revisions\n%s", len(d.Verdicts), len(o.revisions), tale)
		}
		for i, v := range d.Verdicts {
			sha, arrived := o.revisions[i], v.Revision.Arrival
			if v.Revision.SHA != sha || arrived.Before(o.arrived[sha]) || l.forced == 0 && !arrived.Equal(o.arrived[sha]) {
				t.Fatalf("revision %s arrived at %s; it is %s, of %s\n%s", name(v.Revision.SHA), hours(arrived), name(sha), hours(o.arrived[sha]), tale)
			}
			// What a force-push took away is known only in part.
			o.arrived[sha] = arrived
		}
		for _, v := range d.Verdicts {
			o.judges(t, v, tale)
		}
		if want, got := o.decision(), brief(d); want != got {
			t.Errorf("the oracle says %q, the policy %q\n%s", want, got, tale)
		}
	})
}

// decision is what brief says of the right one.
func (o *oracle) decision() string {
	if len(o.s.Foreign) > 0 {
		return "diverged"
	}
	if len(o.pending) == 0 {
		return "nothing"
	}
	var soonest time.Time
	for _, r := range o.revisions {
		at, ever := o.first(r)
		switch {
		case ever && at.Equal(o.s.At):
			return "promote " + name(r)
		case ever && (soonest.IsZero() || at.Before(soonest)):
			soonest = at
		}
	}
	if soonest.IsZero() {
		return "blocked"
	}
	return "wait until " + hours(soonest)
}

func brief(d rollout.Decision) string {
	switch d.Action {
	case rollout.Promote:
		return "promote " + name(d.Revision.SHA)
	case rollout.Wait:
		return "wait until " + hours(d.RetryAt)
	default:
		return string(d.Action)
	}
}

// judges compares a verdict with what the oracle says of the revision.
func (o *oracle) judges(t *rapid.T, v rollout.Verdict, tale string) {
	sha := v.Revision.SHA
	var gates []rollout.Gate
	for _, b := range v.Blocks {
		if !slices.Contains(gates, b.Gate) && b.Gate != rollout.GateWindow {
			gates = append(gates, b.Gate)
		}
	}
	shut := o.shut(sha, o.s.At)
	lasting := slices.DeleteFunc(slices.Clone(shut), func(g rollout.Gate) bool { return g == rollout.GateWindow })
	if !slices.Equal(lasting, gates) {
		t.Errorf("%s: closed are %s, and said to be %s\n%s", name(sha), lasting, gates, tale)
	}
	if (v.Outcome == rollout.Promotable) != (len(shut) == 0) {
		t.Errorf("%s is %s, and closed are %s\n%s", name(sha), v.Outcome, shut, tale)
	}
	if at, ever := o.first(sha); v.Outcome != rollout.Promotable && (ever == v.RetryAt.IsZero() || ever && !at.Equal(v.RetryAt)) {
		t.Errorf("%s: retry at %s, and can go out at %s (%t)\n%s", name(sha), hours(v.RetryAt), hours(at), ever, tale)
	}
}

// A decision depends on nothing but its arguments, and not on the order of
// what has none. It leaves them as they are.
func TestADecisionDependsOnItsArgumentsOnly(t *testing.T) {
	schedules := cmp.Comparer(func(a, b rollout.Windows) bool { return reflect.DeepEqual(a, b) })
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, mostly(t))
		s, before, stage := l.look(), apart(l.look()), l.stage
		stage.Health.Required = slices.Clone(stage.Health.Required)
		d := rollout.Decide(s.At, l.stage, s)
		if diff := cmp.Diff(before, s) + cmp.Diff(stage, l.stage, schedules); diff != "" {
			t.Fatalf("the arguments are others afterwards (-before +after):\n%s", diff)
		}
		shuffle(rapid.Uint64().Draw(t, "seed"), &s)
		for range 2 {
			if diff := cmp.Diff(d, rollout.Decide(s.At, l.stage, s), schedules); diff != "" {
				t.Fatalf("another order decides otherwise (-want +got):\n%s\n%s", diff, l.tale(before, d))
			}
		}
	})
}

// apart shares nothing with the world any more.
func apart(s rollout.Snapshot) rollout.Snapshot {
	for _, all := range [][]rollout.Commit{s.Pending, s.Ahead, s.Foreign} {
		for i := range all {
			all[i].Parents = slices.Clone(all[i].Parents)
		}
	}
	for i := range s.State.Cleared {
		s.State.Cleared[i].Reverts = slices.Clone(s.State.Cleared[i].Reverts)
	}
	return s
}

func shuffle(seed uint64, s *rollout.Snapshot) {
	random := rand.New(rand.NewPCG(seed, 0))
	for _, all := range [][]rollout.Commit{s.Pending, s.Ahead, s.Foreign} {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for _, all := range [][]rollout.Mark{s.State.Taints, s.State.Cleared} {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	s.Evidence = maps.Clone(s.Evidence)
}

// What has been done is not to be done again. What can go out next was kept in
// by nothing but the soak that a commit asked for, which is out now.
func TestDecidingAgainAfterActingIsNothingOrLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, mostly(t))
		s := l.look()
		d := rollout.Decide(s.At, l.stage, s)
		if d.Action != rollout.Promote {
			return
		}
		tale := l.tale(s, d)
		l.release(d.Revision.SHA)
		s = l.look()
		again := rollout.Decide(s.At, l.stage, s)
		consistent(t, s, again)
		if again.Action == rollout.Diverged {
			t.Fatalf("once it is carried out: %s\n%s", again.Reason, tale)
		}
		if l.stage.SoakClock != rollout.WallClock || s.Reported != "" || l.namesakes() || slices.ContainsFunc(d.GoesOut, l.failed) {
			return // what is out now had a say in what is not
		}
		asked := slices.ContainsFunc(d.GoesOut, func(c rollout.Commit) bool { return l.meant[c.SHA].soak > l.stage.Soak })
		forGood := func(b rollout.Block) bool { return b.Gate == rollout.GateFastForward || b.Gate == rollout.GateTaint }
		for _, v := range again.Verdicts {
			is := func(b rollout.Verdict) bool { return b.Revision.SHA == v.Revision.SHA }
			before := d.Verdicts[slices.IndexFunc(d.Verdicts, is)]
			if v.Outcome == rollout.Promotable && (!asked || slices.ContainsFunc(before.Blocks, forGood)) {
				t.Errorf("once it is carried out %s can go out, too; before: %s\n%s", name(v.Revision.SHA), before.Reason(), tale)
			}
		}
	})
}

// failed tells whether a context ever failed on a commit.
func (l *life) failed(c rollout.Commit) bool {
	return slices.ContainsFunc(l.evidence[c.SHA], func(e rollout.Evidence) bool {
		return e.State != rollout.EvidenceSuccess && e.State != rollout.EvidencePending
	})
}

// namesakes tells whether a revert can mean several commits.
func (l *life) namesakes() bool {
	called := map[string]bool{}
	numbered := map[int]bool{}
	for _, m := range l.meant {
		for _, title := range slices.Compact(slices.Sorted(slices.Values(m.titles))) {
			if called[title] {
				return true
			}
			called[title] = true
		}
		if m.number > 0 && numbered[m.number] {
			return true
		}
		numbered[m.number] = true
	}
	return false
}

// What unblocks a revision contains it and is free of what lasts, and there is
// none older that does and is.
func TestUnblocksContainsAndIsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, people{forced: 30})
		s := l.look()
		d := rollout.Decide(s.At, l.stage, s)
		for i, v := range d.Verdicts {
			var want rollout.SHA
			for _, newer := range d.Verdicts[:i] {
				if lasts(v) && !lasts(newer) && l.reach(newer.Revision.SHA)[v.Revision.SHA] {
					want = newer.Revision.SHA
				}
			}
			if v.Unblocks != want {
				t.Errorf("%s is unblocked by %q, want %q\n%s", name(v.Revision.SHA), name(v.Unblocks), name(want), l.tale(s, d))
			}
		}
	})
}

// lasts tells whether something of a revision itself keeps it in for good.
func lasts(v rollout.Verdict) bool {
	own := []rollout.Gate{rollout.GateFastForward, rollout.GateTaint, rollout.GateHealth, rollout.GateObserved}
	return slices.ContainsFunc(v.Blocks, func(b rollout.Block) bool { return b.Until.IsZero() && slices.Contains(own, b.Gate) })
}

// Whatever others write, what is said is there, is of one line, and gives no
// orders.
func TestReasonsAreThereAndPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, people{forced: 15, hostile: true})
		s := l.look()
		d := rollout.Decide(s.At, l.stage, s)
		said := append([]string{d.Reason}, append(d.Complaints, d.Ways...)...)
		if d.Action == rollout.Promote {
			said = append(said, d.Because)
		}
		for _, b := range d.Blocks {
			said = append(said, b.Reason())
		}
		for _, taint := range d.Taints {
			said = append(said, taint.Why())
		}
		for _, v := range d.Verdicts {
			said = append(said, v.Reason())
			for _, b := range v.Blocks {
				said = append(said, b.Reason())
			}
			request := rollout.OverrideRequest{Revision: rollout.Prefix(v.Revision.SHA), ThroughHold: rapid.Bool().Draw(t, "through hold")}
			o, err := rollout.DecideOverride(s.At, l.stage, s, request)
			var problem *rollout.Problem
			if errors.As(err, &problem) {
				said = append(append(said, problem.What), problem.Ways...)
			} else {
				said = append(said, o.Reason)
			}
		}
		for _, text := range said {
			if !printable(text) {
				t.Errorf("it says %q\n%s", text, l.tale(s, d))
			}
		}
	})
}

func printable(text string) bool {
	hidden := func(r rune) bool {
		return r != '\u200d' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
	}
	return text != "" && utf8.ValidString(text) && strings.IndexFunc(text, hidden) < 0 && !strings.Contains(text, "##[") && !strings.HasPrefix(text, "::")
}
