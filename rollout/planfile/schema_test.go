package planfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// The golden files of this directory are rewritten by
// go test ./rollout/planfile -update.
var update = flag.Bool("update", false, "rewrite rollout.schema.json and the golden files")

const schemaFile = "rollout.schema.json"

// generateSchema makes the schema from the types of the format. The kinds of
// text are all strings to it, each with its pattern.
func generateSchema(t testing.TB) []byte {
	t.Helper()
	length := func(n uint64) *uint64 { return &n }
	texts := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[address]():    {Type: "string", Pattern: addressPattern},
		reflect.TypeFor[branch]():     {Type: "string", Pattern: branchPattern, MaxLength: length(maxBranch)},
		reflect.TypeFor[duration]():   {Type: "string", Pattern: durationPattern},
		reflect.TypeFor[forge]():      {Type: "string"},
		reflect.TypeFor[label]():      {Type: "string", Pattern: labelPattern, MaxLength: length(maxLabel)},
		reflect.TypeFor[objectName](): {Type: "string", Pattern: objectNamePattern, MaxLength: length(maxObjectName)},
		reflect.TypeFor[reason]():     {Type: "string"},
	}
	reflector := jsonschema.Reflector{
		DoNotReference: true,
		Mapper: func(kind reflect.Type) *jsonschema.Schema {
			schema, ok := texts[kind]
			if !ok {
				return nil
			}
			own := *schema // a field's tags are written into it
			return &own
		},
	}
	schema := reflector.Reflect(document{})
	schema.ID = "https://raw.githubusercontent.com/monosense/k8s-ops/main/rollout/planfile/rollout.schema.json"
	schema.Title = "Rollout plan"
	schema.Description = "The ordered stages through which a revision reaches the clusters, and what each one asks of it."

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSchemaIsCurrent(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what format.go says; run: go test ./rollout/planfile -update", schemaFile)
	}
}

func compileSchema(t testing.TB) *validator.Schema {
	t.Helper()
	document, err := validator.UnmarshalJSON(bytes.NewReader(generateSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource(schemaFile, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate judges as an editor would.
func validate(schema *validator.Schema, plan []byte) error {
	var value any
	if err := yaml.Unmarshal(plan, &value); err != nil {
		return err
	}
	return schema.Validate(value)
}

func TestSchemaAcceptsEveryGoodPlan(t *testing.T) {
	schema := compileSchema(t)
	for name, plan := range goodPlans(t) {
		t.Run(name, func(t *testing.T) {
			if err := validate(schema, []byte(plan)); err != nil {
				t.Errorf("the schema refuses a plan that Parse accepts: %v", err)
			}
		})
	}
}

// Every mistake that a schema can express is shown while it is typed.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for name, edit := range map[string][2]string{
		"an unknown key":                {"ledger: rollout/ledger", "ledger: rollout/ledger\nledgers: x"},
		"an unknown key of a stage":     {"soak: 24h", "sok: 24h"},
		"a missing key":                 {"ledger: rollout/ledger", ""},
		"a soak without a unit":         {"soak: 24h", "soak: 24"},
		"a negative soak":               {"soak: 24h", "soak: -24h"},
		"a full ref name beginning":     {"branch: release", "branch: /refs"},
		"a cluster that leaves its dir": {"clusters: [apps]", "clusters: [../apps]"},
		"no cluster":                    {"clusters: [apps]", "clusters: []"},
		"an unknown forge":              {"forge: github", "forge: gitea"},
		"an unknown reason":             {"reason: required", "reason: maybe"},
		"one value for a list":          {"clusters: [apps]", "clusters: apps"},
		"a repository without a scheme": {"https://github.com/", "github.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := strings.Replace(wholePlan, edit[0], edit[1], 1)
			if plan == wholePlan {
				t.Fatalf("the plan has no %q", edit[0])
			}
			if err := validate(schema, []byte(plan)); err == nil {
				t.Error("the schema accepts it")
			}
			if _, err := Parse("clusters/rollout.yaml", []byte(plan), Options{}); err == nil {
				t.Error("Parse accepts it")
			}
		})
	}
}
