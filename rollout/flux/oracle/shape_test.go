package oracle

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// A wrong value is one that the API server refuses for a field of a Flux
// Kustomization.
type wrong struct {
	path  string
	value any
}

// wrongs are values of another type for all that is in a type, at any depth.
func wrongs(path string, t reflect.Type) []wrong {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[metav1.Duration]():
		return []wrong{{path, 5}, {path, "soon"}, {path, []any{}}}
	case t.Kind() == reflect.String:
		return []wrong{{path, 5}, {path, true}, {path, map[string]any{"a": "b"}}}
	case t.Kind() == reflect.Bool:
		return []wrong{{path, "true"}, {path, "yes"}, {path, []any{}}}
	case t.Kind() == reflect.Slice:
		return append([]wrong{{path, "x"}, {path, map[string]any{"a": "b"}}}, wrongs(path+".0", t.Elem())...)
	case t.Kind() == reflect.Map:
		return append([]wrong{{path, "x"}, {path, []any{"a"}}}, wrongs(path+".key", t.Elem())...)
	}
	all := []wrong{{path, "x"}, {path, []any{"a"}}}
	for i := range t.NumField() {
		name, rest, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if strings.Contains(rest, "inline") {
			all = append(all, wrongs(path, t.Field(i).Type)[2:]...)
			continue
		}
		all = append(all, wrongs(path+"."+name, t.Field(i).Type)...)
	}
	return all
}

// put sets a value in what JSON has, and makes what leads to it.
func put(in any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "0" {
		return []any{put(nil, path[1:], value)}
	}
	m, _ := in.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[path[0]] = put(m[path[0]], path[1:], value)
	return m
}

// TestShapes: whatever field of a Flux Kustomization has a value of another type,
// the API server refuses it, and that is found, at its line.
func TestShapes(t *testing.T) {
	good := readTree(t, "../testdata/good.txtar", nil)
	all := wrongs("spec", reflect.TypeFor[kustomizev1.KustomizationSpec]())
	if len(all) < 100 {
		t.Fatalf("there are only %d wrong values", len(all))
	}
	for _, w := range all {
		t.Run(fmt.Sprintf("%s=%v", w.path, w.value), func(t *testing.T) {
			var object map[string]any
			file := "clusters/apps/flux/config/cluster.yaml"
			if err := yaml.Unmarshal([]byte(good[file]), &object); err != nil {
				t.Fatal(err)
			}
			object = put(object, strings.Split(w.path, "."), w.value).(map[string]any)
			if _, err := typed(&unstructured.Unstructured{Object: object}); err == nil {
				t.Skip("the type is not strict here")
			}
			text, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			root := filepath.Join(t.TempDir(), "repository")
			tr := tree{}
			for name, content := range good {
				tr[name] = content
			}
			tr[file] = string(text)
			if err := tr.write(root); err != nil {
				t.Fatal(err)
			}
			found, err := flux.Verify(t.Context(), flux.Options{Root: root, Plan: plan(), Clusters: []string{"apps"}, Helm: "no-such-helm"})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(found.Findings, func(f rollout.Finding) bool {
				return f.File == file && strings.Contains(f.Message, "the API server only takes")
			}) {
				t.Errorf("findings = %+v, want one that says what the API server takes", found.Findings)
			}
		})
	}
}
