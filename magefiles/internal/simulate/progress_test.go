package simulate

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// TestYearsAreCounted, and nothing is told of what the engines in them are at.
func TestYearsAreCounted(t *testing.T) {
	const years = 3
	var p rollout.Progress
	played := make(chan error, 1)
	go func() {
		_, err := Run(rollout.WithProgress(t.Context(), &p), Options{Years: years, Seed: 1, Workers: 1})
		played <- err
	}()
	var seen *rollout.Phase
	for {
		select {
		case err := <-played:
			if err != nil {
				t.Fatal(err)
			}
			if seen == nil {
				t.Fatal("nobody said what it is at")
			}
			if done, _ := seen.Done(); done != years || seen.Total != years {
				t.Errorf("%d of %d years are played", done, seen.Total)
			}
			return
		default:
			if at := p.Now(); at != nil && seen == nil {
				seen = at
			} else if at != nil && at != seen {
				t.Fatalf("it is at %s", at.What)
			}
		}
	}
}
