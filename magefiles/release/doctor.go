package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Doctor examines everything between the plan and the clusters, and says what is wrong and what mends it.
//
// It ends with 1 where something stops the rollout, and changes nothing. Flag:
// -json writes it for programs.
func Doctor(ctx context.Context, json *bool) error {
	return wire.RunDoctor(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Doctor(ctx, operate.Doctor{JSON: wire.Given(json)})
	})
}
