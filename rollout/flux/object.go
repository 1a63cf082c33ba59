package flux

import (
	"cmp"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// The groups and kinds that decide what is applied.
const (
	sourceGroup       = "source.toolkit.fluxcd.io"
	kustomizeGroup    = "kustomize.toolkit.fluxcd.io"
	helmGroup         = "helm.toolkit.fluxcd.io"
	imageGroup        = "image.toolkit.fluxcd.io"
	operatorGroup     = "fluxcd.controlplane.io"
	kindGitRepository = "GitRepository"
	kindKustomization = "Kustomization"
	kindHelmRelease   = "HelmRelease"
	kindAutomation    = "ImageUpdateAutomation"
	kindInstance      = "FluxInstance"
	kindResourceSet   = "ResourceSet"
	kindConfigMap     = "ConfigMap"
	kindSecret        = "Secret"
	fieldMetadata     = "metadata"
	fieldNamespace    = "namespace"
	fieldName         = "name"
	fieldSpec         = "spec"
	fieldSourceRef    = "sourceRef"
	fieldPath         = "path"
	fieldBranch       = "branch"
	fieldSubstitute   = "substitute"
	defaultFluxBranch = "master"
)

// An object is one that a cluster gets.
type object struct {
	group, version, kind, namespace, name string
	// node is the object as the cluster gets it.
	node *yaml.Node
	// manifest is what was built, before substitution. It is nil for an object
	// that something in the cluster makes: by is the one it is made of then,
	// and from tells which keys of that a field comes from.
	manifest *manifest
	by       *object
	from     func(keys []string) []string
	// in is the application that brings it.
	in *application
}

func newObject(node *yaml.Node) *object {
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

func (o *object) is(group, kind string) bool { return o.group == group && o.kind == kind }

// A key is what the objects of a cluster are told apart by.
type key struct{ group, kind, namespace, name string }

func (o *object) key() key { return key{o.group, o.kind, o.namespace, o.name} }

// String is how findings name an object.
func (o *object) String() string {
	name := o.name
	if o.namespace != "" {
		name = o.namespace + "/" + o.name
	}
	return o.kind + " " + substitute.Readable(name)
}

// A reference is what a Flux Kustomization names in spec.sourceRef.
type reference struct{ group, kind, namespace, name string }

// sourceRef reads the reference of an object. Without a namespace of its own
// it is the object's, and without a group it is Flux's.
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
// not known is taken for the right one: the name says which source is meant,
// and another GitRepository of the repository is a finding of its own.
func (r reference) isSource(source rollout.Source) bool {
	return r.isRepository() && r.name == source.Name && mayBe(r.namespace, source.Namespace)
}

// hasVariable tells whether a value is not known: because a variable in it is
// not, or because nobody substitutes it, so that it stands in the cluster as it
// is written, and is wrong there.
func hasVariable(value string) bool {
	return strings.Contains(value, "${") || !substitute.IsKnown(value)
}

// mayBe tells whether two values can be the same once the variables are known.
func mayBe(a, b string) bool { return a == b || hasVariable(a) || hasVariable(b) }

// paths are the directories of the repository that a Flux Kustomization points
// at.
func (o *object) path() string {
	if dir := text(field(o.node, fieldSpec, fieldPath)); dir != "" && substitute.IsKnown(dir) {
		return path.Clean(strings.TrimLeft(dir, "/"))
	}
	return ""
}
