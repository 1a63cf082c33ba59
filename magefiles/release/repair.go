package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Repair lets a stage go on that has commits which its upstream has not: has them absorbed, or takes them off.
//
// Flags: -how=absorb, the default, proposes a merge that changes no file; -how=reset
// moves the stage's branch by force; -stage names the stage, default the only one;
// -reason is recorded, and a reset needs one; -to names the commit to reset to; -yes is the
// branch's name, where nobody is there to type it; -dryRun changes nothing.
func Repair(ctx context.Context, how, stage, reason, to, yes *string, dryRun *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Repair(ctx, operate.Repair{
			How: wire.Given(how), Stage: wire.Given(stage), Reason: wire.Given(reason),
			To: wire.Given(to), Yes: wire.Given(yes), DryRun: wire.Given(dryRun),
		})
	})
}
