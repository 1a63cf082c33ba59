package flux

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A defect is something in an object that kustomize builds, and that cannot be
// written as JSON, which is what the API server gets: Flux applies nothing of the
// directory then.
type defect struct {
	node       *yaml.Node
	says, mend string
}

// defectOf finds the first defect of an object, at any depth, or nil.
func defectOf(node *yaml.Node) *defect {
	switch node.Kind {
	case yaml.MappingNode:
		if found := defectOfKeys(node.Content); found != nil {
			return found
		}
	case yaml.ScalarNode:
		if node.Tag == "!!float" && isInfinite(node.Value) {
			return &defect{node, fmt.Sprintf("has the number %s, which JSON has not", node.Value), "write a text, in quotes, or another number"}
		}
	}
	for _, child := range node.Content {
		if found := defectOf(child); found != nil {
			return found
		}
	}
	return nil
}

// isInfinite tells of a float whether it is none of the finite ones.
func isInfinite(value string) bool {
	value = strings.ToLower(value)
	return strings.HasSuffix(value, ".inf") || value == ".nan"
}

func defectOfKeys(content []*yaml.Node) *defect {
	if repeated := repeatedIn(content); repeated != nil {
		return &defect{repeated, fmt.Sprintf("has the key %s twice in one mapping", repeated.Value), "keep one of the two"}
	}
	for i := 0; i < len(content); i += 2 {
		if key := content[i]; key.Tag != "!!str" && !isKey(key) {
			return &defect{key, "has " + describe(key) + " for a key in a mapping, and a key has to be a text", "write the key in quotes"}
		}
	}
	return nil
}

// isKey tells whether a node can be a key of an object.
func isKey(node *yaml.Node) bool {
	node = dereference(node)
	tag := node.ShortTag()
	return node.Kind == yaml.ScalarNode && (tag == "!!str" || tag == "!!merge")
}

// fewKeys is up to which size a mapping is searched faster without a map.
const fewKeys = 16

func repeatedIn(content []*yaml.Node) *yaml.Node {
	if len(content) <= 2*fewKeys {
		for i := 2; i < len(content); i += 2 {
			for j := 0; j < i; j += 2 {
				if content[i].Value == content[j].Value && content[i].Kind == yaml.ScalarNode {
					return content[i]
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(content)/2)
	for i := 0; i < len(content); i += 2 {
		if seen[content[i].Value] && content[i].Kind == yaml.ScalarNode {
			return content[i]
		}
		seen[content[i].Value] = true
	}
	return nil
}
