package flux_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// A cluster of the stage apps follows main, because a patch says so.
func ExampleVerify() {
	root, err := os.MkdirTemp("", "repository-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	for name, content := range map[string]string{
		"kustomization.yaml": `resources: [source.yaml]
patches:
  - target: {kind: GitRepository}
    patch: |
      - op: replace
        path: /spec/ref/branch
        value: main
`,
		"source.yaml": `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec:
  url: ssh://git@github.com/monosense/k8s-ops.git
  ref: {branch: release}
`,
	} {
		file := filepath.Join(root, "clusters", "apps", "flux", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			fmt.Println(err)
			return
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			fmt.Println(err)
			return
		}
	}
	result, err := flux.Verify(context.Background(), flux.Options{Root: root, Plan: rollout.Plan{
		Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "monosense", Name: "k8s-ops"},
		Source:     rollout.Source{Name: "flux-system", Namespace: "flux-system"},
		Stages:     []rollout.Stage{{Name: "apps", Branch: "release", Clusters: []string{"apps"}}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range result.Findings {
		fmt.Printf("%s:%d: %s: %s\n", finding.File, finding.Line, finding.Rule, finding.Message)
	}
	// Output:
	// clusters/apps/flux/kustomization.yaml:7: branch-differs: spec.ref.branch is main, and the stage apps follows release
}
