package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Explain says why pending commits are not out yet, who or what keeps them in, and when they can go.
//
// Flags: -sha names one commit, default all that are pending; -stage names one
// stage of the plan, default all; -json writes it for programs.
func Explain(ctx context.Context, sha, stage *string, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Explain(ctx, operate.Explain{Revision: wire.Given(sha), Stage: wire.Given(stage), JSON: wire.Given(json)})
	})
}
