// Package substitute replaces the variables of built manifests, as
// kustomize-controller does after a build (fluxcd/pkg kustomize,
// SubstituteVariables), with one thing more: what nobody knows offline stays
// recognisable.
//
// # Model
//
// [Variables] are what the postBuild of a Flux Kustomization gives: its
// substituteFrom in order, and over it its substitute. A Secret, and whatever
// else is not in the tree, makes every variable unknown that nothing after it
// sets. [Variables.Expand] is Flux's own envsubst wherever all is known; an
// expression of an unknown variable becomes a mark, which [Unknown] finds in
// what came out and [Readable] writes as ${NAME} again.
//
// # Invariants
//
// A result without a mark is what Flux makes of the text, whatever the unknown
// variables are. Text of any kind gives a result or an error, in bounded time.
//
// # Concurrency
//
// Variables that are not being added to may be used from anywhere.
//
// # Not handled
//
// Flux's strict mode (the feature gate StrictPostBuildSubstitutions): a variable
// that nobody sets is empty here, as by default.
package substitute

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/fluxcd/pkg/envsubst/parse"
)

// Variables are the values that are known, and whether there may be others.
// The zero value knows nothing, and knows that there is nothing to know.
type Variables struct {
	values map[string]string
	open   bool
}

// Set gives a variable its value. Flux drops the line breaks of every value.
func (v *Variables) Set(name, value string) {
	if v.values == nil {
		v.values = map[string]string{}
	}
	v.values[name] = strings.ReplaceAll(value, "\n", "")
}

// Obscure says that a source of variables, such as a Secret, is not known: it may
// have set any variable, also one that was set before.
func (v *Variables) Obscure() {
	v.values, v.open = nil, true
}

// Empty tells whether there is nothing to substitute with. Flux leaves a
// manifest as it is then, unless its strategy is Always.
func (v *Variables) Empty() bool { return len(v.values) == 0 && !v.open }

// Key is the same for variables that expand everything alike.
func (v *Variables) Key() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.values)) {
		fmt.Fprintf(&b, "%q=%q,", name, v.values[name])
	}
	fmt.Fprint(&b, v.open)
	return b.String()
}

// validName is what Flux takes for the name of a variable.
var validName = regexp.MustCompile("^[_[:alpha:]][_[:alpha:][:digit:]]*$")

// Check returns the first name, in order, for which Flux refuses the whole
// build. It is empty where there is none.
func (v *Variables) Check() string {
	for _, name := range slices.Sorted(maps.Keys(v.values)) {
		if !validName.MatchString(name) {
			return name
		}
	}
	return ""
}

// The marks around the name of an unknown variable: two characters for private
// use, which YAML takes in a plain scalar and no manifest has.
const (
	opens  = "\ue000"
	closes = "\ue001"
)

// Unknown lists the unknown variables in what was expanded, each once, in
// order.
func Unknown(text string) []string {
	var names []string
	for {
		_, rest, found := strings.Cut(text, opens)
		if !found {
			slices.Sort(names)
			return slices.Compact(names)
		}
		var name string
		name, text, _ = strings.Cut(rest, closes)
		names = append(names, name)
	}
}

// IsKnown tells whether a text has no unknown variable in it.
func IsKnown(text string) bool { return !strings.Contains(text, opens) }

var readable = strings.NewReplacer(opens, "${", closes, "}")

// Readable writes the unknown variables of a text as people write them.
func Readable(text string) string { return readable.Replace(text) }

// Needed tells whether a text has anything that substitution changes.
func Needed(text string) bool {
	return strings.Contains(text, "${") || strings.Contains(text, "$$")
}

var (
	errTooMuch = errors.New("it would take too long to substitute, or get too large: no API server takes an object of more than a few megabytes")
	errTooDeep = fmt.Errorf("its expressions are nested more than %d deep", deepest)
	errMarked  = errors.New("it has characters for private use (U+E000, U+E001), which mark unknown variables here")
)

// Expand replaces the variables of a text. The error says what Flux's envsubst
// does not understand, or what would exhaust it.
func (v *Variables) Expand(text string) (expanded string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			expanded, err = "", fmt.Errorf("envsubst gave up on it: %v", cause)
		}
	}()
	switch {
	case !IsKnown(text):
		return "", errMarked
	case isTooDeep(text):
		return "", errTooDeep
	case v.mayExceed(text):
		return "", errTooMuch
	case !v.open:
		return envsubst.Eval(text, v.lookUp)
	}
	tree, err := parsed(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = v.write(&b, tree.Root)
	return b.String(), err
}

// Parse says what envsubst does not understand in a text, whatever the variables
// are, or what would exhaust it.
func Parse(text string) error {
	_, err := parsed(text)
	return err
}

func parsed(text string) (*parse.Tree, error) {
	if isTooDeep(text) {
		return nil, errTooDeep
	}
	return parse.Parse(text)
}

func (v *Variables) lookUp(name string) (string, bool) { return v.values[name], true }

// write expands a node of the parsed text. The expressions of known variables
// are left to envsubst, with arguments that are expanded already.
func (v *Variables) write(b *strings.Builder, node parse.Node) error {
	switch node := node.(type) {
	case *parse.TextNode:
		b.WriteString(node.Value)
	case *parse.ListNode:
		for _, child := range node.Nodes {
			if err := v.write(b, child); err != nil {
				return err
			}
		}
	case *parse.FuncNode:
		return v.apply(b, node)
	}
	return nil
}

func (v *Variables) apply(b *strings.Builder, node *parse.FuncNode) error {
	value, known := v.values[node.Param]
	if !known {
		b.WriteString(opens + node.Param + closes)
		return nil
	}
	given := map[string]string{"value": value}
	names := make([]string, len(node.Args))
	for i, arg := range node.Args {
		var text strings.Builder
		if err := v.write(&text, arg); err != nil {
			return err
		}
		names[i] = fmt.Sprintf("arg%d", i)
		given[names[i]] = text.String()
	}
	// What depends on an unknown argument is unknown, unless it only ends up
	// in the result: a pattern, a position.
	for i, name := range names {
		if !IsKnown(given[name]) && decides(node.Name, i) {
			b.WriteString(given[name])
			return nil
		}
	}
	out, err := envsubst.Eval(expression(node.Name, names), func(name string) (string, bool) { return given[name], true })
	b.WriteString(out)
	return err
}

// decides tells whether the argument of an operator decides what becomes of the
// value: the pattern of a replacement or of a removal, and the bounds of a
// substring.
func decides(operator string, arg int) bool {
	switch operator {
	case "/", "//", "/#", "/%":
		return arg == 0
	case "#", "##", "%", "%%", ":":
		return true
	default:
		return false
	}
}

// expression writes an expression of the variable `value` and of arguments that
// are variables.
func expression(operator string, args []string) string {
	written := make([]string, len(args))
	for i, arg := range args {
		written[i] = "${" + arg + "}"
	}
	switch operator {
	case "#":
		if len(args) == 0 {
			return "${#value}"
		}
		return "${value#" + written[0] + "}"
	case ":":
		return "${value:" + strings.Join(written, ":") + "}"
	case "/", "//", "/#", "/%":
		return "${value" + operator + written[0] + "/" + strings.Join(written[1:], "") + "}"
	default:
		return "${value" + operator + strings.Join(written, "") + "}"
	}
}
