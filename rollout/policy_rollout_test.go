package rollout_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// A step moves release, and is what the oracle and the policy say before it.
type step struct {
	*oracle
	rollout.Decision
	override bool
}

// play lets a life go on hour by hour, with promotions every so many hours and
// an override now and then, and shows each step before it is taken.
func (l *life) play(t *rapid.T, every int, see func(step)) {
	for hour := range rapid.IntRange(1, 60).Draw(t, "hours") {
		l.at = l.at.Add(time.Hour)
		if rapid.IntRange(0, 2).Draw(t, "event") == 0 {
			l.happen(t)
		}
		s := l.look()
		next := step{Decision: rollout.Decide(s.At, l.stage, s)}
		switch {
		case hour%every == 0:
		case rapid.IntRange(0, 9).Draw(t, "override") == 9 && len(next.Verdicts) > 0:
			request := rollout.OverrideRequest{ThroughHold: rapid.Bool().Draw(t, "through hold")}
			request.Revision = rollout.Prefix(rapid.SampledFrom(next.Verdicts).Draw(t, "wanted").Revision.SHA)
			d, err := rollout.DecideOverride(s.At, l.stage, s, request)
			if err != nil {
				continue
			}
			next = step{Decision: d, override: true}
		default:
			continue
		}
		if next.Action == rollout.Promote {
			next.oracle = ask(l, s)
			see(next)
			l.release(next.Revision.SHA)
		}
	}
}

// to is where release goes, and skips tells whether that skips a gate.
func (s step) to() rollout.SHA { return s.Revision.SHA }

func (s step) skips(gate rollout.Gate) bool { return s.override && slices.Contains(s.Skipped, gate) }

func (s step) tells() string { return s.tale(s.s, s.Decision) }

func TestReleaseOnlyMovesForwardAndIsAlwaysOnMain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, mostly(t))
		l.play(t, rapid.IntRange(1, 5).Draw(t, "tick"), func(s step) {
			if s.to() == s.s.Target.SHA || !l.reach(s.to())[s.s.Target.SHA] || !l.reach(l.branches["main"])[s.to()] {
				t.Errorf("release moves from %s to %s\n%s", name(s.s.Target.SHA), name(s.to()), s.tells())
			}
			if out := l.between(s.s.Target.SHA, s.to()); len(out) != len(s.GoesOut) {
				t.Errorf("%s go out, and said are %s\n%s", names(out), names(s.GoesOut), s.tells())
			}
		})
	})
}

func TestNothingGoesOutBeforeItsSoakUnlessAnOverrideSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, mostly(t))
		l.play(t, rapid.IntRange(1, 5).Draw(t, "tick"), func(s step) {
			for _, c := range s.GoesOut {
				said := func(u rollout.Unsoaked) bool { return u.Commit == c.SHA && u.Remaining >= s.left(c.SHA) }
				if s.left(c.SHA) > 0 && !s.sameTree(s.to(), l.at) && !(s.skips(rollout.GateSoak) && slices.ContainsFunc(s.Unsoaked, said)) {
					t.Errorf("%s goes out %s before its soak is over\n%s", name(c.SHA), s.left(c.SHA), s.tells())
				}
			}
		})
	})
}

func TestNothingUnhealthyGoesOutUnlessAnOverrideSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, mostly(t))
		l.play(t, rapid.IntRange(1, 5).Draw(t, "tick"), func(s step) {
			if s.sameTree(s.to(), l.at) {
				return
			}
			if !s.healthy(s.to(), l.at) && !s.skips(rollout.GateHealth) || l.stage.Observed && !s.observed(s.to()) && !s.skips(rollout.GateObserved) {
				t.Errorf("%s goes out: healthy %t, observed %t\n%s", name(s.to()), s.healthy(s.to(), l.at), s.observed(s.to()), s.tells())
			}
		})
	})
}

// Not by an override either.
func TestNothingBadGoesOutWithoutItsRevert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, mostly(t))
		l.play(t, rapid.IntRange(1, 5).Draw(t, "tick"), func(s step) {
			if s.tainted[s.to()] {
				t.Errorf("%s goes out\n%s", name(s.to()), s.tells())
			}
		})
	})
}

func TestAHoldAndAClosedWindowKeepEverythingIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, mostly(t))
		l.play(t, rapid.IntRange(1, 5).Draw(t, "tick"), func(s step) {
			if holds := s.holding(l.at); len(holds) > 0 && !(s.skips(rollout.GateHold) && slices.Equal(s.Through, holds)) {
				t.Errorf("%s goes out, and said to be through holds %v, of %v\n%s", name(s.to()), s.Through, holds, s.tells())
			}
			if !s.open(l.at) && !s.skips(rollout.GateWindow) {
				t.Errorf("%s goes out through a closed window\n%s", name(s.to()), s.tells())
			}
		})
	})
}

// What the policy allows for as long as it takes until the next tick is out
// then. After a force-push two revisions can be allowed of which only one can
// go out, so there is none here.
func TestNoGoodCommitStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, people{})
		tick := time.Duration(rapid.IntRange(1, 5).Draw(t, "tick")) * time.Hour
		allowed := map[rollout.SHA]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "hours") {
			l.at = l.at.Add(time.Hour)
			if rapid.IntRange(0, 2).Draw(t, "event") == 0 {
				l.happen(t)
			}
			if l.at.Sub(epoch)%tick == 0 {
				s := l.look()
				if d := rollout.Decide(s.At, l.stage, s); d.Action == rollout.Promote {
					l.release(d.Revision.SHA)
				}
			}
			starves(t, l, allowed, tick)
		}
	})
}

// starves finds what has been allowed to go out for a whole tick.
func starves(t *rapid.T, l *life, allowed map[rollout.SHA]time.Time, tick time.Duration) {
	s := l.look()
	o := ask(l, s)
	for _, c := range o.pending {
		is := func(r rollout.SHA) bool { return o.contains[r][c] && len(o.shut(r, l.at)) == 0 }
		switch since, before := allowed[c]; {
		case !slices.ContainsFunc(o.revisions, is):
			delete(allowed, c)
		case !before:
			allowed[c] = l.at
		case l.at.Sub(since) >= tick:
			t.Fatalf("%s can go out since %s\n%s", name(c), hours(since), l.tale(s, rollout.Decide(s.At, l.stage, s)))
		}
	}
}
