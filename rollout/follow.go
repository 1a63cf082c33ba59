package rollout

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// PromoteWorkflow is the workflow that an override is dispatched to.
const PromoteWorkflow = "release-promote.yaml"

// A Dispatcher has the forge's own runner carry out an override, follows it
// to its end, and checks that it did what it was for.
type Dispatcher struct {
	Engine    *Engine
	Workflows Workflows
	// Request is unique to this override. It is part of the run's name, by
	// which the run is found when the forge does not tell its ID.
	Request string
	// Progress is told of every change. Default is to tell nobody.
	Progress func(Run)
}

// Override dispatches the workflow for one exact revision, which the request
// names in full, and returns when the stage's branch stands at it, or with the
// reason why it does not.
func (d *Dispatcher) Override(ctx context.Context, stage Stage, request OverrideRequest) (Run, error) {
	revision, err := ParseSHA(string(request.Revision))
	if err != nil {
		return Run{}, err
	}
	request.Revision = Prefix(revision)
	defer Begin(ctx, Effort{What: "waiting for the run of " + PromoteWorkflow}).End()
	id, err := d.Workflows.Dispatch(ctx, PromoteWorkflow, d.inputs(stage, request))
	if err != nil && !errors.Is(err, ErrUncertain) {
		return Run{}, fmt.Errorf("dispatch %s: %w", PromoteWorkflow, err)
	}
	run, err := d.follow(ctx, id, func() bool { return d.verify(ctx, stage, revision) == nil })
	if err != nil {
		return run, err
	}
	if run.Status != "completed" {
		return run, nil // the branch was looked at, and has it
	}
	if run.Conclusion != "success" {
		// Another promotion may have brought the revision meanwhile, so that
		// this one found nothing to do.
		if d.verify(ctx, stage, revision) == nil {
			return run, nil
		}
		return run, &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("the run of %s ended with %q: %s", PromoteWorkflow, run.Conclusion, run.URL),
			Ways: []string{"read what it says there", "or move the branch from here, without Actions: the same command with -direct"},
		}
	}
	return run, d.verify(ctx, stage, revision)
}

// inputs are what the workflow is started with. GitHub refuses a dispatch with
// an input that the workflow does not declare, so the one that a workflow of an
// earlier toolkit lacks is sent only where it makes a difference.
func (d *Dispatcher) inputs(stage Stage, request OverrideRequest) map[string]string {
	inputs := map[string]string{
		"skip_wait": strconv.FormatBool(true),
		"stage":     stage.Name,
		"revision":  string(request.Revision),
		"reason":    request.Reason,
		"request":   d.Request,
	}
	if request.ThroughHold {
		inputs["through_hold"] = strconv.FormatBool(true)
	}
	return inputs
}

// Pauses between two looks at a run.
const (
	firstPause  = 500 * time.Millisecond
	longestWait = 5 * time.Second
)

// findWithin is how long a dispatched run may take to appear in the list of
// runs. GitHub makes it appear within seconds; later than this, it was never
// dispatched.
const findWithin = 2 * time.Minute

// follow looks at the run, ever less often, until it is completed, or what it is
// for is done: whenever one of its jobs has succeeded, done tells. What the run
// does after that nobody has to wait for at night. It has no end of its own: a run
// can wait for a runner for hours, and giving up on it would not stop it.
func (d *Dispatcher) follow(ctx context.Context, id int64, done func() bool) (Run, error) {
	var last Run
	waited, pause := time.Duration(0), firstPause
	for {
		run, err := d.look(ctx, id)
		switch {
		case ctx.Err() != nil:
			return last, interrupted(last, ctx.Err())
		case err != nil:
			return last, lost(last, err)
		}
		before := last
		if run.ID != 0 {
			id = run.ID
			if d.Progress != nil && changed(last, run) {
				d.Progress(run)
			}
			last = run
		}
		if run.Status == "completed" || succeeded(run) > succeeded(before) && done() {
			return run, nil
		}
		if run.ID == 0 && waited > findWithin {
			return run, &Problem{
				Kind: ErrUncertain,
				What: fmt.Sprintf("%s was dispatched, but no run named after request %s has appeared in %s", PromoteWorkflow, d.Request, FormatDuration(findWithin)),
				Ways: []string{"look at the repository's Actions page, and at https://www.githubstatus.com", "move the branch from here, without Actions: the same command with -direct"},
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return last, interrupted(last, err)
		}
		waited += pause
		pause = min(pause*3/2, longestWait)
	}
}

func (d *Dispatcher) look(ctx context.Context, id int64) (Run, error) {
	if id == 0 {
		return d.Workflows.FindRun(ctx, PromoteWorkflow, d.Request)
	}
	return d.Workflows.Run(ctx, id)
}

// succeeded counts the jobs that have.
func succeeded(run Run) int {
	n := 0
	for _, job := range run.Jobs {
		if job.Conclusion == "success" {
			n++
		}
	}
	return n
}

// changed tells whether there is something new to say of a run.
func changed(before, now Run) bool {
	if before.Status != now.Status || len(before.Jobs) != len(now.Jobs) {
		return true
	}
	for i := range now.Jobs {
		if before.Jobs[i] != now.Jobs[i] {
			return true
		}
	}
	return false
}

func interrupted(run Run, err error) error {
	return &Problem{
		Kind:  ErrUncertain,
		What:  "no longer following the run, which goes on",
		Cause: err,
		Ways:  []string{"see " + where(run), "and `mage release:status` for what came of it"},
	}
}

// lost is the error of a run that cannot be looked at. It keeps the kind of
// its cause.
func lost(run Run, err error) error {
	return &Problem{
		Kind:  ErrUncertain,
		What:  fmt.Sprintf("the run of %s was started and goes on, but cannot be followed", PromoteWorkflow),
		Cause: err,
		Ways:  []string{"see " + where(run), "and `mage release:status` for what came of it, before anything is started again"},
	}
}

func where(run Run) string {
	if run.URL == "" {
		return "the repository's Actions page"
	}
	return run.URL
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// verify checks with its own eyes that the stage's branch has the revision,
// whatever the run said.
func (d *Dispatcher) verify(ctx context.Context, stage Stage, revision SHA) error {
	o, err := d.Engine.Remote.Observe(ctx, Query{Branches: []string{stage.Branch}, Ledger: d.Engine.Plan.Ledger})
	if err != nil {
		return fmt.Errorf("check %s: %w", stage.Branch, err)
	}
	head := o.Heads[stage.Branch]
	found := fmt.Sprintf("%s stands at %s and has not %s", stage.Branch, head.Short(), revision.Short())
	switch head {
	case revision:
		return nil
	case "":
		found = "there is no branch " + stage.Branch
	default:
		missing, err := d.Engine.History.Between(ctx, head, revision)
		if err != nil {
			return fmt.Errorf("check %s: %w", stage.Branch, err)
		}
		if len(missing) == 0 {
			return nil // a later promotion has moved on from it
		}
	}
	return &Problem{
		Kind: ErrRefused,
		What: "the run says success, but " + found,
		Ways: []string{"read the run's log", "move the branch from here: the same command with -direct"},
	}
}
