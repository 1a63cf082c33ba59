package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/cli/go-gh/v2/pkg/api"

	"github.com/monosense/k8s-ops/rollout"
)

// shown is how much of a text of GitHub's is repeated in an error.
const shown = 500

func usagef(format string, args ...any) error {
	return &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf(format, args...)}
}

// A garbledError says that an answer is not what the API promises.
type garbledError struct{ cause error }

func (e *garbledError) Error() string {
	return "the answer cannot be read: " + e.cause.Error()
}

// garbled names those errors of go-gh's GraphQL client that come from decoding
// an answer.
func garbled(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &garbledError{err}
	}
	return err
}

// A redirectError says that GitHub sent a request somewhere else.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "redirected to " + e.to }

// redacted is what an error says, without the token. The error itself is
// dropped, since it could be printed.
func (c *Client) redacted(err error) error {
	return errors.New(c.redact(err.Error()))
}

func (c *Client) redact(text string) string {
	return strings.ReplaceAll(text, c.options.Token, "[token]")
}

// explain turns what went wrong with one request into a sentence for an
// operator, and gives it a kind. A cancelled context stays what it is.
func (c *Client) explain(doing string, err error) error {
	var problem *rollout.Problem
	if errors.As(err, &problem) {
		return err
	}
	p := &rollout.Problem{What: fmt.Sprintf("%s of %s", doing, c.slug())}
	var answer *api.HTTPError
	var refusals *api.GraphQLError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", p.What, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", p.What, context.DeadlineExceeded)
	case errors.Is(err, errNoRepository):
		c.missing(p)
	case errors.As(err, &answer):
		c.explainStatus(p, answer)
	case errors.As(err, &refusals):
		c.explainGraphQL(p, refusals)
	default:
		c.explainConnection(p, err)
	}
	return p
}

// explainConnection is for requests that have no answer, or none that can be
// read.
func (c *Client) explainConnection(p *rollout.Problem, err error) {
	var limit *limitError
	var slow *slowError
	var cut *unreachableError
	var moved *redirectError
	p.Kind = rollout.ErrUnavailable
	switch {
	case errors.As(err, &limit):
		p.What += ": " + limit.Error()
		p.Ways = []string{"run it again then; every token has a limit of its own, and GITHUB_TOKEN one for each repository"}
	case errors.As(err, &slow):
		p.What += fmt.Sprintf(": GitHub (%s) is slow: %s", c.options.Host, slow.Error())
		p.Ways = c.outageWays()
	case errors.As(err, &cut):
		p.What += fmt.Sprintf(": GitHub (%s) does not answer: %s", c.options.Host, c.redact(cut.Error()))
		p.Ways = c.outageWays()
	case errors.As(err, &moved):
		p.Kind = rollout.ErrRefused
		p.What += ": GitHub says that it has moved"
		p.Cause = c.redacted(moved)
		p.Ways = []string{"if the repository was renamed, correct `repository:` in the plan"}
	default:
		p.What += fmt.Sprintf(": GitHub (%s) does not answer as its API should", c.options.Host)
		p.Cause = c.redacted(err)
		p.Ways = append([]string{"check that a proxy in between does not answer instead"}, c.outageWays()...)
	}
}

func (c *Client) outageWays() []string {
	if c.options.Host == "github.com" {
		return []string{"see https://www.githubstatus.com, and run it again when GitHub answers"}
	}
	return []string{fmt.Sprintf("check that https://%s can be reached from here, and run it again when it answers", c.options.Host)}
}

// explainStatus is for answers whose status says that it was not done.
func (c *Client) explainStatus(p *rollout.Problem, e *api.HTTPError) {
	said := c.said(e)
	p.Kind = rollout.ErrRefused
	switch {
	case e.StatusCode == http.StatusUnauthorized:
		p.Kind = rollout.ErrNotPermitted
		p.What += fmt.Sprintf(": GitHub does not accept the token%s: %s", c.options.from(), said)
		p.Ways = tokenWays(c.options.Host)
	case e.StatusCode == http.StatusForbidden:
		p.Kind = rollout.ErrNotPermitted
		p.What += fmt.Sprintf(": the token%s may not do this: %s", c.options.from(), said)
		p.Ways = permissionWays(e.Headers.Get("X-Accepted-Github-Permissions"))
	case e.StatusCode == http.StatusNotFound:
		c.missing(p)
	case e.StatusCode >= 500:
		p.Kind = rollout.ErrUnavailable
		p.What += fmt.Sprintf(": GitHub (%s) does not answer: HTTP %d: %s", c.options.Host, e.StatusCode, said)
		p.Ways = c.outageWays()
	case isRuleViolation(said):
		p.What += ": " + said
		p.Ways = ruleWays()
	default:
		p.What += ": GitHub refuses it: " + said
	}
}

// explainGraphQL is for GraphQL errors, which come with status 200.
func (c *Client) explainGraphQL(p *rollout.Problem, e *api.GraphQLError) {
	said := c.said(e)
	p.Kind = rollout.ErrRefused
	switch {
	case isMissing(e):
		c.missing(p)
	case isForbidden(e):
		p.Kind = rollout.ErrNotPermitted
		p.What += fmt.Sprintf(": the token%s may not do this: %s", c.options.from(), said)
		p.Ways = permissionWays("")
	case isUnclear(e):
		p.Kind = rollout.ErrUnavailable
		p.What += fmt.Sprintf(": GitHub (%s) did not manage it: %s", c.options.Host, said)
		p.Ways = c.outageWays()
	case isRuleViolation(said):
		p.What += ": " + said
		p.Ways = ruleWays()
	default:
		p.What += ": GitHub refuses it: " + said
	}
}

// missing is what GitHub says both of what does not exist and of what the
// token may not see.
func (c *Client) missing(p *rollout.Problem) {
	p.Kind = rollout.ErrNotPermitted
	p.What += fmt.Sprintf(": GitHub (%s) has no such thing, or does not show it to the token%s: it answers the same to both", c.options.Host, c.options.from())
	p.Ways = []string{
		"correct `repository:` in the plan, if it is misspelt or was renamed",
		"or give a token that may see the repository: a fine-grained token has to name it",
	}
}

// said is what GitHub answered, on one line, safe to show. What it says of each
// of many things is said once.
func (c *Client) said(err error) string {
	var answer *api.HTTPError
	var refusals *api.GraphQLError
	var text []string
	switch {
	case errors.As(err, &answer):
		text = strings.Split(answer.Message, "\n")
	case errors.As(err, &refusals):
		for _, e := range refusals.Errors {
			text = append(text, strings.Split(e.Message, "\n")...)
		}
	}
	var lines []string
	for _, line := range text {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return rollout.Printable(c.redact(strings.Join(lines, "; ")), shown)
}

// isUnclear tells whether a write can have been carried out although it ended
// in this error. Whatever GitHub refused with a reason was not.
func isUnclear(err error) bool {
	var answer *api.HTTPError
	var refusals *api.GraphQLError
	var limit *limitError
	var moved *redirectError
	switch {
	case errors.As(err, &limit), errors.As(err, &moved):
		return false
	case errors.As(err, &answer):
		return answer.StatusCode >= 500 || answer.StatusCode == http.StatusRequestTimeout
	case errors.As(err, &refusals):
		for _, e := range refusals.Errors {
			if isVague(e.Message) {
				return true
			}
		}
		return false
	default:
		return true
	}
}

// uncertain is the error of a write whose answer is lost.
func (c *Client) uncertain(doing string, err error) error {
	p := &rollout.Problem{
		Kind:  rollout.ErrUncertain,
		What:  fmt.Sprintf("%s of %s: GitHub (%s) gave no clear answer", doing, c.slug(), c.options.Host),
		Cause: c.redacted(err),
	}
	if cancelled := c.explain(doing, err); errors.Is(cancelled, context.Canceled) || errors.Is(cancelled, context.DeadlineExceeded) {
		p.Cause = cancelled
	}
	return p
}

// isMissing tells whether a GraphQL error is about the repository as a whole:
// its path is one field then, the repository's.
func isMissing(e *api.GraphQLError) bool {
	for _, item := range e.Errors {
		if item.Type != "NOT_FOUND" || len(item.Path) != 1 {
			return false
		}
	}
	return true
}

// isForbidden tells whether a GraphQL error is about the token.
func isForbidden(e *api.GraphQLError) bool {
	for _, item := range e.Errors {
		if item.Type == "FORBIDDEN" || item.Type == "INSUFFICIENT_SCOPES" ||
			strings.Contains(item.Message, "Resource not accessible by") || isWorkflowRefusal(item.Message) {
			return true
		}
	}
	return false
}

// isWorkflowRefusal tells whether GitHub's text is the one about workflow
// files: "refusing to allow a Personal Access Token to create or update
// workflow `.github/workflows/x.yaml` without `workflow` scope".
func isWorkflowRefusal(message string) bool {
	return strings.Contains(message, "refusing to allow") && strings.Contains(message, "workflow")
}

// isRuleViolation tells whether a ruleset, or a branch protection of the old
// kind, was in the way.
func isRuleViolation(said string) bool {
	lower := strings.ToLower(said)
	return strings.Contains(lower, "rule violations found") || strings.Contains(lower, "protected branch") || strings.Contains(lower, "protected ref")
}

func ruleWays() []string {
	return []string{
		"in the repository's settings under Rules, take that rule off the branch: the release branches need `deletion` and `non_fast_forward` alone",
		"or add what promotes to the ruleset's bypass list: a GitHub App, or the deploy keys, one of which is ROLLOUT_DEPLOY_KEY then; GitHub refuses its own Actions app there",
	}
}

// permissionWays says what the token lacks, where GitHub says it: alternatives
// are separated by semicolons, what is needed together by commas
// (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api).
func permissionWays(accepted string) []string {
	if accepted == "" {
		return []string{"give the token the permission for it: a promotion needs Contents: write, `mage release:init` Administration: write as well"}
	}
	var sets []string
	for set := range strings.SplitSeq(accepted, ";") {
		sets = append(sets, strings.ReplaceAll(strings.TrimSpace(set), ",", " and "))
	}
	return []string{"the token needs " + rollout.Printable(strings.Join(sets, ", or "), shown)}
}

// tokenWays says how to come by a token.
func tokenWays(host string) []string {
	variable := "GH_TOKEN"
	if !strings.HasPrefix(apiHost(host), "api.") {
		variable = "GH_ENTERPRISE_TOKEN"
	}
	return []string{
		fmt.Sprintf("run `gh auth login --hostname %s`", host),
		fmt.Sprintf("or create a token that may read the repository's Contents, and write them to promote, at https://%s/settings/personal-access-tokens/new, and put it into %s", host, variable),
	}
}
