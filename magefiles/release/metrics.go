package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Metrics writes how the rollout stands and how well it does, as OpenMetrics text for Prometheus.
//
// Flags: -out names a file, which is replaced at once, default standard output;
// -since is a date, what went out before is not counted; -json writes quantiles and
// weeks for programs.
func Metrics(ctx context.Context, out, since *string, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Metrics(ctx, operate.Metrics{File: wire.Given(out), Since: wire.Given(since), JSON: wire.Given(json)})
	})
}
