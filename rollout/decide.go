package rollout

import (
	"fmt"
	"time"
)

// A Verdict is what the policy says of one revision.
type Verdict struct {
	Revision Revision
	Outcome  Outcome
	// Reason is one sentence for people.
	Reason string
	// RetryAt is when the verdict can change by itself. It is zero where time
	// alone changes nothing.
	RetryAt time.Time
}

// Outcome is the kind of a verdict.
type Outcome string

// The outcomes of a verdict.
const (
	// Promotable: the policy allows it now.
	Promotable Outcome = "promotable"
	// Soaking: it has not been upstream for long enough.
	Soaking Outcome = "soaking"
	// NotFastForward: it does not contain the stage's head, so the branch
	// could not be fast-forwarded to it. A later revision that merges it can.
	NotFastForward Outcome = "not-fast-forward"
)

// A Decision is what the policy says of a stage now.
type Decision struct {
	Stage Stage
	// Action is what is to be done.
	Action Action
	// Reason is one sentence for people, and Because the part of it that the
	// ledger keeps of a promotion.
	Reason, Because string
	// Ways are what an operator can do, for [Diverged] only.
	Ways []string
	// Revision is what is promoted, for [Promote] only.
	Revision *Revision
	// GoesOut are the commits that the promotion brings to the stage,
	// children before parents.
	GoesOut []Commit
	// Unsoaked are those of GoesOut whose soak is not over. There are none
	// but in an override.
	Unsoaked []Unsoaked
	// RetryAt is when the decision can become [Promote] by itself, for [Wait]
	// only.
	RetryAt time.Time
	// Verdicts are one for each pending revision, newest first.
	Verdicts []Verdict
	// Foreign are the commits that the stage has and its upstream has not,
	// for [Diverged] only.
	Foreign []Commit
	// Record is an arrival that nothing has recorded yet, and that the ledger
	// has to, so that the soak can begin.
	Record *Arrival
}

// Action is the kind of a decision.
type Action string

// The actions of a decision.
const (
	// Promote: fast-forward the stage's branch to Revision.
	Promote Action = "promote"
	// Wait: there are pending revisions, and none may go out yet.
	Wait Action = "wait"
	// Nothing: the stage has everything that its upstream has.
	Nothing Action = "nothing"
	// Diverged: the stage has commits that its upstream has not, so it cannot
	// be fast-forwarded at all.
	Diverged Action = "diverged"
)

// Decide says what the policy makes of a stage: the newest revision that has
// soaked, or why there is none, and when to look again. It is pure: the same
// arguments give the same decision.
//
// Every revision's soak counts from its own arrival. So a later push neither
// delays an older revision nor rides along with it.
func Decide(now time.Time, stage Stage, s Snapshot) Decision {
	d := Decision{Stage: stage}
	if len(s.Foreign) > 0 {
		d.Action = Diverged
		d.Foreign = s.Foreign
		d.Ways = waysBack(s)
		d.Reason = fmt.Sprintf("%s has %s that %s has not, so it cannot be fast-forwarded",
			s.Target.Branch, countCommits(len(s.Foreign)), s.Upstream.Branch)
		return d
	}
	pending := revisions(now, s)
	if len(pending) == 0 {
		d.Action = Nothing
		d.Reason = fmt.Sprintf("%s has everything that %s has", s.Target.Branch, s.Upstream.Branch)
		return d
	}
	d.Record = unrecorded(pending[0])
	for i := range pending {
		v := judge(now, stage, s.Target, pending[i])
		d.Verdicts = append(d.Verdicts, v)
		if v.Outcome == Promotable && d.Revision == nil {
			d.promote(v, s)
		}
		d.RetryAt = sooner(d.RetryAt, v.RetryAt)
	}
	if d.Action == Promote {
		d.RetryAt = time.Time{}
		return d
	}
	d.Action = Wait
	d.Reason = waitReason(d)
	return d
}

// judge is the policy of one revision.
func judge(now time.Time, stage Stage, target Head, r Revision) Verdict {
	v := Verdict{Revision: r}
	ready := r.Arrival.Add(stage.Soak)
	switch {
	case !r.FastForward:
		v.Outcome = NotFastForward
		v.Reason = fmt.Sprintf("it does not contain %s, the head of %s", target.SHA.Short(), target.Branch)
	case ready.After(now):
		v.Outcome = Soaking
		v.RetryAt = ready
		v.Reason = fmt.Sprintf("it arrived %s and soaks %s, until %s",
			FormatTime(r.Arrival), FormatDuration(stage.Soak), FormatTime(ready))
		if !r.Recorded {
			v.Reason = fmt.Sprintf("nothing says when it arrived: its soak of %s begins when release:promote next runs and records it",
				FormatDuration(stage.Soak))
		}
	case stage.Soak == 0:
		v.Outcome = Promotable
		v.Reason = fmt.Sprintf("it arrived %s, and %s asks for no soak", FormatTime(r.Arrival), stage.Name)
	default:
		v.Outcome = Promotable
		v.Reason = fmt.Sprintf("it arrived %s and has soaked %s of the %s that %s asks for",
			FormatTime(r.Arrival), FormatDuration(now.Sub(r.Arrival)), FormatDuration(stage.Soak), stage.Name)
	}
	return v
}

// promote fills in what a promotion to a revision does.
func (d *Decision) promote(v Verdict, s Snapshot) {
	d.Action = Promote
	d.Revision = &v.Revision
	d.GoesOut = goesOut(s, v.Revision.SHA)
	d.Because = v.Reason
	d.Reason = fmt.Sprintf("%s is the newest revision of %s that may go out: %s",
		v.Revision.SHA.Short(), s.Upstream.Branch, v.Reason)
}

// goesOut lists what a fast-forward to a pending commit brings.
func goesOut(s Snapshot, to SHA) []Commit {
	g := newGraph(s.Upstream.SHA, s.Pending)
	return g.ancestry(g.index[to])
}

// unrecorded is the arrival to record for the upstream's head, if nothing
// says when it came. Every other pending commit is contained in the head, so
// one record is enough.
func unrecorded(head Revision) *Arrival {
	if head.Recorded {
		return nil
	}
	return &Arrival{Revision: head.SHA, At: head.Arrival}
}

// waitReason says why nothing goes out. There is always a revision that soaks:
// the upstream's head contains the stage's.
func waitReason(d Decision) string {
	var soaking []Verdict
	for _, v := range d.Verdicts {
		if v.Outcome == Soaking {
			soaking = append(soaking, v)
		}
	}
	switch {
	case len(d.Verdicts) == 1 && len(soaking) == 1:
		return "the one pending revision is soaking: " + soaking[0].Reason
	case len(soaking) == len(d.Verdicts):
		return fmt.Sprintf("%d pending revisions are soaking; the first is ready %s", len(soaking), FormatTime(d.RetryAt))
	default:
		return fmt.Sprintf("of %d pending revisions %d can be fast-forwarded to, and none has soaked; the first is ready %s",
			len(d.Verdicts), len(soaking), FormatTime(d.RetryAt))
	}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func countCommits(n int) string {
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}
