package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Rollback takes back what a stage runs: proposes the commit that restores what it ran before, and taints what is bad.
//
// Flags, after the reason: -to names an earlier revision of the stage, default the
// one before its newest promotion; -stage names the stage, default the only one; -dryRun
// changes nothing.
func Rollback(ctx context.Context, reason string, to, stage *string, dryRun *bool) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{reason}, Usage: `release:rollback "what happened" -stage=apps`}, func(ctx context.Context, o *operate.Operator) error {
		return o.Rollback(ctx, operate.Rollback{Reason: reason, To: wire.Given(to), Stage: wire.Given(stage), DryRun: wire.Given(dryRun)})
	})
}
