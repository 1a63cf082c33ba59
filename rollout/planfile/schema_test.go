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

	"github.com/monosense/k8s-ops/rollout/planfile/internal/schedule"
)

// The golden files of this directory are rewritten by
// go test ./rollout/planfile -update.
var update = flag.Bool("update", false, "rewrite rollout.schema.json and the golden files")

const schemaFile = "rollout.schema.json"

// generateSchema makes the schema from the types of the format.
func generateSchema(t testing.TB) []byte {
	t.Helper()
	kinds := schemaKinds()
	reflector := jsonschema.Reflector{
		DoNotReference: true,
		Mapper: func(kind reflect.Type) *jsonschema.Schema {
			schema, ok := kinds[kind]
			if !ok {
				return nil
			}
			own := *schema // a field's tags are written into it
			return &own
		},
	}
	schema := reflector.Reflect(document{})
	property(t, schema, "rules").AdditionalProperties = nested(reflector, ruleSection{})
	schema.ID = "https://raw.githubusercontent.com/monosense/k8s-ops/main/rollout/planfile/rollout.schema.json"
	schema.Title = "Rollout plan"
	schema.Description = "The ordered stages through which a revision reaches the clusters, and what each one asks of it."
	addConditions(property(t, schema, "stages").Items, t)

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// nested is the schema of a section that stands below a key of the plan's own.
func nested(reflector jsonschema.Reflector, section any) *jsonschema.Schema {
	schema := reflector.Reflect(section)
	schema.Version, schema.ID = "", ""
	return schema
}

// schemaKinds are what no type can say of itself. The kinds of text are all
// strings, each with its pattern.
func schemaKinds() map[reflect.Type]*jsonschema.Schema {
	length := func(n uint64) *uint64 { return &n }
	context := &jsonschema.Schema{Type: "string", Pattern: contextPattern, MaxLength: length(maxGlob)}
	kubeContextSchema := &jsonschema.Schema{Type: "string", Pattern: `^[^\s-]([^\x00-\x1f]*[^\s])?$`, MaxLength: length(maxContext)}
	inTree := &jsonschema.Schema{Type: "string", Pattern: pathPattern, MaxLength: length(maxPath)}
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[address]():      {Type: "string", Pattern: addressPattern},
		reflect.TypeFor[branch]():       {Type: "string", Pattern: branchPattern, MaxLength: length(maxBranch)},
		reflect.TypeFor[clock]():        {Type: "string"},
		reflect.TypeFor[date]():         {Type: "string", Pattern: schedule.DatePattern},
		reflect.TypeFor[duration]():     {Type: "string", Pattern: durationPattern},
		reflect.TypeFor[exposed]():      {Type: "string"},
		reflect.TypeFor[expression]():   {Type: "string", MaxLength: length(schedule.MaxCron)},
		reflect.TypeFor[forge]():        {Type: "string"},
		reflect.TypeFor[glob]():         context,
		reflect.TypeFor[interruption](): {Type: "string"},
		reflect.TypeFor[label]():        {Type: "string", Pattern: labelPattern, MaxLength: length(maxLabel)},
		reflect.TypeFor[motive]():       {Type: "string", MaxLength: length(maxMotive)},
		reflect.TypeFor[objectName]():   {Type: "string", Pattern: objectNamePattern, MaxLength: length(maxObjectName)},
		reflect.TypeFor[proof]():        {Type: "string"},
		reflect.TypeFor[reason]():       {Type: "string"},
		reflect.TypeFor[span]():         {Type: "string", MaxLength: length(schedule.MaxWeekly)},
		reflect.TypeFor[zone]():         {Type: "string", Pattern: schedule.ZonePattern},
		reflect.TypeFor[requiredHealth](): {
			Type: "object", MinProperties: length(1),
			AdditionalProperties: &jsonschema.Schema{Type: "array", Items: context, MinItems: length(1), MaxItems: length(maxItems)},
		},
		reflect.TypeFor[contextNames](): {Type: "object", MinProperties: length(1), AdditionalProperties: kubeContextSchema},
		reflect.TypeFor[entryPoints]():  {Type: "object", MinProperties: length(1), AdditionalProperties: inTree},
		reflect.TypeFor[ruleSettings](): {Type: "object", MinProperties: length(1), PropertyNames: ruleNames()},
	}
}

// ruleNames are the rules that a plan may turn off.
func ruleNames() *jsonschema.Schema {
	names := &jsonschema.Schema{}
	for _, id := range canBeOff() {
		names.Enum = append(names.Enum, id)
	}
	return names
}

// addConditions adds which keys need each other. The windows of deny are those
// of allow, and written down once.
func addConditions(stage *jsonschema.Schema, t testing.TB) {
	t.Helper()
	stage.DependentRequired = map[string][]string{"unhealthy": {"soakOn"}, "require": {"health"}}
	windows := property(t, stage, "windows")
	window := property(t, windows, "allow").Items
	window.DependentRequired = map[string][]string{"cron": {"for"}, "for": {"cron"}}
	window.Not = &jsonschema.Schema{Required: []string{"cron", "span"}}
	for _, key := range []string{"cron", "span", "from", "until"} {
		window.AnyOf = append(window.AnyOf, &jsonschema.Schema{Required: []string{key}})
	}
	property(t, windows, "deny").Items = &jsonschema.Schema{
		Ref: "#/properties/stages/items/properties/windows/properties/allow/items",
	}
}

func property(t testing.TB, schema *jsonschema.Schema, key string) *jsonschema.Schema {
	t.Helper()
	found, ok := schema.Properties.Get(key)
	if !ok {
		t.Fatalf("the schema has no %s", key)
	}
	return found
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
	var node yaml.Node
	if err := yaml.Unmarshal(plan, &node); err != nil {
		return err
	}
	datesAreText(&node)
	var value any
	if err := node.Decode(&value); err != nil {
		return err
	}
	return schema.Validate(value)
}

// datesAreText makes YAML 1.2 of the document, which has no dates: that is what
// editors read.
func datesAreText(node *yaml.Node) {
	if node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		datesAreText(child)
	}
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
		"an unknown clock":              {"soakOn: healthy", "soakOn: sick"},
		"a settling time without unit":  {"settle: 10m", "settle: 10"},
		"a pattern of another glob":     {"flux/infra/*", "flux/[ab]*"},
		"no contexts":                   {"infra: [flux/infra/*, \"ci\"]", "infra: []"},
		"health of nobody":              {"infra: [flux/infra/*, \"ci\"]", "{}"},
		"evidence without health":       {"health:", "windows: {deny: [{until: 2027-01-04}]}\n    healthy:"},
		"unhealthy without a clock":     {"soakOn: healthy", ""},
		"cron without for":              {"for: 62h, ", ""},
		"cron and span":                 {"for: 62h", "for: 62h, span: daily 09:00-17:00"},
		"a window without a time":       {"cron: \"0 18 * * 5\", for: 62h, ", ""},
		"a date in other words":         {"from: 2026-12-20", "from: tomorrow"},
		"an unknown key of a window":    {"from: 2026-12-20", "form: 2026-12-20"},
		"a zone in other words":         {"zone: America/New_York", "zone: new york"},
		"an absolute entry point":       {"apps: clusters/apps", "apps: /clusters/apps"},
		"an empty entry point":          {"apps: clusters/apps/flux-system", "apps: \"\""},
		"an unknown rule":               {"variables-unknown:", "variable-unknown:"},
		"a rule that stays on":          {"variables-unknown:", "branch-differs:"},
		"a rule that is not off":        {"off: made by hand", "on: made by hand"},
		"a rule without a setting":      {"{off: made by hand}", "{}"},
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
