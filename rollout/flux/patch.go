package flux

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// A patch is a strategic merge or JSON 6902 patch, where it is written.
type patch struct {
	// file holds it, and offset is how many lines of the file stand before it.
	file   string
	offset int
	// spec leads to it in the Flux Kustomization that applies the directory,
	// where it stands there.
	spec []string
	node *yaml.Node
	// target is nil for a strategic merge patch that names its object itself.
	target *types.Selector
}

func (p patch) at(line int) place {
	if p.spec != nil {
		return place{spec: p.spec}
	}
	return place{file: p.file, line: p.offset + line}
}

// patches are those of a kustomization, in the order in which kustomize
// applies them (configureBuiltinTransformers in api/internal/target).
func (s *survey) patches(k *kustomization) []patch {
	var found []patch
	for i, written := range k.spec.PatchesStrategicMerge {
		if strings.Contains(string(written), "\n") {
			found = append(found, k.inline(nil, "patchesStrategicMerge", i)...)
		} else {
			found = append(found, s.patchFile(k.dir, string(written), nil)...)
		}
	}
	for _, list := range []struct {
		key     string
		patches []types.Patch
	}{{"patches", k.spec.Patches}, {"patchesJson6902", k.spec.PatchesJson6902}} {
		for i, written := range list.patches {
			if spec, ok := k.overlay.keysOf(k.base, []any{list.key, i, "patch"}); ok {
				found = append(found, added(written, spec)...)
			} else if written.Path != "" {
				found = append(found, s.patchFile(k.dir, written.Path, written.Target)...)
			} else {
				found = append(found, k.inline(written.Target, list.key, i, "patch")...)
			}
		}
	}
	for i, written := range slices.Concat(k.spec.Transformers, k.pluginResources()) {
		configs := s.patchFile(k.dir, written, nil)
		if strings.ContainsAny(written, "\n{") {
			configs = k.inline(nil, "transformers", i)
		}
		for _, config := range configs {
			found = append(found, s.configured(k.dir, config)...)
		}
	}
	return found
}

// added reads a patch that a Flux Kustomization adds.
func added(written types.Patch, spec []string) []patch {
	patches := parsePatches("", 0, []byte(written.Patch), written.Target)
	for i := range patches {
		patches[i].spec = spec
	}
	return patches
}

// pluginResources are the resources of a kustomization whose objects configure
// plugins.
func (k *kustomization) pluginResources() []string {
	if !k.plugin {
		return nil
	}
	return k.spec.Resources
}

// inline reads a patch that is the text of a field.
func (k *kustomization) inline(target *types.Selector, keys ...any) []patch {
	return embedded(k.file, 0, k.descend(keys), target)
}

// embedded reads the patches in a scalar. The text of a block scalar starts on
// the line below its indicator.
func embedded(file string, offset int, scalar *yaml.Node, target *types.Selector) []patch {
	if scalar == nil || scalar.Kind != yaml.ScalarNode {
		return nil
	}
	offset += scalar.Line - 1
	if scalar.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		offset++
	}
	return parsePatches(file, offset, []byte(scalar.Value), target)
}

func (s *survey) patchFile(dir, written string, target *types.Selector) []patch {
	name, ok := joinLocal(dir, written)
	if !ok {
		return nil
	}
	content, err := s.tree.read(name)
	if err != nil {
		return nil
	}
	return parsePatches(name, 0, content, target)
}

func parsePatches(file string, offset int, content []byte, target *types.Selector) []patch {
	if checkBounds(content) != nil {
		return nil
	}
	nodes, _ := documents(content)
	patches := make([]patch, len(nodes))
	for i, node := range nodes {
		patches[i] = patch{file: file, offset: offset, node: node, target: target}
	}
	return patches
}

// configured reads the patches that a transformer's configuration holds or
// names.
func (s *survey) configured(dir string, config patch) []patch {
	var target *types.Selector
	if selector := field(config.node, "target"); selector != nil {
		target = &types.Selector{}
		target.Kind, target.Group = text(field(selector, "kind")), text(field(selector, "group"))
		target.Name, target.Namespace = text(field(selector, "name")), text(field(selector, "namespace"))
	}
	var found []patch
	for _, key := range []string{"patch", "patches", "jsonOp"} {
		found = append(found, embedded(config.file, config.offset, field(config.node, key), target)...)
	}
	if written := text(field(config.node, "path")); written != "" {
		found = append(found, s.patchFile(dir, written, target)...)
	}
	if paths := field(config.node, "paths"); paths != nil {
		for _, written := range paths.Content {
			found = append(found, s.patchFile(dir, text(written), target)...)
		}
	}
	return found
}

// patchFor finds the patch that names an object which is not there.
func (s *survey) patchFor(wanted id) (place, bool) {
	for _, k := range s.order {
		for _, p := range s.patches(k) {
			if text(field(p.node, "kind")) == wanted.kind && text(field(p.node, fieldMetadata, fieldName)) == wanted.name {
				return p.at(lineOf(p.node, fieldMetadata, fieldName)), true
			}
		}
	}
	return place{}, false
}

// selects tells whether a patch can be of an object. Label selectors are taken
// to match: the patch has to set the object's value as well.
func (p patch) selects(o *manifest) bool {
	if p.target == nil {
		return text(field(p.node, "kind")) == o.kind && strings.Contains(o.name, text(field(p.node, fieldMetadata, fieldName)))
	}
	return matches(p.target.Kind, o.kind) && matches(p.target.Group, o.group) &&
		matches(p.target.Name, o.name) && matches(p.target.Namespace, o.namespace)
}

// matches compares as kustomize's selectors do: an anchored regular
// expression, and an empty one matches everything.
func matches(pattern, value string) bool {
	if pattern == "" {
		return true
	}
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && expression.MatchString(value)
}

// sets finds the line at which a patch gives a field its value; value is nil
// for a field that the built object has not, which a patch then removes.
func (p patch) sets(keys []string, value *yaml.Node) (int, bool) {
	if p.node.Kind == yaml.SequenceNode {
		return setsJSON(p.node, keys, value)
	}
	return setsMerge(p.node, keys, value)
}

func setsMerge(node *yaml.Node, keys []string, value *yaml.Node) (int, bool) {
	for i, key := range keys {
		if directive, _ := entry(node, "$patch"); directive != nil && i > 0 && value == nil {
			return directive.Line, true
		}
		name, child := entry(node, key)
		if name == nil {
			return 0, false
		}
		if child.ShortTag() == "!!null" {
			return name.Line, value == nil
		}
		if i == len(keys)-1 {
			return name.Line, equal(child, value)
		}
		node = child
	}
	return 0, false
}

func setsJSON(operations *yaml.Node, keys []string, value *yaml.Node) (int, bool) {
	for _, operation := range slices.Backward(operations.Content) {
		operation = dereference(operation)
		pointer := strings.Split(strings.Trim(text(field(operation, "path")), "/"), "/")
		if len(pointer) > len(keys) || !slices.Equal(pointer, keys[:len(pointer)]) {
			continue
		}
		rest := keys[len(pointer):]
		name, given := entry(operation, "value")
		switch {
		case text(field(operation, "op")) == "remove":
			if value == nil {
				return lineOf(operation, "path"), true
			}
		case name == nil: // copy and move
			return lineOf(operation, "path"), true
		case len(rest) == 0:
			if equal(given, value) {
				return name.Line, true
			}
		default:
			if found := field(given, rest...); found != nil && equal(found, value) || found == nil && value == nil {
				return max(name.Line, lineOf(given, rest...)), true
			}
		}
	}
	return 0, false
}

// equal compares scalars; a mapping or a sequence is merged, so a patch of any
// part of it counts.
func equal(given, value *yaml.Node) bool {
	if value == nil {
		return given == nil || isEmpty(given)
	}
	if given == nil || given.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
		return given != nil && given.Kind == value.Kind
	}
	if given.Value == value.Value {
		return true
	}
	// kustomize writes numbers in their shortest form.
	a, errA := strconv.ParseFloat(given.Value, 64)
	b, errB := strconv.ParseFloat(value.Value, 64)
	return errA == nil && errB == nil && a == b
}
