package doctest

import (
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// workflow is what is read of a workflow.
type workflow struct {
	RunName string `yaml:"run-name"`
	On      struct {
		Dispatch struct{ Inputs map[string]any } `yaml:"workflow_dispatch"`
		Call     struct{ Inputs map[string]any } `yaml:"workflow_call"`
	}
	Jobs map[string]struct {
		Uses        string
		With        map[string]string
		Permissions map[string]string
	}
}

// The workflow that the README gives to other repositories fits the one that
// it calls.
func TestWorkflowOfTheReadmeFits(t *testing.T) {
	var caller, called workflow
	if err := yaml.Unmarshal([]byte(readmeBlock(t, "yaml", "workflow_dispatch")), &caller); err != nil {
		t.Fatal(err)
	}
	readYAML(t, ".github/workflows/release-promote.yaml", &called)
	const uses = "monosense/k8s-ops/.github/workflows/release-promote.yaml@"
	job := caller.Jobs["promote"]
	if !strings.HasPrefix(job.Uses, uses) {
		t.Errorf("it uses %s, want %s…", job.Uses, uses)
	}
	if caller.RunName != called.RunName {
		t.Errorf("an override cannot find its run: the run-name is %s, want %s", caller.RunName, called.RunName)
	}
	inputs := slices.Sorted(maps.Keys(called.On.Dispatch.Inputs))
	if diff := cmp.Diff(inputs, slices.Sorted(maps.Keys(caller.On.Dispatch.Inputs))); diff != "" {
		t.Errorf("inputs of the dispatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(inputs, slices.Sorted(maps.Keys(job.With))); diff != "" {
		t.Errorf("inputs that are passed on (-want +got):\n%s", diff)
	}
	for name := range job.With {
		if _, ok := called.On.Call.Inputs[name]; !ok {
			t.Errorf("the workflow that is called has no input %s", name)
		}
	}
	if diff := cmp.Diff(called.Jobs["promote"].Permissions, job.Permissions); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
}

func TestMagefileOfTheReadmeImportsTargets(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "magefile.go", readmeBlock(t, "go", "//mage:import"), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Imports) == 0 {
		t.Error("it imports nothing")
	}
	for _, spec := range file.Imports {
		if len(functions(t, importPath(t, spec))) == 0 {
			t.Errorf("%s has no targets", spec.Path.Value)
		}
	}
}
