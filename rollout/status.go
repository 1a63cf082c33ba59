package rollout

import (
	"context"
	"fmt"
	"time"
)

// A Status is where a rollout stands.
type Status struct {
	At     time.Time
	Plan   Plan
	Stages []StageStatus
	// Records are the newest entries of the ledger, newest first.
	Records []Record
}

// A StageStatus is where one stage stands.
type StageStatus struct {
	Stage Stage
	Head  Head
	// Since is when the branch came to stand there, as far as is known.
	Since time.Time
	// Decision is what the policy says of it now. It is nil for the first
	// stage, which takes everything.
	Decision *Decision
	// Holds are those that are active, of this stage or of all.
	Holds []Hold
	// Err says why the stage could not be observed.
	Err error
}

// Status observes every stage, and reads the newest entries of the ledger. A
// stage that cannot be observed does not hide the others; the error is that
// of the first such stage.
func (e *Engine) Status(ctx context.Context, records int) (Status, error) {
	status := Status{Plan: e.Plan}
	first := e.Plan.Stages[0]
	o, err := e.Remote.Observe(ctx, Query{Branches: []string{first.Branch}, Ledger: e.Plan.Ledger})
	if err != nil {
		return status, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	status.At = o.At
	status.Stages = append(status.Stages, StageStatus{Stage: first, Head: Head{first.Branch, o.Heads[first.Branch]}})
	var failed error
	for _, stage := range e.Plan.Downstream() {
		s, err := e.Observe(ctx, stage)
		one := StageStatus{Stage: stage, Head: Head{stage.Branch, s.Target.SHA}, Err: err}
		if err == nil {
			d := Decide(s.At, stage, s)
			one.Decision, one.Holds = &d, s.State.holds(stage, s.At)
			status.At = s.At
		} else if failed == nil {
			failed = err
		}
		status.Stages = append(status.Stages, one)
	}
	if status.Records, err = e.Records(ctx, o.Ledger, records); err != nil && failed == nil {
		failed = err
	}
	return status, e.since(ctx, &status, failed)
}

// holds are those that keep a stage from moving at a moment.
func (s State) holds(stage Stage, now time.Time) []Hold {
	var active []Hold
	for _, h := range s.Holds {
		if h.Holds(stage.Name, now) {
			active = append(active, h)
		}
	}
	return active
}

// since fills in when each branch came to stand where it stands: by the push
// log where there is one, and else by the ledger.
func (e *Engine) since(ctx context.Context, status *Status, failed error) error {
	for i := range status.Stages {
		stage := &status.Stages[i]
		for _, r := range status.Records {
			if r.Branch == stage.Head.Branch && r.To == stage.Head.SHA && stage.Since.IsZero() {
				stage.Since = r.At
			}
		}
		if !stage.Since.IsZero() || stage.Head.SHA == "" {
			continue
		}
		rows, err := e.Remote.Movements(ctx, stage.Head.Branch, func(Movement) bool { return true })
		if err != nil && failed == nil {
			failed = err
		}
		for _, m := range rows {
			if m.After == stage.Head.SHA {
				stage.Since = m.At
				break
			}
		}
	}
	return failed
}

// Records reads the newest entries of the ledger, newest first; 0 means all.
// An entry that cannot be read is among them, with what is wrong with it.
func (e *Engine) Records(ctx context.Context, ledger SHA, limit int) ([]Record, error) {
	if ledger == "" {
		return nil, nil
	}
	log, err := e.Remote.Log(ctx, Head{e.Plan.Ledger, ledger}, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Plan.Ledger, err)
	}
	records := make([]Record, len(log))
	for i, commit := range log {
		records[i] = e.Ledger.Record(commit)
	}
	return records, nil
}

// Trail reads the audit trail as it stands now, newest first; 0 means all.
func (e *Engine) Trail(ctx context.Context, limit int) ([]Record, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger})
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	if o.Ledger == "" {
		return nil, e.exist(Snapshot{Upstream: Head{SHA: "-"}, Target: Head{SHA: "-"}, Ledger: Head{Branch: e.Plan.Ledger}})
	}
	return e.Records(ctx, o.Ledger, limit)
}
