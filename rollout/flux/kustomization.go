package flux

import (
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// A kustomization is a kustomization file: as it is written, and as kustomize
// is given it, with what a Flux Kustomization adds.
type kustomization struct {
	file, dir        string
	written, content []byte
	spec             types.Kustomization
	// generated are the resources of one that Flux generates, for want of a
	// file; nil where there is one.
	generated []string
	// overlay is what a Flux Kustomization adds, and base what it is added to.
	overlay overlay
	base    base
	// plugin tells that its objects configure plugins: it was reached through
	// generators, transformers or validators.
	plugin bool
	// parsed is what is written, once a line of it was asked for: by whichever of
	// the clusters that share it has something wrong first.
	parsing sync.Once
	parsed  *yaml.Node
}

// node is the kustomization as it is written. It is parsed when a line of it
// is asked for, which is only where something is wrong.
func (k *kustomization) node() *yaml.Node {
	k.parsing.Do(func() {
		nodes, _ := documents(k.written)
		k.parsed = append(nodes, &yaml.Node{})[0]
	})
	return k.parsed
}

// at finds the place of the field that keys lead to: strings are keys of
// mappings, in any case as kustomize reads them, ints are indexes of
// sequences. It is the deepest parent where a key is missing.
func (k *kustomization) at(keys ...any) locus {
	return func() place { return k.find(keys) }
}

func (k *kustomization) find(keys []any) place {
	if added, ok := k.overlay.keysOf(k.base, keys); ok {
		return place{spec: added}
	}
	if k.generated != nil {
		return place{file: k.dir}
	}
	node := k.node()
	found := place{file: k.file, line: 1}
	for _, key := range keys {
		var name *yaml.Node
		if name, node = step(node, key); name == nil {
			break
		}
		found.line = name.Line
	}
	return found
}

// descend is the node that keys lead to, and nil where one is missing.
func (k *kustomization) descend(keys []any) *yaml.Node {
	node := k.node()
	for _, key := range keys {
		_, node = step(node, key)
	}
	return node
}

// step goes one key down: it returns the node that carries the line, and the
// one that it leads to.
func step(node *yaml.Node, key any) (name, value *yaml.Node) {
	if node = dereference(node); node == nil {
		return nil, nil
	}
	switch key := key.(type) {
	case string:
		return entryFold(node, key)
	case int:
		if node.Kind == yaml.SequenceNode && key < len(node.Content) {
			return node.Content[key], node.Content[key]
		}
	}
	return nil, nil
}

// entryFold is entry for the keys of a kustomization, which kustomize compares
// without regard to case.
func entryFold(node *yaml.Node, key string) (name, value *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if strings.EqualFold(node.Content[i].Value, key) {
			name, value = node.Content[i], node.Content[i+1]
		}
	}
	return name, value
}
