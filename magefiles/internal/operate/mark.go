package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	request, err := parseEnd(args.Until)
	if err != nil {
		return err
	}
	request.Stage, request.Reason = args.Stage, args.Reason
	r, err := o.Engine.Hold(ctx, request)
	if err != nil {
		return err
	}
	return o.show(report.Marked(r))
}

// endLayouts are the ways to write a time. One without a zone is in UTC, as
// everything that is shown; the third is how it is shown.
var endLayouts = []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02 15:04 UTC", time.RFC3339, "2006-01-02T15:04Z07:00"}

// clockLayouts are the ways to write a time of the day.
var clockLayouts = []string{"15:04", "15:04 UTC", "15:04Z"}

// parseEnd reads when a hold runs out, or in how long: what is now, the forge
// knows. Nothing of it is set for a hold without an end.
func parseEnd(text string) (rollout.HoldRequest, error) {
	if text == "" {
		return rollout.HoldRequest{}, nil
	}
	for _, layout := range endLayouts {
		if until, err := time.Parse(layout, text); err == nil {
			return rollout.HoldRequest{Until: until}, refuseFarEnd(text, until)
		}
	}
	for _, layout := range clockLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return rollout.HoldRequest{Clock: &rollout.TimeOfDay{Hour: at.Hour(), Minute: at.Minute()}}, nil
		}
	}
	lasts, err := rollout.ParseDuration(text)
	if err == nil && lasts > 0 {
		return rollout.HoldRequest{For: lasts}, nil
	}
	if _, date := time.Parse(time.DateOnly, text); strings.Contains(date.Error(), "out of range") {
		err = errors.New("there is no such day")
	}
	return rollout.HoldRequest{}, noEnd(text, err,
		"say how long from now on: -until=90m, -until=4h, -until=2d",
		"or at what time, which comes next, in UTC: -until=18:00",
		`or until when, in UTC: -until=2006-01-02, which is the beginning of that day, or -until="2006-01-02 15:04"`,
		"or with a zone: -until=2006-01-02T15:04+01:00",
	)
}

// lastYear is the last in which a hold can end. What is further away is a way
// to write "never", and the ledger could not be read again with some of it.
const lastYear = 2999

func refuseFarEnd(text string, until time.Time) error {
	if until.Year() > lastYear {
		return noEnd(text, nil)
	}
	return nil
}

func noEnd(text string, cause error, ways ...string) error {
	return &rollout.Problem{
		Kind:  rollout.ErrUsage,
		What:  fmt.Sprintf("-until=%q is no end that a hold can have", rollout.Printable(text, 40)),
		Cause: cause,
		Ways:  append(ways, "leave it out for a hold that lasts until somebody lifts it"),
	}
}

// Resume are the arguments of `release:resume`.
type Resume struct {
	Stage, By, Reason string
	// All lifts everybody's holds.
	All bool
	// Cluster is one that was suspended, and App a Flux Kustomization of it.
	Cluster, App string
}

// Resume lifts holds: the caller's own, somebody's, or everybody's; or lets a
// cluster go on, and lifts those because of it.
func (o *Operator) Resume(ctx context.Context, args Resume) error {
	switch {
	case args.Cluster == "" && args.App != "":
		return &rollout.Problem{Kind: rollout.ErrUsage, What: "-app is given, and -cluster is not, so nothing was done", Ways: []string{"say on which cluster: -cluster=apps"}}
	case args.Cluster != "" && (args.Stage != "" || args.By != "" || args.All):
		return &rollout.Problem{
			Kind: rollout.ErrUsage, What: "-cluster is given, and -stage, -by or -all, too, so nothing was done",
			Ways: []string{"leave the others out: with -cluster, what is held because of that cluster is lifted, whosever it is"},
		}
	case args.Cluster != "":
		return o.resumeCluster(ctx, Suspension{Cluster: args.Cluster, App: args.App, Reason: args.Reason})
	}
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
