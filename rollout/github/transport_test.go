package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A script answers one request after the other, and repeats its last line.
type script struct {
	lines []func(*http.Request) (*http.Response, error)
	sent  []*http.Request
	at    []time.Time
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	line := s.lines[min(len(s.sent), len(s.lines)-1)]
	s.sent, s.at = append(s.sent, req), append(s.at, time.Now())
	return line(req)
}

func answers(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
			Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		}, nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

const secret = "github_pat_SECRET0123456789"

func scripted(t *testing.T, lines ...func(*http.Request) (*http.Response, error)) (*Client, *script) {
	t.Helper()
	s := &script{lines: lines}
	c, err := New(Options{Owner: "octo-org", Name: "fleet", Token: secret, TokenSource: "GH_TOKEN", Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// asks sends one REST question and explains what came of it.
func asks(ctx context.Context, c *Client) error {
	var answer map[string]any
	if _, err := c.get(ctx, c.path("activity"), &answer); err != nil {
		return c.explain("read the activity", err)
	}
	return nil
}

func TestQuestionsAreRepeated(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, test := range []struct {
		name   string
		lines  []func(*http.Request) (*http.Response, error)
		sent   int
		atMost time.Duration
		atLast time.Duration // waited at least
		kind   error
		says   string
	}{
		{
			name:  "a failure that passes",
			lines: []func(*http.Request) (*http.Response, error){answers(502, "<html>"), answers(503, `{}`), answers(200, `{}`)},
			sent:  3, atLast: 2 * time.Second, atMost: 4 * time.Second,
		},
		{
			name:  "a failure that does not pass",
			lines: []func(*http.Request) (*http.Response, error){answers(500, `{"message":"Server Error"}`)},
			sent:  5, atLast: 12 * time.Second, atMost: 18 * time.Second,
			kind: rollout.ErrUnavailable, says: "GitHub (github.com) does not answer: HTTP 500: Server Error",
		},
		{
			name:  "a connection that is refused",
			lines: []func(*http.Request) (*http.Response, error){fails(refused)},
			sent:  5, atMost: 18 * time.Second,
			kind: rollout.ErrUnavailable, says: "connection refused\n  → see https://www.githubstatus.com",
		},
		{
			name:  "a connection that is cut",
			lines: []func(*http.Request) (*http.Response, error){fails(io.ErrUnexpectedEOF), answers(200, `{}`)},
			sent:  2, atMost: 2 * time.Second,
		},
		{
			name:  "a host that does not exist",
			lines: []func(*http.Request) (*http.Response, error){fails(&net.DNSError{Err: "no such host", Name: "api.github.com", IsNotFound: true})},
			sent:  1, kind: rollout.ErrUnavailable, says: "no such host",
		},
		{
			name:  "a server that hangs",
			lines: []func(*http.Request) (*http.Response, error){hangs, hangs, answers(200, `{}`)},
			sent:  3, atLast: time.Minute, atMost: 64 * time.Second,
		},
		{
			name:  "a server that hangs for ever",
			lines: []func(*http.Request) (*http.Response, error){hangs},
			sent:  4, atMost: 2*time.Minute + 30*time.Second,
			kind: rollout.ErrUnavailable, says: "is slow: no answer within 30s",
		},
		{
			name:  "a secondary limit that says how long",
			lines: []func(*http.Request) (*http.Response, error){answers(403, `{}`, "Retry-After", "17"), answers(200, `{}`)},
			sent:  2, atLast: 17 * time.Second, atMost: 17 * time.Second,
		},
		{
			name:  "a secondary limit that does not say how long",
			lines: []func(*http.Request) (*http.Response, error){answers(403, `{"message":"You have exceeded a secondary rate limit."}`), answers(200, `{}`)},
			sent:  2, atLast: time.Minute, atMost: time.Minute,
		},
		{
			name:  "too many requests",
			lines: []func(*http.Request) (*http.Response, error){answers(429, `{}`, "Retry-After", "3"), answers(200, `{}`)},
			sent:  2, atLast: 3 * time.Second, atMost: 3 * time.Second,
		},
		{
			name: "a limit that ends soon",
			lines: []func(*http.Request) (*http.Response, error){
				answers(403, `{}`, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", fmt.Sprint(synctestStart.Add(40*time.Second).Unix())),
				answers(200, `{}`),
			},
			sent: 2, atLast: 40 * time.Second, atMost: 40 * time.Second,
		},
		{
			name: "a limit that ends too late",
			lines: []func(*http.Request) (*http.Response, error){
				answers(403, `{}`, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", fmt.Sprint(synctestStart.Add(50*time.Minute).Unix())),
			},
			sent: 1, kind: rollout.ErrUnavailable, says: "GitHub limits the requests until 2000-01-01 00:50 UTC",
		},
		{
			name:  "a permission that is missing is not repeated",
			lines: []func(*http.Request) (*http.Response, error){answers(403, `{"message":"Resource not accessible by integration"}`, "X-Accepted-GitHub-Permissions", "contents=write; contents=write,workflows=write")},
			sent:  1, kind: rollout.ErrNotPermitted, says: "the token needs contents=write, or contents=write and workflows=write",
		},
		{
			name:  "an answer that is not JSON is not repeated",
			lines: []func(*http.Request) (*http.Response, error){answers(200, `<html>`)},
			sent:  1, kind: rollout.ErrUnavailable, says: "check that a proxy in between does not answer instead",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, test.lines...)
				start := time.Now()
				err := asks(t.Context(), c)
				took := time.Since(start)
				if len(s.sent) != test.sent {
					t.Errorf("sent %d requests, want %d", len(s.sent), test.sent)
				}
				if took < test.atLast || took > test.atMost {
					t.Errorf("took %v, want %v to %v", took, test.atLast, test.atMost)
				}
				switch {
				case test.kind == nil && err != nil:
					t.Errorf("error: %v", err)
				case test.kind != nil && (!errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says)):
					t.Errorf("error: %v\nwant kind %q, saying %q", err, test.kind, test.says)
				}
			})
		})
	}
}

// synctestStart is when time begins within a bubble of testing/synctest.
var synctestStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestWritesAreNeverRepeated(t *testing.T) {
	for name, line := range map[string]func(*http.Request) (*http.Response, error){
		"failure":    answers(502, `{}`),
		"limit":      answers(429, `{}`, "Retry-After", "1"),
		"connection": fails(io.ErrUnexpectedEOF),
		"hang":       hangs,
		"vague":      answers(200, `{"data":null,"errors":[{"message":"Something went wrong while executing your query on 2026-01-01"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, line)
				for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch} {
					s.sent = nil
					_ = c.send(t.Context(), method, c.path("git/trees"), map[string]any{}, nil)
					if len(s.sent) != 1 {
						t.Errorf("%s was sent %d times", method, len(s.sent))
					}
				}
				s.sent = nil
				if err := c.mutate(t.Context(), "mutation { x }", nil, nil); err == nil {
					t.Error("the mutation succeeded")
				}
				if len(s.sent) != 1 {
					t.Errorf("the mutation was sent %d times", len(s.sent))
				}
			})
		})
	}
}

func TestGraphQLQueriesAreRepeated(t *testing.T) {
	for name, body := range map[string]string{
		"vague":   `{"data":null,"errors":[{"message":"Something went wrong while executing your query. Please include AB12 when reporting this issue."}]}`,
		"limited": `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, answers(200, body), answers(200, `{"data":{"repository":{"id":"R_1"}}}`))
				r, err := c.repository(t.Context())
				if err != nil || r.ID != "R_1" || len(s.sent) != 2 {
					t.Errorf("repository = %v, %v after %d requests", r, err, len(s.sent))
				}
			})
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, answers(429, `{}`, "Retry-After", "100"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		start := time.Now()
		err := asks(ctx, c)
		if !errors.Is(err, context.Canceled) || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("error: %v, want context.Canceled alone", err)
		}
		if took := time.Since(start); took != 10*time.Second || len(s.sent) != 1 {
			t.Errorf("took %v and %d requests", took, len(s.sent))
		}
	})
}

func TestACallersDeadlineIsNotTheServersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, hangs)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := asks(ctx, c); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("error: %v, want context.DeadlineExceeded alone", err)
		}
	})
}

func TestObservationIsDatedByGitHub(t *testing.T) {
	const body = `{"data":{"viewer":{"login":"ada"},"repository":{"id":"R_1"},"heads":{}}}`
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for date, want := range map[string]time.Time{
		"Thu, 01 Jan 2026 12:00:00 GMT": time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		"":                              now,
		"yesterday":                     now,
	} {
		c, _ := scripted(t, answers(200, body, "Date", date))
		c.options.Now = func() time.Time { return now }
		o, err := c.Observe(t.Context(), rollout.Query{Branches: []string{"main"}, Ledger: "rollout/ledger"})
		if err != nil || !o.At.Equal(want) {
			t.Errorf("with date %q: observed at %v, %v; want %v", date, o.At, err, want)
		}
	}
}

func TestALedgerThatIsShownInPartIsAnError(t *testing.T) {
	const answer = `{"data":{"viewer":{"login":"ada"},"repository":{"id":"R_1","ledger":{"target":{
		"oid":"1111111111111111111111111111111111111111","tree":{"entries":[{"name":"state.json","type":"blob","object":%s}]}}}}}}`
	for object, says := range map[string]string{
		`{"text":"{}","isBinary":false,"isTruncated":true,"byteSize":600000}`: "is too long: GitHub shows only a part of its 600000 bytes",
		`{"text":null,"isBinary":true,"isTruncated":false,"byteSize":2}`:      "is not text",
		`{"text":null,"isBinary":null,"isTruncated":false,"byteSize":2}`:      "is not text",
		`{"text":"{}","isBinary":false,"isTruncated":false,"byteSize":3}`:     "is not what GitHub shows of it: 2 bytes in place of 3",
		`null`: "cannot be read",
	} {
		c, _ := scripted(t, answers(200, fmt.Sprintf(answer, object)))
		_, err := c.Observe(t.Context(), rollout.Query{Ledger: "rollout/ledger"})
		if !errors.Is(err, rollout.ErrLedger) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want ErrLedger saying %q", object, err, says)
		}
	}
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	redirect := func(status int, to string) func(*http.Request) (*http.Response, error) {
		return answers(status, "", "Location", to)
	}
	for _, test := range []struct {
		name   string
		method string
		line   func(*http.Request) (*http.Response, error)
		sent   int
		ok     bool
	}{
		{"to the API", http.MethodGet, answers(200, `{}`), 1, true},
		{"to where the repository lives now", http.MethodGet, redirect(301, "https://api.github.com/repositories/1/activity"), 2, true},
		{"to another host", http.MethodGet, redirect(302, "https://evil.example/"), 1, false},
		{"to a subdomain", http.MethodGet, redirect(302, "https://evil.api.github.com/"), 1, false},
		{"over plain http", http.MethodGet, redirect(302, "http://api.github.com/"), 1, false},
		{"with another method", http.MethodPost, redirect(301, "https://api.github.com/repositories/1/activity"), 1, false},
		{"with the same method", http.MethodPost, redirect(307, "https://api.github.com/repositories/1/activity"), 2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := scripted(t, test.line, answers(200, `{}`))
			_, err := c.request(t.Context(), test.method, c.path("activity"), strings.NewReader("{}"), nil)
			if (err == nil) != test.ok || len(s.sent) != test.sent {
				t.Errorf("%d requests, error %v", len(s.sent), err)
			}
			for _, req := range s.sent {
				if got := req.Header.Get("Authorization"); got != "token "+secret || req.URL.Host != "api.github.com" || req.URL.Scheme != "https" {
					t.Errorf("sent to %s with %q", req.URL, got)
				}
			}
			if err != nil && !errors.Is(c.explain("read it", err), rollout.ErrRefused) {
				t.Errorf("explained as %v", c.explain("read it", err))
			}
		})
	}
	t.Run("through the transport alone", func(t *testing.T) {
		for _, address := range []string{"https://evil.example/", "http://api.github.com/", "https://x.api.github.com/", "https://api.github.com:444/"} {
			s := &script{lines: []func(*http.Request) (*http.Response, error){answers(200, `{}`)}}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			req := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Authorization": {"token " + secret}}}
			tr := &transport{base: s, host: "api.github.com", token: secret, timeout: time.Second, maxWait: time.Second, now: time.Now}
			if _, err := tr.RoundTrip(req.WithContext(t.Context())); err != nil {
				t.Fatal(err)
			}
			if got := s.sent[0].Header.Get("Authorization"); got != "" {
				t.Errorf("%s got %q", address, got)
			}
		}
	})
}

func TestTheTokenIsInNoError(t *testing.T) {
	t.Setenv("GH_DEBUG", "api")
	echo := `{"message":"bad token ` + secret + `","errors":[{"message":"` + secret + `","type":"FORBIDDEN"}]}`
	for name, line := range map[string]func(*http.Request) (*http.Response, error){
		"refused":    answers(403, echo),
		"no token":   answers(401, echo),
		"failed":     answers(500, echo),
		"invalid":    answers(422, echo),
		"graphql":    answers(200, echo),
		"garbled":    answers(200, secret),
		"connection": fails(errors.New("proxy " + secret + " refused")),
		"redirect":   answers(302, "", "Location", "https://evil.example/"+secret),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := scripted(t, line)
				_, observed := c.Observe(t.Context(), rollout.Query{Ledger: "rollout/ledger"})
				c.remember(repository{ID: "R_1"})
				_, committed := c.Commit(t.Context(), rollout.Transaction{Ledger: rollout.Head{Branch: "rollout/ledger"}})
				_, err := c.Movements(t.Context(), "main", func(rollout.Movement) bool { return true })
				_, witnessed := c.Evidence(t.Context(), []rollout.SHA{"1111111111111111111111111111111111111111"})
				for _, err := range []error{observed, committed, err, witnessed} {
					if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
						t.Errorf("error: %#v", err)
					}
				}
			})
		})
	}
}
