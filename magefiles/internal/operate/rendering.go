package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A Trees has the committed trees of a repository on this machine.
type Trees interface {
	Resolve(ctx context.Context, name string) (rollout.SHA, error)
	Changed(ctx context.Context, from, to rollout.SHA) ([]string, error)
	ChangedSince(ctx context.Context, commit rollout.SHA) ([]string, error)
	Export(ctx context.Context, commit rollout.SHA, into string) error
	Versions(ctx context.Context, path string, limit int) ([]rollout.SHA, error)
	File(ctx context.Context, commit rollout.SHA, path string) ([]byte, error)
}

// Tree are the arguments of `verify:tree`.
type Tree struct {
	Cluster string
	JSON    bool
}

// VerifyTree prints what every cluster applies, as a tree. The error is
// ErrFindings where something cannot be rendered.
func (o *Operator) VerifyTree(ctx context.Context, args Tree) error {
	options, err := o.rendering(args.Cluster)
	if err != nil {
		return err
	}
	r, err := flux.Render(ctx, options)
	if err != nil {
		return err
	}
	write := report.WriteTree
	if args.JSON {
		write = report.WriteRenderingJSON
	}
	if err := write(o.Out, r); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, c := range r.Clusters {
		for _, a := range c.Applications {
			if len(a.Broken) > 0 {
				return fmt.Errorf("%w: something cannot be rendered; mage verify:branches says where", ErrFindings)
			}
		}
	}
	return nil
}

// rendering are the options of a rendering of one cluster, or of all.
func (o *Operator) rendering(cluster string) (flux.Options, error) {
	options := flux.Options{Root: o.Root, Plan: o.File.Plan, PlanFile: o.File.Path(), ClusterLine: o.File.ClusterLine}
	if cluster == "" {
		return options, nil
	}
	options.Clusters = []string{cluster}
	_, err := o.File.Plan.StageOf(cluster)
	return options, err
}

// Comparison are the arguments of `verify:diff` and `verify:exposure`.
type Comparison struct {
	// From and To are revisions.
	From, To string
	// Stage and Cluster are those to look at; empty for all.
	Stage, Cluster string
	JSON           bool
}

// VerifyDiff shows what every cluster would get new, rendered, when its branch
// moves from one revision to another.
func (o *Operator) VerifyDiff(ctx context.Context, args Comparison) error {
	c, err := o.compare(ctx, args)
	if err != nil {
		return err
	}
	diffs := flux.Diff(c.before, c.after)
	if args.JSON {
		return report.WriteDiffJSON(o.Out, diffs)
	}
	return o.show(report.Diff(c.from.Short(), c.to.Short(), diffs))
}

// VerifyExposure shows which changes between two revisions the clusters of each
// stage get that no cluster before them has met.
func (o *Operator) VerifyExposure(ctx context.Context, args Comparison) error {
	stages := o.File.Plan.Stages
	args.From = cmp.Or(args.From, stages[len(stages)-1].Branch)
	args.To = cmp.Or(args.To, stages[0].Branch)
	c, err := o.compare(ctx, args)
	if err != nil {
		return err
	}
	e := flux.Expose(o.File.Plan, c.before, c.after, c.changed)
	e.From, e.To = c.from, c.to
	if args.JSON {
		return report.WriteExposureJSON(o.Out, e)
	}
	return o.show(report.Exposure(e))
}

// A comparison is of two rendered revisions.
type comparison struct {
	from, to      rollout.SHA
	before, after rollout.Rendering
	changed       []string
}

// compare renders two revisions, of which each is written into a directory of
// its own: rendering reads what is committed, not what somebody is editing.
func (o *Operator) compare(ctx context.Context, args Comparison) (c comparison, err error) {
	options, err := o.rendering(args.Cluster)
	if err != nil {
		return c, err
	}
	if err := o.narrow(&options, args); err != nil {
		return c, err
	}
	trees, err := o.OpenTrees(ctx, o.Root)
	if err != nil {
		return c, err
	}
	if c.from, err = trees.Resolve(ctx, args.From); err != nil {
		return c, err
	}
	if c.to, err = trees.Resolve(ctx, args.To); err != nil {
		return c, err
	}
	if c.changed, err = trees.Changed(ctx, c.from, c.to); err != nil {
		return c, err
	}
	if c.before, err = renderAt(ctx, trees, c.from, options); err != nil {
		return c, err
	}
	c.after, err = renderAt(ctx, trees, c.to, options)
	return c, err
}

// narrow leaves the clusters of one stage, where one is named.
func (o *Operator) narrow(options *flux.Options, args Comparison) error {
	if args.Stage == "" {
		return nil
	}
	stage, err := o.File.Plan.Stage(args.Stage)
	switch {
	case err != nil:
		return err
	case args.Cluster == "":
		options.Clusters = stage.Clusters
	case !slices.Contains(stage.Clusters, args.Cluster):
		return &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("the cluster %s is not of the stage %s", args.Cluster, stage.Name),
			Ways: []string{"name one of the two"},
		}
	}
	return nil
}

func renderAt(ctx context.Context, trees Trees, commit rollout.SHA, options flux.Options) (rollout.Rendering, error) {
	return flux.RenderWritten(ctx, options, func(dir string) error { return trees.Export(ctx, commit, dir) })
}

// Diff are the arguments of `release:diff`.
type Diff struct {
	Stage, SHA string
	JSON       bool
}

// Diff shows what would go out to the clusters of each stage at its next
// promotion, rendered.
func (o *Operator) Diff(ctx context.Context, args Diff) error {
	stages, err := o.stages(args.Stage)
	if err != nil {
		return err
	}
	for _, stage := range stages {
		if err := o.diff(ctx, stage, args); err != nil {
			return err
		}
	}
	return nil
}

func (o *Operator) diff(ctx context.Context, stage rollout.Stage, args Diff) error {
	r, err := o.Engine.Preview(ctx, stage)
	if err != nil {
		return err
	}
	to := args.SHA
	if to == "" {
		next, ok := nextRevision(r.Decision)
		if !ok {
			var d report.Document
			d.Heading("%s: nothing is to go out", stage.Name)
			d.Line("%s", r.Decision.Reason)
			return o.show(d)
		}
		to = string(next)
	}
	c, err := o.compare(ctx, Comparison{From: string(r.Snapshot.Target.SHA), To: to})
	if err != nil {
		return fmt.Errorf("diff %s: %w", stage.Name, err)
	}
	diffs := slices.DeleteFunc(flux.Diff(c.before, c.after), func(d rollout.ClusterDiff) bool { return d.Stage != stage.Name })
	if args.JSON {
		return report.WriteDiffJSON(o.Out, diffs)
	}
	return o.show(report.Diff(c.from.Short(), c.to.Short(), diffs))
}

// nextRevision is what the next promotion goes to: the decided revision, or the
// first that time lets out, or else the newest that is pending.
func nextRevision(d rollout.Decision) (rollout.SHA, bool) {
	if d.Revision != nil {
		return d.Revision.SHA, true
	}
	if v, ok := report.Next(d); ok {
		return v.Revision.SHA, true
	}
	if len(d.Verdicts) > 0 {
		return d.Verdicts[0].Revision.SHA, true
	}
	return "", false
}
