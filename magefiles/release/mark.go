package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Hold keeps anything new from a stage until release:resume, and records who did it and why.
//
// Flags, after the reason: -stage names the stage, default all; -until says
// when the hold runs out by itself, default never: in 90m, 4h or 2d, at 18:00,
// or at 2006-01-02 or "2006-01-02 15:04" (UTC).
func Hold(ctx context.Context, reason string, stage, until *string) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{reason}, Usage: `release:hold "what happened" -stage=apps`}, func(ctx context.Context, o *operate.Operator) error {
		return o.Hold(ctx, operate.Hold{Reason: reason, Stage: wire.Given(stage), Until: wire.Given(until)})
	})
}

// Resume lifts your holds, or somebody else's; the stage moves when the last one is lifted.
//
// Flags: -stage only those of one stage alone; -by somebody else's, by name or address; -all
// everybody's; -cluster those for a cluster that was suspended, whose Flux goes on,
// and with -app one Flux Kustomization of it alone; -reason is recorded.
func Resume(ctx context.Context, stage, by, reason, cluster, app *string, all *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Resume(ctx, operate.Resume{
			Stage: wire.Given(stage), By: wire.Given(by), All: wire.Given(all), Cluster: wire.Given(cluster), App: wire.Given(app), Reason: wire.Given(reason),
		})
	})
}

// Taint says that a commit is bad: nothing that contains it goes out, unless it contains its revert, too.
func Taint(ctx context.Context, sha, reason string) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{sha, reason}, Usage: `release:taint 1a2b3c4 "what happened"`}, func(ctx context.Context, o *operate.Operator) error {
		return o.Taint(ctx, operate.Mark{Commit: sha, Reason: reason})
	})
}

// Clear says that a commit is not bad: it takes a taint back, or a revert of it for a mistake.
func Clear(ctx context.Context, sha, reason string) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{sha, reason}, Usage: `release:clear 1a2b3c4 "what happened"`}, func(ctx context.Context, o *operate.Operator) error {
		return o.Clear(ctx, operate.Mark{Commit: sha, Reason: reason})
	})
}
