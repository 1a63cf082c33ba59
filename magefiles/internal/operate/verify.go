package operate

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Branches are the arguments of `verify:branches`.
type Branches struct {
	Format, Cluster string
	// ChangedSince is a revision that was verified. What did not change since
	// then is not built.
	ChangedSince string
}

// VerifyBranches renders the clusters of the plan and prints what would let them
// apply anything but their stage's branch. The error is ErrFindings where there
// is such a thing.
func (o *Operator) VerifyBranches(ctx context.Context, args Branches) error {
	wanted, err := report.ParseFindingFormat(args.Format)
	if err != nil {
		return &rollout.Problem{Kind: rollout.ErrUsage, What: err.Error()}
	}
	options, err := o.rendering(args.Cluster)
	if err != nil {
		return err
	}
	if args.ChangedSince != "" {
		if options.Changed, err = o.changedSince(ctx, args.ChangedSince); err != nil {
			return err
		}
	}
	v, err := flux.Verify(ctx, options)
	if err != nil {
		return err
	}
	if err := report.WriteFindings(o.Out, wanted, v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if n := v.Errors(); n > 0 {
		return fmt.Errorf("%w: %d in %d clusters", ErrFindings, n, v.Clusters)
	}
	return nil
}

func (o *Operator) changedSince(ctx context.Context, revision string) ([]string, error) {
	trees, err := o.OpenTrees(ctx, o.Root)
	if err != nil {
		return nil, err
	}
	commit, err := trees.Resolve(ctx, revision)
	if err != nil {
		return nil, err
	}
	return trees.ChangedSince(ctx, commit)
}
