package github

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

var _ rollout.Examiner = (*Client)(nil)

// DefaultBranch implements [rollout.Examiner].
func (c *Client) DefaultBranch(ctx context.Context) (string, error) {
	known, err := c.repository(ctx)
	if err == nil && known.DefaultBranch == "" {
		err = &rollout.Problem{Kind: rollout.ErrNoBranch, What: c.slug() + " has no default branch: nothing has been pushed to it yet"}
	}
	return known.DefaultBranch, err
}

// File implements [rollout.Examiner]. GitHub gives files of up to 1 MB so
// (https://docs.github.com/en/rest/repos/contents#get-repository-content).
func (c *Client) File(ctx context.Context, path string, at rollout.SHA) ([]byte, error) {
	doing := "read " + path
	resource := c.path("contents/" + (&url.URL{Path: path}).EscapedPath())
	if at != "" {
		resource += "?ref=" + url.QueryEscape(string(at))
	}
	var answer struct{ Type, Encoding, Content string }
	_, err := c.get(ctx, resource, &answer)
	switch {
	case isStatus(err, http.StatusNotFound):
		return nil, c.seen(ctx, doing)
	case err != nil:
		return nil, c.explain(doing, err)
	case answer.Type != "file" || answer.Encoding != "base64":
		return nil, &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf("%s of %s: it is no file, or too large a one", doing, c.slug())}
	}
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(answer.Content, "\n", ""))
	if err != nil {
		return nil, c.explain(doing, &garbledError{err})
	}
	return data, nil
}

// seen is the error of what was not found where the repository itself is not to be
// seen: GitHub answers the same to both. What is not found in a repository that is,
// is not there.
func (c *Client) seen(ctx context.Context, doing string) error {
	if _, err := c.get(ctx, "repos/"+c.slug(), nil); err != nil {
		return c.explain(doing, err)
	}
	return nil
}

// FileLog implements [rollout.Examiner].
func (c *Client) FileLog(ctx context.Context, path string, limit int) ([]rollout.SHA, error) {
	var answer []struct{ SHA rollout.SHA }
	_, err := c.get(ctx, c.path(fmt.Sprintf("commits?path=%s&per_page=%d", url.QueryEscape(path), min(limit, pageSize))), &answer)
	if err != nil {
		return nil, c.explain("list the commits that changed "+path, err)
	}
	var all []rollout.SHA
	for _, one := range answer {
		sha, err := rollout.ParseSHA(string(one.SHA))
		if err != nil {
			return nil, c.explain("list the commits that changed "+path, &garbledError{err})
		}
		all = append(all, sha)
	}
	return all, nil
}

// WorkflowState implements [rollout.Examiner]
// (https://docs.github.com/en/rest/actions/workflows#get-a-workflow).
func (c *Client) WorkflowState(ctx context.Context, workflow string) (rollout.WorkflowState, error) {
	doing := "look at workflow " + workflow
	var answer struct{ State rollout.WorkflowState }
	_, err := c.get(ctx, c.path("actions/workflows/"+url.PathEscape(workflow)), &answer)
	switch {
	case isStatus(err, http.StatusNotFound):
		return rollout.WorkflowUnknown, c.seen(ctx, doing)
	case err != nil:
		return "", c.explain(doing, err)
	case answer.State == rollout.WorkflowUnknown:
		return "", c.explain(doing, &garbledError{fmt.Errorf("the workflow has no state")})
	}
	return answer.State, nil
}

// DeployKeys implements [rollout.Examiner]. It needs Administration: read
// (https://docs.github.com/en/rest/deploy-keys/deploy-keys#list-deploy-keys). The
// keys themselves are not kept.
func (c *Client) DeployKeys(ctx context.Context) ([]rollout.DeployKey, error) {
	const doing = "list the deploy keys"
	var all []rollout.DeployKey
	for next := c.path(fmt.Sprintf("keys?per_page=%d", pageSize)); next != ""; {
		var page []deployKey
		header, err := c.get(ctx, next, &page)
		if err != nil {
			return nil, c.explain(doing, err)
		}
		for _, key := range page {
			all = append(all, key.key())
		}
		if next, err = c.nextPage(header); err != nil {
			return nil, c.explain(doing, err)
		}
	}
	return all, nil
}

// deployKey is a deploy key as the API has it.
type deployKey struct {
	ID        int64
	Title     string
	CreatedAt time.Time  `json:"created_at"`
	LastUsed  *time.Time `json:"last_used"`
	ReadOnly  bool       `json:"read_only"`
	// Enabled is left out by servers that cannot turn keys off.
	Enabled *bool
}

func (k deployKey) key() rollout.DeployKey {
	key := rollout.DeployKey{ID: k.ID, Title: k.Title, Created: k.CreatedAt, ReadOnly: k.ReadOnly, Disabled: k.Enabled != nil && !*k.Enabled}
	if k.LastUsed != nil {
		key.LastUsed = *k.LastUsed
	}
	return key
}

// Rights implements [rollout.Examiner]. Tokens that have scopes are told them in a
// header; to others GitHub says nothing
// (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
func (c *Client) Rights(ctx context.Context) (rollout.Rights, error) {
	header, err := c.get(ctx, "repos/"+c.slug(), nil)
	if err != nil {
		return rollout.Rights{}, c.explain("ask what the token may do", err)
	}
	rights := rollout.Rights{}
	_, rights.Scoped = header["X-Oauth-Scopes"]
	for scope := range strings.SplitSeq(header.Get("X-Oauth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			rights.Scopes = append(rights.Scopes, scope)
		}
	}
	return rights, nil
}
