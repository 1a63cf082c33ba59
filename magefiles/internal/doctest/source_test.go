package doctest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const module = "github.com/monosense/k8s-ops/"

// mageTargets are the flags of every target, by the target's name as it is
// typed: release:promote.
func mageTargets(t *testing.T) map[string][]string {
	t.Helper()
	targets := map[string][]string{}
	for _, spec := range parseFile(t, "magefiles/magefile.go").Imports {
		if spec.Doc == nil {
			continue
		}
		namespace, isTarget := strings.CutPrefix(spec.Doc.List[0].Text, "//mage:import")
		if !isTarget {
			continue
		}
		for name, flags := range functions(t, importPath(t, spec)) {
			if namespace = strings.TrimSpace(namespace); namespace != "" {
				name = namespace + ":" + name
			}
			targets[name] = flags
		}
	}
	if len(targets) == 0 {
		t.Fatal("no Mage targets found")
	}
	return targets
}

// importPath is the directory of an imported package, below the root.
func importPath(t *testing.T, spec *ast.ImportSpec) string {
	t.Helper()
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		t.Fatal(err)
	}
	dir, ok := strings.CutPrefix(imported, module)
	if !ok {
		t.Fatalf("%s is not of this module", imported)
	}
	return dir
}

// functions are the targets of one package, and their flags: optional
// arguments are pointers.
func functions(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files (%v)", dir, err)
	}
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, declaration := range parseFile(t, path.Join(dir, filepath.Base(file))).Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			found[strings.ToLower(f.Name.Name[:1])+f.Name.Name[1:]] = flags(f)
		}
	}
	return found
}

func flags(f *ast.FuncDecl) []string {
	names := []string{}
	for _, field := range f.Type.Params.List {
		if _, optional := field.Type.(*ast.StarExpr); !optional {
			continue
		}
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

func parseFile(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// constants are the values, as they are written, of a file's constants whose
// names begin with a prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	var values []string
	for _, declaration := range parseFile(t, file).Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok || general.Tok != token.CONST {
			continue
		}
		for _, spec := range general.Specs {
			value := spec.(*ast.ValueSpec) // the language's grammar
			for i, name := range value.Names {
				literal, ok := value.Values[i].(*ast.BasicLit)
				if ok && strings.HasPrefix(name.Name, prefix) {
					values = append(values, strings.Trim(literal.Value, `"`))
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s has no constants %s…", file, prefix)
	}
	return values
}

// taskfile is what is read of a Taskfile.
type taskfile struct {
	Includes map[string]string
	Tasks    map[string]struct {
		Env map[string]struct{ Ref string }
	}
}

// tasks are the variables of every task, by its name.
func tasks(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	add := func(namespace string, file taskfile) {
		for name, task := range file.Tasks {
			if namespace != "" {
				name = namespace + ":" + name
			}
			all[name] = []string{}
			for _, value := range task.Env {
				all[name] = append(all[name], strings.TrimPrefix(value.Ref, "."))
			}
		}
	}
	var main taskfile
	readYAML(t, "Taskfile.yaml", &main)
	add("", main)
	for namespace, dir := range main.Includes {
		var included taskfile
		readYAML(t, path.Join(dir, "Taskfile.yaml"), &included)
		add(namespace, included)
	}
	return all
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// schema is what is read of a JSON schema.
type schema struct {
	Properties map[string]*schema
	Items      *schema
}

// planKeys are the keys of the plan: source.name, stages[].soak.
func planKeys(t *testing.T) []string {
	t.Helper()
	var plan schema
	if err := json.Unmarshal([]byte(readFile(t, "rollout/planfile/rollout.schema.json")), &plan); err != nil {
		t.Fatal(err)
	}
	return plan.keys("")
}

func (s *schema) keys(prefix string) []string {
	if s.Items != nil {
		return s.Items.keys(strings.TrimSuffix(prefix, ".") + "[].")
	}
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		keys = append(keys, prefix+name)
		keys = append(keys, s.Properties[name].keys(prefix+name+".")...)
	}
	return keys
}
