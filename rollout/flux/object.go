package flux

import (
	"cmp"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/monosense/k8s-ops/rollout"
)

// The groups and kinds of Flux that decide what is applied.
const (
	sourceGroup       = "source.toolkit.fluxcd.io"
	kustomizeGroup    = "kustomize.toolkit.fluxcd.io"
	kindGitRepository = "GitRepository"
	kindKustomization = "Kustomization"
	fieldMetadata     = "metadata"
	fieldNamespace    = "namespace"
	fieldName         = "name"
	fieldSpec         = "spec"
	fieldSourceRef    = "sourceRef"
	fieldPath         = "path"
	fieldBranch       = "branch"
	defaultFluxBranch = "master"
)

// An object is one built object.
type object struct {
	group, version, kind string
	// namespace is where the cluster has the object: the targetNamespace of
	// the Flux Kustomization that applies it, or else what the build says.
	namespace, name string
	node            *yaml.Node
	// in is the directory that was built.
	in *directory
}

func newObject(r *resource.Resource) *object {
	node := r.YNode()
	o := &object{
		kind:      text(field(node, "kind")),
		namespace: text(field(node, fieldMetadata, fieldNamespace)),
		name:      text(field(node, fieldMetadata, fieldName)),
		node:      node,
	}
	o.group, o.version = splitVersion(text(field(node, "apiVersion")))
	return o
}

func splitVersion(apiVersion string) (group, version string) {
	if i := strings.LastIndexByte(apiVersion, '/'); i >= 0 {
		return apiVersion[:i], apiVersion[i+1:]
	}
	return "", apiVersion
}

// An identity tells objects of one build apart.
type identity struct{ group, version, kind, namespace, name string }

func (o *object) identity() identity {
	return identity{o.group, o.version, o.kind, text(field(o.node, fieldMetadata, fieldNamespace)), o.name}
}

// String is how findings name an object.
func (o *object) String() string {
	if o.namespace == "" {
		return o.kind + " " + o.name
	}
	return o.kind + " " + o.namespace + "/" + o.name
}

// A reference is what a Flux Kustomization names in spec.sourceRef.
type reference struct{ group, kind, namespace, name string }

// sourceRef reads the reference of a Flux Kustomization. Without a namespace
// of its own it is the Kustomization's, and without a group it is Flux's.
func (o *object) sourceRef() reference {
	node := field(o.node, fieldSpec, fieldSourceRef)
	ref := reference{kind: text(field(node, "kind")), namespace: text(field(node, fieldNamespace)), name: text(field(node, fieldName))}
	ref.group, _ = splitVersion(text(field(node, "apiVersion")))
	ref.group = cmp.Or(ref.group, sourceGroup)
	ref.namespace = cmp.Or(ref.namespace, o.namespace)
	return ref
}

func (r reference) isRepository() bool {
	return r.group == sourceGroup && r.kind == kindGitRepository
}

// isSource tells whether the plan's source is referred to. A namespace that is
// a variable is taken for the right one: the name says which source is meant,
// and another GitRepository of the repository is a finding of its own.
func (r reference) isSource(source rollout.Source) bool {
	return r.isRepository() && r.name == source.Name && mayBe(r.namespace, source.Namespace)
}

// hasVariable tells whether a value is known only after Flux has substituted
// the variables of spec.postBuild.
func hasVariable(value string) bool { return strings.Contains(value, "${") }

// mayBe tells whether two values can be the same once the variables are
// substituted.
func mayBe(a, b string) bool { return a == b || hasVariable(a) || hasVariable(b) }

// objects are the objects of a build that the rules are about.
type objects struct {
	repositories   []*object
	kustomizations []*object
	// repeated are objects that have a key twice: kustomize builds them and
	// cannot write them down.
	repeated []*object
}

// readObjects reads the objects that were built of a directory.
func readObjects(built resmap.ResMap, in *directory) objects {
	var found objects
	for _, r := range built.Resources() {
		o := newObject(r)
		o.in = in
		switch {
		case o.group == sourceGroup && o.kind == kindGitRepository:
			found.repositories = append(found.repositories, o)
		case o.group == kustomizeGroup && o.kind == kindKustomization:
			found.kustomizations = append(found.kustomizations, o)
		}
		if repeatedKey(o.node) != nil {
			found.repeated = append(found.repeated, o)
		}
	}
	return found
}

// with are the objects of both.
func (o objects) with(more objects) objects {
	return objects{
		repositories:   append(o.repositories, more.repositories...),
		kustomizations: append(o.kustomizations, more.kustomizations...),
		repeated:       append(o.repeated, more.repeated...),
	}
}

// paths are the directories of the repository that the Flux Kustomizations
// point at.
func (o objects) paths() []string {
	var paths []string
	for _, kustomization := range o.kustomizations {
		if dir := text(field(kustomization.node, fieldSpec, fieldPath)); dir != "" {
			paths = append(paths, path.Clean(strings.TrimPrefix(dir, "/")))
		}
	}
	return paths
}
