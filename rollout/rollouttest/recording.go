package rollouttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Request is one request as it was recorded. The token is not.
type Request struct {
	Method string
	// Path is without "/api/v3": "/repos/octo-org/fleet/activity",
	// "/api/graphql", "/octo-org/fleet.git/info/refs".
	Path string
	// Query is the query string as it was sent.
	Query string
	// Operation names a GraphQL operation: its name, or where it has none the
	// first field it asks for.
	Operation string
	// Body is what was sent.
	Body []byte
	// Status of the answer; 0 where the connection was cut.
	Status int
	// Login and Kind say whose token it came with; both are empty without.
	Login string
	Kind  Kind
	// Took is how long the answer took to make, what it was delayed included.
	Took time.Duration

	came       time.Time
	operations []string // all names that Match.Operation may have
}

// newRequest reads what there is to record of a request.
func newRequest(r *http.Request, body []byte) Request {
	request := Request{
		Method: r.Method,
		Path:   strings.TrimPrefix(r.URL.Path, "/api/v3"),
		Query:  r.URL.RawQuery,
		Body:   body,
		came:   time.Now(),
	}
	if r.URL.Path != "/api/graphql" {
		return request
	}
	request.operations = operationNames(body)
	if len(request.operations) > 0 {
		request.Operation = request.operations[0]
	}
	return request
}

// operationNames are the names of a GraphQL request's operations and of the
// fields that they ask for at the top.
func operationNames(body []byte) []string {
	var sent struct{ Query string }
	if json.Unmarshal(body, &sent) != nil {
		return nil
	}
	document, err := parser.ParseQuery(&ast.Source{Input: sent.Query})
	if err != nil {
		return nil
	}
	var names []string
	for _, operation := range document.Operations {
		if operation.Name != "" {
			names = append(names, operation.Name)
		}
		for _, selection := range operation.SelectionSet {
			if field, isField := selection.(*ast.Field); isField {
				names = append(names, field.Name)
			}
		}
	}
	return names
}

// recordRequest remembers a request and what became of it.
func (g *GitHub) recordRequest(request Request, status int) {
	request.Status, request.Took = status, time.Since(request.came)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = append(g.requests, request)
}

// Requests returns what was asked so far, in the order in which it was
// answered.
func (g *GitHub) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// ResetRequests forgets the requests so far.
func (g *GitHub) ResetRequests() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = nil
}

// Unexpected lists the requests that the stand-in did not know, each with what
// it did not know of it.
func (g *GitHub) Unexpected() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.unexpected)
}
