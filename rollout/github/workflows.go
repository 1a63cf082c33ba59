package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cli/go-gh/v2/pkg/api"

	"github.com/monosense/k8s-ops/rollout"
)

// detailsFlag asks for the run's ID in the answer. github.com knows it; older
// Enterprise servers refuse it, and API version 2026-03-10 does without.
const detailsFlag = "return_run_details"

// Dispatch implements [rollout.Workflows]. It is one request, or two where the
// server is too old to tell the run's ID. [rollout.ErrUncertain]: the answer is
// lost, and the workflow may have been started.
func (c *Client) Dispatch(ctx context.Context, workflow string, inputs map[string]string) (runID int64, err error) {
	known, err := c.repository(ctx)
	if err != nil {
		return 0, err
	}
	body := map[string]any{"ref": known.DefaultBranch, detailsFlag: true}
	if len(inputs) > 0 {
		body["inputs"] = inputs
	}
	var started struct {
		ID int64 `json:"workflow_run_id"`
	}
	path := c.path("actions/workflows/" + url.PathEscape(workflow) + "/dispatches")
	err = c.send(ctx, http.MethodPost, path, body, &started)
	if isAboutFlag(err) {
		delete(body, detailsFlag)
		err = c.send(ctx, http.MethodPost, path, body, &started)
	}
	if err != nil {
		return 0, c.explainDispatch(workflow, known.DefaultBranch, err)
	}
	return started.ID, nil
}

// isAboutFlag tells whether a server refused the flag that it does not know.
func isAboutFlag(err error) bool {
	var answer *api.HTTPError
	return errors.As(err, &answer) && strings.Contains(answer.Message, detailsFlag) &&
		(answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusUnprocessableEntity)
}

func (c *Client) explainDispatch(workflow, branch string, err error) error {
	doing := "start workflow " + workflow
	if isUnclear(err) {
		return c.uncertain(doing, err)
	}
	if isStatus(err, http.StatusNotFound) {
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted,
			What: fmt.Sprintf("%s of %s: GitHub has no such workflow on %s, or does not show it to the token%s: it answers the same to both", doing, c.slug(), branch, c.options.from()),
			Ways: []string{
				fmt.Sprintf("push .github/workflows/%s to %s: GitHub starts only what is on the default branch", workflow, branch),
				"or give the token Actions: write",
			},
		}
	}
	explained := c.explain(doing, err)
	var problem *rollout.Problem
	if !errors.Is(explained, rollout.ErrRefused) || !errors.As(explained, &problem) {
		return explained
	}
	said := strings.ToLower(problem.What)
	switch {
	case strings.Contains(said, "does not have 'workflow_dispatch' trigger"):
		problem.Ways = []string{fmt.Sprintf("add `workflow_dispatch:` to `on:` in .github/workflows/%s on %s", workflow, branch)}
	case strings.Contains(said, "disabled"):
		problem.Ways = []string{fmt.Sprintf("enable it: `gh workflow enable %s`, or the repository's Actions page; GitHub disables schedules after 60 days without activity", workflow)}
	case strings.Contains(said, "input"):
		problem.Ways = []string{fmt.Sprintf("bring .github/workflows/%s on %s up to date with the release targets: it does not take the inputs that they give", workflow, branch)}
	}
	return problem
}

// run is a workflow run as the API has it.
type run struct {
	ID           int64
	Name         string
	DisplayTitle string `json:"display_title"`
	HTMLURL      string `json:"html_url"`
	Status       string
	Conclusion   string
}

func (r run) run() rollout.Run {
	return rollout.Run{
		ID:   r.ID,
		Name: cmp.Or(r.DisplayTitle, r.Name),
		URL:  r.HTMLURL, Status: r.Status, Conclusion: r.Conclusion,
	}
}

// FindRun implements [rollout.Workflows]. It looks at the 50 newest runs that
// were dispatched; a run's name is its run-name.
func (c *Client) FindRun(ctx context.Context, workflow, text string) (rollout.Run, error) {
	if text == "" {
		return rollout.Run{}, usagef("find a run of %s: there is nothing to tell it by", workflow)
	}
	var answer struct {
		Runs []run `json:"workflow_runs"`
	}
	path := c.path("actions/workflows/" + url.PathEscape(workflow) + "/runs?event=workflow_dispatch&per_page=50")
	if _, err := c.get(ctx, path, &answer); err != nil {
		return rollout.Run{}, c.explain("list the runs of workflow "+workflow, err)
	}
	for _, r := range answer.Runs {
		if strings.Contains(r.DisplayTitle, text) || strings.Contains(r.Name, text) {
			return r.run(), nil
		}
	}
	return rollout.Run{}, nil
}

// Run implements [rollout.Workflows]. It is two requests; of more than 100 jobs
// it reads the first 100.
func (c *Client) Run(ctx context.Context, id int64) (rollout.Run, error) {
	var found run
	if _, err := c.get(ctx, c.path(fmt.Sprintf("actions/runs/%d", id)), &found); err != nil {
		return rollout.Run{}, c.explain(fmt.Sprintf("read workflow run %d", id), err)
	}
	return c.withJobs(ctx, found.run())
}

// withJobs is a run with its jobs. It is one request.
func (c *Client) withJobs(ctx context.Context, r rollout.Run) (rollout.Run, error) {
	var list struct{ Jobs []job }
	if _, err := c.get(ctx, c.path(fmt.Sprintf("actions/runs/%d/jobs?per_page=100", r.ID)), &list); err != nil {
		return rollout.Run{}, c.explain(fmt.Sprintf("read the jobs of workflow run %d", r.ID), err)
	}
	for _, j := range list.Jobs {
		r.Jobs = append(r.Jobs, j.job())
	}
	return r, nil
}

// job is a job of a run as the API has it
// (https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run).
type job struct {
	Name, Status, Conclusion string
	Steps                    []struct{ Name, Status, Conclusion string }
}

func (j job) job() rollout.Job {
	found := rollout.Job{Name: j.Name, Status: j.Status, Conclusion: j.Conclusion}
	for _, step := range j.Steps {
		if step.Status == "in_progress" || step.Conclusion == "failure" {
			found.Step = step.Name
			break
		}
	}
	return found
}

// Of the newest runs those are looked for that go on, and of these so many looked at.
const (
	runsListed  = 20
	runsGoingOn = 3
)

// Going implements [rollout.Runs]. It is one request, and one for each run that goes
// on, three at the most.
func (c *Client) Going(ctx context.Context, workflow string) ([]rollout.Run, error) {
	var answer struct {
		Runs []run `json:"workflow_runs"`
	}
	path := c.path("actions/workflows/" + url.PathEscape(workflow) + fmt.Sprintf("/runs?per_page=%d", runsListed))
	if _, err := c.get(ctx, path, &answer); err != nil {
		return nil, c.explain("list the runs of workflow "+workflow, err)
	}
	var going []rollout.Run
	for _, r := range answer.Runs {
		if r.Status == "completed" || len(going) == runsGoingOn {
			continue
		}
		found, err := c.withJobs(ctx, r.run())
		if err != nil {
			return nil, err
		}
		going = append(going, found)
	}
	return going, nil
}
