package operate

import (
	"context"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Hold are the arguments of `release:hold`.
type Hold struct {
	Reason, Stage string
	// Until is a time, or a length of time from now on.
	Until string
}

// Hold makes a stage, or all of them, take nothing new.
func (o *Operator) Hold(ctx context.Context, args Hold) error {
	until, lasts, err := parseEnd(args.Until)
	if err != nil {
		return err
	}
	r, err := o.Engine.Hold(ctx, rollout.HoldRequest{Stage: args.Stage, Reason: args.Reason, Until: until, For: lasts})
	if err != nil {
		return err
	}
	return o.show(report.Marked(r))
}

// endLayouts are the ways to write a time. One without a zone is in UTC, as
// everything that is shown; the third is how it is shown.
var endLayouts = []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02 15:04 UTC", time.RFC3339}

// parseEnd reads when a hold runs out, or in how long: what is now, the forge
// knows. Both are zero for a hold without an end.
func parseEnd(text string) (until time.Time, lasts time.Duration, err error) {
	if text == "" {
		return until, 0, nil
	}
	for _, layout := range endLayouts {
		if until, err = time.Parse(layout, text); err == nil {
			return until, 0, nil
		}
	}
	lasts, err = rollout.ParseDuration(text)
	if err == nil && lasts > 0 {
		return time.Time{}, lasts, nil
	}
	return time.Time{}, 0, &rollout.Problem{
		Kind:  rollout.ErrUsage,
		What:  fmt.Sprintf("-until=%q is no end that a hold can have", rollout.Printable(text, 40)),
		Cause: err,
		Ways: []string{
			"say how long from now on: -until=90m, -until=4h, -until=2d",
			`or until when, in UTC: -until=2006-01-02, which is the beginning of that day, or -until="2006-01-02 15:04"`,
			"or with a zone: -until=2006-01-02T15:04:05+01:00",
			"leave it out for a hold that lasts until somebody lifts it",
		},
	}
}

// Resume are the arguments of `release:resume`.
type Resume struct {
	Stage, By, Reason string
	// All lifts everybody's holds.
	All bool
}

// Resume lifts holds: the caller's own, somebody's, or everybody's.
func (o *Operator) Resume(ctx context.Context, args Resume) error {
	r, err := o.Engine.Resume(ctx, rollout.ResumeRequest{Stage: args.Stage, By: args.By, All: args.All, Reason: args.Reason})
	if err != nil {
		return err
	}
	return o.show(report.Marked(r))
}

// Mark are the arguments of `release:taint` and `release:clear`.
type Mark struct {
	// Commit is a commit's ID, or the beginning of it.
	Commit, Reason string
}

// Taint says that a commit is bad.
func (o *Operator) Taint(ctx context.Context, args Mark) error {
	return o.mark(ctx, args, o.Engine.Taint)
}

// Clear says that a commit is not bad.
func (o *Operator) Clear(ctx context.Context, args Mark) error {
	return o.mark(ctx, args, o.Engine.Clear)
}

func (o *Operator) mark(ctx context.Context, args Mark, write func(context.Context, rollout.MarkRequest) (rollout.Receipt, error)) error {
	commit, err := rollout.ParsePrefix(args.Commit)
	if err != nil {
		return err
	}
	r, err := write(ctx, rollout.MarkRequest{Commit: commit, Reason: args.Reason})
	if err != nil {
		return err
	}
	return o.show(report.Marked(r))
}
