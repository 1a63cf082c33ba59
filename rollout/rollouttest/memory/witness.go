package memory

import (
	"context"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
)

// Evidence implements [rollout.Witness].
func (f *Forge) Evidence(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	return f.evidence(ctx, "Evidence", commits, newest)
}

// EvidenceLog implements [rollout.Witness].
func (f *Forge) EvidenceLog(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	all := func(log []rollout.Evidence) []rollout.Evidence { return log }
	return f.evidence(ctx, "EvidenceLog", commits, all)
}

func (f *Forge) evidence(ctx context.Context, port string, commits []rollout.SHA, of func([]rollout.Evidence) []rollout.Evidence) (map[rollout.SHA][]rollout.Evidence, error) {
	found := map[rollout.SHA][]rollout.Evidence{}
	err := f.read(port, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, sha := range commits {
			log := slices.Clone(f.statuses[sha])
			if len(log) == 0 {
				continue
			}
			slices.Reverse(log)
			found[sha] = of(log)
		}
		return ctx.Err()
	})
	return found, err
}

// newest keeps the first of each context.
func newest(log []rollout.Evidence) []rollout.Evidence {
	seen := map[string]bool{}
	return slices.DeleteFunc(log, func(e rollout.Evidence) bool {
		again := seen[e.Context]
		seen[e.Context] = true
		return again
	})
}
