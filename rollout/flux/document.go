package flux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What a file may ask for once its aliases are expanded: kustomize expands them
// all, so nine lines can ask for gigabytes, and its time grows with the square
// of the depth.
const (
	maxNodes = 1_000_000
	maxDepth = 500
)

var (
	errSelfAlias = errors.New("an anchor contains an alias of itself")
	errTooLarge  = fmt.Errorf("aliases expand it to more than %d nodes", maxNodes)
	errTooDeep   = fmt.Errorf("it is nested more than %d levels deep", maxDepth)
)

// errBlank is wrong with a file that kustomize takes for nothing to apply: what
// stood in it would be pruned from the cluster.
var errBlank = errors.New("the file is empty, and kustomize takes that for nothing to apply")

// isBlank tells whether a file has no text, not even a comment that would say
// that it is meant to have none.
func isBlank(content []byte) bool {
	return len(bytes.Trim(content, "-. \t\r\n")) == 0
}

// documents parses a file into one mapping or sequence a document; the
// elements of a `kind: List` stand for themselves, as kustomize reads them.
// Empty documents are left out. On a syntax error it returns the documents
// before it as well.
func documents(content []byte) ([]*yaml.Node, error) {
	var nodes []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nodes, err
		}
		if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
			continue
		}
		nodes = appendItems(nodes, document.Content[0])
	}
}

func appendItems(nodes []*yaml.Node, node *yaml.Node) []*yaml.Node {
	items := field(node, "items")
	if !strings.HasSuffix(text(field(node, "kind")), "List") || items == nil || items.Kind != yaml.SequenceNode {
		return append(nodes, node)
	}
	return append(nodes, items.Content...)
}

// checkBounds refuses what would exhaust the stack, the memory or the patience
// of whoever expands a file. Files that cannot be out of bounds are not parsed
// for it, and syntax errors are left to those who report them.
func checkBounds(content []byte) error {
	if !mayExpand(content) && !mayBeDeep(content) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	counted := expansion{}
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return nil // a syntax error is reported by the build, with its line
		}
		if _, err := counted.of(&document); err != nil {
			return err
		}
	}
}

func mayExpand(content []byte) bool {
	return bytes.IndexByte(content, '&') >= 0 && bytes.IndexByte(content, '*') >= 0
}

// deepIndent is how far the deepest line of a block is indented at the least:
// by one space a level.
var deepIndent = bytes.Repeat([]byte(" "), maxDepth/2)

// mayBeDeep tells whether a file has the indentation, the brackets or the
// compact sequences that nesting needs.
func mayBeDeep(content []byte) bool {
	return bytes.Contains(content, deepIndent) ||
		bytes.Count(content, []byte("["))+bytes.Count(content, []byte("{")) > maxDepth/4 ||
		bytes.Count(content, []byte("- ")) > maxDepth/4 && bytes.Contains(content, []byte("- - - - "))
}

// An extent is how many nodes a subtree has, and how deep it is, when its
// aliases are expanded.
type extent struct{ nodes, depth int }

// expansion is the extent of every node that was counted; it is zero for one
// whose counting is under way.
type expansion map[*yaml.Node]extent

func (e expansion) of(node *yaml.Node) (extent, error) {
	if counted, ok := e[node]; ok {
		if counted.nodes == 0 {
			return extent{}, errSelfAlias
		}
		return counted, nil
	}
	e[node] = extent{}
	children := node.Content
	if node.Kind == yaml.AliasNode {
		children = []*yaml.Node{node.Alias}
	}
	total := extent{nodes: 1}
	for _, child := range children {
		counted, err := e.of(child)
		if err != nil {
			return extent{}, err
		}
		total.nodes += counted.nodes
		total.depth = max(total.depth, counted.depth)
		if total.nodes > maxNodes {
			return extent{}, errTooLarge
		}
	}
	if total.depth++; total.depth > maxDepth {
		return extent{}, errTooDeep
	}
	e[node] = total
	return total, nil
}

// entry finds a key in a mapping: the last one, where a key is there twice; and
// the element of a sequence that a number counts. Both are nil where there is
// none. An alias is looked through.
func entry(node *yaml.Node, key string) (name, value *yaml.Node) {
	node = dereference(node)
	if node == nil || node.Kind == yaml.ScalarNode {
		return nil, nil
	}
	if node.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(node.Content) {
			return nil, nil
		}
		return node.Content[i], dereference(node.Content[i])
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			name, value = node.Content[i], node.Content[i+1]
		}
	}
	return name, dereference(value)
}

func dereference(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// field follows keys through mappings. It is nil where one is missing.
func field(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		_, node = entry(node, key)
	}
	return node
}

// isEmpty tells whether a field is missing, null, or an empty string, mapping
// or sequence: the API server cannot tell these apart.
func isEmpty(node *yaml.Node) bool {
	if node == nil || node.ShortTag() == "!!null" {
		return true
	}
	if node.Kind == yaml.ScalarNode {
		return node.Value == ""
	}
	return len(node.Content) == 0
}

// text is a scalar's value, and empty for everything else.
func text(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || node.ShortTag() == "!!null" {
		return ""
	}
	return node.Value
}

// isString tells whether a scalar is a string and not a number, a bool or a
// date that is written without quotes.
func isString(node *yaml.Node) bool {
	return node != nil && node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str"
}

// equalTrees tells whether two nodes say the same, however they are written.
func equalTrees(a, b *yaml.Node) bool {
	a, b = dereference(a), dereference(b)
	return a.Kind == b.Kind && a.Value == b.Value && a.ShortTag() == b.ShortTag() && slices.EqualFunc(a.Content, b.Content, equalTrees)
}

// lineOf is the line of the field that keys lead to, or of the deepest parent
// that is there.
func lineOf(node *yaml.Node, keys ...string) int {
	if node == nil {
		return 0
	}
	line := node.Line
	for _, key := range keys {
		var name *yaml.Node
		name, node = entry(node, key)
		if name == nil {
			break
		}
		line = name.Line
	}
	return line
}

// fingerprint is the same for nodes that say the same, however they are
// written.
func fingerprint(node *yaml.Node) string {
	var b strings.Builder
	writeFingerprint(&b, node)
	return b.String()
}

func writeFingerprint(b *strings.Builder, node *yaml.Node) {
	if node = dereference(node); node == nil {
		return
	}
	fmt.Fprintf(b, "%d%s%q[", node.Kind, node.ShortTag(), node.Value)
	for _, child := range node.Content {
		writeFingerprint(b, child)
	}
	b.WriteByte(']')
}
