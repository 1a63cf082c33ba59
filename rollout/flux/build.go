package flux

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// building serialises builds: krusty reads and writes package variables
// (kubernetes-sigs/kustomize#3659).
var building sync.Mutex

// build runs krusty on a directory of a view, with the settings of Flux's
// kustomize-controller (fluxcd/pkg kustomize, Build): the load restriction is
// the view's, and there are no plugins but the built-in ones. helmCommand is
// empty for a tree that may not start helm.
func build(v *view, dir, helmCommand string) (resmap.ResMap, error) {
	options := options(helmCommand)
	// The order does not matter, but asking for none where the tree asks for
	// one makes kustomize print a warning.
	if v.entry.spec.SortOptions != nil {
		options.Reorder = krusty.ReorderOptionUnspecified
	}
	if slices.ContainsFunc(v.order, (*kustomization).hasSchema) {
		return runApart(v, v.tree.abs(dir), options)
	}
	return run(v, v.tree.abs(dir), options)
}

func options(helmCommand string) *krusty.Options {
	options := &krusty.Options{
		Reorder:          krusty.ReorderOptionNone,
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	options.PluginConfig.HelmConfig = types.HelmConfig{Enabled: helmCommand != "", Command: helmCommand}
	return options
}

// run runs krusty.
func run(fs filesys.FileSystem, dir string, options *krusty.Options) (resmap.ResMap, error) {
	building.Lock()
	defer building.Unlock()
	return recovered(fs, dir, options)
}

// recovered runs krusty, which panics on some invalid objects.
func recovered(fs filesys.FileSystem, dir string, options *krusty.Options) (built resmap.ResMap, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			built, err = nil, fmt.Errorf("kustomize gave up on an object that it does not understand: %v", cause)
		}
	}()
	return krusty.MakeKustomizer(options).Run(fs, dir)
}

// hasSchema tells whether a kustomization changes how kustomize merges objects.
func (k *kustomization) hasSchema() bool { return len(k.spec.OpenAPI) > 0 }

// runApart runs krusty with a schema of its own, which it keeps in a package
// variable, and puts the built-in one back: Flux does so for every build, and
// that costs more than most builds.
func runApart(fs filesys.FileSystem, dir string, options *krusty.Options) (resmap.ResMap, error) {
	building.Lock()
	defer building.Unlock()
	openapi.ResetOpenAPI()
	_ = openapi.Schema()
	defer openapi.ResetOpenAPI()
	return recovered(fs, dir, options)
}

// buildAnnotated builds the same once more, with annotations that tell which
// file every object came from, and which kustomizations changed it. It builds
// a kustomization in memory that has the entry point as its only resource,
// because kustomize annotates what the outermost kustomization asks for. The
// paths in the annotations are relative to annotatedDir.
func buildAnnotated(s *survey, helmCommand string) (resmap.ResMap, error) {
	wrapper := "buildMetadata: [originAnnotations, transformerAnnotations]\nresources: [" + quote("../"+s.entry.dir) + "]\n"
	file := annotatedDir + "/kustomization.yaml"
	v := &view{survey: s, overlay: map[string][]byte{file: []byte(wrapper)}}
	return build(v, annotatedDir, helmCommand)
}

// annotatedDir exists in memory only. It lies directly below the root, so that
// it is not above the entry point.
const annotatedDir = ".annotated"

// quote writes a string as a YAML scalar.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
