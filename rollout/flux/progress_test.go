package flux_test

import (
	"sync"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// TestRenderingSaysHowFarItIs: it counts clusters, and the directories that they share
// once.
func TestRenderingSaysHowFarItIs(t *testing.T) {
	tree := good(t)
	delete(tree, "clusters/apps/flux/kustomization.yaml")
	var p rollout.Progress
	var mu sync.Mutex
	var seen *rollout.Phase
	options := flux.Options{Root: write(t, tree), Plan: plan(), ClusterLine: func(string) int {
		mu.Lock()
		defer mu.Unlock()
		if seen == nil {
			seen = p.Now()
		}
		return 1
	}}
	if _, err := flux.Verify(rollout.WithProgress(t.Context(), &p), options); err != nil {
		t.Fatal(err)
	}
	if seen == nil {
		t.Fatal("nobody said what it is at")
	}
	clusters := 0
	for _, stage := range plan().Stages {
		clusters += len(stage.Clusters)
	}
	if done, directories := seen.Done(); seen.What != "rendering" || done != clusters || seen.Total != clusters || directories == 0 {
		t.Errorf("%s: %d of %d, and %d directories", seen.What, done, seen.Total, directories)
	}
	if p.Now() != nil {
		t.Errorf("it is at %s, and has ended", p.Now().What)
	}
}
