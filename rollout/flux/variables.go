package flux

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// variables are those of the postBuild of a Flux Kustomization, and where each
// was set.
type variables struct {
	substitute.Variables
	set map[string]definition
	// obscured are the sources that are not known, as people name them.
	obscured []string
	// problems are why Flux would not substitute at all.
	problems []violation
}

// A definition is where a variable gets its value.
type definition struct {
	object *object
	keys   []string
}

// missing is the first ConfigMap that a Flux Kustomization takes variables from
// and that is not there, though it may still come.
func (r *reach) missing(kustomization *object) (configMapName, bool) {
	for _, from := range elements(field(kustomization.node, fieldSpec, "postBuild", "substituteFrom")) {
		wanted := configMapName{kustomization.namespace, text(field(from, fieldName))}
		if text(field(from, "kind")) == kindConfigMap && !hasVariable(wanted.name) && r.configMapFor(kustomization, wanted.name) == nil {
			return wanted, true
		}
	}
	return configMapName{}, false
}

// variablesOf reads the variables of a Flux Kustomization, from the ConfigMaps
// that are there.
func (r *reach) variablesOf(kustomization *object) variables {
	v := variables{set: map[string]definition{}}
	postBuild := field(kustomization.node, fieldSpec, "postBuild")
	for i, from := range elements(field(postBuild, "substituteFrom")) {
		kind, name := text(field(from, "kind")), text(field(from, fieldName))
		switch {
		case kind == kindConfigMap && hasVariable(name):
			v.obscure(kind, name)
		case kind == kindConfigMap:
			configMap := r.configMapFor(kustomization, name)
			if configMap == nil && text(field(from, "optional")) != "true" {
				r.lacking[need{kustomization.key(), name}] = true
			}
			v.from(configMap, kustomization, from, i)
		default:
			v.obscure(kind, name)
		}
	}
	v.inline(kustomization, field(postBuild, fieldSubstitute))
	if name := v.Check(); name != "" {
		v.refuse(v.set[name].object, v.set[name].keys,
			fmt.Sprintf("%q cannot be the name of a variable, and Flux applies nothing of %s for it", name, kustomization),
			"write names of letters, digits and _ that do not begin with a digit, or keep other data in a ConfigMap of its own")
	}
	return v
}

// from takes the values of a ConfigMap, nil for one that is not in the tree.
func (v *variables) from(configMap, kustomization *object, from *yaml.Node, i int) {
	name := text(field(from, fieldName))
	if configMap == nil {
		if text(field(from, "optional")) == "true" {
			return
		}
		v.obscure(kindConfigMap, name)
		v.problems = append(v.problems, violation{
			rule: rollout.RuleVariablesUnknown, object: kustomization, keys: []string{fieldSpec, "postBuild", "substituteFrom", fmt.Sprint(i), fieldName},
			message: fmt.Sprintf("%s takes variables from the ConfigMap %s/%s, which nothing in the repository brings to this cluster before", kustomization, kustomization.namespace, name),
			fix:     "add the ConfigMap to what the cluster applies; if it is made by hand, or by something in the cluster, turn the rule off in the plan with that reason",
		})
		return
	}
	if !isEmpty(field(configMap.node, sopsKey)) {
		v.obscure("encrypted "+kindConfigMap, name)
		return
	}
	data := field(configMap.node, "data")
	if data == nil || data.Kind != yaml.MappingNode {
		return
	}
	for j := 0; j+1 < len(data.Content); j += 2 {
		name := data.Content[j].Value
		v.Set(name, text(dereference(data.Content[j+1])))
		v.set[name] = definition{configMap, []string{"data", name}}
	}
}

func (v *variables) obscure(kind, name string) {
	v.Obscure()
	clear(v.set)
	v.obscured = append(v.obscured, kind+" "+substitute.Readable(name))
}

// inline takes what stands in the Flux Kustomization itself, which wins.
func (v *variables) inline(kustomization *object, substitutions *yaml.Node) {
	if substitutions == nil || substitutions.Kind != yaml.MappingNode {
		return
	}
	for j := 0; j+1 < len(substitutions.Content); j += 2 {
		name, value := substitutions.Content[j].Value, dereference(substitutions.Content[j+1])
		keys := []string{fieldSpec, "postBuild", fieldSubstitute, name}
		v.Set(name, text(value))
		v.set[name] = definition{kustomization, keys}
	}
}

func (v *variables) refuse(o *object, keys []string, message, fix string) {
	v.problems = append(v.problems, violation{rule: rollout.RuleBuildFailed, object: o, keys: keys, message: message, fix: fix})
}

// elements are those of a sequence.
func elements(node *yaml.Node) []*yaml.Node {
	node = dereference(node)
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// texts are the scalars of a sequence.
func texts(node *yaml.Node) []string {
	var all []string
	for _, element := range elements(node) {
		all = append(all, text(dereference(element)))
	}
	return all
}
