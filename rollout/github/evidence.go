package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cli/go-gh/v2/pkg/api"

	"github.com/monosense/k8s-ops/rollout"
)

// commitsAtOnce is how many commits one query asks about: the head of a stage,
// and 100 revisions.
const commitsAtOnce = 101

// statusContext is a context's newest status, as GraphQL tells it.
type statusContext struct {
	Context, State string
	CreatedAt      time.Time
	Description    *string
}

// statuses are commits by alias, and nil where one does not exist. A commit
// without any status has none.
type statuses map[string]*struct {
	Status *struct{ Contexts []statusContext }
}

// Evidence implements [rollout.Witness] with commit statuses, at one request
// for 101 commits. Check runs, which GitHub Actions reports, are none.
func (c *Client) Evidence(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	all := map[rollout.SHA][]rollout.Evidence{}
	for some := range slices.Chunk(once(commits), commitsAtOnce) {
		answer, err := c.statuses(ctx, some)
		if err != nil {
			return nil, c.explainStatuses(err)
		}
		for i, commit := range some {
			found := answer[commitAlias(i)]
			if found == nil || found.Status == nil {
				continue
			}
			for _, s := range found.Status.Contexts {
				e, err := evidence(s.Context, s.State, s.CreatedAt, s.Description)
				if err != nil {
					return nil, c.explainStatuses(err)
				}
				all[commit] = append(all[commit], e)
			}
		}
	}
	return all, nil
}

// EvidenceLog implements [rollout.Witness], at one request for 101 commits, and
// one for 100 statuses of each commit that has any.
func (c *Client) EvidenceLog(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	newest, err := c.Evidence(ctx, commits)
	if err != nil {
		return nil, err
	}
	all := map[rollout.SHA][]rollout.Evidence{}
	for _, commit := range once(commits) {
		if len(newest[commit]) == 0 {
			continue
		}
		if all[commit], err = c.statusLog(ctx, commit); err != nil {
			return nil, c.explainStatuses(err)
		}
	}
	return all, nil
}

// once leaves out what was there before.
func once(commits []rollout.SHA) []rollout.SHA {
	seen := map[rollout.SHA]bool{}
	var all []rollout.SHA
	for _, commit := range commits {
		if !seen[commit] {
			seen[commit] = true
			all = append(all, commit)
		}
	}
	return all
}

func commitAlias(i int) string { return fmt.Sprintf("commit%d", i) }

// statuses asks for the newest status of each context of up to commitsAtOnce
// commits.
func (c *Client) statuses(ctx context.Context, of []rollout.SHA) (statuses, error) {
	values := map[string]any{}
	var declared, selected strings.Builder
	for i, commit := range of {
		alias := commitAlias(i)
		values[alias] = commit
		fmt.Fprintf(&declared, ", $%s: GitObjectID!", alias)
		fmt.Fprintf(&selected, "\n    %s: object(oid: $%s) { ...statuses }", alias, alias)
	}
	var answer struct{ Reported statuses }
	_, err := c.query(ctx, `query Evidence($owner: String!, $name: String!`+declared.String()+`) {
  reported: repository(owner: $owner, name: $name) {`+selected.String()+`
  }
}
fragment statuses on Commit {
  status { contexts { context state createdAt description } }
}`, c.variables(values), &answer)
	if err == nil && answer.Reported == nil {
		err = errNoRepository
	}
	return answer.Reported, err
}

// statusLog reads all statuses of a commit: "Statuses are returned in reverse
// chronological order"
// (https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference).
// One that is posted meanwhile can make the last of a page the first of the
// next once more, which says nothing new.
func (c *Client) statusLog(ctx context.Context, of rollout.SHA) ([]rollout.Evidence, error) {
	var log []rollout.Evidence
	for next := c.path(fmt.Sprintf("commits/%s/statuses?per_page=%d", of, pageSize)); next != ""; {
		var rows []struct {
			Context, State string
			CreatedAt      time.Time `json:"created_at"`
			Description    *string
		}
		header, err := c.get(ctx, next, &rows)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			e, err := evidence(row.Context, row.State, row.CreatedAt, row.Description)
			if err != nil {
				return nil, err
			}
			log = append(log, e)
		}
		if next, err = c.nextPage(header); err != nil {
			return nil, err
		}
	}
	return log, nil
}

// evidence is one status. Its time decides which one counts, so there is none
// without.
func evidence(name, state string, at time.Time, description *string) (rollout.Evidence, error) {
	if at.IsZero() {
		return rollout.Evidence{}, &garbledError{errors.New("a commit status has no time")}
	}
	e := rollout.Evidence{Context: name, State: evidenceState(state), At: at}
	if description != nil {
		e.Description = *description
	}
	return e, nil
}

// evidenceState reads a state, which GraphQL writes in capitals. EXPECTED is
// that of a required context of which nothing was reported yet. A state that is
// not known here may be a new way to fail: it must not let anything out.
func evidenceState(state string) rollout.EvidenceState {
	switch strings.ToUpper(state) {
	case "SUCCESS":
		return rollout.EvidenceSuccess
	case "FAILURE":
		return rollout.EvidenceFailure
	case "PENDING", "EXPECTED":
		return rollout.EvidencePending
	default:
		return rollout.EvidenceError
	}
}

// explainStatuses is explain for statuses. They take a permission of their own,
// which a token has often not been given, and which an answer of GraphQL does
// not name.
func (c *Client) explainStatuses(err error) error {
	explained := c.explain("read the commit statuses", err)
	var p *rollout.Problem
	var refusals *api.GraphQLError
	lacking := isStatus(err, http.StatusForbidden) || (errors.As(err, &refusals) && isForbidden(refusals))
	if lacking && errors.As(explained, &p) {
		p.Ways = []string{"a promotion that asks for health needs Contents: write and Commit statuses: read; in a workflow `statuses: read`, beside `contents: write` under `permissions:`"}
	}
	return explained
}
