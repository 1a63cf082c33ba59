package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// longestTimer is the most that a wait timer takes, in minutes: 30 days.
const longestTimer = 43200

// environment is what the API says of a deployment environment.
type environment struct {
	Rules        []environmentRule `json:"protection_rules"`
	BranchPolicy *branchPolicy     `json:"deployment_branch_policy"`
}

type environmentRule struct {
	Type              string
	WaitTimer         int  `json:"wait_timer"`
	PreventSelfReview bool `json:"prevent_self_review"`
	Reviewers         []struct {
		Type     string
		Reviewer struct{ ID int64 }
	}
}

type branchPolicy struct {
	ProtectedBranches    bool `json:"protected_branches"`
	CustomBranchPolicies bool `json:"custom_branch_policies"`
}

// environmentRequest is all that the API takes. What is left out of a request
// is reset, so it always has everything.
type environmentRequest struct {
	WaitTimer         int           `json:"wait_timer"`
	PreventSelfReview bool          `json:"prevent_self_review"`
	Reviewers         []reviewer    `json:"reviewers"`
	BranchPolicy      *branchPolicy `json:"deployment_branch_policy"`
}

type reviewer struct {
	Type string `json:"type"`
	ID   int64  `json:"id"`
}

// request asks for the environment as it was found.
func (e environment) request() environmentRequest {
	r := environmentRequest{BranchPolicy: e.BranchPolicy}
	for _, rule := range e.Rules {
		switch rule.Type {
		case "wait_timer":
			r.WaitTimer = rule.WaitTimer
		case "required_reviewers":
			r.PreventSelfReview = rule.PreventSelfReview
			for _, found := range rule.Reviewers {
				r.Reviewers = append(r.Reviewers, reviewer{found.Type, found.Reviewer.ID})
			}
		}
	}
	return r
}

// Environment implements [rollout.Settings]. Reviewers and branch policies that
// somebody set stay as they are. Where the account's plan has no wait timers,
// Apply creates the environment without one and returns an error of kind
// [rollout.ErrNotPermitted]; what the Change says under Instead holds then.
func (c *Client) Environment(ctx context.Context, e rollout.Environment) (rollout.Change, error) {
	minutes := min(int((e.Wait+time.Minute-1)/time.Minute), longestTimer)
	change := rollout.Change{
		What:    "environment " + e.Name,
		Instead: "pushes do not wait; the hourly tick promotes",
	}
	path := c.path("environments/" + url.PathEscape(e.Name))
	var found environment
	_, err := c.get(ctx, path, &found)
	switch {
	case isStatus(err, http.StatusNotFound):
		change.Found = "missing"
		change.Intent = fmt.Sprintf("create with a wait timer of %d minutes", minutes)
		change.Apply = func(ctx context.Context) error { return c.createEnvironment(ctx, path, e.Name, minutes) }
		return change, nil
	case isStatus(err, http.StatusForbidden):
		change.Found = "not to be seen: " + c.said(err)
		return change, nil
	case err != nil:
		return change, c.explain("read environment "+e.Name, err)
	}
	wanted := found.request()
	change.Found = fmt.Sprintf("wait timer %d minutes", wanted.WaitTimer)
	if wanted.WaitTimer == minutes {
		change.Instead = ""
		return change, nil
	}
	wanted.WaitTimer = minutes
	change.Intent = fmt.Sprintf("set to %d minutes", minutes)
	change.Apply = func(ctx context.Context) error { return c.putEnvironment(ctx, path, e.Name, wanted) }
	return change, nil
}

// createEnvironment falls back to an environment without a timer where the
// timer is refused: Free, Pro and Team plans have timers in public repositories
// only (https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments).
func (c *Client) createEnvironment(ctx context.Context, path, name string, minutes int) error {
	refused := c.putEnvironment(ctx, path, name, environmentRequest{WaitTimer: minutes})
	if !errors.Is(refused, rollout.ErrNotPermitted) {
		return refused
	}
	if err := c.putEnvironment(ctx, path, name, environmentRequest{}); err != nil {
		return refused
	}
	return &rollout.Problem{
		Kind:  rollout.ErrNotPermitted,
		What:  fmt.Sprintf("environment %s was created without a wait timer", name),
		Cause: refused,
	}
}

// putEnvironment writes the whole environment. A value that GitHub does not
// take from this account's plan is answered 422.
func (c *Client) putEnvironment(ctx context.Context, path, name string, r environmentRequest) error {
	err := c.send(ctx, http.MethodPut, path, r, nil)
	switch {
	case err == nil:
		return nil
	case isUnclear(err):
		return c.uncertain("set environment "+name, err)
	case isStatus(err, http.StatusUnprocessableEntity):
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted,
			What: fmt.Sprintf("set environment %s of %s: GitHub does not take it with the plan of the account: %s", name, c.slug(), c.said(err)),
			Ways: []string{"Free, Pro and Team plans have wait timers in public repositories only"},
		}
	default:
		return c.explain("set environment "+name, err)
	}
}
