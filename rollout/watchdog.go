package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Watchdog is what one saw.
type Watchdog struct {
	At time.Time
	// Alarms are what somebody has to look at.
	Alarms []Alarm
	// Notes are what cannot be known, and is no alarm.
	Notes []string
}

// An Alarm is one thing that somebody has to look at.
type Alarm struct {
	Kind AlarmKind
	// Stage is empty where all stages are meant.
	Stage string
	// What is one sentence, Ways what to do next.
	What string
	Ways []string
	// Revision is what should have gone out, for [AlarmOverdue] only.
	Revision SHA
}

// AlarmKind is the kind of an alarm.
type AlarmKind string

// The kinds of alarms.
const (
	// AlarmOverdue: a revision may go out, and has not for too long.
	AlarmOverdue AlarmKind = "overdue"
	// AlarmSilent: the workflow that promotes has not run well for too long.
	AlarmSilent AlarmKind = "silent"
	// AlarmDisabled: the forge does not start that workflow any more.
	AlarmDisabled AlarmKind = "disabled"
	// AlarmDiverged: the stage has diverged.
	AlarmDiverged AlarmKind = "diverged"
	// AlarmUnseen: it cannot be known whether all is well.
	AlarmUnseen AlarmKind = "unseen"
)

// AlarmKinds are all kinds of alarms.
func AlarmKinds() []AlarmKind {
	return []AlarmKind{AlarmOverdue, AlarmSilent, AlarmDisabled, AlarmDiverged, AlarmUnseen}
}

// A WatchdogRequest says what is too long.
type WatchdogRequest struct {
	// After is how long a revision may wait that could go out, Silence how long no
	// run of the workflow that promotes needs to end well.
	After, Silence time.Duration
	// Ticks is nil where the forge does not run workflows.
	Ticks Ticks
}

// Ticks tells how a workflow of the forge does.
type Ticks interface {
	// Ticking reads whether a workflow is started, and when it last ended well.
	Ticking(ctx context.Context, workflow string) (Ticking, error)
}

// Ticking is how a workflow does.
type Ticking struct {
	// State is [WorkflowActive], or else why the forge does not start it.
	State WorkflowState
	// Succeeded is when a run of it last ended well. It is zero where none did.
	Succeeded time.Time
	// URL is where its runs are shown.
	URL string
}

// Watchdog looks whether every stage gets what it may get. What cannot be known is an
// alarm, too, unless nobody could know it here. The error is for what keeps anybody
// from looking at all.
func (e *Engine) Watchdog(ctx context.Context, request WatchdogRequest) (Watchdog, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger})
	if err != nil {
		return Watchdog{}, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	w := watchdog{Engine: e, request: request, Watchdog: Watchdog{At: o.At}}
	w.records = sync.OnceValues(func() ([]Record, error) { return e.recordsSince(ctx, o.Ledger, o.At.Add(-request.After)) })
	for _, stage := range e.Plan.Downstream() {
		if err := w.look(ctx, stage); err != nil {
			w.unseen(stage.Name, err)
		}
		if ctx.Err() != nil {
			return w.Watchdog, ctx.Err()
		}
	}
	w.listen(ctx)
	return w.Watchdog, ctx.Err()
}

// A watchdog is one in progress.
type watchdog struct {
	*Engine
	Watchdog
	request WatchdogRequest
	// records are the entries of the ledger that may matter, newest first.
	records func() ([]Record, error)
}

// recordsSince reads the ledger back to a moment, or further.
func (e *Engine) recordsSince(ctx context.Context, ledger SHA, since time.Time) ([]Record, error) {
	const page = 100
	records, err := e.Records(ctx, ledger, page)
	if err != nil || len(records) < page || records[page-1].At.Before(since) {
		return records, err
	}
	return e.Records(ctx, ledger, 0)
}

// look watches one stage. The error says why nothing can be known of it.
func (w *watchdog) look(ctx context.Context, stage Stage) error {
	s, _, err := w.observe(ctx, stage)
	if err != nil {
		return err
	}
	d, _, err := w.decide(ctx, stage, &s)
	if err == nil && d.Record != nil {
		w.Notes = append(w.Notes, fmt.Sprintf("%s: nothing says since when %s is on %s, so its soak has not begun: release:promote has not run since it was pushed",
			stage.Name, d.Record.Revision.Short(), s.Upstream.Branch))
	}
	switch {
	case err != nil:
		return err
	case d.Action == Diverged:
		w.Alarms = append(w.Alarms, Alarm{Kind: AlarmDiverged, Stage: stage.Name, What: d.Reason, Ways: d.Ways})
	case d.Action == Promote:
		return w.lookBack(ctx, s, d)
	}
	return nil
}

// lookBack watches a stage for which something may go out now: whether it might
// have for all of the time that it may take.
func (w *watchdog) lookBack(ctx context.Context, s Snapshot, now Decision) error {
	then := s.At.Add(-w.request.After)
	past := s.before(then)
	before, _, err := w.decide(ctx, now.Stage, &past)
	if err != nil {
		return err
	}
	revision, waits := promotableInBoth(now, before)
	if !waits {
		return nil
	}
	records, err := w.records()
	if err != nil {
		return err
	}
	if !openBetween(now.Stage.Windows, then, s.At) || freedSince(now.Stage, records, then) {
		return nil
	}
	w.Alarms = append(w.Alarms, Alarm{
		Kind: AlarmOverdue, Stage: now.Stage.Name, Revision: revision.SHA,
		What: fmt.Sprintf("%s could have gone out %s ago, and is not out: it arrived %s, and nothing keeps it in",
			revision.SHA.Short(), FormatDuration(w.request.After), FormatTime(revision.Arrival)),
		Ways: []string{
			"promote it, or see what refuses it: mage release:promote -stage=" + Quote(now.Stage.Name),
			"look why nothing else did: the runs of " + PromoteWorkflow + ", or whatever runs release:promote here",
		},
	})
	return nil
}

// before is what an observation would have seen at an earlier moment, as far as
// what is known now tells: the revisions that had arrived. What was reported since
// has not settled by then; of what operators said since only what lets something out is
// taken back.
func (s Snapshot) before(then time.Time) Snapshot {
	s.At = then
	s.Movements = slices.DeleteFunc(slices.Clone(s.Movements), func(m Movement) bool { return m.At.After(then) })
	noted := slices.DeleteFunc(slices.Clone(s.State.Arrivals[s.Upstream.Branch]), func(a Arrival) bool { return a.At.After(then) })
	s.State = s.State.withArrivals(s.Upstream.Branch, noted)
	s.State.Restorations = slices.DeleteFunc(slices.Clone(s.State.Restorations), func(r Restoration) bool { return r.At.After(then) })
	s.Upstream.SHA = ""
	if n := len(noted); n > 0 {
		s.Upstream.SHA = noted[n-1].Revision
	}
	if len(s.Movements) > 0 && (len(noted) == 0 || !s.Movements[0].At.Before(noted[len(noted)-1].At)) {
		s.Upstream.SHA = s.Movements[0].After
	}
	return s
}

// promotableInBoth is the newest revision that each of two decisions lets out.
func promotableInBoth(now, before Decision) (Revision, bool) {
	could := map[SHA]bool{}
	for _, v := range before.Verdicts {
		could[v.Revision.SHA] = v.Outcome == Promotable
	}
	for _, v := range now.Verdicts {
		if v.Outcome == Promotable && could[v.Revision.SHA] {
			return v.Revision, true
		}
	}
	return Revision{}, false
}

// openBetween tells whether windows were open all the time. Where they touch it can
// say no of what was.
func openBetween(w Windows, from, to time.Time) bool {
	opens, ok := w.Opening(from)
	if !ok || !opens.Equal(from) {
		return false
	}
	closes, ends := w.closing(from)
	return !ends || closes.After(to)
}

// freedSince tells whether something that kept a stage where it stood may have been
// lifted after a moment; or the stage moved, so that somebody looked, and would have
// taken whatever it could. A hold that ran out by itself still held it then.
func freedSince(stage Stage, records []Record, then time.Time) bool {
	frees := func(r Record) bool {
		if r.Damaged != "" || !r.At.After(then) {
			return false
		}
		lifts := r.Kind == EntryResume && (len(r.Holds) == 0 || slices.ContainsFunc(r.Holds, func(h Hold) bool { return h.Stage == "" || h.Stage == stage.Name }))
		return lifts || r.Kind == EntryClear || r.Kind == EntryInit || r.promotes(stage.Branch)
	}
	return slices.ContainsFunc(records, frees)
}

// listen watches whether the workflow that promotes still runs.
func (w *watchdog) listen(ctx context.Context) {
	if w.request.Ticks == nil {
		w.Notes = append(w.Notes, "a Git remote without a forge runs no workflow, so nobody can know here whether something else still runs release:promote")
		return
	}
	t, err := w.request.Ticks.Ticking(ctx, PromoteWorkflow)
	if err != nil {
		w.unseen("", err)
		return
	}
	switch silent := w.At.Sub(t.Succeeded); {
	case t.State != WorkflowActive:
		w.Alarms = append(w.Alarms, disabled(t))
	case t.Succeeded.IsZero():
		w.silent(t, "no run of "+PromoteWorkflow+" has ended well yet")
	case silent > w.request.Silence:
		w.silent(t, fmt.Sprintf("no run of %s has ended well for %s, since %s", PromoteWorkflow, FormatDuration(silent), FormatTime(t.Succeeded)))
	}
}

func (w *watchdog) silent(t Ticking, what string) {
	w.Alarms = append(w.Alarms, Alarm{Kind: AlarmSilent, What: what, Ways: []string{
		"look at its runs, whether they fail or do not come: " + Printable(t.URL, 300),
		"start one: gh workflow run " + PromoteWorkflow,
	}})
}

func disabled(t Ticking) Alarm {
	enable := "enable it: gh workflow enable " + PromoteWorkflow
	switch t.State {
	case WorkflowDisabledIdle:
		return Alarm{Kind: AlarmDisabled, What: "GitHub has disabled " + PromoteWorkflow + ": it switches off the schedules of a public repository after 60 days without activity", Ways: []string{enable}}
	case WorkflowDisabledManually:
		return Alarm{Kind: AlarmDisabled, What: "somebody has disabled " + PromoteWorkflow, Ways: []string{"find out who did, and why: " + Printable(t.URL, 300), enable}}
	default:
		return Alarm{Kind: AlarmDisabled, What: fmt.Sprintf("%s is %q, so nothing starts it", PromoteWorkflow, Printable(string(t.State), 60)), Ways: []string{enable}}
	}
}

// unseen notes that nothing can be known, and why.
func (w *watchdog) unseen(stage string, err error) {
	what, _, _ := strings.Cut(err.Error(), "\n  → ")
	a := Alarm{Kind: AlarmUnseen, Stage: stage, What: what, Ways: []string{"look how things stand: mage release:status"}}
	var p *Problem
	if errors.As(err, &p) && len(p.Ways) > 0 {
		a.Ways = p.Ways
	}
	w.Alarms = append(w.Alarms, a)
}
