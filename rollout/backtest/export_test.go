package backtest

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Step is a promotion of a replay.
type Step struct {
	At       time.Time
	From, To rollout.SHA
}

// Replay is what a replay does under the policy of the plan, step by step.
func Replay(h History, o Options) ([]Step, Outcome) {
	r := newReplay(h, o)
	return r.steps(r.plan())
}

// ReplayPlainly is the same where the policy is asked of all that is pending,
// at every tick.
func ReplayPlainly(h History, o Options) ([]Step, Outcome) {
	r := newReplay(h, o)
	return r.steps(func(t tick) (int, time.Time) {
		d := r.decide(t)
		if d.Action != rollout.Promote {
			return t.out, t.at
		}
		return r.arrived[d.Revision.SHA], time.Time{}
	})
}

func (r *replay) steps(choose chooser) (steps []Step, outcome Outcome) {
	outcome, _ = r.run(func(t tick) (int, time.Time) {
		to, again := choose(t)
		if to != t.out {
			steps = append(steps, Step{t.at, r.revisions[t.out].sha, r.revisions[to].sha})
		}
		return to, again
	})
	return steps, outcome
}
