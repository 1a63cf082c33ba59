package flux_test

import (
	"fmt"
	"strings"
	"testing"
)

// waitingFor is a Flux Kustomization that applies a directory, with variables
// from a ConfigMap.
func waitingFor(name, path, configMap string) string {
	return fmt.Sprintf(`---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: flux-system}
spec:
  interval: 30m
  path: ./%s
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substituteFrom: [{kind: ConfigMap, name: %s}]}
`, name, path, configMap)
}

const (
	appsList  = "resources: [source.yaml, all.yaml]\n"
	appsGroup = "kubernetes/group"
)

// entered is a tree whose cluster apps enters by some Flux Kustomizations.
func entered(kustomizations string) map[string]string {
	return map[string]string{
		"clusters/apps/flux/kustomization.yaml": appsList,
		"clusters/apps/flux/source.yaml": `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: https://github.com/monosense/k8s-ops, ref: {branch: release}}
`,
		"clusters/apps/flux/all.yaml": kustomizations,
	}
}

// As many findings as there are Flux Kustomizations, all of them in one file, and
// all of them waiting for a ConfigMap that never comes: twice as many take twice
// as much.
func TestManyFindingsInOneFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it verifies large trees")
	}
	allocations := func(n int) float64 {
		var all strings.Builder
		for i := range n {
			all.WriteString(waitingFor(fmt.Sprintf("waiting-%d", i), fmt.Sprintf("%s-%d", appsGroup, i), "absent"))
		}
		tree := entered(all.String())
		for i := range n {
			tree[fmt.Sprintf("%s-%d/namespace.yaml", appsGroup, i)] = fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: n%d}\n", i)
		}
		o := options(write(t, tree))
		o.Clusters = []string{"apps"}
		return testing.AllocsPerRun(1, func() {
			if got := verify(t, o); len(got.Findings) != n {
				t.Errorf("%d findings, want one for each of the %d Kustomizations", len(got.Findings), n)
			}
		})
	}
	few, many := allocations(100), allocations(200)
	if many > 2.5*few {
		t.Errorf("200 findings take %.1f times what 100 take, at most 2.5 is allowed", many/few)
	}
}

// A ConfigMap in a directory that did not change is found for all clusters that
// look for it side by side.
func TestUnchangedVariablesOfManyClusters(t *testing.T) {
	tree := entered("")
	o := options("")
	stage := &o.Plan.Stages[1]
	stage.Clusters = nil
	for i := range 8 {
		name := fmt.Sprintf("apps-%d", i)
		stage.Clusters = append(stage.Clusters, name)
		for file, content := range entered(waitingFor("apps", appsGroup, "vars") + strings.Split(waitingFor("vars", "kubernetes/vars", ""), "  postBuild")[0]) {
			tree[strings.Replace(file, "/apps/", "/"+name+"/", 1)] = content
		}
	}
	tree["kubernetes/vars/vars.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux-system}\ndata: {A: b}\n"
	tree[appsGroup+"/namespace.yaml"] = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps-${A}}\n"
	o.Root, o.Clusters, o.Changed = write(t, tree), stage.Clusters, []string{"README.md"}
	got := verify(t, o)
	if len(got.Findings) > 0 || got.Unchanged != 16 {
		t.Errorf("%d findings and %d directories spared, want none, and two for each of 8 clusters: %+.1000v", len(got.Findings), got.Unchanged, got)
	}
}
