package rollouttest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ActivityType says what happened to a branch.
type ActivityType string

// The activity types of GitHub's schema. A merge queue never merges here.
const (
	ActivityPush           ActivityType = "push"
	ActivityForcePush      ActivityType = "force_push"
	ActivityBranchCreation ActivityType = "branch_creation"
	ActivityBranchDeletion ActivityType = "branch_deletion"
	ActivityMerge          ActivityType = "pr_merge"
)

// ActivityRow is one push, however it was made. Tags have none.
type ActivityRow struct {
	ID        int64
	Before    string // forty zeros where the branch began
	After     string // forty zeros where the branch ended
	Ref       string // refs/heads/main
	Timestamp time.Time
	Type      ActivityType
	Actor     string // a login
}

// record adds a row.
func (r *Repository) record(row ActivityRow) {
	row.ID = r.github.nextID()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.activity = append(r.activity, row)
}

// Activity returns the rows, newest first.
func (r *Repository) Activity() []ActivityRow {
	r.mu.Lock()
	rows := slices.Clone(r.activity)
	r.mu.Unlock()
	slices.SortStableFunc(rows, func(a, b ActivityRow) int {
		if c := b.Timestamp.Compare(a.Timestamp); c != 0 {
			return c
		}
		return int(b.ID - a.ID)
	})
	return rows
}

// DropActivity forgets the rows for which drop is true, as GitHub forgets after
// a time that it documents nowhere. It returns how many there were.
func (r *Repository) DropActivity(drop func(ActivityRow) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.activity)
	r.activity = slices.DeleteFunc(r.activity, drop)
	return before - len(r.activity)
}

// activityPeriods are the values of time_period, in days.
var activityPeriods = map[string]int{"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}

// listActivity is GET /repos/{owner}/{repo}/activity.
func listActivity(c *call) (answer, error) {
	query := c.r.URL.Query()
	rows := c.repo.Activity()
	if name := query.Get("ref"); name != "" {
		full := "refs/heads/" + strings.TrimPrefix(name, "refs/heads/")
		rows = slices.DeleteFunc(rows, func(row ActivityRow) bool { return row.Ref != full })
	}
	if actor := query.Get("actor"); actor != "" {
		rows = slices.DeleteFunc(rows, func(row ActivityRow) bool { return !strings.EqualFold(row.Actor, actor) })
	}
	if kind := query.Get("activity_type"); kind != "" {
		if !slices.Contains(strings.Split("push force_push branch_creation branch_deletion pr_merge merge_queue_merge", " "), kind) {
			return answer{}, invalidRequest("activity_type")
		}
		rows = slices.DeleteFunc(rows, func(row ActivityRow) bool { return string(row.Type) != kind })
	}
	if period := query.Get("time_period"); period != "" {
		days, known := activityPeriods[period]
		if !known {
			return answer{}, invalidRequest("time_period")
		}
		since := c.now.AddDate(0, 0, -days)
		rows = slices.DeleteFunc(rows, func(row ActivityRow) bool { return row.Timestamp.Before(since) })
	}
	switch query.Get("direction") {
	case "", "desc":
	case "asc":
		slices.Reverse(rows)
	default:
		return answer{}, invalidRequest("direction")
	}
	page, link, err := cursorPage(c, rows)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, row := range page {
		list = append(list, fields{
			"id": row.ID, "node_id": nodeID("PSH", c.repo.id, strconv.FormatInt(row.ID, 10)),
			"before": row.Before, "after": row.After, "ref": row.Ref, "timestamp": row.Timestamp,
			"activity_type": row.Type, "actor": c.g.account(row.Actor),
		})
	}
	return linked(answerJSON(http.StatusOK, list), link), nil
}

// cursorPage cuts a page out of the rows, by the cursors of the request, and
// makes its Link header.
func cursorPage(c *call, rows []ActivityRow) ([]ActivityRow, string, error) {
	query := c.r.URL.Query()
	size, err := perPage(query)
	if err != nil {
		return nil, "", err
	}
	first, last := 0, len(rows)
	if after := query.Get("after"); after != "" {
		at, err := cursorIndex(rows, after)
		if err != nil {
			return nil, "", err
		}
		first = at + 1
	}
	if before := query.Get("before"); before != "" {
		at, err := cursorIndex(rows, before)
		if err != nil {
			return nil, "", err
		}
		last = at
		first = max(first, last-size)
	}
	last = min(last, first+size)
	if first >= last {
		return nil, "", nil
	}
	var links []string
	if last < len(rows) {
		links = append(links, c.link(query, "next", url.Values{"after": {cursorOf(rows[last-1])}}, "before"))
	}
	if first > 0 {
		links = append(links, c.link(query, "prev", url.Values{"before": {cursorOf(rows[first])}}, "after"))
	}
	return rows[first:last], strings.Join(links, ", "), nil
}

// cursorOf is opaque to clients.
func cursorOf(row ActivityRow) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%d", row.Timestamp.UnixNano(), row.ID))
}

func cursorIndex(rows []ActivityRow, cursor string) (int, error) {
	at := slices.IndexFunc(rows, func(row ActivityRow) bool { return cursorOf(row) == cursor })
	if at < 0 {
		return 0, unprocessable("Invalid cursor")
	}
	return at, nil
}
