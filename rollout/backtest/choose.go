package backtest

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A tick is when a policy is asked.
type tick struct {
	at time.Time
	// out is the revision that the stage has, and head the newest that has
	// arrived. It is a later one.
	out, head int
}

// A chooser is a policy at work: it names the revision to promote, or the one
// that is out for none, and when to ask again if nothing arrives. The zero time
// is never.
type chooser func(tick) (to int, again time.Time)

func (r *replay) chooser(p Policy) (chooser, error) {
	choosers := map[Policy]chooser{Plan: r.plan(), Tip: r.tip, Quiet: r.quiet, Restart: r.restart(), Age: r.age}
	choose, ok := choosers[p]
	if !ok {
		return nil, refusePolicy("there is no policy %q", rollout.Printable(string(p), 40))
	}
	return choose, nil
}

// soaked is when a revision is as old as the soak.
func (r *replay) soaked(revision int) time.Time {
	return r.revisions[revision].arrival.Add(r.stage.Soak)
}

func (r *replay) tip(t tick) (int, time.Time) {
	if first := r.soaked(t.out + 1); first.After(t.at) {
		return t.out, first
	}
	return t.head, time.Time{}
}

func (r *replay) quiet(t tick) (int, time.Time) {
	if last := r.soaked(t.head); last.After(t.at) {
		return t.out, last
	}
	return t.head, time.Time{}
}

// restart keeps, for each revision, the newest up to it that was the head for
// the whole soak before the next one came.
func (r *replay) restart() chooser {
	through := make([]int, len(r.revisions))
	for i := 1; i < len(r.revisions); i++ {
		through[i] = through[i-1]
		if !r.soaked(i - 1).After(r.revisions[i].arrival) {
			through[i] = i - 1
		}
	}
	return func(t tick) (int, time.Time) {
		last := r.soaked(t.head)
		if !last.After(t.at) {
			return t.head, time.Time{}
		}
		return max(t.out, through[t.head]), last
	}
}

func (r *replay) age(t tick) (int, time.Time) {
	to := t.out
	for to < t.head && !r.soaked(to+1).After(t.at) {
		to++
	}
	if to == t.head {
		return to, time.Time{}
	}
	return to, r.soaked(to + 1)
}
