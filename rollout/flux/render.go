package flux

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// RenderWritten renders a tree that does not lie on this machine: write puts it
// into an empty directory, which is removed afterwards.
func RenderWritten(ctx context.Context, options Options, write func(dir string) error) (r rollout.Rendering, err error) {
	dir, err := os.MkdirTemp("", "rollout-tree-")
	if err != nil {
		return r, fmt.Errorf("make room for a tree: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := write(dir); err != nil {
		return r, err
	}
	options.Root = dir
	return Render(ctx, options)
}

// Render renders what every cluster of the plan would apply, with all objects.
// What cannot be rendered is said in the result. An error means that nothing
// was: the root cannot be opened, or the context ended.
func Render(ctx context.Context, options Options) (rollout.Rendering, error) {
	v, err := newVerifier(options)
	if err != nil {
		return rollout.Rendering{}, fmt.Errorf("render: %w", err)
	}
	defer v.close()
	var mu sync.Mutex
	found := map[string]rollout.RenderedCluster{}
	err = v.each(ctx, func(c cluster) {
		rendered := v.render(c)
		mu.Lock()
		defer mu.Unlock()
		found[c.name] = rendered
	})
	if err != nil {
		return rollout.Rendering{}, fmt.Errorf("render: %w", err)
	}
	var all rollout.Rendering
	for _, c := range v.clusters() {
		all.Clusters = append(all.Clusters, found[c.name])
	}
	return all, nil
}

func (v *verifier) render(c cluster) rollout.RenderedCluster {
	rendered := rollout.RenderedCluster{Stage: c.stage.Name, Cluster: c.name}
	v.guarded(c, func() {
		r, ok := v.reach(c)
		if !ok {
			return
		}
		rendered.Branch = r.branch(r.verifier.Plan.Source)
		for _, a := range r.applications {
			rendered.Applications = append(rendered.Applications, r.rendered(a))
		}
		dropReplaced(rendered.Applications)
		for _, k := range r.of(kustomizeGroup, kindKustomization) {
			if leaf, ok := r.elsewhere(k); ok {
				rendered.Applications = append(rendered.Applications, leaf)
			}
		}
	})
	if len(rendered.Applications) == 0 {
		rendered.Applications = []rollout.Application{{Chain: []string{c.name}, Path: c.home(), Broken: v.messages(c)}}
	}
	return rendered
}

// dropReplaced takes the objects out of the entry point that Flux applies, too:
// the cluster keeps those.
func dropReplaced(all []rollout.Application) {
	byFlux := map[rollout.RenderedObject]bool{}
	for _, a := range all[1:] {
		for _, o := range a.Objects {
			byFlux[withoutText(o)] = true
		}
	}
	entry := &all[0]
	entry.Objects = slices.DeleteFunc(entry.Objects, func(o rollout.RenderedObject) bool { return byFlux[withoutText(o)] })
	entry.Count = len(entry.Objects)
}

// messages are those of the findings of a cluster that could not be rendered.
func (v *verifier) messages(c cluster) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	for _, f := range v.result.Findings {
		if f.Cluster == c.name {
			all = append(all, f.Message)
		}
	}
	return all
}

// branch is what the source follows.
func (r *reach) branch(source rollout.Source) string {
	for _, o := range r.objects[key{sourceGroup, kindGitRepository, source.Namespace, source.Name}] {
		return substitute.Readable(text(field(o.node, refKeys(fieldBranch)...)))
	}
	return ""
}

// rendered are all the objects of an application, and what is to be said of it.
func (r *reach) rendered(a *application) rollout.Application {
	out := rollout.Application{Chain: a.chain(r.cluster.name), Path: a.directory.name, Files: a.directory.inputs()}
	if a.by != nil {
		out.Namespace, out.Name = substitute.Readable(a.by.namespace), substitute.Readable(a.by.name)
		ref := a.by.sourceRef()
		out.Source = ref.kind + " " + ref.namespace + "/" + ref.name
		out.Branch = r.branch(r.verifier.Plan.Source)
		out.Suspended = text(field(a.by.node, fieldSpec, "suspend")) == "true"
	}
	out.Broken = append(a.broken(), r.refused(a)...)
	for _, m := range a.directory.resources {
		node, err := a.final(m)
		if err != nil {
			out.Broken = append(out.Broken, fmt.Sprintf("%s: %v", a.plain(m), err))
			continue
		}
		out.Objects = append(out.Objects, renderedObject(newObject(node)))
	}
	for _, o := range a.made {
		out.Objects = append(out.Objects, renderedObject(o))
	}
	out.Count, out.Unknown = len(out.Objects), r.unknown(a, out.Objects)
	return out
}

// broken says why Flux applies nothing of an application, as far as that is not a
// matter of one object.
func (a *application) broken() []string {
	var all []string
	for _, p := range a.directory.problems {
		all = append(all, p.message)
	}
	for _, p := range a.variables.problems {
		if p.rule == rollout.RuleBuildFailed {
			all = append(all, p.message)
		}
	}
	for _, m := range a.directory.defective {
		all = append(all, fmt.Sprintf("%s %s", a.plain(m), m.defect.says))
	}
	return all
}

// refused says which of the Flux Kustomizations of an application the API server
// refuses.
func (r *reach) refused(a *application) []string {
	var all []string
	for _, o := range a.objects {
		if o.is(kustomizeGroup, kindKustomization) && !r.overruled(o) {
			for _, refused := range refusals(o) {
				all = append(all, refused.message)
			}
		}
	}
	return all
}

func renderedObject(o *object) rollout.RenderedObject {
	return rollout.RenderedObject{
		Group: o.group, Kind: o.kind, Namespace: substitute.Readable(o.namespace), Name: substitute.Readable(o.name),
		Text: asText(o.node),
	}
}

// asText writes an object with its keys in order, as the API server shows it: how
// it was written, and whether it was read anew for its variables, is no
// difference.
func asText(node *yaml.Node) string {
	object, err := asObject(node)
	if err == nil {
		var written []byte
		if written, err = sigsyaml.Marshal(object); err == nil {
			return string(written)
		}
	}
	// A defect, which is a finding.
	written, err := yaml.Marshal(node)
	if err != nil {
		return "# it cannot be written down: " + err.Error() + "\n"
	}
	return string(written)
}

// asObject reads an object as kustomize does. Another reader takes y and n for
// truth values.
func asObject(node *yaml.Node) (map[string]any, error) {
	var object map[string]any
	err := node.Decode(&object)
	return object, err
}

// final is a manifest as the cluster gets it: with variables, and with the
// labels and annotations that the Flux Kustomization gives to all.
func (a *application) final(m *manifest) (*yaml.Node, error) {
	node := m.node
	if m.variable && a.substitutes() {
		var err error
		if node, err = a.substituted(m); err != nil {
			return nil, err
		}
	}
	if a.by == nil {
		return node, nil
	}
	return withMetadata(node, dereference(field(a.by.node, fieldSpec, "commonMetadata")))
}

// withMetadata adds the labels and annotations of spec.commonMetadata to a copy
// of an object (fluxcd/pkg ssa, SetCommonMetadata).
func withMetadata(node, common *yaml.Node) (*yaml.Node, error) {
	if common == nil || common.Kind != yaml.MappingNode {
		return node, nil
	}
	object, err := asObject(node)
	if err != nil {
		return nil, err
	}
	metadata, _ := object[fieldMetadata].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		object[fieldMetadata] = metadata
	}
	for _, kind := range []string{"labels", "annotations"} {
		all := textsByKey(metadata[kind])
		if given := field(common, kind); given != nil && given.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(given.Content); i += 2 {
				all[given.Content[i].Value] = text(dereference(given.Content[i+1]))
			}
		}
		if len(all) > 0 {
			metadata[kind] = all
		}
	}
	return asNode(object)
}

// textsByKey are labels or annotations as apimachinery reads them: with a text for
// each null, and none at all where one of them is something else.
func textsByKey(value any) map[string]any {
	texts := map[string]any{}
	written, _ := value.(map[string]any)
	for key, value := range written {
		if value == nil {
			value = ""
		}
		if _, ok := value.(string); !ok {
			return map[string]any{}
		}
		texts[key] = value
	}
	return texts
}

func asNode(object map[string]any) (*yaml.Node, error) {
	var node yaml.Node
	if err := node.Encode(object); err != nil {
		return nil, err
	}
	return &node, nil
}

// unknown says what cannot be known of an application.
func (r *reach) unknown(a *application, objects []rollout.RenderedObject) []string {
	var all []string
	if len(a.variables.obscured) > 0 {
		seen := map[string]bool{}
		for _, o := range objects {
			for _, name := range substitute.Unknown(o.Text) {
				seen[name] = true
			}
		}
		if len(seen) > 0 {
			all = append(all, fmt.Sprintf("the variables %s, which %s may set", strings.Join(slices.Sorted(maps.Keys(seen)), ", "), strings.Join(a.variables.obscured, ", ")))
		}
	}
	for i := range objects {
		objects[i].Text = substitute.Readable(objects[i].Text)
	}
	for _, v := range r.astray {
		if v.object != nil && v.object.in == a {
			all = append(all, v.message)
		}
	}
	for _, o := range a.objects {
		if o.is(operatorGroup, kindResourceSet) {
			all = append(all, "what "+o.String()+" makes")
		}
	}
	if a.by != nil && len(a.directory.encrypted) > 0 {
		all = append(all, fmt.Sprintf("the content of %d encrypted Secrets", len(a.directory.encrypted)))
	}
	return all
}

// elsewhere is the leaf of a Flux Kustomization that applies something of
// another source.
func (r *reach) elsewhere(k *object) (rollout.Application, bool) {
	ref := k.sourceRef()
	if ref.isSource(r.verifier.Plan.Source) {
		return rollout.Application{}, false
	}
	return rollout.Application{
		Chain: append(k.in.chain(r.cluster.name), substitute.Readable(k.name)), Namespace: k.namespace, Name: substitute.Readable(k.name),
		Source: substitute.Readable(ref.kind + " " + ref.namespace + "/" + ref.name), Path: written(field(k.node, fieldSpec, fieldPath)),
		Unknown: []string{"it is of another source, which is not rendered here"},
	}, true
}

// inputs are all the files that a directory was rendered of, sorted.
func (d *directory) inputs() []string {
	found := map[string]bool{}
	for _, k := range d.order {
		if k.generated == nil {
			found[k.file] = true
		}
	}
	for _, file := range slices.Concat(d.files, d.contents) {
		found[file] = true
	}
	return slices.Sorted(maps.Keys(found))
}
