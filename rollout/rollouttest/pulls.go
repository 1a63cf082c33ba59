package rollouttest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MergeMethod is how a pull request is merged.
type MergeMethod string

// The methods of merging.
const (
	MergeByCommit MergeMethod = "merge"
	MergeBySquash MergeMethod = "squash"
	MergeByRebase MergeMethod = "rebase"
)

// pull is one pull request.
type pull struct {
	number               int
	title, body          string
	head, base           string // branches of this repository
	by                   string
	created, updated     time.Time
	closed               *time.Time
	merged               *time.Time
	headOID, mergeCommit string // as they were at the end
}

// AllowMerges says which methods of merging the repository allows. Default is
// all of them.
func (r *Repository) AllowMerges(methods ...MergeMethod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.merges = methods
}

func (r *Repository) allows(method MergeMethod) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.merges == nil || slices.Contains(r.merges, method)
}

// createPull is POST /repos/{owner}/{repo}/pulls.
func createPull(c *call) (answer, error) {
	var body struct{ Title, Head, Base, Body *string }
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	switch {
	case body.Head == nil || body.Base == nil:
		return answer{}, notSupplied("head and base")
	case body.Title == nil:
		return answer{}, notSupplied("title")
	}
	p := &pull{title: *body.Title, head: *body.Head, base: *body.Base, by: c.who.Login, created: c.now, updated: c.now}
	if body.Body != nil {
		p.body = *body.Body
	}
	if err := c.repo.open(p); err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusCreated, c.pull(p)), nil
}

// open adds a pull request, if GitHub would.
func (r *Repository) open(p *pull) error {
	invalid := func(field string) error {
		return validationFailed(fields{"resource": "PullRequest", "field": field, "code": "invalid"})
	}
	switch head, base := r.resolve("refs/heads/"+p.head), r.resolve("refs/heads/"+p.base); {
	case head == "":
		return invalid("head")
	case base == "":
		return invalid("base")
	default:
		if has, err := r.contains(base, head); err != nil || has {
			return errors.Join(err, pullRefused(fmt.Sprintf("No commits between %s and %s", p.base, p.head)))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.pulls {
		if other.closed == nil && other.head == p.head && other.base == p.base {
			return pullRefused(fmt.Sprintf("A pull request already exists for %s:%s.", r.owner, p.head))
		}
	}
	p.number = len(r.pulls) + 1
	r.pulls = append(r.pulls, p)
	return nil
}

func pullRefused(text string) error {
	return validationFailed(fields{"resource": "PullRequest", "code": "custom", "message": text})
}

// listPulls is GET /repos/{owner}/{repo}/pulls, the newest first.
func listPulls(c *call) (answer, error) {
	query := c.r.URL.Query()
	state := query.Get("state")
	if state == "" {
		state = "open"
	}
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return answer{}, invalidRequest("state")
	}
	all := c.repo.pullsThat(func(p *pull) bool {
		return (state == "all" || state == p.state()) &&
			(!query.Has("base") || query.Get("base") == p.base) &&
			(!query.Has("head") || query.Get("head") == c.repo.owner+":"+p.head)
	})
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, p := range page {
		list = append(list, c.pull(p))
	}
	return linked(answerJSON(http.StatusOK, list), link), nil
}

// pullsThat are the pull requests of which something is true, newest first.
func (r *Repository) pullsThat(is func(*pull) bool) []*pull {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*pull
	for _, p := range slices.Backward(r.pulls) {
		if is(p) {
			found = append(found, p)
		}
	}
	return found
}

func (p *pull) state() string {
	if p.closed != nil {
		return "closed"
	}
	return "open"
}

// pathPull is the pull request that a path names.
func (c *call) pathPull() (*pull, error) {
	named := c.repo.pullsThat(func(p *pull) bool { return strconv.Itoa(p.number) == c.vars["number"] })
	if len(named) == 0 {
		return nil, notFound()
	}
	return named[0], nil
}

// getPull is GET /repos/{owner}/{repo}/pulls/{pull_number}.
func getPull(c *call) (answer, error) {
	p, err := c.pathPull()
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, c.pull(p)), nil
}

// mergePull is PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge.
func mergePull(c *call) (answer, error) {
	p, err := c.pathPull()
	if err != nil {
		return answer{}, err
	}
	var body struct {
		MergeMethod MergeMethod `json:"merge_method"`
		SHA         string
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.MergeMethod == "" {
		body.MergeMethod = MergeByCommit
	}
	if body.SHA != "" && body.SHA != c.repo.resolve("refs/heads/"+p.head) {
		return answer{}, &apiError{status: http.StatusConflict, message: "Head branch was modified. Review and try the merge again."}
	}
	oid, err := c.repo.merge(c, p, body.MergeMethod)
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, fields{"sha": oid, "merged": true, "message": "Pull Request successfully merged"}), nil
}

// merge merges a pull request with real Git, and moves its base.
func (r *Repository) merge(c *call, p *pull, method MergeMethod) (string, error) {
	refused := func(text string) error { return &apiError{status: http.StatusMethodNotAllowed, message: text} }
	words := map[MergeMethod]string{
		MergeByCommit: "Merge commits are not allowed on this repository.",
		MergeBySquash: "Squash merges are not allowed on this repository.",
		MergeByRebase: "Rebase merges are not allowed on this repository.",
	}
	base, head := r.resolve("refs/heads/"+p.base), r.resolve("refs/heads/"+p.head)
	switch {
	case words[method] == "":
		return "", invalidRequest("merge_method")
	case !r.allows(method):
		return "", refused(words[method])
	case p.closed != nil || base == "" || head == "":
		return "", refused("Pull Request is not mergeable")
	}
	oid, err := r.combine(c, p, method, base, head)
	if err != nil {
		return "", refused("Pull Request is not mergeable")
	}
	update := refUpdate{ref: "refs/heads/" + p.base, before: base, after: oid, merge: true}
	if err := r.push(c.r.Context(), c.who, []refUpdate{update}); err != nil {
		return "", c.refused(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := c.now
	p.closed, p.merged, p.updated, p.headOID, p.mergeCommit = &now, &now, now, head, oid
	return oid, nil
}

// combine makes the commit by which a pull request is merged: a merge of both
// heads, or one commit with all changes, whose message is that of the one commit
// or lists the messages, or the commits anew.
func (r *Repository) combine(c *call, p *pull, method MergeMethod, base, head string) (string, error) {
	by := signature{name: c.who.Login, email: mailOf(c.who.Login), when: c.now}
	if method == MergeByRebase {
		return r.rebase(c, base, head, by)
	}
	tree, err := r.github.git.run(c.r.Context(), r.path, nil, "merge-tree", "--write-tree", base, head)
	if err != nil {
		return "", err
	}
	made := commit{tree: strings.TrimSpace(tree), parents: []string{base, head}, author: by, committer: by}
	made.message = fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.number, r.owner, p.head, p.title)
	if method == MergeBySquash {
		commits, err := r.log(c, "--reverse", head, "^"+base)
		if err != nil {
			return "", err
		}
		made.parents, made.message = []string{base}, squashed(p, commits)
	}
	return r.objects.writeCommit(made)
}

// squashed is the message of a squash commit, by GitHub's defaults: that of the
// one commit, or the pull request's title and the messages
// (https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/configuring-commit-squashing-for-pull-requests).
func squashed(p *pull, commits []*commit) string {
	if len(commits) == 1 {
		subject, rest, _ := strings.Cut(commits[0].message, "\n")
		return fmt.Sprintf("%s (#%d)\n%s", subject, p.number, rest)
	}
	text := fmt.Sprintf("%s (#%d)\n\n", p.title, p.number)
	for _, k := range commits {
		text += "* " + k.message + "\n\n"
	}
	return text
}

// rebase makes each commit anew on top of the base. Merges go.
func (r *Repository) rebase(c *call, base, head string, by signature) (string, error) {
	commits, err := r.log(c, "--reverse", "--topo-order", "--no-merges", head, "^"+base)
	if err != nil {
		return "", err
	}
	at := base
	for _, k := range commits {
		if len(k.parents) == 0 {
			return "", errors.New("a commit without a parent cannot be rebased here")
		}
		// What there is, as if it were made where the commit was: so the commit's
		// own parent is the base of the merge.
		there, err := r.objects.commit(at)
		if err != nil {
			return "", err
		}
		moved, err := r.objects.writeCommit(commit{tree: there.tree, parents: k.parents, author: by, committer: by})
		if err != nil {
			return "", err
		}
		tree, err := r.github.git.run(c.r.Context(), r.path, nil, "merge-tree", "--write-tree", moved, k.oid)
		if err != nil {
			return "", err
		}
		at, err = r.objects.writeCommit(commit{
			tree: strings.TrimSpace(tree), parents: []string{at}, author: k.author, committer: by, message: k.message,
		})
		if err != nil {
			return "", err
		}
	}
	return at, nil
}

// pull is a pull request as REST shows it.
func (c *call) pull(shared *pull) fields {
	c.repo.mu.Lock()
	p := *shared
	c.repo.mu.Unlock()
	end := func(branch, then string) fields {
		oid := c.repo.resolve("refs/heads/" + branch)
		if then != "" || oid == "" {
			oid = then
		}
		return fields{
			"label": c.repo.owner + ":" + branch, "ref": branch, "sha": oid,
			"user": c.g.account(c.repo.owner), "repo": c.repo.whole(),
		}
	}
	self := c.repoURL("/pulls/%d", p.number)
	issue := c.repoURL("/issues/%d", p.number)
	head := end(p.head, p.headOID)
	links := fields{}
	for name, address := range map[string]string{
		"self": self, "html": c.webURL("/pull/%d", p.number), "issue": issue, "comments": issue + "/comments",
		"review_comments": self + "/comments", "review_comment": c.repoURL("/pulls/comments{/number}"),
		"commits": self + "/commits", "statuses": c.repoURL("/statuses/%s", head["sha"]),
	} {
		links[name] = fields{"href": address}
	}
	shown := fields{
		"id": int64(p.number), "node_id": nodeID("PR", c.repo.id, strconv.Itoa(p.number)), "number": p.number,
		"url": self, "html_url": c.webURL("/pull/%d", p.number), "diff_url": c.webURL("/pull/%d.diff", p.number),
		"patch_url": c.webURL("/pull/%d.patch", p.number), "issue_url": issue, "commits_url": self + "/commits",
		"review_comments_url": self + "/comments", "review_comment_url": c.repoURL("/pulls/comments{/number}"),
		"comments_url": issue + "/comments", "statuses_url": c.repoURL("/statuses/%s", head["sha"]),
		"state": p.state(), "locked": false, "title": p.title, "user": c.g.account(p.by), "body": p.body,
		"labels": []fields{}, "milestone": nil, "created_at": p.created, "updated_at": p.updated,
		"closed_at": p.closed, "merged_at": p.merged, "merge_commit_sha": nil,
		"assignee": nil, "assignees": []fields{}, "requested_reviewers": []fields{}, "requested_teams": []fields{},
		"head": head, "base": end(p.base, ""), "_links": links, "author_association": "OWNER", "auto_merge": nil, "draft": false,
		"merged": p.merged != nil, "mergeable": nil, "mergeable_state": "unknown", "merged_by": nil,
		"comments": 0, "review_comments": 0, "maintainer_can_modify": false,
		"commits": 1, "additions": 0, "deletions": 0, "changed_files": 0,
	}
	if p.merged != nil {
		shown["merge_commit_sha"], shown["merged_by"] = p.mergeCommit, c.g.account(p.by)
	}
	return shown
}
