package wire

import (
	"context"
	"errors"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

// RunDoctor is Run for a command that examines what others rely on: a plan that is
// wrong, and a way to the forge that there is not, are what it is there to find.
func RunDoctor(ctx context.Context, do Command) error {
	return run(ctx, Words{}, connectAnyway, do)
}

// connectAnyway connects as far as that is possible.
func connectAnyway(ctx context.Context, o *operate.Operator) error {
	err := load(ctx, o)
	if err == nil {
		err = connect(ctx, o)
	}
	var plan planfile.Errors
	switch {
	case err == nil:
		return nil
	case errors.As(err, &plan), errors.Is(err, errPlan):
		o.PlanTrouble = err
		return nil
	case o.Engine == nil:
		return err
	default:
		o.Engine.Remote = absent{err}
		return nil
	}
}
