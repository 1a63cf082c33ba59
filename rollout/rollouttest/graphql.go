package rollouttest

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

//go:embed schema.graphql
var schemaSource string

// schema is read once; nothing changes it.
var schema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaSource})
})

// graphqlError is an error as GitHub lists it beside the data.
type graphqlError struct {
	Type    string `json:"type,omitempty"`
	Path    []any  `json:"path,omitempty"`
	Message string `json:"message"`
}

func (e *graphqlError) Error() string { return e.Message }

// The types of errors that GitHub gives.
const (
	typeNotFound      = "NOT_FOUND"
	typeForbidden     = "FORBIDDEN"
	typeUnprocessable = "UNPROCESSABLE"
	typeStaleData     = "STALE_DATA"
)

// execution is one GraphQL request, while it is served.
type execution struct {
	call      *call
	variables map[string]any
	errors    []*graphqlError
}

// serveGraphQL serves a request. Errors of the query go with a status of 200.
func (g *GitHub) serveGraphQL(c *call, request *Request) answer {
	var sent struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if c.r.Method != http.MethodPost {
		return g.unknown(request, &unknownRequest{what: "GraphQL takes POST only"})
	}
	if err := json.Unmarshal(c.body, &sent); err != nil {
		return (&apiError{status: http.StatusBadRequest, message: "Problems parsing JSON"}).answer("https://docs.github.com/graphql")
	}
	document, syntax := parser.ParseQuery(&ast.Source{Input: sent.Query})
	if syntax != nil {
		return graphqlErrors(&graphqlError{Message: syntax.Error()})
	}
	if list := validator.ValidateWithRules(schema(), document, nil); len(list) > 0 {
		return g.invalidQuery(list, request)
	}
	operation := document.Operations.ForName(sent.OperationName)
	if operation == nil {
		return graphqlErrors(&graphqlError{Message: "An operation name is required"})
	}
	variables, err := validator.VariableValues(schema(), operation, sent.Variables)
	if err != nil {
		return graphqlErrors(&graphqlError{Message: err.Error()})
	}
	run := &execution{call: c, variables: variables}
	root := "Query"
	if operation.Operation == ast.Mutation {
		root = "Mutation"
	}
	data, complete := run.selection(operation.SelectionSet, root, nil, nil)
	body := fields{"data": nil}
	if complete {
		body["data"] = data
	}
	if len(run.errors) > 0 {
		body["errors"] = run.errors
	}
	return answerJSON(http.StatusOK, body)
}

// graphqlErrors is the answer without data.
func graphqlErrors(list ...*graphqlError) answer {
	return answerJSON(http.StatusOK, fields{"errors": list})
}

// invalidQuery answers a query that the schema does not allow: one more request
// that the stand-in does not know.
func (g *GitHub) invalidQuery(list gqlerror.List, request *Request) answer {
	var shown []*graphqlError
	for _, problem := range list {
		shown = append(shown, &graphqlError{Message: problem.Message})
		g.unknown(request, &unknownRequest{what: "GraphQL: " + problem.Message})
	}
	return graphqlErrors(shown...)
}

// asked is a field that was asked for, perhaps in several places.
type asked struct {
	key   string
	field *ast.Field
	below ast.SelectionSet
}

// collect lists the fields that a selection asks of an object.
func (e *execution) collect(set ast.SelectionSet, typeName string, into []asked) []asked {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if !e.included(s.Directives) {
				continue
			}
			at := slices.IndexFunc(into, func(a asked) bool { return a.key == s.Alias })
			if at < 0 {
				into = append(into, asked{key: s.Alias, field: s, below: s.SelectionSet})
				continue
			}
			into[at].below = append(slices.Clone(into[at].below), s.SelectionSet...)
		case *ast.InlineFragment:
			if e.included(s.Directives) && applies(s.TypeCondition, typeName) {
				into = e.collect(s.SelectionSet, typeName, into)
			}
		case *ast.FragmentSpread:
			if e.included(s.Directives) && applies(s.Definition.TypeCondition, typeName) {
				into = e.collect(s.Definition.SelectionSet, typeName, into)
			}
		}
	}
	return into
}

// included evaluates @skip and @include.
func (e *execution) included(directives ast.DirectiveList) bool {
	if d := directives.ForName("skip"); d != nil && d.ArgumentMap(e.variables)["if"] == true {
		return false
	}
	if d := directives.ForName("include"); d != nil && d.ArgumentMap(e.variables)["if"] == false {
		return false
	}
	return true
}

// applies says whether a fragment is for an object's type.
func applies(condition, typeName string) bool {
	if condition == "" || condition == typeName {
		return true
	}
	return slices.ContainsFunc(schema().PossibleTypes[condition], func(d *ast.Definition) bool { return d.Name == typeName })
}

// selection resolves what is asked of one object. It is false where something
// is null that may not be.
func (e *execution) selection(set ast.SelectionSet, typeName string, parent any, path []any) (fields, bool) {
	result := fields{}
	for _, a := range e.collect(set, typeName, nil) {
		if a.field.Name == "__typename" {
			result[a.key] = typeName
			continue
		}
		at := append(slices.Clone(path), a.key)
		value, complete := e.field(a, typeName, parent, at)
		if !complete {
			return nil, false
		}
		result[a.key] = value
	}
	return result, true
}

// field resolves one field.
func (e *execution) field(a asked, typeName string, parent any, path []any) (any, bool) {
	value, err := resolve(e.call, typeName, parent, a.field.Name, a.field.ArgumentMap(e.variables))
	if err != nil {
		e.report(err, path)
		return nil, !a.field.Definition.Type.NonNull
	}
	return e.complete(value, a.field.Definition.Type, a.below, path)
}

// report lists an error.
func (e *execution) report(err error, path []any) {
	var known *graphqlError
	if !errors.As(err, &known) {
		known = &graphqlError{Message: err.Error()}
	}
	listed := *known
	listed.Path = path
	e.errors = append(e.errors, &listed)
}

// complete turns a resolved value into what its type asks for.
func (e *execution) complete(value any, kind *ast.Type, below ast.SelectionSet, path []any) (any, bool) {
	if value == nil {
		if kind.NonNull {
			e.report(fmt.Errorf("the stand-in has no value for %v, which may not be null", path), path)
		}
		return nil, !kind.NonNull
	}
	if kind.Elem != nil {
		list := []any{}
		for i, item := range value.([]any) {
			done, complete := e.complete(item, kind.Elem, below, append(slices.Clone(path), i))
			if !complete {
				return nil, !kind.NonNull
			}
			list = append(list, done)
		}
		return list, true
	}
	if len(below) == 0 {
		return value, true
	}
	done, complete := e.selection(below, typeOf(value, kind.NamedType), value, path)
	if !complete {
		return nil, !kind.NonNull
	}
	return done, true
}
