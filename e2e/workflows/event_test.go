package workflows

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// An event is what starts a workflow.
type event struct {
	name    string // as in `on`
	file    string // the workflow's, with its path
	payload map[string]any
	ref     string
	sha     string
	actor   string
	id      int64  // of the run
	token   string // its GITHUB_TOKEN
	secrets map[string]string
	vars    map[string]string
}

// promoting is the workflow that promotes, as it is written.
func (s *scene) promoting() string {
	return s.workflow(rollout.PromoteWorkflow)
}

// pushed is what a push to main starts.
func (s *scene) pushed() event {
	s.t.Helper()
	e := s.event("push")
	e.payload = map[string]any{
		"ref": e.ref, "before": s.git(s.work, "rev-parse", "HEAD^"), "after": e.sha, "deleted": false,
		"repository": s.repository(),
	}
	return e
}

// scheduled is a tick. GitHub does not always say which repository it is for.
func (s *scene) scheduled() event {
	s.t.Helper()
	e := s.event("schedule")
	e.payload = map[string]any{"schedule": "17 * * * *"}
	return e
}

// event is one on main, as it is.
func (s *scene) event(name string) event {
	s.t.Helper()
	return event{
		name: name, file: s.promoting(), ref: "refs/heads/" + upstream, sha: s.head(upstream),
		actor: "ben", id: s.started.Add(1),
	}
}

// repository is what a payload says of the repository.
func (s *scene) repository() map[string]any {
	return map[string]any{"full_name": s.repo.Slug(), "default_branch": s.repo.DefaultBranch()}
}

// pullRequest proposes what was edited in the checkout, which afterwards is as main
// has it. What is checked of it is its merge into main.
func (s *scene) pullRequest(number int) event {
	s.t.Helper()
	base := s.head(upstream)
	s.git(s.work, "checkout", "--quiet", "-b", fmt.Sprintf("proposal-%d", number))
	s.git(s.work, "commit", "--quiet", "--all", "--message", "Propose something")
	head := s.git(s.work, "rev-parse", "HEAD")
	s.git(s.work, "checkout", "--quiet", "--detach", base)
	s.git(s.work, "merge", "--quiet", "--no-ff", "--message", "Merge it", head)
	e := s.event("pull_request")
	e.file = s.workflow("validate-kustomize.yaml")
	e.ref, e.sha = fmt.Sprintf("refs/pull/%d/merge", number), s.git(s.work, "rev-parse", "HEAD")
	_, err := s.repo.Git("fetch", "--quiet", s.work, "HEAD:"+e.ref)
	s.must(err)
	s.git(s.work, "checkout", "--quiet", upstream)
	side := func(ref, sha string) map[string]any { return map[string]any{"ref": ref, "sha": sha} }
	e.payload = map[string]any{
		"number": number, "repository": s.repository(),
		"pull_request": map[string]any{"number": number, "base": side(upstream, base), "head": side("proposal", head)},
	}
	return e
}

// dispatched is what somebody has asked for: with a button, gh, or release:override.
func (s *scene) dispatched(d rollouttest.Dispatch, file string) event {
	ref := "refs/heads/" + d.Ref
	return event{
		name: "workflow_dispatch", file: file, ref: ref, sha: d.HeadSHA, actor: d.Actor, id: d.RunID, token: d.Token,
		payload: map[string]any{"ref": ref, "inputs": d.Inputs, "repository": s.repository()},
	}
}

// A finished run is one that somebody has asked for.
type finished struct {
	result *result
	err    error
}

// onDispatch runs a workflow file for everybody who asks for a run. The results
// come out of the channel.
func (s *scene) onDispatch(file string) <-chan finished {
	runs := make(chan finished, 1)
	s.github.OnDispatch(func(ctx context.Context, d rollouttest.Dispatch) rollouttest.Conclusion {
		r, err := s.play(s.dispatched(d, file))
		select {
		case runs <- finished{r, err}:
		case <-ctx.Done():
		}
		if err != nil || r.code != 0 {
			return rollouttest.Failed
		}
		return rollouttest.Success
	})
	return runs
}

// dispatch asks for a run as gh does, and waits for it.
func (s *scene) dispatch(inputs map[string]string) *result {
	s.t.Helper()
	runs := s.onDispatch(s.promoting())
	body, err := json.Marshal(map[string]any{"ref": upstream, "inputs": inputs})
	s.must(err)
	url := fmt.Sprintf("%s/api/v3/repos/%s/actions/workflows/%s/dispatches", s.github.URL(), s.repo.Slug(), rollout.PromoteWorkflow)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+rollouttest.DefaultToken)
	response, err := (&http.Client{Transport: s.github.Transport()}).Do(request)
	s.must(err)
	s.must(response.Body.Close())
	if response.StatusCode != http.StatusNoContent {
		s.t.Fatalf("the dispatch is answered %s", response.Status)
	}
	return s.finishes(runs)
}

// finishes waits for the run that was asked for.
func (s *scene) finishes(runs <-chan finished) *result {
	s.t.Helper()
	select {
	case run := <-runs:
		s.must(run.err)
		return run.result
	case <-s.t.Context().Done():
		s.t.Fatal("the test ends before the run")
		return nil
	}
}
