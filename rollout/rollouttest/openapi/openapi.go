// Package openapi checks HTTP traffic against GitHub's own description of its
// REST interface. Only tests use it.
//
// # Model
//
// [Validate] wraps a round tripper: every request and every answer that goes
// through it has to fit the description (npm @octokit/openapi, pruned to the
// operations that the toolkit uses), or the test fails. The pruned description
// is kept in the user's cache directory, so that only the first run needs npm
// and the network.
//
// # Invariants
//
//   - The traffic itself is passed on unchanged.
//   - Where the description cannot be had, the test says so in its log and goes
//     on unchecked; with CI=true in the environment it fails. [Require] skips
//     the test in the same case, for tests that check nothing else.
//
// # Concurrency
//
// A wrapped round tripper is as safe for concurrent use as the one it wraps.
//
// # Not handled
//
// GraphQL, Git, raw contents, and answers with a status of 400 or above: they
// pass unchecked. The description leaves out most of the errors that GitHub
// answers with, and others do not fit it: those of rulesets are plain texts.
package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// TB is the part of testing.TB that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Validate returns a round tripper that passes requests on to another one and
// fails the test where a request or its answer does not fit the description.
func Validate(t TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	described, err := load()
	switch {
	case err == nil:
		return &validator{t: t, next: next, described: described}
	case os.Getenv("CI") == "true":
		t.Fatalf("GitHub's description of its REST interface is missing: %v", err)
	}
	t.Logf("traffic is not checked against GitHub's description: %v", err)
	return next
}

// Require skips a test that is about nothing but the description, where the
// description cannot be had; with CI=true it fails it.
func Require(t TB) {
	t.Helper()
	if _, err := load(); err == nil {
		return
	} else if os.Getenv("CI") == "true" {
		t.Fatalf("GitHub's description of its REST interface is missing: %v", err)
	} else {
		t.Skipf("GitHub's description of its REST interface is missing: %v", err)
	}
}

// description is the pruned description, ready to be matched.
type description struct {
	document *openapi3.T
	paths    []pathPattern
}

// pathPattern finds the operations of a path.
type pathPattern struct {
	template string
	matches  *regexp.Regexp
	names    []string
	item     *openapi3.PathItem
}

// load reads the description, once for all tests of a process.
var load = sync.OnceValues(func() (*description, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // npm itself is very patient
	defer cancel()
	data, err := pruned(ctx)
	if err != nil {
		return nil, err
	}
	document, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	d := &description{document: document}
	for _, template := range used {
		pattern, err := compile(template, document.Paths.Value(template))
		if err != nil {
			return nil, err
		}
		d.paths = append(d.paths, pattern)
	}
	return d, nil
})

// slashed are the variables that may contain a slash, which OpenAPI cannot say.
var slashed = map[string]bool{"ref": true, "path": true, "basehead": true, "branch": true, "tree_sha": true}

var variable = regexp.MustCompile(`\{(\w+)\}`)

func compile(template string, item *openapi3.PathItem) (pathPattern, error) {
	if item == nil {
		return pathPattern{}, fmt.Errorf("GitHub's description has no %s", template)
	}
	p := pathPattern{template: template, item: item}
	var expression strings.Builder
	rest := template
	for _, found := range variable.FindAllStringSubmatch(template, -1) {
		before, after, _ := strings.Cut(rest, found[0])
		rest = after
		p.names = append(p.names, found[1])
		value := "([^/]+)"
		if slashed[found[1]] {
			value = "(.+)"
		}
		expression.WriteString(regexp.QuoteMeta(before) + value)
	}
	expression.WriteString(regexp.QuoteMeta(rest))
	matches, err := regexp.Compile("^" + expression.String() + "$")
	p.matches = matches
	return p, err
}

// validator is the wrapped round tripper.
type validator struct {
	t         TB
	next      http.RoundTripper
	described *description
}

// RoundTrip checks the request, passes it on, and checks the answer.
func (v *validator) RoundTrip(request *http.Request) (*http.Response, error) {
	path, isREST := restPath(request.URL)
	if !isREST {
		return v.next.RoundTrip(request)
	}
	body, err := drain(&request.Body)
	if err != nil {
		return nil, err
	}
	input, err := v.describe(request, path, body)
	if err != nil {
		v.t.Errorf("%s %s: %v", request.Method, path, err)
		return v.next.RoundTrip(request)
	}
	if err := openapi3filter.ValidateRequest(request.Context(), input); err != nil {
		v.t.Errorf("%s %s: the request does not fit GitHub's description: %s", request.Method, path, brief(err))
	}
	response, err := v.next.RoundTrip(request)
	if err != nil {
		return response, err
	}
	v.checkAnswer(request, path, input, response)
	return response, nil
}

// checkAnswer checks an answer. What goes wrong on its way is left for whoever
// reads it.
func (v *validator) checkAnswer(request *http.Request, path string, input *openapi3filter.RequestValidationInput, response *http.Response) {
	body, err := drain(&response.Body)
	if err != nil {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failingReader{err}))
		return
	}
	if response.StatusCode >= 400 || strings.Contains(response.Header.Get("Content-Type"), "raw") {
		return
	}
	if input.Route.Operation.Responses.Status(response.StatusCode) == nil {
		v.t.Errorf("%s %s: GitHub's description has no answer with status %d", request.Method, path, response.StatusCode)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header, Options: input.Options,
	}
	answer.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(request.Context(), answer); err != nil {
		v.t.Errorf("%s %s: the answer %d does not fit GitHub's description: %s",
			request.Method, path, response.StatusCode, brief(err))
	}
}

// describe finds the operation of a request.
func (v *validator) describe(request *http.Request, path string, body []byte) (*openapi3filter.RequestValidationInput, error) {
	for _, p := range v.described.paths {
		values := p.matches.FindStringSubmatch(path)
		operation := p.item.GetOperation(request.Method)
		if values == nil || operation == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range p.names {
			params[name] = values[i+1]
		}
		checked := request.Clone(request.Context())
		checked.Body = http.NoBody
		if len(body) > 0 {
			checked.Body = io.NopCloser(bytes.NewReader(body))
			if checked.Header.Get("Content-Type") == "" {
				checked.Header.Set("Content-Type", "application/json") // go-gh sends none
			}
		}
		return &openapi3filter.RequestValidationInput{
			Request: checked, PathParams: params, QueryParams: checked.URL.Query(),
			Route: &routers.Route{
				Spec: v.described.document, Path: p.template, PathItem: p.item, Method: request.Method, Operation: operation,
			},
			Options: &openapi3filter.Options{
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
			},
		}, nil
	}
	return nil, errors.New("GitHub's description, as far as it is used here, has no such operation")
}

// restPath is the path as the description has it. A repository may come by its
// number, as in Link headers.
func restPath(address *url.URL) (string, bool) {
	path, enterprise := strings.CutPrefix(address.Path, "/api/v3")
	if !enterprise && address.Host != "api.github.com" {
		return "", false
	}
	if rest, numbered := strings.CutPrefix(path, "/repositories/"); numbered {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/repos/by/number/" + rest
	}
	if strings.HasSuffix(path, "/contents") { // the root directory
		path += "/."
	}
	return path, path != "/graphql"
}

// drain reads a body and puts a fresh one in its place.
func drain(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(*body)
	err = errors.Join(err, (*body).Close())
	*body = io.NopCloser(bytes.NewReader(data))
	return data, err
}

// failingReader hands an error on to who reads the body.
type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// brief leaves the whole schema out of a validation error.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	return text
}
