package rollouttest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
)

// WorkflowState is whether GitHub starts a workflow.
type WorkflowState string

// GitHub's states of a workflow that is on the default branch.
const (
	WorkflowActive           WorkflowState = "active"
	WorkflowDisabledFork     WorkflowState = "disabled_fork"
	WorkflowDisabledIdle     WorkflowState = "disabled_inactivity"
	WorkflowDisabledManually WorkflowState = "disabled_manually"
)

// SetWorkflowState does to a workflow, named by its file, what GitHub or somebody
// would do.
func (r *Repository) SetWorkflowState(file string, state WorkflowState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.disabled, file)
	if state != WorkflowActive {
		r.disabled[file] = state
	}
}

// WorkflowState is that of a workflow, named by its file.
func (r *Repository) WorkflowState(file string) WorkflowState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state, disabled := r.disabled[file]; disabled {
		return state
	}
	return WorkflowActive
}

// Ran notes a run of a workflow on the default branch that an event other than a
// dispatch started and that has just ended.
func (r *Repository) Ran(file, event string, conclusion Conclusion) error {
	head, err := r.revision("HEAD")
	if err != nil {
		return err
	}
	w, err := r.workflowAt(head, file)
	if err != nil {
		return fmt.Errorf("run %s of %s: %w", file, r.Slug(), err)
	}
	now := r.github.clock().UTC()
	made := &run{workflow: w, event: event, created: now, started: now, finished: now}
	made.Dispatch = Dispatch{Repository: r, RunID: r.github.nextID(), Workflow: path.Base(w.path), Ref: r.head, HeadSHA: head.oid, Actor: r.owner}
	made.Title, made.Status, made.Conclusion = w.name, RunCompleted, conclusion
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = append(r.runs, made)
	made.number = len(r.runs)
	return nil
}

// pathWorkflow is the workflow that a path names, as the default branch has it.
func (c *call) pathWorkflow() (*workflow, error) {
	head, err := c.repo.revision("HEAD")
	if err != nil {
		return nil, notFound()
	}
	return c.listed(head, c.vars["workflow"])
}

// listed is a workflow as the lists have it: also a file that cannot be read, by the
// name of the file.
func (c *call) listed(head *commit, wanted string) (*workflow, error) {
	w, err := c.repo.workflowAt(head, wanted)
	var broken *apiError
	if errors.As(err, &broken) && broken.status == http.StatusUnprocessableEntity {
		file := path.Join(workflowDir, wanted)
		return &workflow{path: file, name: file}, nil
	}
	return w, err
}

// listWorkflows is GET /repos/{owner}/{repo}/actions/workflows.
func listWorkflows(c *call) (answer, error) {
	head, err := c.repo.revision("HEAD")
	if err != nil {
		return answer{}, notFound()
	}
	var all []fields
	dir, found, err := c.repo.objects.find(head.tree, workflowDir)
	if err != nil {
		return answer{}, err
	}
	if found && dir.kind() == "tree" {
		entries, err := c.repo.objects.tree(dir.oid)
		if err != nil {
			return answer{}, err
		}
		for _, e := range entries {
			w, err := c.listed(head, e.name)
			if err != nil {
				return answer{}, err
			}
			all = append(all, c.workflow(w))
		}
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	return linked(answerJSON(http.StatusOK, fields{"total_count": len(all), "workflows": append([]fields{}, page...)}), link), nil
}

// getWorkflow is GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}.
func getWorkflow(c *call) (answer, error) {
	w, err := c.pathWorkflow()
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, c.workflow(w)), nil
}

// enableWorkflow is PUT
// /repos/{owner}/{repo}/actions/workflows/{workflow_id}/enable.
func enableWorkflow(c *call) (answer, error) { return c.turnWorkflow(WorkflowActive) }

// disableWorkflow is PUT
// /repos/{owner}/{repo}/actions/workflows/{workflow_id}/disable.
func disableWorkflow(c *call) (answer, error) { return c.turnWorkflow(WorkflowDisabledManually) }

func (c *call) turnWorkflow(to WorkflowState) (answer, error) {
	w, err := c.pathWorkflow()
	if err != nil {
		return answer{}, err
	}
	c.repo.SetWorkflowState(path.Base(w.path), to)
	return noContent(), nil
}

// workflow is a workflow as REST shows it.
func (c *call) workflow(w *workflow) fields {
	return fields{
		"id": w.id(), "node_id": nodeID("W", c.repo.id, w.path), "name": w.name, "path": w.path,
		"state": c.repo.WorkflowState(path.Base(w.path)), "created_at": c.repo.created, "updated_at": c.repo.created,
		"url":       c.repoURL("/actions/workflows/%d", w.id()),
		"html_url":  c.webURL("/blob/%s/%s", c.repo.head, w.path),
		"badge_url": c.webURL("/workflows/%s/badge.svg", url.PathEscape(w.name)),
	}
}
