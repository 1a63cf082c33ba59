package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
	// Skipped are the gates that an override goes through, and Through the
	// holds among them.
	Skipped []Gate
	Through []Hold
	// RetryAt is when the decision can become [Promote] by itself, for [Wait]
	// only.
	RetryAt time.Time
	// Blocks are what keeps the stage as a whole where it stands: holds, and
	// windows that are closed.
	Blocks []Block
	// Taints are the pending commits that are known to be bad, oldest first.
	Taints []Taint
	// Complaints are about what could not be used as it was meant: a commit's
	// trailer, a pattern of the plan that matches nothing.
	Complaints []string
	// Verdicts are one for each pending revision, newest first.
	Verdicts []Verdict
	// Foreign are the commits that the stage has and its upstream has not,
	// for [Diverged] only.
	Foreign []Commit
	// Look is the revision at whose exposure somebody has to look before it goes
	// out. [Engine] does, and decides again; whoever calls [Decide] has to.
	Look SHA
	// Exposure is what a look at Revision told, where there was one.
	Exposure *Look
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
	// Blocked: there are pending revisions, and time alone lets none of them
	// out.
	Blocked Action = "blocked"
	// Nothing: the stage has everything that its upstream has.
	Nothing Action = "nothing"
	// Diverged: the stage has commits that its upstream has not, so it cannot
	// be fast-forwarded at all.
	Diverged Action = "diverged"
)

// Decide says what the policy makes of a stage: the newest revision that may
// go out, or why there is none, and when to look again. It is pure: the same
// arguments give the same decision.
//
// Every revision's soak counts from its own arrival. So a later push neither
// delays an older revision nor rides along with it.
func Decide(now time.Time, stage Stage, s Snapshot) Decision {
	d, _ := decide(now, stage, s)
	return d
}

// decide also returns what the decision was made from, which is nil where
// nothing is pending or can be.
func decide(now time.Time, stage Stage, s Snapshot) (Decision, *survey) {
	d := Decision{Stage: stage}
	if len(s.Foreign) > 0 {
		d.Action = Diverged
		d.Foreign = s.Foreign
		d.Ways = waysBack(s)
		d.Reason = fmt.Sprintf("%s has %s that %s has not, so it cannot be fast-forwarded",
			s.Target.Branch, countCommits(len(s.Foreign)), s.Upstream.Branch)
		return d, nil
	}
	v := newSurvey(now, stage, s)
	d.Blocks = slices.Concat(v.held, v.closed(now))
	if len(v.revisions) == 0 {
		d.Action = Nothing
		d.Reason = fmt.Sprintf("%s has everything that %s has", s.Target.Branch, s.Upstream.Branch)
		return d, nil
	}
	d.Record = unrecorded(v.revisions[0])
	d.Taints = v.taints.all
	d.Complaints = v.complaints()
	d.Verdicts = v.verdicts()
	for i := range d.Verdicts {
		one := &d.Verdicts[i]
		if one.Outcome == Promotable {
			d.promote(one, v)
			return d, v
		}
		if one.unlooked && d.Look == "" {
			d.Look = one.Revision.SHA
		}
		d.RetryAt = sooner(d.RetryAt, one.RetryAt)
	}
	d.Action = Wait
	if d.RetryAt.IsZero() {
		d.Action = Blocked
	}
	d.Reason = waitReason(d)
	return d, v
}

// promote fills in what a promotion to a revision does.
func (d *Decision) promote(one *Verdict, v *survey) {
	d.Action, d.RetryAt = Promote, time.Time{}
	d.Revision = &one.Revision
	d.GoesOut = v.g.ancestry(v.g.index[one.Revision.SHA])
	d.Because = one.Reason()
	d.Reason = fmt.Sprintf("%s is the newest revision of %s that may go out: %s",
		one.Revision.SHA.Short(), v.s.Upstream.Branch, d.Because)
	d.expose(v)
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

// complaints are about what could not be used as it was meant.
func (v *survey) complaints() []string {
	var all []string
	for position, asked := range v.asked {
		if asked.complaint != "" && len(all) < listed {
			all = append(all, fmt.Sprintf("a Rollout-Soak of %s %s", v.g.commits[position].SHA.Short(), asked.complaint))
		}
	}
	for i := range v.stage.Health.Required {
		if !v.health.seen[i] {
			all = append(all, v.health.unseen(i))
		}
	}
	return all
}

// waitReason says why nothing goes out.
func waitReason(d Decision) string {
	reason := pendingReason(d)
	stage := Verdict{Blocks: d.Blocks}.Reason()
	switch {
	case stage == "":
		return reason
	case reason == "":
		return stage
	case strings.Contains(reason, stage):
		return reason
	default:
		return reason + "; " + stage
	}
}

// PendingReason is the part of the reason that is not about the stage as a
// whole: of that each of the blocks has a sentence of its own.
func (d Decision) PendingReason() string {
	if d.Action == Wait || d.Action == Blocked {
		return pendingReason(d)
	}
	return d.Reason
}

// pendingReason says why none of the pending revisions goes out. It is empty
// where one could, but for what keeps the stage as a whole.
func pendingReason(d Decision) string {
	counts := map[Outcome]int{}
	for _, v := range d.Verdicts {
		counts[v.Outcome]++
	}
	all, soaking := len(d.Verdicts), counts[Soaking]
	switch {
	case counts[Held] > 0 || counts[Closed] > 0:
		return ""
	case all == 1:
		return fmt.Sprintf("the one pending revision is %s: %s", d.Verdicts[0].Outcome.words(), d.Verdicts[0].Reason())
	case d.RetryAt.IsZero():
		return fmt.Sprintf("of %d pending revisions %s; none of them goes out by itself", all, tally(counts))
	case soaking == all && len(d.Blocks) == 0:
		return fmt.Sprintf("%d pending revisions are soaking; the first is ready %s", all, FormatTime(d.RetryAt))
	case soaking+counts[NotFastForward] == all && len(d.Blocks) == 0:
		return fmt.Sprintf("of %d pending revisions %d can be fast-forwarded to, and none has soaked; the first is ready %s",
			all, soaking, FormatTime(d.RetryAt))
	default:
		return fmt.Sprintf("of %d pending revisions %s; the first can go out %s", all, tally(counts), FormatTime(d.RetryAt))
	}
}

// tally is how many verdicts there are of each outcome, in words.
func tally(counts map[Outcome]int) string {
	var parts []string
	for _, outcome := range []Outcome{NotFastForward, Tainted, Unhealthy, Unproven, Unobserved, Soaking, Unexercised} {
		switch n := counts[outcome]; {
		case n == 1:
			parts = append(parts, "1 is "+outcome.words())
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d are %s", n, outcome.words()))
		}
	}
	return strings.Join(parts, ", ")
}

// words is an outcome as part of a sentence.
func (o Outcome) words() string {
	if o == NotFastForward {
		return "no fast-forward"
	}
	return string(o)
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
