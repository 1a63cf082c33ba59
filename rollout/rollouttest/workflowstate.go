package rollouttest

import (
	"cmp"
	"fmt"
	"path"
	"time"
)

// active is the state of a workflow that nobody disabled.
const active = "active"

// Disable gives a workflow, named by its file, another of GitHub's states than
// "active": "disabled_manually", "disabled_inactivity". "active" enables it again.
func (r *Repository) Disable(file, state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states == nil {
		r.states = map[string]string{}
	}
	r.states[file] = state
}

// state is that of a workflow.
func (r *Repository) state(w *workflow) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return cmp.Or(r.states[path.Base(w.path)], active)
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

// getWorkflow is GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}.
func getWorkflow(c *call) (answer, error) {
	head, err := c.repo.revision("HEAD")
	if err != nil {
		return answer{}, err
	}
	w, err := c.repo.workflowAt(head, c.vars["workflow"])
	if err != nil {
		return answer{}, err
	}
	began := c.now.Truncate(24 * time.Hour)
	return answerJSON(200, fields{
		"id": w.id(), "node_id": nodeID("W", c.repo.id, w.path), "name": w.name, "path": w.path, "state": c.repo.state(w),
		"created_at": began, "updated_at": began, "url": c.repoURL("/actions/workflows/%d", w.id()),
		"html_url":  c.webURL("/blob/%s/%s", c.repo.head, w.path),
		"badge_url": c.webURL("/workflows/%s/badge.svg", path.Base(w.path)),
	}), nil
}
