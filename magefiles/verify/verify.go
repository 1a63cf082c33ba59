// Package verify has the targets that check what the clusters would apply:
// mage verify:<target>.
package verify

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Branches renders every cluster and checks that it can only apply its stage's branch.
//
// Flags: -format is text, json or github (annotations); -cluster; -changedSince
// is a revision that was verified: what did not change since is not built. Exits
// 1 on any finding that is an error.
func Branches(ctx context.Context, format, cluster, changedSince *string) error {
	return wire.RunOffline(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.VerifyBranches(ctx, operate.Branches{Format: wire.Given(format), Cluster: wire.Given(cluster), ChangedSince: wire.Given(changedSince)})
	})
}

// Tree prints what every cluster applies as a tree: directories, branches, and what is not known.
//
// Flags: -cluster, -json. Exits 1 where something cannot be rendered.
func Tree(ctx context.Context, cluster *string, json *bool) error {
	return wire.RunOffline(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.VerifyTree(ctx, operate.Tree{Cluster: wire.Given(cluster), JSON: wire.Given(json)})
	})
}

// Diff prints what every cluster would get new between two revisions, rendered.
//
// Flags: -stage, -cluster, -json. The values of Secrets are masked.
func Diff(ctx context.Context, from, to string, stage, cluster *string, json *bool) error {
	return wire.RunOfflineWith(ctx, wire.Words{Given: []string{from, to}, Usage: "verify:diff release main"}, func(ctx context.Context, o *operate.Operator) error {
		return o.VerifyDiff(ctx, operate.Comparison{From: from, To: to, Stage: wire.Given(stage), Cluster: wire.Given(cluster), JSON: wire.Given(json)})
	})
}

// Exposure prints which changes between two revisions no cluster met before the next stage gets them.
//
// Flags: -from and -to are revisions, by default the branch of the last stage
// and that of the first; -json.
func Exposure(ctx context.Context, from, to *string, json *bool) error {
	return wire.RunOffline(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.VerifyExposure(ctx, operate.Comparison{From: wire.Given(from), To: wire.Given(to), JSON: wire.Given(json)})
	})
}

// Clusters asks the live clusters what they follow and applied, and says what is wrong with it.
//
// Flags: -cluster, -json. Clusters are reached through the kubeconfig. Exits 1 on
// any finding that is an error.
func Clusters(ctx context.Context, cluster *string, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.VerifyClusters(ctx, operate.LiveVerification{Cluster: wire.Given(cluster), JSON: wire.Given(json)})
	})
}
