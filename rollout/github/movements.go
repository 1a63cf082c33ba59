package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cli/go-gh/v2/pkg/api"

	"github.com/monosense/k8s-ops/rollout"
)

// activity is a row of a repository's activity log
// (https://docs.github.com/en/rest/repos/repos#list-repository-activities).
type activity struct {
	Before, After, Ref string
	Timestamp          time.Time
	Type               string `json:"activity_type"`
}

// Movements implements [rollout.Remote] with the repository's activity log, at
// one request for 100 rows. A server that keeps no such log, as older
// Enterprise servers do, answers with none: then arrivals are recorded in the
// ledger, and a soak starts when a revision is first seen.
func (c *Client) Movements(ctx context.Context, branch string, enough func(rollout.Movement) bool) ([]rollout.Movement, error) {
	doing := fmt.Sprintf("read the pushes to %s", branch)
	filter := url.Values{"ref": {qualified(branch)}, "per_page": {"100"}, "direction": {"desc"}}
	var movements []rollout.Movement
	for next := c.path("activity?" + filter.Encode()); next != ""; {
		var rows []activity
		header, err := c.get(ctx, next, &rows)
		if err != nil && len(movements) == 0 && isStatus(err, http.StatusNotFound) {
			_, err := c.repository(ctx)
			return nil, err
		}
		if err != nil {
			return nil, c.explain(doing, err)
		}
		for _, row := range rows {
			if row.Ref != qualified(branch) {
				continue
			}
			m, err := row.movement()
			if err != nil {
				return nil, c.explain(doing, &garbledError{err})
			}
			movements = append(movements, m)
			if enough(m) {
				return movements, nil
			}
		}
		if next, err = c.nextPage(header); err != nil {
			return nil, c.explain(doing, err)
		}
	}
	return movements, nil
}

// movement reads a row. A type that is not known proves nothing, so it counts
// as a force-push: what was there before need not be there any more.
func (a activity) movement() (rollout.Movement, error) {
	m := rollout.Movement{At: a.Timestamp}
	if a.Timestamp.IsZero() {
		return m, errors.New("a row of the activity log has no time")
	}
	var err error
	if m.Before, err = parseOID(a.Before); err != nil {
		return m, err
	}
	if m.After, err = parseOID(a.After); err != nil {
		return m, err
	}
	switch a.Type {
	case "push", "pr_merge", "merge_queue_merge", "branch_creation", "branch_deletion":
	default:
		m.Forced = true
	}
	return m, nil
}

// noOID is how GitHub writes that a ref does not exist.
const noOID = "0000000000000000000000000000000000000000"

func parseOID(s string) (rollout.SHA, error) {
	if s == noOID {
		return "", nil
	}
	return rollout.ParseSHA(s)
}

// isStatus tells whether GitHub answered with a status.
func isStatus(err error, status int) bool {
	var answer *api.HTTPError
	return errors.As(err, &answer) && answer.StatusCode == status
}

var nextLink = regexp.MustCompile(`<([^<>]+)>; *rel="next"`)

// nextPage is the address of the page after this one, empty for the last. It
// has to be on the host that was asked.
func (c *Client) nextPage(header http.Header) (string, error) {
	found := nextLink.FindStringSubmatch(strings.Join(header.Values("Link"), ", "))
	if found == nil {
		return "", nil
	}
	u, err := url.Parse(found[1])
	if err != nil || u.Scheme != "https" || !strings.EqualFold(u.Host, c.apiHost) {
		return "", &garbledError{fmt.Errorf("the next page is said to be at %q, which is not on %s", found[1], c.apiHost)}
	}
	return u.String(), nil
}
