package flux

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout"
)

// made are the objects that the Flux Operator makes of what an application
// brings: of a FluxInstance with a sync, or of a HelmRelease that installs one,
// a source and a Flux Kustomization (fluxcd.control-plane.io, "FluxInstance
// CRD", sync configuration).
func (r *reach) made(a *application) []*object {
	var all []*object
	for _, o := range a.objects {
		switch {
		case o.is(operatorGroup, kindInstance):
			all = append(all, r.synced(o, []string{fieldSpec})...)
		case o.is(helmGroup, kindHelmRelease) && r.installsInstance(o):
			all = append(all, r.synced(o, []string{fieldSpec, "values", "instance"})...)
		}
	}
	return all
}

// chartOfInstance is the name of the chart that makes a FluxInstance of its
// values.
const chartOfInstance = "flux-instance"

// installsInstance tells whether a HelmRelease is of the flux-instance chart: by
// the chart's name, or by that of the OCIRepository that has it.
func (r *reach) installsInstance(release *object) bool {
	if chart := text(field(release.node, fieldSpec, "chart", fieldSpec, "chart")); chart != "" {
		return chart == chartOfInstance
	}
	ref := field(release.node, fieldSpec, "chartRef")
	name := text(field(ref, fieldName))
	if name == "" {
		return false
	}
	namespace := cmp.Or(text(field(ref, fieldNamespace)), release.namespace)
	if found := r.objects[key{sourceGroup, "OCIRepository", namespace, name}]; len(found) > 0 {
		return strings.HasSuffix(strings.TrimSuffix(text(field(found[0].node, fieldSpec, "url")), "/"), "/"+chartOfInstance)
	}
	return name == chartOfInstance
}

// synced are the source and the Flux Kustomization of a FluxInstance, whose
// spec is below keys of an object.
func (r *reach) synced(o *object, keys []string) []*object {
	spec := field(o.node, keys...)
	sync := field(spec, "sync")
	if isEmpty(sync) {
		return nil
	}
	nodes, err := syncNodes(o, sync, field(spec, "kustomize", "patches"))
	if err != nil {
		r.astray = append(r.astray, violation{
			rule: rollout.RuleBuildFailed, object: o, keys: append(slices.Clone(keys), "kustomize", "patches"),
			message: fmt.Sprintf("the patches of %s cannot be applied to what it syncs: %s", o, r.verifier.tree.readable(err.Error())),
			fix:     "correct the patch, or its target",
		})
		return nil
	}
	all := make([]*object, len(nodes))
	for i, node := range nodes {
		all[i] = newObject(node)
		all[i].in, all[i].by = o.in, o
		all[i].from = func(of []string) []string { return append(slices.Clone(keys), syncKeys(of)...) }
	}
	return all
}

// syncKeys are the keys in the spec of a FluxInstance that a field of what it
// makes comes from.
func syncKeys(keys []string) []string {
	sync := []string{"sync"}
	if len(keys) < 2 || keys[0] != fieldSpec {
		return sync
	}
	switch keys[1] {
	case "url", fieldPath, "ref":
		return append(sync, keys[1])
	case fieldSourceRef:
		return append(sync, "kind")
	}
	return sync
}

const branchRef = "refs/heads/"

// syncNodes are the manifests that the operator makes, with the patches of the
// FluxInstance. It names the branch as a ref, refs/heads/release.
func syncNodes(o *object, sync, patches *yaml.Node) ([]*yaml.Node, error) {
	namespace := cmp.Or(o.namespace, "flux-system")
	name := cmp.Or(text(field(sync, fieldName)), namespace)
	kind := cmp.Or(text(field(sync, "kind")), kindGitRepository)
	ref := map[string]any{fieldName: text(field(sync, "ref"))}
	if branch, ok := strings.CutPrefix(text(field(sync, "ref")), branchRef); ok && branch != "" {
		ref = map[string]any{fieldBranch: branch}
	}
	metadata := map[string]any{fieldName: name, fieldNamespace: namespace}
	source := map[string]any{
		"apiVersion": sourceGroup + "/v1", "kind": kind, fieldMetadata: metadata,
		fieldSpec: map[string]any{"url": text(field(sync, "url")), "ref": ref},
	}
	kustomization := map[string]any{
		"apiVersion": kustomizeGroup + "/v1", "kind": kindKustomization, fieldMetadata: metadata,
		fieldSpec: map[string]any{
			fieldPath: text(field(sync, fieldPath)), "prune": true,
			fieldSourceRef: map[string]any{"kind": kind, fieldName: name},
		},
	}
	var chosen []types.Patch
	for _, patch := range elements(patches) {
		// Those without a target are of Flux's own components, as a rule.
		if target := selectorOf(field(patch, "target")); target != nil {
			chosen = append(chosen, types.Patch{Patch: text(field(patch, "patch")), Target: target})
		}
	}
	return patched(chosen, source, kustomization)
}

// patched builds objects with patches.
func patched(patches []types.Patch, objects ...map[string]any) ([]*yaml.Node, error) {
	for _, patch := range patches {
		if err := checkBounds([]byte(patch.Patch)); err != nil {
			return nil, err
		}
	}
	memory := filesys.MakeFsInMemory()
	spec := types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{"objects.yaml"}, Patches: patches,
	}
	kustomization, err := sigsyaml.Marshal(spec)
	if err != nil {
		return nil, err
	}
	var manifests []byte
	for _, o := range objects {
		manifest, err := sigsyaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		manifests = append(append(manifests, "---\n"...), manifest...)
	}
	if err := memory.WriteFile("/kustomization.yaml", kustomization); err != nil {
		return nil, err
	}
	if err := memory.WriteFile("/objects.yaml", manifests); err != nil {
		return nil, err
	}
	built, err := run(memory, "/", options(""))
	if err != nil {
		return nil, err
	}
	nodes := make([]*yaml.Node, built.Size())
	for i, resource := range built.Resources() {
		nodes[i] = resource.YNode()
	}
	return nodes, nil
}
