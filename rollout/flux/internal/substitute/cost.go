package substitute

import (
	"strings"

	"github.com/fluxcd/pkg/envsubst/parse"
)

// The bounds of what an expansion may take. No API server takes an object that is
// nearly as large.
const (
	mostSize = 1 << 24
	mostWork = 1 << 32
)

// deepest is how deep expressions may be nested: the parser of envsubst calls
// itself for each level.
const deepest = 10_000

// isTooDeep tells whether expressions are nested beyond the bound.
func isTooDeep(text string) bool {
	if strings.Count(text, "${") <= deepest {
		return false
	}
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch {
		case text[i] == '$' && text[i+1] == '{':
			depth++
		case text[i] == '}' && depth > 0:
			depth--
		}
		if depth > deepest {
			return true
		}
	}
	return false
}

// mayExceed tells whether an expansion could exceed the bounds, before anything is
// expanded. A replacement can make a gigabyte of two values of a ConfigMap, and
// envsubst looks for a pattern in all beginnings of a value.
func (v *Variables) mayExceed(text string) bool {
	if strings.Count(text, "$$")*len(text) > mostWork {
		return true // for each $$, its scanner moves the whole text
	}
	longest := 0
	for _, value := range v.values {
		longest = max(longest, len(value))
	}
	if expressions := strings.Count(text, "${"); expressions*longest*(longest+len(text)) < mostSize {
		return len(text) > mostSize
	}
	tree, err := parsed(text)
	if err != nil {
		return false // which is said in its place
	}
	c := v.costOf(tree.Root)
	return c.size > mostSize || c.work > mostWork
}

// A cost is how large what is expanded can get, and how many bytes are looked at
// for it, at most.
type cost struct{ size, work int }

// ceiling is where counting ends.
const ceiling = 1 << 40

func (c cost) plus(other cost) cost {
	return cost{min(c.size+other.size, ceiling), min(c.work+other.work, ceiling)}
}

func (v *Variables) costOf(node parse.Node) cost {
	var total cost
	switch node := node.(type) {
	case *parse.TextNode:
		total.size = len(node.Value)
	case *parse.ListNode:
		for _, child := range node.Nodes {
			total = total.plus(v.costOf(child))
		}
	case *parse.FuncNode:
		total = v.costOfFunc(node)
	}
	return total
}

func (v *Variables) costOfFunc(node *parse.FuncNode) cost {
	value := len(v.values[node.Param])
	var args cost
	longest := 0
	for _, arg := range node.Args {
		of := v.costOf(arg)
		args, longest = args.plus(of), max(longest, of.size)
	}
	total := cost{value, value}.plus(args)
	switch node.Name {
	case "//":
		total.size = times(value+1, longest+1)
	case "#", "##", "%", "%%":
		total.work = min(total.work+times(times(value, value), longest), ceiling)
	}
	return total
}

// times multiplies up to the ceiling.
func times(a, b int) int {
	if a > 0 && b > ceiling/a {
		return ceiling
	}
	return a * b
}
