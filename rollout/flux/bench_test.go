package flux_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/monosense/k8s-ops/rollout/flux"
)

// largeTree adds so many manifests to each cluster, ten to a directory, in the
// proportions of a homelab: a Flux Kustomization, a ConfigMap and a workload
// in turn.
func largeTree(tb testing.TB, perCluster int) string {
	tb.Helper()
	root := tb.TempDir()
	for cluster, branch := range map[string]string{"infra": "main", "apps": "release"} {
		entry := filepath.Join(root, "clusters", cluster, "flux")
		var directories []string
		for i := range (perCluster + 9) / 10 {
			directory := fmt.Sprintf("group-%03d", i)
			directories = append(directories, directory)
			var names []string
			for j := range min(10, perCluster-10*i) {
				name := fmt.Sprintf("app-%03d-%d", i, j)
				names = append(names, name+".yaml")
				writeFile(tb, filepath.Join(entry, directory, name+".yaml"), manifest(name, j))
				writeFile(tb, filepath.Join(root, "kubernetes", "apps", name, "namespace.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}\n")
			}
			writeFile(tb, filepath.Join(entry, directory, "kustomization.yaml"), "resources:\n  - "+strings.Join(names, "\n  - ")+"\n")
		}
		writeFile(tb, filepath.Join(entry, "kustomization.yaml"), "resources:\n  - source.yaml\n  - "+strings.Join(directories, "\n  - ")+"\n")
		writeFile(tb, filepath.Join(entry, "source.yaml"), fmt.Sprintf(`apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 5m
  url: ssh://git@github.com/monosense/k8s-ops.git
  ref: {branch: %s}
`, branch))
	}
	return root
}

func manifest(name string, i int) string {
	switch i % 3 {
	case 0:
		return fmt.Sprintf(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: %[1]s
  namespace: flux-system
  labels: {app.kubernetes.io/name: %[1]s}
spec:
  interval: 30m
  timeout: 5m
  path: ./kubernetes/apps/%[1]s
  prune: true
  wait: true
  targetNamespace: %[1]s
  sourceRef:
    kind: GitRepository
    name: flux-system
  postBuild:
    substitute: {APP: %[1]s}
`, name)
	case 1:
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %[1]s\n  namespace: default\ndata:\n  a: b\n  config.yaml: |\n    name: %[1]s\n    key: value\n", name)
	default:
		return fmt.Sprintf(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: %[1]s
  namespace: default
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: app-template}
  values:
    controllers:
      %[1]s:
        containers:
          app:
            image: {repository: ghcr.io/example/%[1]s, tag: 1.2.3}
            env: {TZ: UTC}
            probes: {liveness: {enabled: true}, readiness: {enabled: true}}
            resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 256Mi}}
    service: {app: {controller: %[1]s, ports: {http: {port: 8080}}}}
`, name)
	}
}

func writeFile(tb testing.TB, name, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func TestLargeTreeIsClean(t *testing.T) {
	result := verify(t, options(largeTree(t, 25)))
	if len(result.Findings) > 0 || result.Clusters != 2 || result.Objects != 72 || result.Kustomizations != 20 {
		t.Errorf("result = %+v, want 72 objects of 20 Kustomizations in 2 clusters and no findings", result)
	}
}

// BenchmarkVerify compares a verification of two clusters with what krusty
// needs alone to build and print them, which is what `kustomize build` does.
func BenchmarkVerify(b *testing.B) {
	root := largeTree(b, 500)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			result, err := flux.Verify(context.Background(), options(root))
			if err != nil || len(result.Findings) > 0 {
				b.Fatal(result.Findings, err)
			}
		}
	})
	b.Run("krusty", func(b *testing.B) {
		for b.Loop() {
			for _, cluster := range []string{"infra", "apps"} {
				built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "clusters", cluster, "flux"))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := built.AsYaml(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
