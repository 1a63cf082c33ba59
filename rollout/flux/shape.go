package flux

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// A shape is what the API server takes for a field. Whoever applies an object with
// a field of another shape applies nothing at all.
type shape struct {
	// takes tells of a scalar whether it is one; nil is a list or a mapping. words
	// name it, and mend says what to write.
	takes       func(*yaml.Node) bool
	words, mend string
	// each is what is in a list, or in a mapping of any keys, and fields are those
	// of another mapping. Fields that are not there are of no interest.
	each   *shape
	list   bool
	fields map[string]shape
}

var (
	aText     = shape{takes: isString, words: "a text", mend: "write the value in quotes"}
	aBool     = shape{takes: func(node *yaml.Node) bool { return node.ShortTag() == "!!bool" }, words: "true or false", mend: "write true or false, without quotes"}
	aDuration = shape{takes: isDuration, words: "a duration", mend: "write a duration, such as 10m"}
	someTexts = listOf(aText)
	textByKey = shape{words: "a mapping", mend: "write a mapping", each: &aText}
	aSelector = mapping(texted("group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"))
)

func listOf(each shape) shape {
	return shape{words: "a list", mend: "write a list", list: true, each: &each}
}

func mapping(fields map[string]shape) shape {
	return shape{words: "a mapping", mend: "write a mapping", fields: fields}
}

// texted are fields that are all texts.
func texted(names ...string) map[string]shape {
	fields := map[string]shape{}
	for _, name := range names {
		fields[name] = aText
	}
	return fields
}

// with adds fields to others.
func with(fields map[string]shape, name string, s shape) map[string]shape {
	fields[name] = s
	return fields
}

// kustomizationShape is that of a Flux Kustomization (kustomize-controller's API,
// v1, KustomizationSpec). A test in the module oracle holds it against that.
var kustomizationShape = mapping(map[string]shape{fieldSpec: mapping(map[string]shape{
	"buildMetadata":           someTexts,
	"commonMetadata":          mapping(map[string]shape{"labels": textByKey, "annotations": textByKey}),
	"components":              someTexts,
	"decryption":              mapping(with(texted("provider", "serviceAccountName"), "secretRef", mapping(texted(fieldName)))),
	"deletionPolicy":          aText,
	"dependsOn":               listOf(mapping(texted(fieldName, fieldNamespace, "readyExpr"))),
	"force":                   aBool,
	"healthCheckExprs":        listOf(mapping(texted("apiVersion", "kind", "current", "inProgress", "failed"))),
	"healthChecks":            listOf(mapping(texted("apiVersion", "kind", fieldName, fieldNamespace))),
	"ignore":                  listOf(mapping(map[string]shape{"paths": someTexts, "target": aSelector})),
	"ignoreMissingComponents": aBool,
	"images":                  listOf(mapping(texted(fieldName, "newName", "newTag", "digest"))),
	"interval":                aDuration,
	"kubeConfig":              mapping(map[string]shape{"secretRef": mapping(texted(fieldName, "key")), "configMapRef": mapping(texted(fieldName))}),
	"namePrefix":              aText,
	"nameSuffix":              aText,
	"patches":                 listOf(mapping(with(texted("patch"), "target", aSelector))),
	fieldPath:                 aText,
	"postBuild": mapping(map[string]shape{
		fieldSubstitute:      textByKey,
		"substituteFrom":     listOf(mapping(with(texted("kind", fieldName), "optional", aBool))),
		"substituteStrategy": aText,
	}),
	"prune":              aBool,
	"retryInterval":      aDuration,
	"serviceAccountName": aText,
	fieldSourceRef:       mapping(texted("apiVersion", "kind", fieldName, fieldNamespace)),
	"suspend":            aBool,
	"targetNamespace":    aText,
	"timeout":            aDuration,
	"wait":               aBool,
})})

var duration = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

func isDuration(node *yaml.Node) bool { return isString(node) && duration.MatchString(node.Value) }

// A misfit is a field of the wrong shape.
type misfit struct {
	keys  []string
	value *yaml.Node
	shape shape
}

// misfits finds the fields below a node that do not fit. What nobody knows may fit,
// and null is a field that is not set.
func (s shape) misfits(node *yaml.Node, keys []string) []misfit {
	node = dereference(node)
	if node == nil || node.ShortTag() == "!!null" {
		return nil
	}
	if node.Kind == yaml.ScalarNode && hasVariable(node.Value) {
		return nil
	}
	if !s.fits(node) {
		return []misfit{{slices.Clone(keys), node, s}}
	}
	var all []misfit
	switch node.Kind {
	case yaml.SequenceNode:
		for i, element := range node.Content {
			all = append(all, s.each.misfits(element, append(keys, strconv.Itoa(i)))...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if of, ok := s.field(node.Content[i].Value); ok {
				all = append(all, of.misfits(node.Content[i+1], append(keys, node.Content[i].Value))...)
			}
		}
	}
	return all
}

func (s shape) fits(node *yaml.Node) bool {
	switch node.Kind {
	case yaml.SequenceNode:
		return s.list
	case yaml.MappingNode:
		return s.takes == nil && !s.list
	default:
		return s.takes != nil && s.takes(node)
	}
}

func (s shape) field(name string) (shape, bool) {
	if s.each != nil {
		return *s.each, true
	}
	of, ok := s.fields[name]
	return of, ok
}

// refusals are why the API server refuses a Flux Kustomization.
func refusals(kustomization *object) []violation {
	var all []violation
	for _, m := range kustomizationShape.misfits(kustomization.node, nil) {
		all = append(all, violation{
			rule: rollout.RuleBuildFailed, object: kustomization, keys: m.keys,
			message: fmt.Sprintf("%s of %s is %s, and the API server only takes %s: it refuses the Kustomization, and all that is applied with it",
				dotted(m.keys), kustomization, describe(m.value), m.shape.words),
			fix: m.shape.mend,
		})
	}
	return all
}

// dotted writes keys as people do: spec.patches[0].target.
func dotted(keys []string) string {
	written := ""
	for i, key := range keys {
		switch _, err := strconv.Atoi(key); {
		case err == nil && i > 0:
			written += "[" + key + "]"
		case i > 0:
			written += "." + key
		default:
			written = key
		}
	}
	return written
}
