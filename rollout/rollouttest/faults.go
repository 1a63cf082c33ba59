package rollouttest

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Match picks requests. Empty fields match everything.
type Match struct {
	// Method is GET, POST, PATCH, …
	Method string
	// Path is a pattern over the path, without "/api/v3": "*" stands for any
	// characters, slashes too. "/repos/*/git/refs/heads/release";
	// "/octo-org/fleet.git/git-receive-pack".
	Path string
	// Operation is a GraphQL operation: its name, or the name of one of the
	// fields it asks for at the top ("updateRefs", "repository").
	Operation string
	// Count is how many requests are meant. Default is 1; a negative one
	// means all of them.
	Count int
}

// matches says whether a request is meant.
func (m Match) matches(request Request) bool {
	return (m.Method == "" || m.Method == request.Method) &&
		(m.Path == "" || glob(m.Path, request.Path)) &&
		(m.Operation == "" || slices.Contains(request.operations, m.Operation))
}

// glob matches a pattern in which "*" stands for any characters.
func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, found := strings.CutPrefix(s, head)
	if !found {
		return false
	}
	for i := range len(s) + 1 {
		if glob(rest, s[i:]) {
			return true
		}
	}
	return false
}

// Failure is what happens to a request in the place of its answer.
type Failure struct {
	// Status, Header and Body are the answer, where Status is not 0. A body
	// that begins with "<" is sent as HTML, any other as JSON.
	Status int
	Header http.Header
	Body   string
	// After lets the request have its effect first: the answer is then
	// replaced by Status, or lost by Cut.
	After bool
	// Cut ends the connection in the place of an answer.
	Cut bool
	// Delay waits first, or until the client hangs up. With neither Status
	// nor Cut the request is then served as always. It is real time.
	Delay time.Duration
}

// Hang is longer than any client waits.
const Hang = 24 * time.Hour

// replaces says whether the answer is another one than the request's own.
func (f Failure) replaces() bool { return f.Status != 0 || f.Cut }

func (f Failure) answer() answer {
	header := f.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		kind := "application/json; charset=utf-8"
		if strings.HasPrefix(strings.TrimSpace(f.Body), "<") {
			kind = "text/html"
		}
		header.Set("Content-Type", kind)
	}
	return answer{status: cmp.Or(f.Status, http.StatusInternalServerError), header: header, body: []byte(f.Body)}
}

// ServerError is a failure with a status of 500 or above and the JSON body that
// GitHub sends with it.
func ServerError(status int) Failure {
	return Failure{Status: status, Body: `{"message":"Server Error"}`}
}

// BadGateway is the page that GitHub's front end sends when what is behind it
// does not answer: 502, HTML in the place of JSON.
func BadGateway() Failure {
	return Failure{
		Status: http.StatusBadGateway,
		Body:   "<html><head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body></html>\n",
	}
}

// SecondaryLimit is the refusal of who asks too much at once. The header
// Retry-After is left out where retryAfter is 0, as GitHub may do.
func SecondaryLimit(retryAfter time.Duration) Failure {
	f := Failure{
		Status: http.StatusForbidden,
		Header: http.Header{},
		Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",` +
			`"documentation_url":"https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",` +
			`"status":"403"}`,
	}
	if retryAfter > 0 {
		f.Header.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	return f
}

// fault is a failure that waits for its request.
type fault struct {
	match   Match
	failure Failure
	left    int // negative: for ever
}

// callback is a function that waits for its request.
type callback struct {
	match Match
	run   func()
	left  int
}

// FailNext makes the next requests that match fail. Failures that match the
// same request are used one after the other, in the order they were asked for.
func (g *GitHub) FailNext(match Match, failure Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &fault{match: match, failure: failure, left: cmp.Or(match.Count, 1)})
}

// Heal forgets the failures that were asked for, those for all requests included.
func (g *GitHub) Heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// Before runs a function when a matching request has come in and before
// anything is done about it. This is how a test moves a branch between a
// client's reading and its writing.
func (g *GitHub) Before(match Match, run func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.callbacks = append(g.callbacks, &callback{match: match, run: run, left: cmp.Or(match.Count, 1)})
}

// PendingFailures says how many failures of [GitHub.FailNext] have met no
// request yet, those for all requests left out.
func (g *GitHub) PendingFailures() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, f := range g.faults {
		n += max(0, f.left)
	}
	return n
}

// takeFailure uses up the first failure that matches.
func (g *GitHub) takeFailure(request Request) (Failure, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, f := range g.faults {
		if !f.match.matches(request) {
			continue
		}
		if f.left--; f.left == 0 {
			g.faults = slices.Delete(g.faults, i, i+1)
		}
		return f.failure, true
	}
	return Failure{}, false
}

// runCallbacks runs all callbacks that match, without the lock.
func (g *GitHub) runCallbacks(request Request) {
	var run []func()
	g.mu.Lock()
	g.callbacks = slices.DeleteFunc(g.callbacks, func(c *callback) bool {
		if !c.match.matches(request) {
			return false
		}
		run = append(run, c.run)
		c.left--
		return c.left == 0
	})
	g.mu.Unlock()
	for _, f := range run {
		f()
	}
}

// wait waits, and is false if the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
