package flux

import (
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
)

// building serialises builds: krusty reads and writes package variables
// (kubernetes-sigs/kustomize#3659).
var building sync.Mutex

// build runs krusty on a directory of a view, with the settings of Flux's
// kustomize-controller (fluxcd/pkg kustomize.Build): the load restriction is
// the view's, and there are no plugins but the built-in ones. helmCommand is
// empty for a tree that may not start helm.
func build(v *view, dir, helmCommand string) (built resmap.ResMap, err error) {
	building.Lock()
	defer building.Unlock()
	// kustomize panics on some invalid objects.
	defer func() {
		if cause := recover(); cause != nil {
			built, err = nil, fmt.Errorf("kustomize gave up on an object that it does not understand: %v", cause)
		}
	}()
	options := &krusty.Options{
		Reorder:          krusty.ReorderOptionNone,
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	// The order does not matter, but asking for none where the tree asks for
	// one makes kustomize print a warning.
	if v.entry.spec.SortOptions != nil {
		options.Reorder = krusty.ReorderOptionUnspecified
	}
	options.PluginConfig.HelmConfig = types.HelmConfig{Enabled: helmCommand != "", Command: helmCommand}
	return krusty.MakeKustomizer(options).Run(v, v.tree.abs(dir))
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
