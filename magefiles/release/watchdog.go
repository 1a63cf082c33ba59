package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Watchdog fails if something that may go out does not, if ticks stopped coming, or if a stage has diverged.
//
// Flags: -after is how long something may wait that could go out, default 2h;
// -silence is how long no run of the workflow needs to end well, default 3h; -json
// writes it for programs.
func Watchdog(ctx context.Context, after, silence *string, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Watchdog(ctx, operate.Watchdog{After: wire.Given(after), Silence: wire.Given(silence), JSON: wire.Given(json)})
	})
}
