package openapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest/openapi"
)

// listener is a test that only listens.
type listener struct {
	*testing.T
	said []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.said = append(l.said, fmt.Sprintf(format, args...))
}

// canned answers everything in one way.
type canned struct {
	status int
	body   string
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

func TestValidate(t *testing.T) {
	openapi.Require(t)
	const (
		repository = "https://127.0.0.1/api/v3/repos/o/r"
		ref        = `{"ref":"refs/heads/a/b","node_id":"x","url":"https://h/x","object":{"type":"commit","sha":"` +
			"0123456789012345678901234567890123456789" + `","url":"https://h/x"}}`
	)
	tests := map[string]struct {
		method, address, body string
		answer                canned
		says                  string
	}{
		"all is well":                  {"GET", repository + "/git/ref/heads/a/b", "", canned{200, ref}, ""},
		"github.com":                   {"GET", "https://api.github.com/repos/o/r/git/ref/heads/a", "", canned{200, ref}, ""},
		"by its number":                {"GET", "https://127.0.0.1/api/v3/repositories/7/branches?page=2", "", canned{200, "[]"}, ""},
		"a body":                       {"PATCH", repository + "/git/refs/heads/a", `{"sha":"x","force":false}`, canned{200, ref}, ""},
		"GraphQL is not checked":       {"POST", "https://127.0.0.1/api/graphql", `{}`, canned{200, `{}`}, ""},
		"Git is not checked":           {"GET", "https://127.0.0.1/o/r.git/info/refs", "", canned{200, "x"}, ""},
		"an error is not checked":      {"GET", repository + "/git/ref/heads/a", "", canned{502, "<html>"}, ""},
		"a key that is missing":        {"GET", repository + "/git/ref/heads/a", "", canned{200, `{"ref":"x"}`}, "the answer 200 does not fit"},
		"a status that is unknown":     {"GET", repository + "/git/ref/heads/a", "", canned{204, ""}, "no answer with status 204"},
		"a body without its key":       {"PATCH", repository + "/git/refs/heads/a", `{"force":false}`, canned{200, ref}, "the request does not fit"},
		"a body key of another type":   {"PATCH", repository + "/git/refs/heads/a", `{"sha":1}`, canned{200, ref}, "the request does not fit"},
		"a parameter that is no value": {"GET", repository + "/activity?direction=up", "", canned{200, "[]"}, "the request does not fit"},
		"an operation that is unknown": {"POST", repository + "/merges", `{}`, canned{200, "{}"}, "no such operation"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listening := &listener{T: t}
			address, err := url.Parse(test.address)
			if err != nil {
				t.Fatal(err)
			}
			request := &http.Request{Method: test.method, URL: address, Header: http.Header{}}
			if test.body != "" {
				request.Body = io.NopCloser(strings.NewReader(test.body))
			}
			response, err := openapi.Validate(listening, test.answer).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != test.answer.body {
				t.Errorf("the body that is passed on is %q, %v", body, err)
			}
			if said := strings.Join(listening.said, "\n"); (test.says == "") != (said == "") || !strings.Contains(said, test.says) {
				t.Errorf("the test is told %q, want %q", said, test.says)
			}
		})
	}
}
