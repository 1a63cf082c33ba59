package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/monosense/k8s-ops/rollout/report"
)

// schemas are what is written for programs, by the name of its schema.
var schemas = map[string]struct {
	title string
	value any
	// golden are files that have to be valid.
	golden string
}{
	"status":   {"What release:status writes with -json", report.StatusJSON{}, "*status*.json"},
	"history":  {"What release:history writes with -json", []report.EntryJSON{}, "*history*.json"},
	"explain":  {"What release:explain writes with -json", report.ExplainJSON{}, "explain-*.json"},
	"clusters": {"What verify:clusters writes with -json", report.ClustersJSON{}, "clusters*.json"},
	"backtest": {"What release:backtest writes with -json", report.BacktestJSON{}, "backtest*.json"},
	"doctor":   {"What release:doctor writes with -json", report.DiagnosisJSON{}, "diagnosis.json"},
	"metrics":  {"What release:metrics writes with -json", report.MeasuresJSON{}, "measures.json"},
	"watchdog": {"What release:watchdog writes with -json", report.WatchdogJSON{}, "watchdog*.json"},
}

// TestSchemas: the published schemas are those of the types, and what is written
// is valid by them.
func TestSchemas(t *testing.T) {
	for name, s := range schemas {
		t.Run(name, func(t *testing.T) {
			published(t, name, s.title, s.value)
			files, err := filepath.Glob(filepath.Join("testdata", s.golden))
			if err != nil || len(files) == 0 {
				t.Fatalf("no file of %s: %v", s.golden, err)
			}
			for _, file := range files {
				if err := validate(t, name, file); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
}

// TestSchemasRefuse: a schema that takes everything says nothing.
func TestSchemasRefuse(t *testing.T) {
	for name, document := range map[string]string{
		"status":  `{"at": "yesterday", "repository": "a/b", "stages": [], "taints": [], "ledger": []}`,
		"history": `[{"commit": 1}]`,
		"explain": `{}`, "clusters": `{"at": "2026-03-03T09:00:00Z", "clusters": {}, "findings": []}`,
		"backtest": `{"stage": "apps"}`, "doctor": `{"checks": {}}`, "metrics": `[]`, "watchdog": `{"alarms": 1}`,
	} {
		file := filepath.Join(t.TempDir(), "wrong.json")
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		if validate(t, name, file) == nil {
			t.Errorf("the schema of %s takes %s", name, document)
		}
	}
}

func schemaPath(name string) string { return filepath.Join("schema", name+".schema.json") }

// published compares a schema with the one that is made of the types, with their
// comments. Fields may be added, so others are no mistake.
func published(t *testing.T, name, title string, value any) {
	t.Helper()
	reflector := jsonschema.Reflector{AllowAdditionalProperties: true}
	if err := reflector.AddGoComments("github.com/monosense/k8s-ops/rollout/report", "./", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	schema := reflector.Reflect(value)
	schema.ID = jsonschema.ID("https://raw.githubusercontent.com/monosense/k8s-ops/main/rollout/report/schema/" + name + ".schema.json")
	schema.Title = title
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaPath(name), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaPath(name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("%s (-want +got, -update to accept):\n%s", schemaPath(name), diff)
	}
}

func validate(t *testing.T, name, file string) error {
	t.Helper()
	compiler := validator.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaPath(name))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	document, err := validator.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}
