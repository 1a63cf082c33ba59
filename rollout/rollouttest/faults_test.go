package rollouttest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestFailNext(t *testing.T) {
	tests := map[string]struct {
		failure rollouttest.Failure
		status  int // 0: no answer
		says    string
		moved   bool
	}{
		"a server error":                {rollouttest.ServerError(500), 500, "Server Error", false},
		"a server that is not there":    {rollouttest.ServerError(503), 503, "Server Error", false},
		"a page in the place of JSON":   {rollouttest.BadGateway(), 502, "<h1>502 Bad Gateway</h1>", false},
		"a secondary limit":             {rollouttest.SecondaryLimit(time.Minute), 403, "secondary rate limit", false},
		"a cut before the effect":       {rollouttest.Failure{Cut: true}, 0, "", false},
		"a cut after the effect":        {rollouttest.Failure{Cut: true, After: true}, 0, "", true},
		"an error after the effect":     {rollouttest.Failure{Status: 502, After: true}, 502, "", true},
		"a delay":                       {rollouttest.Failure{Delay: time.Millisecond}, 200, "", true},
		"a delay and then an error":     {rollouttest.Failure{Delay: time.Millisecond, Status: 500}, 500, "", false},
		"a delay, the effect and a cut": {rollouttest.Failure{Delay: time.Millisecond, Cut: true, After: true}, 0, "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{})
			base := s.commit("main", map[string]string{"a": "1"})
			next := s.commit("main", map[string]string{"a": "2"})
			if err := s.repo.SetBranch("release", base); err != nil {
				t.Fatal(err)
			}
			s.github.FailNext(rollouttest.Match{Method: "PATCH", Path: "/repos/*/git/refs/heads/release"}, test.failure)
			s.want(s.do("GET", "git/ref/heads/release", nil), 200, base) // not meant
			r, err := s.try("PATCH", "git/refs/heads/release", map[string]any{"sha": next})
			if (err != nil) != (test.status == 0) || r.status != test.status || !strings.Contains(string(r.body), test.says) {
				t.Errorf("the answer is %d %s, %v", r.status, r.body, err)
			}
			if moved := s.head("release") == next; moved != test.moved {
				t.Errorf("the branch moved: %v", moved)
			}
			if n := s.github.PendingFailures(); n != 0 {
				t.Errorf("%d failures are left", n)
			}
			s.want(s.do("PATCH", "git/refs/heads/release", map[string]any{"sha": next}), 200, "")
		})
	}
}

func TestFailNextCounts(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a": "1"})
	s.github.FailNext(rollouttest.Match{Operation: "viewer", Count: 2}, rollouttest.ServerError(502))
	s.github.FailNext(rollouttest.Match{Operation: "Named"}, rollouttest.ServerError(503))
	s.github.FailNext(rollouttest.Match{Path: "/rate_limit", Count: -1}, rollouttest.ServerError(500))
	query := func(text string) int {
		request, err := http.NewRequestWithContext(t.Context(), "POST", s.github.URL()+"/api/graphql", strings.NewReader(`{"query":"`+text+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "bearer "+s.token)
		r, err := s.roundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		return r.status
	}
	for i, want := range []int{502, 502, 200} {
		if got := query("{viewer{login}}"); got != want {
			t.Errorf("query %d gets %d, want %d", i, got, want)
		}
	}
	if got := query("query Named{viewer{login}}"); got != 503 {
		t.Errorf("the named query gets %d", got)
	}
	for range 3 {
		s.want(s.do("GET", "/rate_limit", nil), 500, "")
	}
	dir := s.clone()
	s.github.FailNext(rollouttest.Match{Path: "*/git-upload-pack"}, rollouttest.ServerError(500))
	next := s.commit("main", map[string]string{"a": "2"})
	if out, err := s.git(dir, "fetch"); err == nil {
		t.Errorf("the fetch works: %s", out)
	}
	s.mustGit(dir, "fetch", "--quiet")
	if got := s.mustGit(dir, "rev-parse", "origin/main"); got != next {
		t.Errorf("the second fetch brings %s", got)
	}
}

// TestHang: a client that gives up is not waited for.
func TestHang(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.github.FailNext(rollouttest.Match{}, rollouttest.Failure{Delay: rollouttest.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", s.github.URL()+"/api/v3/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.roundTrip(request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// TestCloseEndsAHang: a request that hangs does not keep Close from ending.
func TestCloseEndsAHang(t *testing.T) {
	github, err := rollouttest.Start(rollouttest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	github.FailNext(rollouttest.Match{}, rollouttest.Failure{Delay: rollouttest.Hang})
	arrived := make(chan struct{})
	github.Before(rollouttest.Match{}, func() { close(arrived) })
	done := make(chan error, 1)
	s := &stage{t: t, github: github, http: github.Transport(), token: rollouttest.DefaultToken}
	go func() {
		_, err := s.try("GET", "/user", nil)
		done <- err
	}()
	<-arrived
	if err := github.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the hanging request was answered")
	}
	if err := github.Close(); err != nil {
		t.Errorf("a second Close says %v", err)
	}
}

// TestBefore moves a branch between a client's reading and its writing.
func TestBefore(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"a": "1"})
	next := s.commit("main", map[string]string{"a": "2"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	var rival string
	s.github.Before(rollouttest.Match{Operation: "updateRefs"}, func() {
		rival = s.commit("release", map[string]string{"rival": "1"})
	})
	if problems := s.updateRefs(pointed{"refs/heads/release", base, next}); len(problems) != 1 {
		t.Errorf("the errors are %v", problems)
	}
	if s.head("release") != rival {
		t.Errorf("release is at %s", s.head("release"))
	}
}

func TestRateLimit(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	limits := func(r reply) string {
		var list []string
		for _, name := range []string{"Limit", "Remaining", "Used", "Resource"} {
			list = append(list, r.header.Get("X-RateLimit-"+name))
		}
		return strings.Join(list, " ")
	}
	if got := limits(s.do("GET", "", nil)); got != "5000 4999 1 core" {
		t.Errorf("the first request has %s", got)
	}
	s.github.SetRateLimit(2, s.clock.Now().Add(10*time.Minute))
	s.want(s.do("GET", "", nil), 200, "")
	s.want(s.do("GET", "/rate_limit", nil), 200, `"remaining":1`) // costs nothing
	s.want(s.do("GET", "", nil), 200, "")
	r := s.want(s.do("GET", "", nil), 403, "API rate limit exceeded for user ID")
	if r.header.Get("X-RateLimit-Remaining") != "0" || r.header.Get("X-RateLimit-Reset") != "1772442600" {
		t.Errorf("the headers are %v", r.header)
	}
	s.graphql(`{viewer{login}}`, nil)
	s.graphql(`{viewer{login}}`, nil)
	if _, problems := s.graphql(`{viewer{login}}`, nil); len(problems) != 1 || problems[0]["type"] != "RATE_LIMITED" {
		t.Errorf("GraphQL answers %v", problems)
	}
	s.clock.Advance(10 * time.Minute)
	if got := limits(s.want(s.do("GET", "", nil), 200, "")); got != "5000 4999 1 core" {
		t.Errorf("after the reset a request has %s", got)
	}
	actions := s.as(rollouttest.Identity{Kind: rollouttest.KindActions})
	if got := limits(actions.do("GET", "", nil)); got != "1000 999 1 core" {
		t.Errorf("Actions have %s", got)
	}
	limited := rollouttest.SecondaryLimit(90 * time.Second)
	s.github.FailNext(rollouttest.Match{}, limited)
	if got := s.do("GET", "", nil).header.Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After is %q", got)
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oid := s.commit("main", map[string]string{"a": "1"})
	s.clone()
	s.github.ResetRequests()
	s.do("GET", "activity?ref=main", nil)
	s.graphql(`query Observe{viewer{login}}`, nil)
	s.mustGit(t.TempDir(), "ls-remote", s.remote())
	app := s.as(rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp})
	app.do("PATCH", "git/refs/heads/main", map[string]any{"sha": oid})
	s.github.FailNext(rollouttest.Match{}, rollouttest.Failure{Cut: true})
	if _, err := s.try("GET", "", nil); err == nil {
		t.Error("a request that is cut is answered")
	}
	var list []string
	for _, r := range s.github.Requests() {
		if r.Path == "/octo-org/fleet.git/info/refs" && r.Status == 401 {
			continue // git asks without credentials first
		}
		list = append(list, strings.TrimSpace(strings.Join([]string{r.Method, r.Path, r.Query, r.Operation, string(r.Kind), http.StatusText(r.Status)}, " ")))
		if strings.Contains(string(r.Body), s.token) {
			t.Errorf("%s %s: the token was recorded", r.Method, r.Path)
		}
	}
	want := []string{
		"GET /repos/octo-org/fleet/activity ref=main  user OK",
		"POST /api/graphql  Observe user OK",
		"GET /octo-org/fleet.git/info/refs service=git-upload-pack   OK",
		"POST /octo-org/fleet.git/git-upload-pack    OK",
		"PATCH /repos/octo-org/fleet/git/refs/heads/main   app Forbidden",
		"GET /repos/octo-org/fleet",
	}
	if strings.Join(list, "\n") != strings.Join(want, "\n") {
		t.Errorf("recorded were\n%s\nwant\n%s", strings.Join(list, "\n"), strings.Join(want, "\n"))
	}
}
