package hostiletest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest/hostile"
)

// seeds is how often each output shows each text.
const seeds = 3

// A showing is one drawing of one output.
type showing struct {
	name    string
	variant int
	seed    uint64
}

// TestHostileText: whatever somebody writes, it is text in every output, on every
// medium.
func TestHostileText(t *testing.T) {
	tame := shownOf(t, hostile.Tame())
	for _, text := range hostile.Texts() {
		t.Run(text.Name, func(t *testing.T) {
			t.Parallel()
			wild := shownOf(t, text)
			twins := tame
			if strings.TrimSpace(text.Text) == "" {
				twins = wild // what is empty is left out of many outputs
			}
			for at, drawn := range wild {
				for as := range drawn {
					for _, wrong := range rules[as](text.Text, twins[at], drawn) {
						t.Errorf("%s (%d) as %s, with the seed %d: %s", at.name, at.variant, as, at.seed, wrong)
					}
				}
			}
		})
	}
}

// shownOf is all that every output makes of a text.
func shownOf(t *testing.T, text hostile.Text) map[showing]drawing {
	t.Helper()
	all := map[showing]drawing{}
	for name, variants := range outputs {
		for variant, show := range variants {
			for seed := range uint64(seeds) {
				all[showing{name, variant, seed}] = show(t, newMaker(text.Text, seed))
			}
		}
	}
	return all
}

// shown are the packages of which every exported function is one that shows something,
// or one of which is said why it does not.
var shown = []string{"rollout/report", "rollout/report/board", "rollout/openmetrics", "magefiles/internal/watch"}

// TestEveryOutputIsTried: whoever adds a function that shows something has to try it.
func TestEveryOutputIsTried(t *testing.T) {
	known := map[string]bool{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(outputs)), slices.Collect(maps.Keys(silent))) {
		known[name] = true
	}
	for _, name := range exported(t) {
		if !known[name] {
			t.Errorf("%s is tried with no hostile text: add it to outputs, or to silent, with the reason", name)
		}
		delete(known, name)
	}
	for _, made := range []string{"report.Document", "wire.Exit"} { // no function of these packages
		delete(known, made)
	}
	for name := range known {
		t.Errorf("there is no %s any more", name)
	}
}

// media are the methods by which a document is shown: on the pages that a test has.
var media = []string{"Draw", "WriteMarkdown", "WriteText"}

// TestEveryMediumIsTried: a document is shown in no other way than those that are tried.
func TestEveryMediumIsTried(t *testing.T) {
	var found []string
	each(t, "rollout/report", func(f *ast.FuncDecl) {
		if f.Recv != nil && f.Name.IsExported() && takesWriter(f) {
			found = append(found, f.Name.Name)
		}
	})
	slices.Sort(found)
	if !slices.Equal(found, media) {
		t.Errorf("documents are shown by %q, and tried by %q", found, media)
	}
}

func takesWriter(f *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		s, ok := p.Type.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Writer"
	})
}

// exported are the functions that others can call.
func exported(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, dir := range shown {
		each(t, dir, func(f *ast.FuncDecl) {
			if f.Recv == nil && f.Name.IsExported() {
				names = append(names, filepath.Base(dir)+"."+f.Name.Name)
			}
		})
	}
	return names
}

// each does something with every function of a package, without those of its tests.
func each(t *testing.T, dir string, do func(*ast.FuncDecl)) {
	t.Helper()
	code := func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), filepath.Join("..", "..", "..", filepath.FromSlash(dir)), code, 0) //nolint:staticcheck // no build tags there
	if err != nil || len(packages) != 1 {
		t.Fatalf("%d packages in %s: %v", len(packages), dir, err)
	}
	for _, p := range packages {
		ast.Inspect(p, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok {
				do(f)
			}
			return true
		})
	}
}
