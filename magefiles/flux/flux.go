// Package flux has the targets that steer the Flux of live clusters, which they
// reach through the kubeconfig: mage flux:<target>.
package flux

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Reconcile has a stage's clusters, or one, apply their branch now, and waits until they have, or says what stands in the way.
//
// Flags, after the stage or cluster: -app reconciles one Flux Kustomization alone;
// -timeout is how long to wait, default 5m.
func Reconcile(ctx context.Context, what string, app, timeout *string) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{what}, Usage: "flux:reconcile apps -timeout=10m"}, func(ctx context.Context, o *operate.Operator) error {
		return o.Reconcile(ctx, operate.Reconcile{What: what, App: wire.Given(app), Timeout: wire.Given(timeout)})
	})
}

// Suspend makes a cluster take nothing new, and holds the stages that must stand still meanwhile: the emergency brake.
//
// Flags, after the cluster: -app suspends one Flux Kustomization alone, and holds
// nothing; -reason is recorded with the hold. release:resume -cluster undoes both.
func Suspend(ctx context.Context, cluster string, app, reason *string) error {
	return wire.RunWith(ctx, wire.Words{Given: []string{cluster}, Usage: `flux:suspend apps -reason="what happened"`}, func(ctx context.Context, o *operate.Operator) error {
		return o.Suspend(ctx, operate.Suspension{Cluster: cluster, App: wire.Given(app), Reason: wire.Given(reason)})
	})
}
