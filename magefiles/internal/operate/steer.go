package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Reconcile are the arguments of `flux:reconcile`.
type Reconcile struct {
	// What is a stage or a cluster, and App a Flux Kustomization of it, as name or
	// namespace/name. Default is all that apply the source.
	What, App string
	// Timeout is how long to wait, as 90s or 10m. Default is five minutes.
	Timeout string
}

// clustersPatience is how long clusters are waited for, where nobody says how
// long.
const clustersPatience = 5 * time.Minute

// ErrObstructed says that a cluster has not applied what it should have, and will
// not without somebody doing something.
var ErrObstructed = errors.New("something stands in the way")

// Reconcile has clusters apply what their branches have, and waits for it. The
// error is ErrObstructed where something stands in the way of one, ErrNotYet where
// one needs more time, and of the kind that the cluster's own is where one does not
// answer.
func (o *Operator) Reconcile(ctx context.Context, args Reconcile) error {
	names, err := o.File.Plan.ClustersNamed(args.What)
	if err != nil {
		return err
	}
	request := rollout.ReconcileRequest{Clusters: names, Application: args.App, Patience: clustersPatience, Progress: o.reconciling}
	if args.Timeout != "" {
		if request.Patience, err = rollout.ParseDuration(args.Timeout); err != nil || request.Patience <= 0 {
			return &rollout.Problem{
				Kind: rollout.ErrUsage, What: fmt.Sprintf("-timeout=%q is no time to wait", rollout.Printable(args.Timeout, 40)), Ways: []string{"write it so: -timeout=90s, or -timeout=10m"},
			}
		}
	}
	clusters, err := o.OpenClusters(o.Engine.Plan)
	if err != nil {
		return err
	}
	all, err := o.Engine.Reconcile(ctx, clusters, request)
	if err != nil {
		return fmt.Errorf("reconcile %s: %w", args.What, err)
	}
	var failures []error
	for _, r := range all {
		failures = append(failures, failure(r))
	}
	return errors.Join(failures...)
}

// reconciling prints how far a cluster has come.
func (o *Operator) reconciling(r rollout.Reconciliation) {
	fmt.Fprintln(o.Out, report.Reconciling(r)) //nolint:errcheck // progress only
}

// failure is why a cluster has not what it should have.
func failure(r rollout.Reconciliation) error {
	switch r.Outcome {
	case rollout.Unreached:
		return fmt.Errorf("%s: %w", r.Cluster, r.Err)
	case rollout.Obstructed:
		return unapplied(ErrObstructed, r)
	case rollout.Late:
		return unapplied(ErrNotYet, r)
	default:
		return nil
	}
}

// obstaclesShown is how many of them an error names.
const obstaclesShown = 5

func unapplied(kind error, r rollout.Reconciliation) error {
	p := &rollout.Problem{Kind: kind, What: r.Cluster}
	var what []string
	for _, obstacle := range r.Obstacles[:min(len(r.Obstacles), obstaclesShown)] {
		what = append(what, obstacle.Message)
		if !slices.Contains(p.Ways, obstacle.Fix) {
			p.Ways = append(p.Ways, obstacle.Fix)
		}
	}
	if more := len(r.Obstacles) - len(what); more > 0 {
		what = append(what, fmt.Sprintf("and %d more", more))
	}
	p.What += ": " + strings.Join(what, "; ")
	return p
}

// await waits until the clusters of stages have applied what was promoted. Those
// that cannot be reached from here are named, and no failure: it was promoted all
// the same.
func (o *Operator) await(ctx context.Context, moved []Promotion) []error {
	request := rollout.ReconcileRequest{Moved: map[string]rollout.Movement{}, Patience: clustersPatience, Progress: o.reconciling}
	for _, m := range moved {
		if stage, err := o.Engine.Plan.Stage(m.Stage); err == nil {
			request.Clusters = append(request.Clusters, stage.Clusters...)
			request.Moved[stage.Branch] = rollout.Movement{Before: m.From, After: m.To}
		}
	}
	if len(request.Clusters) == 0 {
		return nil
	}
	clusters, err := o.OpenClusters(o.Engine.Plan)
	if err != nil {
		fmt.Fprintf(o.Out, "not waited for %s: %s\n", strings.Join(request.Clusters, ", "), firstLine(err)) //nolint:errcheck // it is promoted
		return nil
	}
	all, err := o.Engine.Reconcile(ctx, clusters, request)
	if err != nil {
		return []error{fmt.Errorf("it was promoted; reconcile: %w", err)}
	}
	var failures []error
	for _, r := range all {
		if err := failure(r); err != nil && r.Outcome != rollout.Unreached {
			failures = append(failures, fmt.Errorf("it was promoted; %w", err))
		}
	}
	return failures
}

// firstLine is what happened, of an error that may quote what a cluster says.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return rollout.Printable(line, 1000)
}

// Suspension are the arguments of `flux:suspend`.
type Suspension struct {
	Cluster string
	// App is a Flux Kustomization, as name or namespace/name. Default is the
	// source, and so everything.
	App    string
	Reason string
}

// Suspend makes the Flux of a cluster leave things as they are. With the source it
// also holds the stages that must stand still meanwhile. It is an emergency brake:
// if one of the two fails, the other is done all the same.
func (o *Operator) Suspend(ctx context.Context, args Suspension) error {
	if _, err := o.File.Plan.StageOf(args.Cluster); err != nil {
		return err
	}
	if args.App != "" {
		return o.suspend(ctx, args)
	}
	return errors.Join(o.suspend(ctx, args), o.holdSuspended(ctx, args))
}

func (o *Operator) suspend(ctx context.Context, args Suspension) error {
	clusters, object, err := o.steered(ctx, args)
	if err == nil {
		err = clusters.Suspend(ctx, args.Cluster, object)
	}
	if err != nil {
		return fmt.Errorf("%s is not suspended: %w", args.Cluster, err)
	}
	fmt.Fprintf(o.Out, "%s: %s is suspended\n", args.Cluster, object) //nolint:errcheck // it is done
	return nil
}

func (o *Operator) holdSuspended(ctx context.Context, args Suspension) error {
	reason := args.Reason
	if strings.TrimSpace(reason) == "" {
		reason = "in an emergency; no reason was given"
	}
	receipts, err := o.Engine.HoldSuspended(ctx, args.Cluster, reason)
	if err != nil {
		err = fmt.Errorf("nothing more is held because of it: %w", err)
	}
	for _, r := range receipts {
		err = errors.Join(o.show(report.Marked(r)), err)
	}
	return err
}

// resumeCluster lets the Flux of a cluster go on, and then lifts what was held
// because of it when it was told to. Of a cluster that is no longer in the plan only
// the holds are left.
func (o *Operator) resumeCluster(ctx context.Context, args Suspension) error {
	_, unknown := o.File.Plan.StageOf(args.Cluster)
	if unknown != nil && args.App != "" {
		return unknown
	}
	held, unread := o.Engine.HeldBySuspension(ctx, args.Cluster)
	if unknown != nil && len(held) == 0 {
		return errors.Join(unknown, unread)
	}
	if unknown == nil {
		if err := o.resume(ctx, args); err != nil {
			return fmt.Errorf("%s is not resumed: %w", args.Cluster, err)
		}
	}
	switch {
	case args.App != "":
		return nil
	case unread != nil:
		return fmt.Errorf("what was held because of it is held still: %w", unread)
	case len(held) == 0:
		return nil
	}
	r, err := o.Engine.Resume(ctx, rollout.ResumeRequest{Suspended: args.Cluster, Known: held, Reason: args.Reason})
	if err != nil {
		return fmt.Errorf("what was held because of it is held still: %w", err)
	}
	return o.show(report.Marked(r))
}

func (o *Operator) resume(ctx context.Context, args Suspension) error {
	clusters, object, err := o.steered(ctx, args)
	if err == nil {
		err = clusters.Resume(ctx, args.Cluster, object)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "%s: %s is resumed\n", args.Cluster, object) //nolint:errcheck // it is done
	if _, err := clusters.Request(ctx, args.Cluster, object); err != nil {
		fmt.Fprintf(o.Out, "%s: Flux goes on by itself, at its next interval: %s\n", args.Cluster, firstLine(err)) //nolint:errcheck // it is done
	}
	return nil
}

// steered finds what is to be suspended or resumed.
func (o *Operator) steered(ctx context.Context, args Suspension) (Clusters, rollout.LiveObject, error) {
	none := rollout.LiveObject{}
	clusters, err := o.OpenClusters(o.Engine.Plan)
	if err != nil || args.App == "" {
		return clusters, o.Engine.Plan.Source.Object(), err
	}
	live, err := clusters.Glance(ctx, args.Cluster)
	if err != nil {
		return clusters, none, err
	}
	object, err := live.Application(args.App)
	return clusters, object, err
}
