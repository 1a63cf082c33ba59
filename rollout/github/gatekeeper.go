package github

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// isActions tells whether a viewer is a workflow's own GITHUB_TOKEN.
func isActions(viewer string) bool {
	return viewer == "github-actions[bot]" || viewer == "github-actions"
}

// workflowFiles is the tree of workflow files of a commit.
type workflowFiles struct {
	OID  rollout.SHA
	File *struct{ OID rollout.SHA }
}

func (w workflowFiles) tree() rollout.SHA {
	if w.File == nil {
		return ""
	}
	return w.File.OID
}

// MayMove implements [rollout.Gatekeeper]. GITHUB_TOKEN has no permission for
// workflow files, and none can be granted: users report that GitHub refuses it
// to point a branch at a commit whose .github/workflows is not the default
// branch's. Everybody else is let through without a request.
func (c *Client) MayMove(ctx context.Context, o rollout.Observation, to rollout.SHA) error {
	if !isActions(o.Viewer) {
		return nil
	}
	return c.compareWorkflowFiles(ctx, to)
}

// compareWorkflowFiles is an error of kind [rollout.ErrNotPermitted] where a
// commit has other workflow files than the default branch.
func (c *Client) compareWorkflowFiles(ctx context.Context, to rollout.SHA) error {
	var answer struct {
		Repository *struct {
			Object           *workflowFiles
			DefaultBranchRef *struct {
				Name   string
				Target workflowFiles
			}
		}
	}
	_, err := c.query(ctx, `query WorkflowFiles($owner: String!, $name: String!, $to: GitObjectID!) {
  repository(owner: $owner, name: $name) {
    object(oid: $to) { oid ... on Commit { file(path: ".github/workflows") { oid } } }
    defaultBranchRef { name target { oid ... on Commit { file(path: ".github/workflows") { oid } } } }
  }
}`, c.variables(map[string]any{"to": to}), &answer)
	if err == nil && answer.Repository == nil {
		err = errNoRepository
	}
	if err != nil {
		return c.explain("compare the workflow files", err)
	}
	found := answer.Repository
	switch {
	case found.Object == nil:
		return &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf("%s has no commit %s", c.slug(), to)}
	case found.DefaultBranchRef == nil, found.Object.tree() == "", found.Object.tree() == found.DefaultBranchRef.Target.tree():
		return nil
	default:
		return workflowFilesDiffer(c.slug(), to, found.DefaultBranchRef.Target.OID, found.DefaultBranchRef.Name)
	}
}

func workflowFilesDiffer(slug string, to, head rollout.SHA, branch string) error {
	return &rollout.Problem{
		Kind: rollout.ErrNotPermitted,
		What: fmt.Sprintf("%s of %s has other files in .github/workflows than %s, the head of %s: GitHub lets no token point a branch at it that may not write workflow files, and a workflow's own GITHUB_TOKEN never may",
			to.Short(), slug, head.Short(), branch),
		Ways: []string{
			"wait: the revision with the newest workflow files can go out when its own soak is over, if nothing changes them again until then",
			"or create a fine-grained token or a GitHub App with Contents: write and Workflows: write, keep it as a secret, and let the workflow use it in the place of GITHUB_TOKEN",
			"or let the workflow push with a deploy key that may write: keep its private half as the secret ROLLOUT_DEPLOY_KEY",
			"or let an operator whose own token may do it run `mage release:override -direct`",
		},
	}
}
