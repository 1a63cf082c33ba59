package schemas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Location is where kubeconform finds the schemas of a directory. What it calls
// the group of a kind that has none is its version.
func Location(dir string) string {
	return filepath.Join(dir, "{{.Group}}", "{{.ResourceKind}}_{{.ResourceAPIVersion}}.json")
}

// common is the file with what the schemas of Kubernetes' own kinds share.
const common = "kubernetes.json"

// A schema is one of JSON Schema, or a part of one.
type schema = map[string]any

// Write makes schemas of Kubernetes' description in OpenAPI 2 and of definitions.
func Write(dir string, description []byte, definitions []*unstructured.Unstructured) error {
	if err := writeBuiltIn(dir, description); err != nil {
		return fmt.Errorf("make schemas of Kubernetes' own kinds: %w", err)
	}
	for _, definition := range definitions {
		if err := writeDefined(dir, definition); err != nil {
			return fmt.Errorf("make schemas of %s: %w", definition.GetName(), err)
		}
	}
	return nil
}

func writeBuiltIn(dir string, description []byte) error {
	var api struct{ Definitions map[string]schema }
	if err := json.Unmarshal(description, &api); err != nil {
		return err
	}
	for name := range api.Definitions {
		if either, isEither := eithers[name]; isEither {
			api.Definitions[name] = schema{"type": either}
		}
		closed(api.Definitions[name])
	}
	if err := write(filepath.Join(dir, common), schema{"definitions": api.Definitions}); err != nil {
		return err
	}
	for name, definition := range api.Definitions {
		kinds, err := kindsOf(definition)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, k := range kinds {
			if err := write(k.file(dir), reference(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// eithers are the types that the description calls text, and that can be numbers.
var eithers = map[string][]string{
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"string", "integer"},
	"io.k8s.apimachinery.pkg.api.resource.Quantity":   {"string", "number"},
}

// reference is the schema that a definition of Kubernetes has.
func reference(name string) schema { return schema{"$ref": "../" + common + "#/definitions/" + name} }

// kind is a version of one.
type kind struct{ Group, Version, Kind string }

func (k kind) file(dir string) string {
	group := k.Group
	if group == "" {
		group = k.Version
	}
	return filepath.Join(dir, group, strings.ToLower(k.Kind)+"_"+k.Version+".json")
}

// kindsOf are the kinds whose schema a definition of Kubernetes is.
func kindsOf(definition schema) ([]kind, error) {
	data, err := json.Marshal(definition["x-kubernetes-group-version-kind"])
	if err != nil {
		return nil, err
	}
	var kinds []kind
	return kinds, json.Unmarshal(data, &kinds)
}

func writeDefined(dir string, definition *unstructured.Unstructured) error {
	data, err := definition.MarshalJSON()
	if err != nil {
		return err
	}
	var defined struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Served bool
				Schema struct {
					Root schema `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := json.Unmarshal(data, &defined); err != nil {
		return err
	}
	for _, version := range defined.Spec.Versions {
		if !version.Served {
			continue
		}
		properties, isMap := version.Schema.Root["properties"].(schema)
		if !isMap {
			return fmt.Errorf("version %s has no properties", version.Name)
		}
		closed(version.Schema.Root)
		properties["metadata"] = reference("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
		k := kind{defined.Spec.Group, version.Name, defined.Spec.Names.Kind}
		if err := write(k.file(dir), version.Schema.Root); err != nil {
			return err
		}
	}
	return nil
}

// closed makes a schema refuse keys that it does not name, on every level. What
// its rules (allOf and the like) name is not all that there can be.
func closed(value any) {
	part, isSchema := value.(schema)
	if !isSchema {
		return
	}
	properties, named := part["properties"].(schema)
	_, others := part["additionalProperties"]
	if named && !others && part["x-kubernetes-preserve-unknown-fields"] != true {
		part["additionalProperties"] = false
	}
	for _, property := range properties {
		closed(property)
	}
	closed(part["additionalProperties"])
	closed(part["items"])
}

func write(file string, content schema) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
