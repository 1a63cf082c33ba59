package planfile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A binder lays YAML nodes over the types of the format, and collects what does
// not fit.
type binder struct {
	file string
	errs Errors
}

func (b *binder) fail(at text, hint, format string, args ...any) {
	b.failAt(at.line, at.column, hint, format, args...)
}

func (b *binder) failAt(line, column int, hint, format string, args ...any) {
	b.errs = append(b.errs, &Error{
		File: b.file, Line: line, Column: column,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (b *binder) failNode(node *yaml.Node, hint, format string, args ...any) {
	b.failAt(node.Line, node.Column, hint, format, args...)
}

// refuseIndirection refuses what makes a node mean something else than what
// stands there. An alias can also make a small file unfold into an enormous
// one.
func (b *binder) refuseIndirection(node *yaml.Node) {
	switch {
	case node.Kind == yaml.AliasNode:
		b.failNode(node, "write the value out", "the alias *%s: a plan has no anchors and aliases", node.Value)
		return // node.Alias is seen where it is anchored
	case node.Anchor != "":
		b.failNode(node, "write the value out wherever it is meant", "the anchor &%s: a plan has no anchors and aliases", node.Anchor)
	case node.Style&yaml.TaggedStyle != 0:
		b.failNode(node, "leave the tag out; quote the value if it has to be text", "the tag %s: a plan has no YAML tags", quote(node.Tag))
	}
	for _, child := range node.Content {
		b.refuseIndirection(child)
	}
}

const emptyHint = "write down repository, source, ledger and stages"

func (b *binder) document(root *yaml.Node, doc *document) {
	if root.ShortTag() == "!!null" {
		b.failNode(root, emptyHint, "the plan is empty")
		return
	}
	b.value(root, reflect.ValueOf(doc).Elem(), "")
}

// value binds the node to the target, whose type is one of the format's. The
// path says where the node stands, such as stages[1].clusters[0]; the plan
// itself has none.
func (b *binder) value(node *yaml.Node, target reflect.Value, path string) {
	switch {
	case target.Type().ConvertibleTo(textType):
		b.text(node, target, path)
	case target.Type() == reflect.TypeFor[requiredHealth]():
		b.requiredHealth(node, target, path)
	case target.Type() == reflect.TypeFor[entryPoints]():
		b.perCluster(node, target, path, "the path of its entry point")
	case target.Type() == reflect.TypeFor[contextNames]():
		b.perCluster(node, target, path, "the name of its context")
	case target.Type() == reflect.TypeFor[ruleSettings]():
		b.rules(node, target, path)
	case target.Kind() == reflect.Slice:
		b.list(node, target, path)
	default:
		b.section(node, target, path)
	}
}

func (b *binder) text(node *yaml.Node, target reflect.Value, path string) {
	bound := text{value: node.Value, line: node.Line, column: node.Column, refused: true}
	switch tag := node.ShortTag(); {
	case node.Kind != yaml.ScalarNode:
		b.wrongKind(node, path, "one value", "write the value behind the colon")
	case tag == "!!null":
		b.failNode(node, "write a value, or remove the line", "%s is empty", path)
	case tag != "!!str" && !saysItself(target):
		b.failNode(node, "put the value in quotes", "%s is %s to YAML, and has to be text", path, article(tag))
	default:
		bound.refused = false
	}
	target.Set(reflect.ValueOf(bound).Convert(target.Type()))
}

// saysItself holds for texts whose own check says better what is missing from a
// number or, for dates, takes what YAML makes of one.
func saysItself(target reflect.Value) bool {
	switch target.Interface().(type) {
	case duration, date:
		return true
	}
	return false
}

// requiredHealth binds a mapping whose keys are clusters, and whose values are
// lists of contexts.
func (b *binder) requiredHealth(node *yaml.Node, target reflect.Value, path string) {
	const howTo = "write each cluster of the upstream stage on an indented line of its own, and its contexts behind it"
	const missing = "write at least one cluster of the upstream stage, and its contexts"
	var all requiredHealth
	b.mapping(node, path, howTo, missing, func(key text, value *yaml.Node, path string) {
		var contexts []glob
		b.value(value, reflect.ValueOf(&contexts).Elem(), path)
		all = append(all, clusterHealth{key, contexts})
	})
	target.Set(reflect.ValueOf(all))
}

// mapping binds each value of a mapping whose keys are the plan's own words.
func (b *binder) mapping(node *yaml.Node, path, howTo, missing string, bind func(key text, value *yaml.Node, path string)) {
	if node.Kind != yaml.MappingNode {
		b.wrongKind(node, path, "a mapping", howTo)
		return
	}
	if len(node.Content) == 0 {
		b.failNode(node, missing, "%s is an empty mapping", path)
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if b.isOnlyKey(key, lines, path) {
			bind(text{value: key.Value, line: key.Line, column: key.Column}, node.Content[i+1], join(path, quoteControls(key.Value)))
		}
	}
}

func (b *binder) list(node *yaml.Node, target reflect.Value, path string) {
	target.Set(reflect.MakeSlice(target.Type(), 0, 0)) // it is there, whatever it is
	if node.Kind != yaml.SequenceNode {
		b.wrongKind(node, path, "a list", "begin every item with a dash on a line of its own")
		return
	}
	if len(node.Content) == 0 {
		b.failNode(node, "write at least one item", "%s is an empty list", path)
	}
	items := reflect.MakeSlice(target.Type(), len(node.Content), len(node.Content))
	for i, child := range node.Content {
		b.value(child, items.Index(i), fmt.Sprintf("%s[%d]", path, i))
		mark(items.Index(i), child, child)
	}
	target.Set(items)
}

func (b *binder) section(node *yaml.Node, target reflect.Value, path string) {
	fields := fieldsOf(target.Type())
	if node.Kind != yaml.MappingNode {
		hint := "write its keys on indented lines of their own: " + strings.Join(fields.keys(), ", ")
		if node.Kind == yaml.SequenceNode && target.Type() == reflect.TypeFor[stageSection]() {
			hint = graphHint + "; write every stage as an item of the one list, in order"
		}
		b.wrongKind(node, path, "a mapping", hint)
		return
	}
	seen := map[string]int{} // the line of each key
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if b.isKey(key, fields, seen, path) {
			bound := target.FieldByIndex(fields[fields.index(key.Value)].field)
			b.value(value, bound, join(path, key.Value))
			mark(bound, key, value)
		}
	}
	for _, field := range fields {
		if _, ok := seen[field.key]; !ok && field.required {
			b.failNode(node, field.missingHint(), "%s has no %s", nameOf(path), field.key)
		}
	}
}

// mark gives a section that wants to know it its place: the key's, or its own
// in a list.
func mark(section reflect.Value, place, value *yaml.Node) {
	if section.Kind() != reflect.Struct {
		return
	}
	if at := section.FieldByName("At"); at.IsValid() {
		at.Set(reflect.ValueOf(text{line: place.Line, column: place.Column, refused: value.Kind != yaml.MappingNode}))
	}
}

// isKey reports whether the node is a key of the section, here for the first
// time.
func (b *binder) isKey(key *yaml.Node, fields fields, seen map[string]int, path string) bool {
	if !b.isOnlyKey(key, seen, path) {
		return false
	}
	if fields.index(key.Value) < 0 {
		b.unknownKey(key, fields, path)
		return false
	}
	return true
}

// isOnlyKey reports whether the node is a word, here for the first time.
func (b *binder) isOnlyKey(key *yaml.Node, seen map[string]int, path string) bool {
	if key.Kind != yaml.ScalarNode {
		b.failNode(key, "write a plain word before the colon", "a key of %s is not a word", nameOf(path))
		return false
	}
	if line, ok := seen[key.Value]; ok {
		b.failNode(key, "remove one of the two", "%s has %s twice; the first is on line %d", nameOf(path), quote(key.Value), line)
		return false
	}
	seen[key.Value] = key.Line
	return true
}

func (b *binder) unknownKey(key *yaml.Node, fields fields, path string) {
	hint := "its keys are " + strings.Join(fields.keys(), ", ")
	switch guess := nearest(key.Value, fields.keys()); {
	case key.Value == "<<":
		hint = "a plan has no merge keys; write the keys out"
	case ordersStages(path) && slices.Contains(graphKeys(), plainWord(key.Value)):
		hint = graphHint + "; put the stages in order and remove this key"
	case guess != "":
		hint = fmt.Sprintf("did you mean %s?", guess)
	}
	b.failNode(key, hint, "%s has no key %s", nameOf(path), quote(key.Value))
}

const graphHint = "the stages are a line: the upstream of a stage is the one before it in the list"

// ordersStages tells whether a key at a path could be meant to put stages in
// order: one of the plan, or of a stage.
func ordersStages(path string) bool {
	return path == "" || strings.HasPrefix(path, "stages[") && !strings.Contains(path, ".")
}

// graphKeys are what other tools call the edges of a graph, as plain words.
func graphKeys() []string {
	return []string{
		"upstream", "upstreams", "downstream", "downstreams", "from", "to", "parent", "parents", "child", "children",
		"need", "needs", "after", "before", "follows", "followedby", "requires", "requiredby",
		"depends", "dependson", "dependency", "dependencies", "dependents", "deps",
		"previous", "prev", "previousstage", "predecessor", "predecessors", "next", "nextstage", "successor", "successors",
		"promotefrom", "promotesfrom", "promotedfrom", "promoteto", "promotesto", "requestedfreight",
		"stages", "substages", "parallel", "edges", "graph", "waitfor", "waitsfor", "runafter", "input", "inputs", "output", "outputs",
	}
}

// plainWord is a key without what tools spell differently: dependsOn,
// depends_on and Depends-On are one word.
func plainWord(key string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(key))
}

func (b *binder) wrongKind(node *yaml.Node, path, want, hint string) {
	b.failNode(node, hint, "%s has to be %s, not %s", nameOf(path), want, article(node.ShortTag()))
}

// article names a YAML type in words.
func article(tag string) string {
	switch tag {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "one value"
}

func nameOf(path string) string {
	if path == "" {
		return "the plan"
	}
	return path
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// A field is a key of a section.
type field struct {
	key      string
	required bool
	kind     reflect.Kind
	// field is the index of the type's field.
	field []int
}

func (f field) missingHint() string {
	if f.kind == reflect.Slice {
		return fmt.Sprintf("add %s: and its items below", f.key)
	}
	return fmt.Sprintf("add the key %s", f.key)
}

// fields are the keys of a section, in the order of its type's fields.
type fields []field

func fieldsOf(section reflect.Type) fields {
	var all fields
	for _, f := range reflect.VisibleFields(section) {
		if key, options, _ := strings.Cut(f.Tag.Get("json"), ","); key != "-" {
			all = append(all, field{key: key, required: options != "omitempty", kind: f.Type.Kind(), field: f.Index})
		}
	}
	return all
}

func (f fields) keys() []string {
	keys := make([]string, len(f))
	for i, field := range f {
		keys[i] = field.key
	}
	return keys
}

// index returns -1 for a key that the section does not have.
func (f fields) index(key string) int {
	return slices.Index(f.keys(), key)
}

// nearest returns the one of the words that is most likely meant, or "" if none
// is close.
func nearest(word string, words []string) string {
	const (
		maxWord  = 30 // longer than any key: not a misspelt one
		maxEdits = 2
	)
	if len(word) > maxWord {
		return ""
	}
	best, bestEdits := "", maxEdits+1
	for _, candidate := range words {
		if edits := editDistance(strings.ToLower(word), candidate); edits < bestEdits && edits < len(candidate) {
			best, bestEdits = candidate, edits
		}
	}
	return best
}

// editDistance is Levenshtein's: how many bytes have to be added, removed or
// exchanged to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
