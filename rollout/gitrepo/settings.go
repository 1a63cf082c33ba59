package gitrepo

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// Settings implements [rollout.Settings] for a remote without a forge, which
// has nothing to set.
type Settings struct{}

// Environment implements [rollout.Settings].
func (Settings) Environment(_ context.Context, e rollout.Environment) (rollout.Change, error) {
	return rollout.Change{
		What: "environment " + e.Name, Found: "a Git remote without a forge has none",
		Instead: "whatever runs `mage release:promote` every hour promotes",
	}, nil
}

// Protection implements [rollout.Settings].
func (Settings) Protection(_ context.Context, p rollout.Protection) (rollout.Change, error) {
	return rollout.Change{
		What: fmt.Sprintf("ruleset %q", p.Name), Found: "a Git remote without a forge has none",
		Instead: "set receive.denyDeletes and receive.denyNonFastForwards on the server; without them nobody notices when the ledger is rewound by force",
	}, nil
}
