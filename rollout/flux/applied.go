package flux

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// kustomizeConfigGroup is that of kustomize's own files.
const kustomizeConfigGroup = "kustomize.config.k8s.io"

// applied are what kustomize-controller applies of what was built (its build, and
// fluxcd/pkg ssa, ReadObjects): of a list what is in it, and neither what is
// kustomize's own nor what has a name that is no text.
func (d *directory) applied(built []*resource.Resource) []*manifest {
	all := make([]*manifest, 0, len(built))
	for _, r := range built {
		for _, m := range manifestsOf(r) {
			switch {
			case m.group == kustomizeConfigGroup && strings.EqualFold(m.kind, kindKustomization):
			case !isString(field(m.node, fieldMetadata, fieldName)):
				m.defect = &defect{says: "has a name that is no text, and Flux leaves it out without a word", mend: "write the name in quotes"}
				m.at = []string{fieldMetadata, fieldName}
				d.nameless = append(d.nameless, m)
			default:
				all = append(all, m)
			}
		}
	}
	return all
}

// manifestsOf are what stands in a list, and else the object itself. kustomize
// takes the lists apart that have a kind for it; Flux, whatever has items.
func manifestsOf(r *resource.Resource) []*manifest {
	whole := newManifest(r)
	items := field(whole.node, "items")
	if items == nil || items.Kind != yaml.SequenceNode || whole.defect != nil {
		return []*manifest{whole}
	}
	all := make([]*manifest, len(items.Content))
	for i, item := range items.Content {
		all[i] = newManifest(&resource.Resource{RNode: *kyaml.NewRNode(item)})
		all[i].variable = whole.variable && hasDollar(item)
	}
	return all
}

// lacksVersion is the defect of an object without an apiVersion. kustomize sees to
// its kind and its name.
var lacksVersion = &defect{says: "has no apiVersion", mend: "add it"}
