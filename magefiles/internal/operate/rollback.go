package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Rollback are the arguments of `release:rollback`.
type Rollback struct {
	Reason, Stage string
	// To is an earlier revision of the stage.
	To     string
	DryRun bool
}

// Rollback takes back what a stage runs, by a commit that overtakes it. Where
// nobody can make that without looking, the error says so.
func (o *Operator) Rollback(ctx context.Context, args Rollback) error {
	stage, err := o.oneStage(args.Stage)
	if err != nil {
		return err
	}
	to, err := prefix(args.To)
	if err != nil {
		return err
	}
	request := rollout.RollbackRequest{Reason: args.Reason, To: to, DryRun: args.DryRun}
	b, err := o.Mender.Rollback(ctx, stage, request)
	if b.Recorded != "" || err == nil {
		err = errors.Join(o.show(report.Rollback(b, request)), err)
	}
	switch {
	case err != nil:
		return fmt.Errorf("roll back %s: %w", stage.Name, err)
	case b.Merged == "" && b.Head == "" && len(b.Conflicts) > 0:
		return &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf("roll back %s: %d of the files have to be put back by hand", stage.Name, len(b.Conflicts))}
	}
	return nil
}
