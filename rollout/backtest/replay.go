package backtest

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Options say what is replayed.
type Options struct {
	// Stage is the one that takes its revisions from the branch.
	Stage rollout.Stage
	// Policies are compared. Default is all of them.
	Policies []Policy
	// Since leaves out what arrived before. Default is the whole history.
	Since time.Time
	// Progress is told how far the replay has come. Default is to tell nobody.
	Progress *rollout.Progress
}

// tickMinute is the minute of every hour at which promotions are looked for,
// as the workflow of this repository does.
const tickMinute = 43 * time.Minute

// Run replays a history. It is an error of kind [rollout.ErrUsage] to name a
// policy that there is not.
func Run(h History, o Options) (Result, error) {
	if len(o.Policies) == 0 {
		o.Policies = Policies()
	}
	reading := o.Progress.Begin(rollout.Effort{What: "reading messages"})
	r := newReplay(h, o)
	result := r.result(o)
	reading.End()
	r.phase = o.Progress.Begin(rollout.Effort{What: "replaying", Parts: "arrivals", Total: (len(r.revisions) - 1) * len(o.Policies)})
	defer r.phase.End()
	for _, p := range o.Policies {
		choose, err := r.chooser(p)
		if err != nil {
			return Result{}, err
		}
		outcome, end := r.run(choose)
		outcome.Policy = p
		result.Outcomes = append(result.Outcomes, outcome)
		result.Until = later(result.Until, end)
	}
	return result, nil
}

// A replay is a history that is ready to be replayed.
type replay struct {
	line
	file
	history History
	// stage asks for nothing that a history cannot tell.
	stage rollout.Stage
	// phase counts the arrivals that each policy has seen.
	phase *rollout.Phase
}

func newReplay(h History, o Options) *replay {
	l := newLine(h, o.Since)
	stage := o.Stage
	stage.Health, stage.Observed, stage.SoakClock, stage.Exposure = rollout.Health{}, false, rollout.WallClock, rollout.ExposureIgnored
	return &replay{line: l, file: newFile(h, l), history: h, stage: stage}
}

// result is what is true whatever the policy.
func (r *replay) result(o Options) Result {
	result := Result{
		Stage: o.Stage, Branch: r.history.Branch, Since: o.Since,
		Guessed: !r.history.PushLog, Commits: len(r.commits), Notes: r.notes(o),
	}
	if last := len(r.revisions) - 1; last > 0 {
		result.Revisions = last
		result.First, result.Last = r.revisions[1].arrival, r.revisions[last].arrival
		result.Reverted = len(r.suspected(0, last))
	}
	return result
}

// notes say what is not as it would have been.
func (r *replay) notes(o Options) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if !r.history.PushLog {
		note("Nothing says when revisions arrived. The committer dates of the first-parent line stand for it, each commit as a push of its own; whoever commits can write any date.")
	}
	switch n := r.left(r.history); {
	case n == 1:
		note("1 push is left out: a later force-push took away what it brought.")
	case n > 1:
		note("%d pushes are left out: later force-pushes took away what they brought.", n)
	}
	if len(o.Stage.Health.Required) > 0 || o.Stage.Observed || o.Stage.SoakClock != rollout.WallClock {
		note("No history keeps what clusters reported: the health that %s asks for is taken for granted, and its soak counts all time.", o.Stage.Name)
	}
	if o.Stage.Exposure == rollout.ExposureRequired {
		note("Nothing is rendered: the exposure that %s asks for is taken for granted.", o.Stage.Name)
	}
	if len(o.Stage.Windows.Allow)+len(o.Stage.Windows.Deny) > 0 {
		note("The windows of %s close it to the policy plan, and to no other.", o.Stage.Name)
	}
	return notes
}

// run lets one policy promote, from the first arrival until everything is out,
// or to the end of the history.
func (r *replay) run(choose chooser) (outcome Outcome, end time.Time) {
	m := meter{replay: r}
	last := len(r.revisions) - 1
	out, head := 0, 0
	var at, again time.Time
	for out < last {
		next := again
		if head < last {
			next = sooner(next, r.revisions[head+1].arrival)
		}
		if next.IsZero() || tickFrom(next).After(r.history.Until) {
			m.wait(out, head, tickFrom(r.history.Until.Add(1)))
			at = r.history.Until
			break
		}
		at = tickFrom(next)
		m.wait(out, head, at)
		arrived := head
		for head < last && !r.revisions[head+1].arrival.After(at) {
			head++
		}
		r.phase.Add(head - arrived)
		to, t := out, tick{at, out, head}
		if again = (time.Time{}); out < head {
			to, again = choose(t)
		}
		m.promote(t, to)
		m.urgent(arrived, t, to)
		if (out < to && to < head) || (!again.IsZero() && !again.After(at)) {
			// What is left is judged anew: it may have waited for what went out.
			again = at.Add(time.Second)
		}
		out = to
	}
	r.phase.Add(last - head)
	return m.outcome(out), at
}

// tickFrom is the first tick that is not before a moment.
func tickFrom(t time.Time) time.Time {
	at := t.UTC().Truncate(time.Hour).Add(tickMinute)
	if at.Before(t) {
		at = at.Add(time.Hour)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier of two moments. The zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
