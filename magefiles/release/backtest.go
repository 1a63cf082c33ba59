package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Backtest replays the history of a stage's upstream under the plan's policy and under others, and compares them.
//
// Flags: -repo names a repository on this machine, default the plan's; -branch
// a branch of it; -since a date to begin at; -policy some of
// plan,tip,quiet,restart,age, default all; -stage the stage, default the first
// that something is promoted into; -json writes the result for programs, and
// -svg draws it.
func Backtest(ctx context.Context, repo, branch, since, policy, stage *string, json, svg *bool) error {
	run := wire.Run
	if wire.Given(repo) != "" {
		run = wire.RunOffline
	}
	return run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Backtest(ctx, operate.Backtest{
			Repo: wire.Given(repo), Branch: wire.Given(branch), Since: wire.Given(since), Policy: wire.Given(policy), Stage: wire.Given(stage),
			JSON: wire.Given(json), SVG: wire.Given(svg),
		})
	})
}
