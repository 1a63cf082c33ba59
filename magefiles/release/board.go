package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Board writes the rollout as one page of HTML: stages, measures, the audit trail.
//
// Flags: -out names the directory, default rollout-board; the page in it is called
// index.html.
func Board(ctx context.Context, out *string) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Board(ctx, operate.Board{Dir: wire.Given(out)})
	})
}
