package operate

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/report"
)

// VerifyBranches builds every cluster of the plan and prints what would let it
// apply anything but its stage's branch. The error is ErrFindings where there
// is such a thing.
func (o *Operator) VerifyBranches(ctx context.Context, format string) error {
	wanted, err := report.ParseFindingFormat(format)
	if err != nil {
		return &rollout.Problem{Kind: rollout.ErrUsage, What: err.Error()}
	}
	options, err := o.rendering("")
	if err != nil {
		return err
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
