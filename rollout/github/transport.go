package github

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/monosense/k8s-ops/rollout"
)

const (
	// maxRetries is how often a question is asked again.
	maxRetries = 4
	// firstWait is how long to wait before asking again the first time; each
	// further wait is twice as long.
	firstWait = time.Second
	// limitWait is how long to wait where GitHub limits the requests without
	// saying until when: "wait for at least one minute"
	// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
	limitWait = time.Minute
	// maxAnswer is the longest answer that is read, in bytes. The longest one
	// expected is a ledger's tree.
	maxAnswer = 32 << 20
)

// A question goes along with the context of a request that only reads: its
// presence lets the transport repeat the request, and it brings back what go-gh
// does not hand out.
type question struct {
	// answered is the Date of the last answer.
	answered time.Time
}

type questionKey struct{}

func withQuestion(ctx context.Context) (context.Context, *question) {
	q := &question{}
	return context.WithValue(ctx, questionKey{}, q), q
}

// questionOf is nil for a request that is not to be repeated.
func questionOf(req *http.Request) *question {
	q, _ := req.Context().Value(questionKey{}).(*question)
	return q
}

// A transport sends requests to one host with the token, reads whole answers
// within a timeout, and repeats what may be repeated.
type transport struct {
	base             http.RoundTripper
	host, token      string
	timeout, maxWait time.Duration
	now              func() time.Time
}

// RoundTrip implements [http.RoundTripper]. Its errors are of this package's
// types, or the context's own.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	question := questionOf(req)
	var asked time.Duration
	response, err := retry.DoValue(req.Context(), t.patience(question, &asked), func(ctx context.Context) (*http.Response, error) {
		response, content, err := t.once(req, body)
		if err != nil {
			return nil, passing(err)
		}
		if date, err := http.ParseTime(response.Header.Get("Date")); err == nil && question != nil {
			question.answered = date
		}
		if limit := t.limitOf(response, content); limit != nil {
			asked = limit.wait
			return nil, retry.RetryableError(limit)
		}
		if isOutage(response, content) {
			return nil, retry.RetryableError(&outage{response})
		}
		return response, nil
	})
	var last *outage
	if errors.As(err, &last) {
		return last.response, nil
	}
	return response, err
}

// An outage is an answer that is worth trying again, and is handed on as it is
// when that did not help.
type outage struct{ response *http.Response }

func (o *outage) Error() string { return o.response.Status }

// patience is how long to wait before each repetition: ever longer, at least
// for as long as GitHub asked, and not beyond maxWait in all. The local clock
// only measures lengths of time here.
func (t *transport) patience(q *question, asked *time.Duration) retry.Backoff {
	growing := retry.WithJitterPercent(20, retry.NewExponential(firstWait))
	started := t.now()
	return retry.WithMaxRetries(maxRetries, retry.BackoffFunc(func() (time.Duration, bool) {
		wait, stop := growing.Next()
		wait = max(wait, *asked)
		*asked = 0
		return wait, stop || q == nil || t.now().Sub(started)+wait > t.maxWait
	}))
}

// once sends the request and reads the whole answer.
func (t *transport) once(req *http.Request, body []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	response, err := t.base.RoundTrip(t.prepare(ctx, req, body))
	if err != nil {
		return nil, nil, t.failure(req, ctx, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(content) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	if err != nil {
		return nil, nil, t.failure(req, ctx, err)
	}
	response.Request = req
	response.Body = io.NopCloser(bytes.NewReader(content))
	if response.StatusCode < 300 {
		// go-gh rewrites control characters in what is declared as JSON, and
		// does it wrongly to an escape within an escape: the \u001b in a JSON
		// file that is itself part of an answer becomes invalid JSON. Answers
		// go to a terminal only through rollout.Printable, so go-gh is not told
		// that it is JSON. Error messages keep their type, and are rewritten.
		response.Header.Del("Content-Type")
	}
	return response, content, nil
}

// prepare copies the request, since a round tripper must not change it. The
// token is for one host, over https: go-gh would send it to every subdomain,
// and to none that has a port.
func (t *transport) prepare(ctx context.Context, req *http.Request, body []byte) *http.Request {
	out := req.Clone(ctx)
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	out.Header.Del("Authorization")
	if out.URL.Scheme == "https" && strings.EqualFold(out.URL.Host, t.host) {
		out.Header.Set("Authorization", "token "+t.token)
	}
	return out
}

// failure tells whose patience ended: the caller's, ours, or the connection's.
func (t *transport) failure(req *http.Request, ctx context.Context, err error) error {
	switch {
	case req.Context().Err() != nil:
		return req.Context().Err()
	case ctx.Err() != nil:
		return &slowError{t.timeout}
	default:
		return &unreachableError{err}
	}
}

// passing marks those failures that can pass by themselves. A name that does
// not exist and a certificate that is not trusted will not.
func passing(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var cut *unreachableError
	var slow *slowError
	switch {
	case errors.As(err, &cut) && errors.As(cut.cause, &name) && name.IsNotFound,
		errors.As(err, &cut) && errors.As(cut.cause, &certificate):
		return err
	case errors.As(err, &cut), errors.As(err, &slow):
		return retry.RetryableError(err)
	default:
		return err
	}
}

// drain reads a request's body, which a round tripper has to close.
func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}

// isOutage tells whether GitHub failed, as opposed to refused. A GraphQL query
// that GitHub gave up on is answered 200.
func isOutage(response *http.Response, content []byte) bool {
	return response.StatusCode >= 500 ||
		anyGraphQLError(response, content, func(e graphqlError) bool { return isVague(e.Message) })
}

// isVague tells whether a GraphQL error says that GitHub does not know itself
// what became of a request: "Something went wrong while executing your query.
// This may be the result of a timeout, or it could be a GitHub bug."
func isVague(message string) bool {
	return strings.HasPrefix(message, "Something went wrong")
}

type graphqlError struct{ Type, Message string }

func anyGraphQLError(response *http.Response, content []byte, is func(graphqlError) bool) bool {
	if !strings.HasSuffix(response.Request.URL.Path, "/graphql") {
		return false
	}
	var answer struct{ Errors []graphqlError }
	if json.Unmarshal(content, &answer) != nil {
		return false
	}
	for _, e := range answer.Errors {
		if is(e) {
			return true
		}
	}
	return false
}

// limitOf reads from an answer whether it was refused because of a rate limit,
// and how long to wait: retry-after first, then x-ratelimit-reset, then a
// minute. The reset is compared to the answer's own date, so that a local clock
// that is wrong does no harm.
func (t *transport) limitOf(response *http.Response, content []byte) *limitError {
	if !isLimited(response, content) {
		return nil
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		date = t.now()
	}
	wait := limitWait
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if reset, err := strconv.ParseInt(response.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && isUsedUp(response) {
		wait = max(time.Unix(reset, 0).Sub(date), 0)
	}
	return &limitError{wait: wait, until: date.Add(wait)}
}

func isLimited(response *http.Response, content []byte) bool {
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return isUsedUp(response) || response.Header.Get("Retry-After") != "" || mentionsLimit(string(content))
	case http.StatusOK:
		return anyGraphQLError(response, content, func(e graphqlError) bool {
			return e.Type == "RATE_LIMITED" || mentionsLimit(e.Message)
		})
	default:
		return false
	}
}

func isUsedUp(response *http.Response) bool {
	return response.Header.Get("X-Ratelimit-Remaining") == "0"
}

func mentionsLimit(text string) bool {
	return strings.Contains(strings.ToLower(text), "rate limit")
}

// A limitError says that GitHub limits the requests. What was asked was not
// done.
type limitError struct {
	wait  time.Duration
	until time.Time
}

func (e *limitError) Error() string {
	return "GitHub limits the requests until " + rollout.FormatTime(e.until)
}

// A slowError says that an answer took too long.
type slowError struct{ timeout time.Duration }

func (e *slowError) Error() string {
	return "no answer within " + rollout.FormatDuration(e.timeout)
}

// An unreachableError says that there was no connection, or that it broke.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string {
	if errors.Is(e.cause, io.EOF) || errors.Is(e.cause, io.ErrUnexpectedEOF) {
		return "the connection was cut"
	}
	return e.cause.Error()
}
