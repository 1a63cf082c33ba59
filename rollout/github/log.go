package github

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// pageSize is the most that GitHub gives of a list at once.
const pageSize = 100

// Log implements [rollout.Remote], at one request for 100 commits.
func (c *Client) Log(ctx context.Context, ledger rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	var log []rollout.LedgerCommit
	if ledger.SHA == "" {
		return log, nil
	}
	doing := fmt.Sprintf("read the log of %s", ledger.Branch)
	var after *string
	for {
		first := pageSize
		if limit > 0 {
			first = min(first, limit-len(log))
		}
		page, err := c.logPage(ctx, ledger, first, after)
		if err != nil {
			return nil, c.explain(doing, err)
		}
		log = append(log, page.commits()...)
		if len(log) == limit || !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == nil {
			return log, nil
		}
		after = page.PageInfo.EndCursor
	}
}

// history is one page of commits, newest first.
type history struct {
	Nodes []struct {
		OID     rollout.SHA
		Message string
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   *string
	}
}

func (h history) commits() []rollout.LedgerCommit {
	var log []rollout.LedgerCommit
	for _, node := range h.Nodes {
		log = append(log, rollout.LedgerCommit{SHA: node.OID, Message: node.Message})
	}
	return log
}

func (c *Client) logPage(ctx context.Context, ledger rollout.Head, first int, after *string) (*history, error) {
	var answer struct {
		Repository *struct {
			Object *struct{ History *history }
		}
	}
	_, err := c.query(ctx, `query Log($owner: String!, $name: String!, $head: GitObjectID!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    object(oid: $head) {
      ... on Commit {
        history(first: $first, after: $after) { nodes { oid message } pageInfo { hasNextPage endCursor } }
      }
    }
  }
}`, c.variables(map[string]any{"head": ledger.SHA, "first": first, "after": after}), &answer)
	switch {
	case err != nil:
		return nil, err
	case answer.Repository == nil:
		return nil, errNoRepository
	case answer.Repository.Object == nil || answer.Repository.Object.History == nil:
		return nil, &rollout.Problem{Kind: rollout.ErrLedger, What: fmt.Sprintf("%s has no commit %s, at which %s was said to be", c.slug(), ledger.SHA.Short(), ledger.Branch)}
	default:
		return answer.Repository.Object.History, nil
	}
}
