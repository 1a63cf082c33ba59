package operate

import (
	"context"
	"errors"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Explain are the arguments of `release:explain`.
type Explain struct {
	// Revision is a commit, and empty for all that are pending. Stage is empty
	// for all stages.
	Revision, Stage string
	JSON            bool
}

// Explain says of pending commits what keeps them in, and when they can go out.
func (o *Operator) Explain(ctx context.Context, args Explain) error {
	stages, err := o.stages(args.Stage)
	if err != nil {
		return err
	}
	wanted, err := prefix(args.Revision)
	if err != nil {
		return err
	}
	all, err := o.Engine.Explain(ctx, stages, wanted)
	answered := slices.ContainsFunc(all, func(x rollout.Explanation) bool { return x.Err == nil })
	if !answered || errors.Is(err, rollout.ErrUsage) {
		return err
	}
	if args.JSON {
		return errors.Join(report.WriteExplainJSON(o.Out, all), err)
	}
	return errors.Join(o.show(report.Explain(all)), err)
}
