package flux

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
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
	fieldBranch       = "branch"
	defaultFluxBranch = "master"
)

// An object is one built object.
type object struct {
	group, version, kind string
	namespace, name      string
	node                 *yaml.Node
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
	return identity{o.group, o.version, o.kind, o.namespace, o.name}
}

// String is how findings name an object.
func (o *object) String() string {
	if o.namespace == "" {
		return o.kind + " " + o.name
	}
	return o.kind + " " + o.namespace + "/" + o.name
}

// objects are the objects of a build that the rules are about.
type objects struct {
	count          int
	repositories   []*object
	kustomizations []*object
	// repeated are objects that have a key twice: kustomize builds them and
	// cannot write them down.
	repeated []*object
}

func readObjects(built resmap.ResMap) objects {
	var found objects
	for _, r := range built.Resources() {
		found.count++
		o := newObject(r)
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

// paths are the directories of the repository that the Flux Kustomizations
// point at.
func (o objects) paths() []string {
	var paths []string
	for _, kustomization := range o.kustomizations {
		if dir := text(field(kustomization.node, fieldSpec, "path")); dir != "" {
			paths = append(paths, path.Clean(strings.TrimPrefix(dir, "/")))
		}
	}
	return paths
}
