package rollouttest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CommitStatus is what [Repository.SetStatus] posts.
type CommitStatus struct {
	// State is error, failure, pending or success.
	State string
	// Context tells statuses apart. Default is "default".
	Context     string
	Description string
	TargetURL   string
	// Creator is a login. Default is DefaultLogin.
	Creator string
}

// status is a status that was posted.
type status struct {
	CommitStatus
	id int64
	at time.Time
}

// mostStatuses is how many a commit may have of one context.
const mostStatuses = 1000

// SetStatus posts a status to a commit, named by its full id.
func (r *Repository) SetStatus(oid string, s CommitStatus) error {
	if _, err := r.objects.commit(oid); err != nil {
		return fmt.Errorf("set a status of %s in %s: %w", oid, r.Slug(), err)
	}
	s.Creator = cmp.Or(s.Creator, DefaultLogin)
	if _, err := r.addStatus(oid, s); err != nil {
		return fmt.Errorf("set a status of %s in %s: %w", oid, r.Slug(), err)
	}
	return nil
}

func (r *Repository) addStatus(oid string, s CommitStatus) (status, error) {
	s.Context = cmp.Or(s.Context, "default")
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, s.State) {
		return status{}, validationFailed(fields{"resource": "Status", "field": "state", "code": "invalid"})
	}
	made := status{CommitStatus: s, id: r.github.nextID(), at: r.github.clock().UTC()}
	r.mu.Lock()
	defer r.mu.Unlock()
	same := 0
	for _, old := range r.statuses[oid] {
		if strings.EqualFold(old.Context, s.Context) {
			same++
		}
	}
	if same >= mostStatuses {
		return status{}, validationFailed(fields{
			"resource": "Status", "code": "custom",
			"message": "This SHA and context has reached the maximum number of statuses.",
		})
	}
	r.statuses[oid] = append(r.statuses[oid], made)
	return made, nil
}

// statusesOf are a commit's statuses, newest first.
func (r *Repository) statusesOf(oid string) []status {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.statuses[oid])
	slices.Reverse(list)
	return list
}

// latest are the newest statuses of each context, by context.
func (r *Repository) latest(oid string) []status {
	var list []status
	for _, s := range r.statusesOf(oid) {
		if !slices.ContainsFunc(list, func(l status) bool { return strings.EqualFold(l.Context, s.Context) }) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b status) int { return strings.Compare(a.Context, b.Context) })
	return list
}

// combined is the state of several statuses together: pending where there is
// none.
func combined(list []status) string {
	state := "success"
	if len(list) == 0 {
		state = "pending"
	}
	for _, s := range list {
		switch {
		case s.State == "error" || s.State == "failure":
			return "failure"
		case s.State == "pending":
			state = "pending"
		}
	}
	return state
}

// asJSON is what all shapes of a status have.
func (s status) asJSON(c *call, oid string) fields {
	orNull := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	creator := c.g.account(s.Creator)
	return fields{
		"id": s.id, "node_id": nodeID("SC", c.repo.id, strconv.FormatInt(s.id, 10)), "state": s.State,
		"context": s.Context, "description": orNull(s.Description), "target_url": orNull(s.TargetURL),
		"avatar_url": creator["avatar_url"], "url": c.repoURL("/statuses/%s", oid),
		"created_at": s.at, "updated_at": s.at,
	}
}

// createStatus is POST /repos/{owner}/{repo}/statuses/{sha}.
func createStatus(c *call) (answer, error) {
	var body struct {
		State       string
		TargetURL   *string `json:"target_url"`
		Description *string
		Context     string
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	oid := c.vars["sha"]
	if _, err := c.repo.objects.commit(oid); err != nil || !isOID(oid) {
		return answer{}, unprocessable("No commit found for SHA: %s", oid)
	}
	s := CommitStatus{State: body.State, Context: body.Context, Creator: c.who.Login}
	if body.TargetURL != nil {
		s.TargetURL = *body.TargetURL
	}
	if body.Description != nil {
		s.Description = *body.Description
	}
	made, err := c.repo.addStatus(oid, s)
	if err != nil {
		return answer{}, err
	}
	shown := made.asJSON(c, oid)
	shown["creator"] = c.g.account(made.Creator)
	return answerJSON(http.StatusCreated, shown), nil
}

// listStatuses is GET /repos/{owner}/{repo}/commits/{ref}/statuses.
func listStatuses(c *call) (answer, error) {
	k, err := c.repo.revision(c.vars["ref"])
	if err != nil {
		return answer{}, err
	}
	page, link, err := paged(c, c.repo.statusesOf(k.oid))
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, s := range page {
		shown := s.asJSON(c, k.oid)
		shown["creator"] = c.g.account(s.Creator)
		list = append(list, shown)
	}
	return linked(answerJSON(http.StatusOK, list), link), nil
}

// getCombinedStatus is GET /repos/{owner}/{repo}/commits/{ref}/status.
func getCombinedStatus(c *call) (answer, error) {
	k, err := c.repo.revision(c.vars["ref"])
	if err != nil {
		return answer{}, err
	}
	all := c.repo.latest(k.oid)
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, s := range page {
		list = append(list, s.asJSON(c, k.oid))
	}
	return linked(answerJSON(http.StatusOK, fields{
		"state": combined(all), "sha": k.oid, "total_count": len(all), "statuses": list,
		"repository": c.repo.minimal(), "commit_url": c.repoURL("/commits/%s", k.oid),
		"url": c.repoURL("/commits/%s/status", k.oid),
	}), link), nil
}
