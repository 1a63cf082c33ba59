package flux

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// An application is a directory as one Flux Kustomization applies it, with its
// variables. The entry point is applied by nobody: somebody did it by hand.
type application struct {
	// by is the Flux Kustomization, nil for the entry point, and parent the
	// application that brought it.
	by        *object
	parent    *application
	directory *directory
	variables variables
	// objects are those that the rules are about, and made those that something
	// in the cluster makes of them.
	objects, made []*object
	// failures are the objects that Flux cannot substitute in. It applies
	// nothing of the directory then.
	failures []failure
}

// A failure is why an object cannot be made of a manifest.
type failure struct {
	object *object
	reason string
}

// chain names the Flux Kustomizations that lead here, the cluster first.
func (a *application) chain(cluster string) []string {
	if a.by == nil {
		return []string{cluster}
	}
	return append(a.parent.chain(cluster), substitute.Readable(a.by.name))
}

// depth is how many Flux Kustomizations lead here.
func (a *application) depth() int {
	depth := 0
	for ; a.by != nil; a = a.parent {
		depth++
	}
	return depth
}

// substitutes tells whether Flux substitutes in what it applies. Without
// variables it does so only if it is told to do it always.
func (a *application) substitutes() bool {
	if a.by == nil {
		return false
	}
	postBuild := field(a.by.node, fieldSpec, "postBuild")
	return !isEmpty(postBuild) && (!a.variables.Empty() || text(field(postBuild, "substituteStrategy")) == "Always")
}

// read makes the objects that the rules are about.
func (a *application) read() {
	for _, m := range a.directory.relevant {
		if o, ok := a.make(m); ok {
			a.objects = append(a.objects, o)
		}
	}
	if !a.substitutes() || !a.directory.variable {
		return
	}
	for _, m := range a.directory.resources {
		if !m.variable {
			continue
		}
		if _, err := m.yaml(); err != nil {
			a.fail(a.plain(m), err)
		}
	}
}

func (a *application) fail(o *object, err error) {
	if !slices.ContainsFunc(a.failures, func(f failure) bool { return f.object.manifest == o.manifest }) {
		a.failures = append(a.failures, failure{o, err.Error()})
	}
}

// make makes the object that the cluster gets of a manifest. It is false where
// Flux could not, which is a failure of the application.
func (a *application) make(m *manifest) (*object, bool) {
	o := a.plain(m)
	if !m.variable || !a.substitutes() {
		return o, true
	}
	node, err := a.substituted(m)
	if err != nil {
		a.fail(o, err)
		return nil, false
	}
	made := newObject(node)
	made.manifest, made.in = m, a
	return made, true
}

// plain is the object without substitution.
func (a *application) plain(m *manifest) *object {
	return &object{
		group: m.group, version: m.version, kind: m.kind, namespace: m.namespace, name: m.name,
		node: m.node, manifest: m, in: a,
	}
}

// substituted is a manifest with its variables replaced: in its text, which is
// read anew then, as Flux does it.
func (a *application) substituted(m *manifest) (*yaml.Node, error) {
	written, err := m.yaml()
	if err != nil {
		return nil, err
	}
	expanded, err := a.variables.Expand(written)
	if err != nil {
		return nil, err
	}
	asJSON, err := sigsyaml.YAMLToJSON([]byte(expanded))
	if err != nil {
		return nil, fmt.Errorf("with its variables it is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var document yaml.Node
	if err := yaml.Unmarshal(asJSON, &document); err != nil || len(document.Content) == 0 {
		return nil, fmt.Errorf("with its variables it is no object: %w", err)
	}
	return document.Content[0], nil
}
