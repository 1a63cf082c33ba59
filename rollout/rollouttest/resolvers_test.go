package rollouttest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// TestEveryFieldResolves asks for all that the schema has, four levels deep.
func TestEveryFieldResolves(t *testing.T) {
	g := New(t, Options{})
	r := g.Repositories()[0]
	oid, err := r.Commit("main", Change{Files: map[string]string{"dir/file": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetStatus(oid, CommitStatus{State: "success", Context: "ci", TargetURL: "https://example.com", Description: "ok"}); err != nil {
		t.Fatal(err)
	}
	query := "{" + everything(schema().Query, 4) + "}"
	values := map[string]string{
		"owner": `"octo-org"`, "name": `"fleet"`, "qualifiedName": `"main"`, "refPrefix": `"refs/heads/"`, "headRef": `"main"`,
		"expression": `"main"`, "path": `"dir/file"`, "id": `"` + r.nodeID() + `"`, "first": "1",
	}
	for name, value := range values {
		query = strings.ReplaceAll(query, "$"+name+"$", value)
	}
	// StatusContext and Status have a field of another "name".
	query = strings.ReplaceAll(query, `context(name:"fleet")`, `context(name:"ci")`)
	body, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL()+"/api/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "bearer "+DefaultToken)
	response, err := g.Transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Errors []graphqlError }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, problem := range answer.Errors {
		t.Errorf("%v: %s", problem.Path, problem.Message)
	}
}

// everything is a selection of all of a type's fields.
func everything(d *ast.Definition, depth int) string {
	selected := []string{"__typename"}
	for _, f := range d.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		below := schema().Types[f.Type.Name()]
		// One name may have different types in different fragments.
		text := d.Name + "_" + f.Name + ": " + f.Name + argumentsOf(f)
		if below.IsCompositeType() {
			if depth == 0 {
				continue
			}
			text += "{" + everything(below, depth-1)
			for _, possible := range schema().PossibleTypes[below.Name] {
				if below.IsAbstractType() {
					text += " ... on " + possible.Name + "{" + everything(possible, depth-1) + "}"
				}
			}
			text += "}"
		}
		selected = append(selected, text)
	}
	return strings.Join(selected, " ")
}

// argumentsOf gives a field the arguments that it has to have.
func argumentsOf(f *ast.FieldDefinition) string {
	var given []string
	for _, a := range f.Arguments {
		if a.Type.NonNull || a.Name == "first" || a.Name == "expression" {
			given = append(given, a.Name+":$"+a.Name+"$")
		}
	}
	if len(given) == 0 {
		return ""
	}
	return "(" + strings.Join(given, ",") + ")"
}
