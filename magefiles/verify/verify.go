// Package verify has the targets that check what the clusters would apply:
// mage verify:<target>.
package verify

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Branches builds every cluster and checks that it can only apply its stage's branch.
//
// Flags: -format is text, json or github (annotations). Exits 1 on any
// finding.
func Branches(ctx context.Context, format *string) error {
	return wire.RunOffline(ctx, func(ctx context.Context, o *operate.Operator) error {
		if format == nil {
			return o.VerifyBranches(ctx, "text")
		}
		return o.VerifyBranches(ctx, *format)
	})
}
