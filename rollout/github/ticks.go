package github

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// runsLooked is how many of the newest runs that ended well are looked at: those of
// pushes end a soak after they began, and so in no order.
const runsLooked = "30"

// Ticking implements [rollout.Ticks], with two requests
// (https://docs.github.com/en/rest/actions/workflows#get-a-workflow,
// https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow).
func (c *Client) Ticking(ctx context.Context, workflow string) (rollout.Ticking, error) {
	var found struct{ State rollout.WorkflowState }
	path := c.path("actions/workflows/" + url.PathEscape(workflow))
	if _, err := c.get(ctx, path, &found); err != nil {
		return rollout.Ticking{}, c.explainTicking(workflow, err)
	}
	var list struct {
		Runs []struct {
			UpdatedAt time.Time `json:"updated_at"`
		} `json:"workflow_runs"`
	}
	if _, err := c.get(ctx, path+"/runs?status=success&per_page="+runsLooked, &list); err != nil {
		return rollout.Ticking{}, c.explainTicking(workflow, err)
	}
	t := rollout.Ticking{State: found.State, URL: "https://" + c.options.Host + "/" + c.slug() + "/actions/workflows/" + workflow}
	for _, r := range list.Runs {
		if r.UpdatedAt.After(t.Succeeded) {
			t.Succeeded = r.UpdatedAt
		}
	}
	return t, nil
}

func (c *Client) explainTicking(workflow string, err error) error {
	explained := c.explain("read how workflow "+workflow+" does", err)
	if isStatus(err, http.StatusNotFound) {
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted, What: "GitHub has no workflow " + workflow + " on the default branch of " + c.slug() + ", or does not show it to the token" + c.options.from(),
			Ways: []string{"push .github/workflows/" + workflow + " to the default branch", "or give the token Actions: read"},
		}
	}
	return explained
}
