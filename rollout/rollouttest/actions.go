package rollouttest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Conclusion is how a run ended. An empty one is a success.
type Conclusion string

// Some of GitHub's conclusions.
const (
	Success   Conclusion = "success"
	Failed    Conclusion = "failure"
	Cancelled Conclusion = "cancelled"
	TimedOut  Conclusion = "timed_out"
)

// RunStatus is how far a run has come.
type RunStatus string

const (
	// RunQueued waits for a runner: also a run that nothing will run, because
	// there is no hook.
	RunQueued RunStatus = "queued"
	// RunWaiting waits for an environment's protection rule.
	RunWaiting RunStatus = "waiting"
	// RunPending waits for its concurrency group.
	RunPending    RunStatus = "pending"
	RunInProgress RunStatus = "in_progress"
	RunCompleted  RunStatus = "completed"
)

// Dispatch is what a run is started with.
type Dispatch struct {
	Repository *Repository
	RunID      int64
	// Workflow is the file's name: promote.yaml.
	Workflow string
	// Ref is the branch or tag that was named, and HeadSHA its commit.
	Ref     string
	HeadSHA string
	// Inputs are those that were sent, and the defaults of the others.
	Inputs map[string]string
	// Actor is the login of who asked for the run.
	Actor string
	// Token is the run's GITHUB_TOKEN. It has the permissions that the
	// workflow file asks for and dies with the run.
	Token string
}

// Run is a workflow run, as it stands.
type Run struct {
	Dispatch
	Title      string
	Status     RunStatus
	Conclusion Conclusion
}

// run is a run with all that REST shows of it. Its repository's mu guards what
// changes.
type run struct {
	Run
	workflow                   *workflow
	event                      string // default: workflow_dispatch
	number                     int
	created, started, finished time.Time
}

// OnDispatch sets what a dispatched run does: the hook is called in a goroutine
// of its own, while the run is in progress, and says how it ended. Its context
// ends with Close, which waits for it. Without a hook runs stay queued.
func (g *GitHub) OnDispatch(hook func(context.Context, Dispatch) Conclusion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onDispatch = hook
}

// Hold keeps the runs that are dispatched from now on in a status, RunWaiting
// or RunPending, until they are released. An empty status holds none.
func (g *GitHub) Hold(status RunStatus) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = status
}

// Release lets a run go that was held.
func (r *Repository) Release(id int64) error {
	held, err := r.findRun(id)
	if err != nil {
		return fmt.Errorf("release run %d of %s: there is no such run", id, r.Slug())
	}
	r.mu.Lock()
	status := held.Status
	if status == RunWaiting || status == RunPending {
		held.Status = RunQueued
	}
	r.mu.Unlock()
	if status != RunWaiting && status != RunPending {
		return fmt.Errorf("release run %d of %s: it is %s", id, r.Slug(), status)
	}
	r.launch(held)
	return nil
}

// Runs lists the workflow runs, newest first.
func (r *Repository) Runs() []Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Run
	for _, one := range slices.Backward(r.runs) {
		list = append(list, one.Run)
	}
	return list
}

func (r *Repository) findRun(id int64) (*run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.runs {
		if one.RunID == id {
			return one, nil
		}
	}
	return nil, notFound()
}

// launch starts the hook of a queued run, if there is one.
func (r *Repository) launch(queued *run) {
	g := r.github
	g.mu.Lock()
	hook := g.onDispatch
	g.mu.Unlock()
	if hook == nil || !g.enter() {
		return
	}
	go func() {
		defer g.busy.Done()
		token := "ghs-" + rand.Text()
		g.AddToken(token, Identity{
			Kind: KindActions, Permissions: queued.workflow.permissions, Repositories: []string{r.Slug()},
		})
		r.mu.Lock()
		queued.Status, queued.started = RunInProgress, g.clock().UTC()
		d := queued.Dispatch
		r.mu.Unlock()
		d.Token, d.Inputs = token, maps.Clone(d.Inputs)
		conclusion := cmp.Or(hook(g.ctx, d), Success)
		r.mu.Lock()
		queued.Status, queued.Conclusion, queued.finished = RunCompleted, conclusion, g.clock().UTC()
		r.mu.Unlock()
		g.mu.Lock()
		delete(g.identities, token)
		g.mu.Unlock()
	}()
}

// dispatchWorkflow is POST
// /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches.
func dispatchWorkflow(c *call) (answer, error) {
	var body struct {
		Ref    string
		Inputs map[string]any
		Flag   *bool `json:"return_run_details"`
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	always := c.g.dispatch == DispatchAlways || apiVersion(c.r) >= "2026-03-10"
	switch {
	case c.g.dispatch == DispatchNoFlag && body.Flag != nil:
		return answer{}, unprocessable("Invalid request.\n\n%q is not a permitted key.", "return_run_details")
	case c.g.dispatch == DispatchNoFlag:
		always = false
	case body.Ref == "":
		return answer{}, notSupplied("ref")
	}
	started, err := c.startRun(body.Ref, body.Inputs)
	if err != nil {
		return answer{}, err
	}
	if !always && (body.Flag == nil || !*body.Flag) {
		return noContent(), nil
	}
	return answerJSON(http.StatusOK, fields{
		"workflow_run_id": started.RunID, "run_url": c.repoURL("/actions/runs/%d", started.RunID),
		"html_url": c.webURL("/actions/runs/%d", started.RunID),
	}), nil
}

// startRun makes a run of the workflow that the path names.
func (c *call) startRun(ref string, inputs map[string]any) (*run, error) {
	short := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
	if c.repo.resolve("refs/heads/"+short) == "" && c.repo.resolve("refs/tags/"+short) == "" {
		return nil, unprocessable("No ref found for: %s", ref)
	}
	head, err := c.repo.revision(short)
	if err != nil {
		return nil, err
	}
	w, err := c.repo.workflowAt(head, c.vars["workflow"])
	if err != nil {
		return nil, err
	}
	if !w.dispatchable {
		return nil, unprocessable("Workflow does not have 'workflow_dispatch' trigger")
	}
	if c.repo.WorkflowState(path.Base(w.path)) != WorkflowActive {
		return nil, unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
	}
	filled, err := w.fill(inputs)
	if err != nil {
		return nil, err
	}
	made := &run{workflow: w, created: c.now}
	made.Dispatch = Dispatch{
		Repository: c.repo, RunID: c.g.nextID(), Workflow: path.Base(w.path), Ref: short, HeadSHA: head.oid,
		Inputs: filled, Actor: c.who.Login,
	}
	made.Title = w.title(made.Dispatch)
	c.g.mu.Lock()
	held := c.g.hold
	c.g.mu.Unlock()
	made.Status = cmp.Or(held, RunQueued)
	c.repo.mu.Lock()
	c.repo.runs = append(c.repo.runs, made)
	made.number = len(c.repo.runs)
	c.repo.mu.Unlock()
	if held == "" {
		c.repo.launch(made)
	}
	return made, nil
}

// listRuns is GET /repos/{owner}/{repo}/actions/runs, and the same of one
// workflow.
func listRuns(c *call) (answer, error) {
	query := c.r.URL.Query()
	created, err := createdFilter(query.Get("created"))
	if err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	all := slices.Clone(c.repo.runs)
	slices.Reverse(all)
	wanted, one := c.vars["workflow"]
	if one && !slices.ContainsFunc(all, func(r *run) bool { return r.of(wanted) }) {
		c.repo.mu.Unlock()
		return c.noRuns(wanted)
	}
	defer c.repo.mu.Unlock()
	all = slices.DeleteFunc(all, func(r *run) bool {
		status := query.Get("status")
		keeps := (!one || r.of(wanted)) &&
			(!query.Has("actor") || strings.EqualFold(query.Get("actor"), r.Actor)) &&
			(!query.Has("branch") || query.Get("branch") == r.Ref) &&
			(!query.Has("event") || query.Get("event") == r.trigger()) &&
			(!query.Has("head_sha") || query.Get("head_sha") == r.HeadSHA) &&
			(status == "" || status == string(r.Status) || status == string(r.Conclusion)) &&
			created(r.created)
		return !keeps
	})
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, r := range page {
		list = append(list, c.run(r))
	}
	return linked(answerJSON(http.StatusOK, fields{"total_count": len(all), "workflow_runs": list}), link), nil
}

// of says whether a run is of a workflow, named by its file or its number.
func (r *run) of(wanted string) bool {
	return r.Workflow == wanted || strconv.FormatInt(r.workflow.id(), 10) == wanted
}

// noRuns is the answer about a workflow that never ran: 404 if it is not on
// the default branch either.
func (c *call) noRuns(wanted string) (answer, error) {
	head, err := c.repo.revision("HEAD")
	if err != nil {
		return answer{}, err
	}
	if _, err := c.repo.workflowAt(head, wanted); err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, fields{"total_count": 0, "workflow_runs": []fields{}}), nil
}

// createdFilter reads GitHub's syntax for dates: a day, "A..B", or a time after
// one of >, >=, <, <=.
func createdFilter(text string) (func(time.Time) bool, error) {
	if text == "" {
		return func(time.Time) bool { return true }, nil
	}
	if from, to, found := strings.Cut(text, ".."); found {
		after, err := createdFilter(">=" + from)
		if err != nil {
			return nil, err
		}
		before, err := createdFilter("<=" + to)
		return func(t time.Time) bool { return after(t) && before(t) }, err
	}
	stamp := strings.TrimLeft(text, "<>=")
	operator := strings.TrimSuffix(text, stamp)
	length := time.Second
	from, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		if from, err = time.Parse(time.DateOnly, stamp); err != nil {
			return nil, invalidRequest("created")
		}
		length = 24 * time.Hour
	}
	end := from.Add(length)
	switch operator {
	case "":
		return func(t time.Time) bool { return !t.Before(from) && t.Before(end) }, nil
	case ">":
		return func(t time.Time) bool { return !t.Before(end) }, nil
	case ">=":
		return func(t time.Time) bool { return !t.Before(from) }, nil
	case "<":
		return func(t time.Time) bool { return t.Before(from) }, nil
	case "<=":
		return func(t time.Time) bool { return t.Before(end) }, nil
	}
	return nil, invalidRequest("created")
}

// pathRun is the run that a path names.
func (c *call) pathRun() (*run, error) {
	id, err := strconv.ParseInt(c.vars["run"], 10, 64)
	if err != nil {
		return nil, notFound()
	}
	return c.repo.findRun(id)
}

// getRun is GET /repos/{owner}/{repo}/actions/runs/{run_id}.
func getRun(c *call) (answer, error) {
	r, err := c.pathRun()
	if err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	return answerJSON(http.StatusOK, c.run(r)), nil
}

// run is a run as REST shows it. The caller holds the repository's mu.
func (c *call) run(r *run) fields {
	self := c.repoURL("/actions/runs/%d", r.RunID)
	head, err := c.repo.objects.commit(r.HeadSHA)
	if err != nil {
		head = &commit{oid: r.HeadSHA}
	}
	mail := func(s signature) fields { return fields{"name": s.name, "email": s.email} }
	actor := c.g.account(r.Actor)
	return fields{
		"id": r.RunID, "name": r.Title, "display_title": r.Title, "node_id": nodeID("WFR", c.repo.id, strconv.FormatInt(r.RunID, 10)),
		"head_branch": r.Ref, "head_sha": r.HeadSHA, "path": r.workflow.path, "run_number": r.number, "run_attempt": 1,
		"event": r.trigger(), "status": r.Status, "conclusion": r.conclusion(), "workflow_id": r.workflow.id(),
		"check_suite_id": r.RunID, "check_suite_node_id": nodeID("CS", c.repo.id, strconv.FormatInt(r.RunID, 10)),
		"url": self, "html_url": c.webURL("/actions/runs/%d", r.RunID), "pull_requests": []fields{},
		"created_at": r.created, "updated_at": r.updated(), "run_started_at": r.created,
		"actor": actor, "triggering_actor": actor, "referenced_workflows": []fields{}, "previous_attempt_url": nil,
		"jobs_url": self + "/jobs", "logs_url": self + "/logs", "artifacts_url": self + "/artifacts",
		"cancel_url": self + "/cancel", "rerun_url": self + "/rerun",
		"check_suite_url": c.repoURL("/check-suites/%d", r.RunID),
		"workflow_url":    c.repoURL("/actions/workflows/%d", r.workflow.id()),
		"head_commit": fields{
			"id": head.oid, "tree_id": head.tree, "message": head.message, "timestamp": head.committer.when,
			"author": mail(head.author), "committer": mail(head.committer),
		},
		"repository": c.repo.minimal(), "head_repository": c.repo.minimal(),
	}
}

// trigger is the event that started the run.
func (r *run) trigger() string { return cmp.Or(r.event, "workflow_dispatch") }

// conclusion is null until the run is completed.
func (r *run) conclusion() any {
	if r.Conclusion == "" {
		return nil
	}
	return r.Conclusion
}

// updated is when the run last changed.
func (r *run) updated() time.Time {
	for _, at := range []time.Time{r.finished, r.started} {
		if !at.IsZero() {
			return at
		}
	}
	return r.created
}

// listJobs is GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs. All jobs
// and steps are as far as their run is, but for those that a dispatch skips.
func listJobs(c *call) (answer, error) {
	r, err := c.pathRun()
	if err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	all := []fields{}
	for i := range r.workflow.jobs {
		all = append(all, c.job(r, i))
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	return linked(answerJSON(http.StatusOK, fields{"total_count": len(all), "jobs": page}), link), nil
}

// job is one of a run's jobs as REST shows it.
func (c *call) job(r *run, i int) fields {
	orNull := func(at time.Time) any {
		if at.IsZero() {
			return nil
		}
		return at
	}
	id := r.RunID*100 + int64(i)
	status, conclusion := r.Status, r.conclusion()
	steps := []fields{}
	for n, name := range r.workflow.jobs[i].steps {
		steps = append(steps, fields{
			"name": name, "number": n + 1, "status": status, "conclusion": conclusion,
			"started_at": orNull(r.started), "completed_at": orNull(r.finished),
		})
	}
	if r.workflow.jobs[i].skipped {
		status, conclusion = RunCompleted, "skipped"
	}
	if r.started.IsZero() || r.workflow.jobs[i].skipped {
		steps = []fields{} // a job has none before it runs
	}
	return fields{
		"id": id, "node_id": nodeID("CR", c.repo.id, strconv.FormatInt(id, 10)), "run_id": r.RunID, "run_attempt": 1,
		"run_url": c.repoURL("/actions/runs/%d", r.RunID), "url": c.repoURL("/actions/jobs/%d", id),
		"html_url": c.webURL("/actions/runs/%d/job/%d", r.RunID, id), "check_run_url": c.repoURL("/check-runs/%d", id),
		"head_sha": r.HeadSHA, "head_branch": r.Ref, "workflow_name": r.workflow.name, "name": r.workflow.jobs[i].name,
		"status": status, "conclusion": conclusion, "labels": []string{"ubuntu-latest"},
		"created_at": r.created, "started_at": cmp.Or(r.started, r.created), "completed_at": orNull(r.finished),
		"runner_id": nil, "runner_name": nil, "runner_group_id": nil, "runner_group_name": nil, "steps": steps,
	}
}
