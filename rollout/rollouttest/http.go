package rollouttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// fields is a JSON object of an answer.
type fields map[string]any

// answer is a whole HTTP answer. Answers are made before anything is sent, so
// that one can be lost or replaced after its effect.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// answerJSON makes an answer of a value.
func answerJSON(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		return answer{status: http.StatusInternalServerError, header: http.Header{}, body: []byte(err.Error())}
	}
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		body:   body,
	}
}

// noContent is a 204.
func noContent() answer { return answer{status: http.StatusNoContent, header: http.Header{}} }

// linked adds a Link header, where there is one.
func linked(a answer, link string) answer {
	if link != "" {
		a.header.Set("Link", link)
	}
	return a
}

// apiError is an answer of the REST interface that is not a success.
type apiError struct {
	status  int
	message string
	errors  []fields
	texts   []string // errors that are plain texts
}

func (e *apiError) Error() string { return e.message }

// answer is the error as the REST interface writes it.
func (e *apiError) answer(documentation string) answer {
	body := fields{
		"message":           e.message,
		"documentation_url": documentation,
		"status":            strconv.Itoa(e.status),
	}
	if e.errors != nil {
		body["errors"] = e.errors
	}
	if e.texts != nil {
		body["errors"] = e.texts
	}
	return answerJSON(e.status, body)
}

func notFound() error { return &apiError{status: http.StatusNotFound, message: "Not Found"} }

// unprocessable is a 422.
func unprocessable(format string, args ...any) error {
	return &apiError{status: http.StatusUnprocessableEntity, message: fmt.Sprintf(format, args...)}
}

// validationFailed is the 422 that names what is wrong.
func validationFailed(problem fields) error {
	return &apiError{
		status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []fields{problem},
	}
}

// invalidRequest is the 422 for a parameter with a value that is not allowed.
func invalidRequest(parameter string) error {
	return unprocessable("Invalid request.\n\n%q is not a valid value.", parameter)
}

// notSupplied is the 422 for a body without a key that it has to have.
func notSupplied(key string) error {
	return unprocessable("Invalid request.\n\n%q wasn't supplied.", key)
}

// unknownRequest says what a request asked for that the stand-in does not
// know. It fails the tests that use New.
type unknownRequest struct{ what string }

func (e *unknownRequest) Error() string { return e.what }

// call is one request of the REST or GraphQL interface, while it is served.
type call struct {
	g    *GitHub
	r    *http.Request
	body []byte
	now  time.Time
	who  Identity
	repo *Repository
	vars map[string]string
}

// decode reads the body into a struct. A key that the struct does not have is
// an unknown request.
func (c *call) decode(into any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		return nil
	}
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		return &unknownRequest{what: "body: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return unprocessable("Invalid request.\n\nFor 'properties/%s', %s is not of the right type.", mistyped.Field, mistyped.Value)
	}
	return &apiError{status: http.StatusBadRequest, message: "Problems parsing JSON"}
}

// repoURL is the address of a resource of the call's repository.
func (c *call) repoURL(format string, args ...any) string {
	return c.g.api("/repos/" + c.repo.Slug() + fmt.Sprintf(format, args...))
}

// link is one entry of a Link header. GitHub writes the repository's number
// into it, not its name.
func (c *call) link(query url.Values, rel string, set url.Values, drop ...string) string {
	merged := url.Values{}
	for key, values := range query {
		merged[key] = values
	}
	for _, key := range drop {
		merged.Del(key)
	}
	for key, values := range set {
		merged[key] = values
	}
	path := strings.TrimPrefix(c.r.URL.EscapedPath(), "/api/v3")
	if rest, found := strings.CutPrefix(path, "/repos/"); found {
		parts := strings.SplitN(rest, "/", 3)
		path = fmt.Sprintf("/repositories/%d/%s", c.repo.id, parts[len(parts)-1])
	}
	return fmt.Sprintf("<%s?%s>; rel=%q", c.g.api(path), merged.Encode(), rel)
}

// perPage is the size of a page: 30 by default and 100 at most.
func perPage(query url.Values) (int, error) { return pageNumber(query, "per_page", 30, 100) }

func pageNumber(query url.Values, name string, byDefault, most int) (int, error) {
	value := query.Get(name)
	if value == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, invalidRequest(name)
	}
	if n < 1 {
		return byDefault, nil
	}
	return min(n, most), nil
}

// paged cuts the page that the request wants out of a list, and makes its Link
// header.
func paged[T any](c *call, list []T) ([]T, string, error) {
	query := c.r.URL.Query()
	size, err := perPage(query)
	if err != nil {
		return nil, "", err
	}
	page, err := pageNumber(query, "page", 1, 1<<30)
	if err != nil {
		return nil, "", err
	}
	last := max(1, (len(list)+size-1)/size)
	to := func(n int) url.Values { return url.Values{"page": {strconv.Itoa(n)}} }
	var links []string
	if page > 1 {
		links = append(links, c.link(query, "prev", to(min(page-1, last))))
	}
	if page < last {
		links = append(links, c.link(query, "next", to(page+1)), c.link(query, "last", to(last)))
	}
	if page > 1 {
		links = append(links, c.link(query, "first", to(1)))
	}
	first := min(len(list), (page-1)*size)
	return list[first:min(len(list), first+size)], strings.Join(links, ", "), nil
}

// serveHTTP is where every request comes in.
func (g *GitHub) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		panic(http.ErrAbortHandler)
	}
	defer g.busy.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request := newRequest(r, body)
	g.runCallbacks(request)
	failure, failing := g.takeFailure(request)
	if failing && failure.Delay > 0 && !wait(r.Context(), failure.Delay) {
		g.recordRequest(request, 0)
		panic(http.ErrAbortHandler)
	}
	var a answer
	if failing && !failure.After && failure.replaces() {
		a = failure.answer()
	} else {
		a = g.serve(r, body, &request)
		if failing && failure.After && failure.replaces() {
			a = failure.answer()
		}
	}
	if failing && failure.Cut {
		g.recordRequest(request, 0)
		cut(w)
		return
	}
	g.recordRequest(request, a.status)
	g.send(w, a)
}

// send writes an answer with the headers that all of them have.
func (g *GitHub) send(w http.ResponseWriter, a answer) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.Header().Set("Date", g.clock().UTC().Format(http.TimeFormat))
	w.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("%04X:%06X", g.nextID(), 0x2F1A))
	w.Header().Set("Server", "github.com")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// serve tells the interfaces apart.
func (g *GitHub) serve(r *http.Request, body []byte, request *Request) answer {
	who := g.identify(r)
	request.Login, request.Kind = who.Login, who.Kind
	switch {
	case r.URL.Path == "/api/graphql":
		return g.serveAPI(r, body, who, "graphql", request)
	case strings.HasPrefix(r.URL.Path, "/api/v3/"):
		return g.serveAPI(r, body, who, "core", request)
	}
	if a, isGit := g.serveGit(r, body, who); isGit {
		return a
	}
	return g.unknown(request, &unknownRequest{what: "no such page"})
}

// serveAPI does what REST and GraphQL have in common: credentials and rate
// limits.
func (g *GitHub) serveAPI(r *http.Request, body []byte, who caller, resource string, request *Request) answer {
	const documentation = "https://docs.github.com/rest"
	switch {
	case !who.known, who.Kind == KindDeployKey:
		return (&apiError{status: http.StatusUnauthorized, message: "Bad credentials"}).answer(documentation)
	case who.anonymous():
		return (&apiError{status: http.StatusUnauthorized, message: "Requires authentication"}).answer(documentation)
	}
	c := &call{g: g, r: r, body: body, now: g.clock().UTC(), who: who.Identity}
	limit, allowed := g.window(c.who, resource), true
	if r.URL.Path != "/api/v3/rate_limit" {
		limit, allowed = g.count(c.who, resource)
	}
	var a answer
	switch {
	case !allowed && resource == "graphql":
		a = graphqlExceeded(c.who)
	case !allowed:
		a = limitExceeded(c.who)
	case resource == "graphql":
		a = g.serveGraphQL(c, request)
	default:
		a = g.serveREST(c, request)
	}
	limit.write(a.header, resource)
	if c.who.Scopes != nil {
		a.header.Set("X-OAuth-Scopes", strings.Join(c.who.Scopes, ", "))
	}
	a.header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	a.header.Set("X-GitHub-Api-Version-Selected", apiVersion(r))
	return a
}

// apiVersion is the version that a request asks for.
func apiVersion(r *http.Request) string {
	if version := r.Header.Get("X-GitHub-Api-Version"); version != "" {
		return version
	}
	return "2022-11-28"
}

// unknown answers a request that the stand-in does not know, and remembers it.
func (g *GitHub) unknown(request *Request, why *unknownRequest) answer {
	line := request.Method + " " + request.Path
	if request.Query != "" {
		line += "?" + request.Query
	}
	line += ": " + why.what
	g.mu.Lock()
	g.unexpected = append(g.unexpected, line)
	g.mu.Unlock()
	return (&apiError{
		status:  http.StatusNotFound,
		message: "The stand-in for GitHub does not know this request: " + line,
	}).answer("https://docs.github.com/rest")
}

// cut ends the connection inside the answer's first line, so that the client
// neither has an answer nor tries again by itself, as net/http does when a
// connection ends before the first byte.
func cut(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = connection.Write([]byte("HTTP/1."))
	_ = connection.Close()
}
