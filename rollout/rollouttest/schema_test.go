package rollouttest

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/monosense/k8s-ops/rollout/rollouttest/internal/npm"
)

// TestSchemaIsGitHubs: everything in the stand-in's schema is in GitHub's, with
// the same types, nullability and defaults.
func TestSchemaIsGitHubs(t *testing.T) {
	text, err := npm.GraphQL.File(t.Context(), "schema.graphql")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("GitHub's GraphQL schema is missing: %v", err)
	}
	if err != nil {
		t.Skipf("GitHub's GraphQL schema is missing: %v", err)
	}
	theirs, err := parser.ParseSchema(&ast.Source{Name: "GitHub's schema", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := parser.ParseSchema(&ast.Source{Name: "schema.graphql", Input: schemaSource})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ours.Definitions {
		there := theirs.Definitions.ForName(d.Name)
		if there == nil || there.Kind != d.Kind {
			t.Errorf("GitHub has no %s %s", d.Kind, d.Name)
			continue
		}
		for _, name := range d.Interfaces {
			if !slices.Contains(there.Interfaces, name) {
				t.Errorf("GitHub's %s is no %s", d.Name, name)
			}
		}
		for _, f := range d.Fields {
			compareFields(t, d.Name, f, there.Fields.ForName(f.Name))
		}
		for _, v := range d.EnumValues {
			if there.EnumValues.ForName(v.Name) == nil {
				t.Errorf("GitHub's %s has no %s", d.Name, v.Name)
			}
		}
		if d.Kind == ast.InputObject && len(d.Fields) != len(there.Fields) {
			t.Errorf("GitHub's %s has %d keys, not %d", d.Name, len(there.Fields), len(d.Fields))
		}
	}
}

// compareFields compares a field with GitHub's: all of its arguments have to be
// there, as an argument that is missing would be an unknown request.
func compareFields(t *testing.T, typeName string, ours, theirs *ast.FieldDefinition) {
	t.Helper()
	if theirs == nil {
		t.Errorf("GitHub has no %s.%s", typeName, ours.Name)
		return
	}
	// FieldDefinition's default is that of an input's key.
	if ours.Type.String() != theirs.Type.String() || fmt.Sprint(ours.DefaultValue) != fmt.Sprint(theirs.DefaultValue) {
		t.Errorf("%s.%s is %s = %v, GitHub's is %s = %v", typeName, ours.Name, ours.Type, ours.DefaultValue, theirs.Type, theirs.DefaultValue)
	}
	for _, a := range ours.Arguments {
		there := theirs.Arguments.ForName(a.Name)
		if there == nil || a.Type.String() != there.Type.String() || fmt.Sprint(a.DefaultValue) != fmt.Sprint(there.DefaultValue) {
			t.Errorf("%s.%s(%s) is not GitHub's", typeName, ours.Name, a.Name)
		}
	}
	if len(ours.Arguments) != len(theirs.Arguments) {
		t.Errorf("%s.%s has %d arguments, GitHub's has %d", typeName, ours.Name, len(ours.Arguments), len(theirs.Arguments))
	}
}
