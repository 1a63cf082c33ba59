package github_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

const workflowPath = ".github/workflows/promote.yaml"

// examined is a repository with a workflow in two versions, and a client.
func examined(t *testing.T) (g *rollouttest.GitHub, repo *rollouttest.Repository, versions []rollout.SHA) {
	t.Helper()
	g = rollouttest.New(t, rollouttest.Options{Repositories: []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet"}}})
	repo = g.Repositories()[0]
	for _, text := range []string{"on: push\njobs: {}\n", "on: schedule\njobs: {}\n"} {
		sha, err := repo.Commit("main", rollouttest.Change{Message: "Change", Files: map[string]string{workflowPath: text, "a b/c?d": text}})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, rollout.SHA(sha))
		if _, err := repo.Commit("main", rollouttest.Change{Message: "Another", Files: map[string]string{"other": text}}); err != nil {
			t.Fatal(err)
		}
	}
	return g, repo, versions
}

func TestFilesOfTheDefaultBranch(t *testing.T) {
	g, _, versions := examined(t)
	c := newClient(t, g, rollouttest.DefaultToken)
	for _, test := range []struct {
		path string
		at   rollout.SHA
		want string
	}{
		{workflowPath, "", "on: schedule\njobs: {}\n"},
		{workflowPath, versions[0], "on: push\njobs: {}\n"},
		{"a b/c?d", "", "on: schedule\njobs: {}\n"},
		{"nowhere", "", ""},
	} {
		got, err := c.File(t.Context(), test.path, test.at)
		if err != nil || string(got) != test.want {
			t.Errorf("%s at %s: %q, %v", test.path, test.at, got, err)
		}
	}
	if _, err := c.File(t.Context(), ".github", ""); !errors.Is(err, rollout.ErrRefused) && err == nil {
		t.Errorf("a directory is a file: %v", err)
	}
	log, err := c.FileLog(t.Context(), workflowPath, 20)
	if diff := cmp.Diff([]rollout.SHA{versions[1], versions[0]}, log); err != nil || diff != "" {
		t.Errorf("the log: %v (-want +got):\n%s", err, diff)
	}
	if branch, err := c.DefaultBranch(t.Context()); err != nil || branch != "main" {
		t.Errorf("the default branch is %s, %v", branch, err)
	}
}

func TestWorkflowState(t *testing.T) {
	g, repo, _ := examined(t)
	c := newClient(t, g, rollouttest.DefaultToken)
	for _, state := range []rollout.WorkflowState{rollout.WorkflowActive, rollout.WorkflowDisabledIdle, rollout.WorkflowDisabledManually, rollout.WorkflowDisabledFork} {
		repo.SetWorkflowState("promote.yaml", rollouttest.WorkflowState(state))
		if got, err := c.WorkflowState(t.Context(), "promote.yaml"); err != nil || got != state {
			t.Errorf("%s, want %s: %v", got, state, err)
		}
	}
	if got, err := c.WorkflowState(t.Context(), "another.yaml"); err != nil || got != rollout.WorkflowUnknown {
		t.Errorf("there is no such workflow: %q, %v", got, err)
	}
}

func TestDeployKeys(t *testing.T) {
	g, repo, _ := examined(t)
	created, used := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var want []rollout.DeployKey
	for i := range 130 {
		key := rollouttest.DeployKey{Title: strings.Repeat("k", i+1), Key: "ssh-ed25519 AAAA", Created: created, ReadOnly: i == 1, Disabled: i == 2}
		if i == 3 {
			key.LastUsed = &used
		}
		id := repo.AddDeployKey(key)
		want = append(want, rollout.DeployKey{ID: id, Title: key.Title, Created: created, ReadOnly: i == 1, Disabled: i == 2})
	}
	want[3].LastUsed = used
	got, err := newClient(t, g, rollouttest.DefaultToken).DeployKeys(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// What a token may not see is no answer: neither that there is nothing, nor that
// all is well.
func TestExaminedWithoutPermission(t *testing.T) {
	g, repo, _ := examined(t)
	repo.AddDeployKey(rollouttest.DeployKey{Title: "k", Key: "ssh-ed25519 AAAA"})
	g.AddToken("reader", rollouttest.Identity{Login: "reader", Permissions: map[string]string{"contents": "read"}})
	if keys, err := newClient(t, g, "reader").DeployKeys(t.Context()); !errors.Is(err, rollout.ErrNotPermitted) || keys != nil {
		t.Errorf("a reader sees the keys: %v, %v", keys, err)
	}
	private, err := g.AddRepository(rollouttest.RepositoryOptions{Owner: "octo-org", Name: "hidden", Private: true})
	if err != nil {
		t.Fatal(err)
	}
	g.AddToken("stranger", rollouttest.Identity{Login: "stranger", Repositories: []string{}})
	c := newClientOf(t, g, "stranger", private.Slug())
	_, fileErr := c.File(t.Context(), workflowPath, "")
	_, stateErr := c.WorkflowState(t.Context(), "promote.yaml")
	_, keysErr := c.DeployKeys(t.Context())
	_, rightsErr := c.Rights(t.Context())
	for what, err := range map[string]error{"file": fileErr, "state": stateErr, "keys": keysErr, "rights": rightsErr} {
		if !errors.Is(err, rollout.ErrNotPermitted) {
			t.Errorf("the %s of a repository that is not to be seen: %v", what, err)
		}
	}
}

func TestRights(t *testing.T) {
	g, _, _ := examined(t)
	for name, test := range map[string]struct {
		scopes []string
		want   rollout.Rights
	}{
		"fine-grained":       {nil, rollout.Rights{}},
		"without any scope":  {[]string{}, rollout.Rights{Scoped: true}},
		"with some of these": {[]string{"repo", "workflow"}, rollout.Rights{Scoped: true, Scopes: []string{"repo", "workflow"}}},
	} {
		t.Run(name, func(t *testing.T) {
			g.AddToken("classic", rollouttest.Identity{Login: "ada", Permissions: rollouttest.AllPermissions(), Scopes: test.scopes})
			got, err := newClient(t, g, "classic").Rights(t.Context())
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
