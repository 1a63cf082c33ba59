package release

import (
	"context"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
)

// Diff prints what the next promotion would change on the clusters, rendered, object by object.
//
// Flags: -stage, by default all; -sha is a pending revision, by default the one
// that goes out next; -json. It needs a clone that has both revisions.
func Diff(ctx context.Context, stage, sha *string, json *bool) error {
	return wire.Run(ctx, func(ctx context.Context, o *operate.Operator) error {
		return o.Diff(ctx, operate.Diff{Stage: wire.Given(stage), SHA: wire.Given(sha), JSON: wire.Given(json)})
	})
}
