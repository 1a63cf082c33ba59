package rollouttest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// environment is a deployment environment and its protection rules.
type environment struct {
	id               int64
	name             string
	created, updated time.Time
	environmentBody
}

// environmentBody is an environment as it is asked for.
type environmentBody struct {
	WaitTimer         int        `json:"wait_timer"` // minutes
	PreventSelfReview bool       `json:"prevent_self_review"`
	Reviewers         []reviewer `json:"reviewers"`
	BranchPolicy      *struct {
		ProtectedBranches    bool `json:"protected_branches"`
		CustomBranchPolicies bool `json:"custom_branch_policies"`
	} `json:"deployment_branch_policy"`
}

type reviewer struct {
	Type string `json:"type"`
	ID   int64  `json:"id"`
}

// longestWait is the most minutes that a wait timer may have: 30 days.
const longestWait = 43200

// listEnvironments is GET /repos/{owner}/{repo}/environments.
func listEnvironments(c *call) (answer, error) {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	all := c.repo.environments
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, e := range page {
		list = append(list, c.environment(e))
	}
	return linked(answerJSON(http.StatusOK, fields{"total_count": len(all), "environments": list}), link), nil
}

// getEnvironment is GET /repos/{owner}/{repo}/environments/{environment_name}.
func getEnvironment(c *call) (answer, error) {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	for _, e := range c.repo.environments {
		if strings.EqualFold(e.name, c.vars["environment"]) {
			return answerJSON(http.StatusOK, c.environment(e)), nil
		}
	}
	return answer{}, notFound()
}

// environment is an environment as REST shows it.
func (c *call) environment(e *environment) fields {
	rules := []fields{}
	add := func(offset int64, kind string, more fields) {
		id := e.id*10 + offset
		rule := fields{"id": id, "node_id": nodeID("GA", c.repo.id, strconv.FormatInt(id, 10)), "type": kind}
		for key, value := range more {
			rule[key] = value
		}
		rules = append(rules, rule)
	}
	if e.WaitTimer > 0 {
		add(1, "wait_timer", fields{"wait_timer": e.WaitTimer})
	}
	if len(e.Reviewers) > 0 {
		reviewers := []fields{}
		for _, one := range e.Reviewers {
			account := c.g.account("user-" + strconv.FormatInt(one.ID, 10))
			account["id"] = one.ID
			reviewers = append(reviewers, fields{"type": one.Type, "reviewer": account})
		}
		add(2, "required_reviewers", fields{"prevent_self_review": e.PreventSelfReview, "reviewers": reviewers})
	}
	if e.BranchPolicy != nil {
		add(3, "branch_policy", nil)
	}
	return fields{
		"id": e.id, "node_id": nodeID("EN", c.repo.id, e.name), "name": e.name,
		"url":        c.repoURL("/environments/%s", url.PathEscape(e.name)),
		"html_url":   c.webURL("/deployments/activity_log?environments_filter=%s", url.QueryEscape(e.name)),
		"created_at": e.created, "updated_at": e.updated, "can_admins_bypass": true,
		"protection_rules": rules, "deployment_branch_policy": e.BranchPolicy,
	}
}

// putEnvironment is PUT /repos/{owner}/{repo}/environments/{environment_name}:
// it makes an environment, or replaces its rules.
func putEnvironment(c *call) (answer, error) {
	var body environmentBody
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if err := checkEnvironment(c.repo, body); err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	for _, e := range c.repo.environments {
		if strings.EqualFold(e.name, c.vars["environment"]) {
			e.environmentBody, e.updated = body, c.now
			return answerJSON(http.StatusOK, c.environment(e)), nil
		}
	}
	e := &environment{
		id: c.g.nextID(), name: c.vars["environment"], created: c.now, updated: c.now, environmentBody: body,
	}
	c.repo.environments = append(c.repo.environments, e)
	return answerJSON(http.StatusOK, c.environment(e)), nil
}

// checkEnvironment refuses what GitHub refuses: some of it by the plan, which
// users report in these words.
func checkEnvironment(r *Repository, body environmentBody) error {
	limited := r.private && r.plan != PlanEnterprise
	unpaid := func(what string) error {
		return unprocessable("Failed to create the environment protection rule. Please ensure the billing plan supports the %s protection rule.", what)
	}
	switch {
	case body.WaitTimer < 0 || body.WaitTimer > longestWait:
		return unprocessable("Invalid request.\n\nwait_timer must be between 0 and %d.", longestWait)
	case len(body.Reviewers) > 6:
		return unprocessable("Invalid request.\n\nNo more than 6 reviewers are allowed.")
	case body.BranchPolicy != nil && body.BranchPolicy.ProtectedBranches == body.BranchPolicy.CustomBranchPolicies:
		return unprocessable("Invalid request.\n\nprotected_branches and custom_branch_policies cannot have the same value.")
	case limited && body.WaitTimer > 0:
		return unpaid("wait timer")
	case limited && len(body.Reviewers) > 0:
		return unpaid("required reviewers")
	}
	return nil
}
