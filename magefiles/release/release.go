// Package release has the targets that move a release branch, and say where
// it stands: mage release:<target>.
package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Init sets the repository up: branches, ledger, environment, protection. Harmless every time after.
//
// Flags: -dryRun shows what there is to do and changes nothing; -strict keeps
// everybody but a deploy key from updating the protected branches; -app names
// the ID of the GitHub App that may, instead.
func Init(ctx context.Context, dryRun, strict *bool, app *int) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Init(ctx, operate.Init{DryRun: wire.Given(dryRun), Strict: wire.Given(strict), App: wire.Given(app)})
	})
}

// Promote fast-forwards to the newest revision that the policy lets out, or says why not and when (exit 75).
//
// Flags: -stage names one stage of the plan, default all; -dryRun shows the
// decision and changes nothing; -wait waits until the clusters have applied what
// was promoted, as far as they can be reached from here.
func Promote(ctx context.Context, stage *string, dryRun, wait *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Promote(ctx, operate.Promote{Stage: wire.Given(stage), DryRun: wire.Given(dryRun), Wait: wire.Given(wait)})
	})
}

// Override promotes at once what the policy would keep waiting, and records who did it and why.
//
// Flags: -reason is recorded; -sha names the revision, default the newest;
// -stage names the stage, default the only one; -direct moves the branch from
// here, without the workflow; -yes asks nothing; -throughHold goes through holds;
// -wait=false does not wait until the clusters have applied it.
func Override(ctx context.Context, reason, stage, sha *string, direct, yes, throughHold, wait *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Override(ctx, operate.Override{
			Reason: wire.Given(reason), Stage: wire.Given(stage), Revision: wire.Given(sha),
			Direct: wire.Given(direct), Yes: wire.Given(yes), ThroughHold: wire.Given(throughHold), Wait: wait == nil || *wait,
		})
	})
}

// Status shows where every stage stands, what is pending, and when it goes out.
//
// Flags: -json writes it for programs.
func Status(ctx context.Context, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Status(ctx, operate.Status{JSON: wire.Given(json)})
	})
}

// Watch keeps the status in sight until somebody quits, and says what changes.
//
// On a terminal it is a page, and its last line has the keys; elsewhere it prints a
// line for every change.
func Watch(ctx context.Context) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error { return o.Watch(ctx) })
}

// History shows the audit trail: who moved what, when, and why.
//
// Flags: -json writes it for programs; -limit shows only the newest entries.
func History(ctx context.Context, json *bool, limit *int) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.History(ctx, operate.History{JSON: wire.Given(json), Limit: wire.Given(limit)})
	})
}
