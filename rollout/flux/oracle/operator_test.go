package oracle

import (
	"bytes"
	"strings"

	ssautil "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// operated are the source and the Flux Kustomization that the Flux Operator makes
// of a FluxInstance, or of a HelmRelease of the chart that makes one.
func operated(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, o := range objects {
		var spec map[string]any
		switch {
		case groupOf(o) == "fluxcd.controlplane.io" && o.GetKind() == "FluxInstance":
			spec, _, _ = unstructured.NestedMap(o.Object, "spec")
		case groupOf(o) == "helm.toolkit.fluxcd.io" && o.GetKind() == "HelmRelease" && installsInstance(o):
			spec, _, _ = unstructured.NestedMap(o.Object, "spec", "values", "instance")
		}
		if sync, ok, _ := unstructured.NestedMap(spec, "sync"); ok && len(sync) > 0 {
			all = append(all, synced(o, spec, sync)...)
		}
	}
	return all
}

// installsInstance tells whether a HelmRelease is of the chart flux-instance. A
// chartRef names an OCIRepository, which is taken for the chart's.
func installsInstance(o *unstructured.Unstructured) bool {
	chart, _, _ := unstructured.NestedString(o.Object, "spec", "chart", "spec", "chart")
	_, ok, _ := unstructured.NestedMap(o.Object, "spec", "chartRef")
	return ok || chart == "flux-instance"
}

func synced(o *unstructured.Unstructured, spec, sync map[string]any) []*unstructured.Unstructured {
	text := func(key, otherwise string) string {
		if s, _ := sync[key].(string); s != "" {
			return s
		}
		return otherwise
	}
	name, kind := text("name", o.GetNamespace()), text("kind", "GitRepository")
	ref := map[string]any{"name": text("ref", "")}
	if branch, ok := strings.CutPrefix(text("ref", ""), "refs/heads/"); ok {
		ref = map[string]any{"branch": branch}
	}
	metadata := map[string]any{"name": name, "namespace": o.GetNamespace()}
	made := []map[string]any{{
		"apiVersion": sourceGroup + "/v1", "kind": kind, "metadata": metadata,
		"spec": map[string]any{"url": text("url", ""), "ref": ref},
	}, {
		"apiVersion": kustomizeGroup + "/v1", "kind": "Kustomization", "metadata": metadata,
		"spec": map[string]any{"path": text("path", ""), "prune": true, "sourceRef": map[string]any{"kind": kind, "name": name}},
	}}
	patches, _, _ := unstructured.NestedSlice(spec, "kustomize", "patches")
	return patchedWith(patches, made)
}

// patchedWith builds objects with those of the patches that have a target.
func patchedWith(patches []any, made []map[string]any) []*unstructured.Unstructured {
	memory := filesys.MakeFsInMemory()
	var chosen []any
	for _, patch := range patches {
		if p, ok := patch.(map[string]any); ok && p["target"] != nil {
			chosen = append(chosen, p)
		}
	}
	var manifests []byte
	for _, o := range made {
		text, _ := yaml.Marshal(o)
		manifests = append(append(manifests, "---\n"...), text...)
	}
	kustomization, _ := yaml.Marshal(map[string]any{"resources": []string{"made.yaml"}, "patches": chosen})
	_ = memory.WriteFile("/kustomization.yaml", kustomization)
	_ = memory.WriteFile("/made.yaml", manifests)
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, "/")
	if err != nil {
		return nil
	}
	text, err := m.AsYaml()
	if err != nil {
		return nil
	}
	objects, _ := ssautil.ReadObjects(bytes.NewReader(text))
	return objects
}
