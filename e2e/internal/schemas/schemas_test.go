package schemas

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func parse(t *testing.T, text string) schema {
	t.Helper()
	var parsed schema
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestClosedRefusesWhatIsNotNamed(t *testing.T) {
	for name, test := range map[string]struct{ open, closed string }{
		"named":     {`{"properties": {"a": {}}}`, `{"properties": {"a": {}}, "additionalProperties": false}`},
		"below":     {`{"items": {"properties": {}}}`, `{"items": {"properties": {}, "additionalProperties": false}}`},
		"in a map":  {`{"additionalProperties": {"properties": {}}}`, `{"additionalProperties": {"properties": {}, "additionalProperties": false}}`},
		"any name":  {`{"type": "object"}`, `{"type": "object"}`},
		"kept":      {`{"properties": {}, "x-kubernetes-preserve-unknown-fields": true}`, `{"properties": {}, "x-kubernetes-preserve-unknown-fields": true}`},
		"more":      {`{"properties": {}, "additionalProperties": true}`, `{"properties": {}, "additionalProperties": true}`},
		"by a rule": {`{"oneOf": [{"properties": {"a": {}}}]}`, `{"oneOf": [{"properties": {"a": {}}}]}`},
		"a property of that name": {
			`{"properties": {"properties": {"type": "object"}}}`,
			`{"properties": {"properties": {"type": "object"}}, "additionalProperties": false}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := parse(t, test.open)
			closed(got)
			if want := parse(t, test.closed); !reflect.DeepEqual(got, want) {
				t.Errorf("%s becomes %v, want %v", test.open, got, want)
			}
		})
	}
}

// TestFilesAreWhereTheyAreLookedFor: a file for each kind and version that is
// served, those of the core group under their version.
func TestFilesAreWhereTheyAreLookedFor(t *testing.T) {
	dir := t.TempDir()
	definition := &unstructured.Unstructured{Object: parse(t, `{"metadata": {"name": "gadgets.example.com"}, "spec": {
		"group": "example.com", "names": {"kind": "Gadget"}, "versions": [
			{"name": "v1", "served": true, "schema": {"openAPIV3Schema": {"properties": {"metadata": {"type": "object"}}}}},
			{"name": "v1alpha1", "served": false}
	]}}`)}
	description := `{"definitions": {"io.k8s.api.core.v1.Service": {"properties": {},
		"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Service"}]}}}`
	if err := Write(dir, []byte(description), []*unstructured.Unstructured{definition}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"v1/service_v1.json": true, "example.com/gadget_v1.json": true, "example.com/gadget_v1alpha1.json": false, common: true,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}

func TestDefinitionsWithoutASchemaAreAnError(t *testing.T) {
	definition := &unstructured.Unstructured{Object: parse(t, `{"metadata": {"name": "gadgets.example.com"}, "spec": {
		"group": "example.com", "names": {"kind": "Gadget"}, "versions": [{"name": "v1", "served": true}]}}`)}
	if err := Write(t.TempDir(), []byte(`{}`), []*unstructured.Unstructured{definition}); err == nil {
		t.Error("it is taken: everything would conform")
	}
}
