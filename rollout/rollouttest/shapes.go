package rollouttest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// nodeID is a global id: opaque to clients, and readable to query{node}.
func nodeID(kind string, repository int64, rest string) string {
	return kind + "_" + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", repository, rest))
}

// mailOf is the address that stands for a login in a commit.
func mailOf(login string) string { return login + "@users.noreply.github.com" }

// loginOf is the login that an address stands for, or "".
func loginOf(mail string) string {
	login, found := strings.CutSuffix(mail, "@users.noreply.github.com")
	if !found {
		return ""
	}
	if _, name, numbered := strings.Cut(login, "+"); numbered {
		return name
	}
	return login
}

// account is an account as most answers show it.
func (g *GitHub) account(login string) fields {
	api := g.api("/users/" + login)
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	return fields{
		"login": login, "id": accountID(login), "node_id": nodeID("U", accountID(login), login),
		"avatar_url": g.URL() + "/avatars/u/" + fmt.Sprint(accountID(login)), "gravatar_id": "",
		"url": api, "html_url": g.URL() + "/" + login,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}",
		"subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs",
		"repos_url": api + "/repos", "events_url": api + "/events{/privacy}",
		"received_events_url": api + "/received_events",
		"type":                kind, "user_view_type": "public", "site_admin": false,
	}
}

// accountOf is the account of a commit's author, or nothing where the address
// belongs to nobody.
func (g *GitHub) accountOf(s signature) any {
	if login := loginOf(s.email); login != "" {
		return g.account(login)
	}
	return nil
}

// getMeta is GET /meta. Like an Enterprise server this one does not tell its ssh
// host keys.
func getMeta(*call) (answer, error) {
	return answerJSON(http.StatusOK, fields{"verifiable_password_authentication": true}), nil
}

// getUser is GET /user.
func getUser(c *call) (answer, error) {
	if c.who.Kind != KindUser {
		return answer{}, &apiError{status: http.StatusForbidden, message: c.who.refusal()}
	}
	user := c.g.account(c.who.Login)
	created := "2011-01-25T18:44:36Z"
	for key, value := range (fields{
		"name": c.who.Login, "company": nil, "blog": "", "location": nil, "email": nil, "hireable": nil,
		"bio": nil, "twitter_username": nil, "public_repos": 1, "public_gists": 0, "followers": 0, "following": 0,
		"created_at": created, "updated_at": created,
	}) {
		user[key] = value
	}
	return answerJSON(http.StatusOK, user), nil
}

// minimal is a repository as other answers show it.
func (r *Repository) minimal() fields {
	g := r.github
	api := g.api("/repos/" + r.Slug())
	f := fields{
		"id": r.id, "node_id": r.nodeID(), "name": r.name, "full_name": r.Slug(), "private": r.private,
		"owner": g.account(r.owner), "html_url": g.URL() + "/" + r.Slug(), "description": nil, "fork": false, "url": api,
	}
	for key, path := range map[string]string{
		"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
		"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
		"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
		"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
		"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
		"git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
		"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
		"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
		"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
		"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
		"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
		"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags",
		"teams_url": "/teams", "trees_url": "/git/trees{/sha}",
	} {
		f[key] = api + path
	}
	return f
}

// getRepository is GET /repos/{owner}/{repo}.
func getRepository(c *call) (answer, error) {
	r := c.repo
	full := r.whole()
	full["permissions"] = fields{
		"admin":    c.who.may(r, "administration", "write"),
		"maintain": c.who.may(r, "administration", "write"),
		"push":     c.who.may(r, "contents", "write"),
		"triage":   c.who.may(r, "contents", "write"),
		"pull":     true,
	}
	if c.who.may(r, "contents", "write") { // the description lets them be missing
		full["allow_merge_commit"] = r.allows(MergeByCommit)
		full["allow_squash_merge"] = r.allows(MergeBySquash)
		full["allow_rebase_merge"] = r.allows(MergeByRebase)
	}
	return answerJSON(http.StatusOK, full), nil
}

// whole is a repository as it is shown in full.
func (r *Repository) whole() fields {
	g := r.github
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	pushed := r.created
	if rows := r.Activity(); len(rows) > 0 {
		pushed = rows[0].Timestamp
	}
	full := r.minimal()
	for key, value := range (fields{
		"clone_url": g.CloneURL(r.Slug()), "git_url": "git://" + g.host + "/" + r.Slug() + ".git",
		"ssh_url": "git@127.0.0.1:" + r.Slug() + ".git", "svn_url": g.URL() + "/" + r.Slug(), "mirror_url": nil,
		"homepage": nil, "language": nil, "license": nil, "default_branch": r.head, "visibility": visibility,
		"forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1,
		"open_issues": 0, "open_issues_count": 0, "network_count": 0, "subscribers_count": 0,
		"has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_discussions": false, "has_downloads": true,
		"archived": false, "disabled": false, "pushed_at": pushed, "created_at": r.created, "updated_at": pushed,
	}) {
		full[key] = value
	}
	return full
}

// nodeID is the repository's global id.
func (r *Repository) nodeID() string { return nodeID("R", r.id, "") }

// webURL is the address of a page about the call's repository.
func (c *call) webURL(format string, args ...any) string {
	return c.g.URL() + "/" + c.repo.Slug() + fmt.Sprintf(format, args...)
}

// asJSON is a signature as REST shows it.
func (s signature) asJSON() fields {
	return fields{"name": s.name, "email": s.email, "date": s.when}
}

// unsigned says that a commit has no signature.
func unsigned() fields {
	return fields{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// commit is a commit as the lists and comparisons show it.
func (c *call) commit(k *commit) fields {
	parents := []fields{}
	for _, oid := range k.parents {
		parents = append(parents, fields{
			"sha": oid, "url": c.repoURL("/commits/%s", oid), "html_url": c.webURL("/commit/%s", oid),
		})
	}
	return fields{
		"sha": k.oid, "node_id": nodeID("C", c.repo.id, k.oid), "url": c.repoURL("/commits/%s", k.oid),
		"html_url": c.webURL("/commit/%s", k.oid), "comments_url": c.repoURL("/commits/%s/comments", k.oid),
		"commit": fields{
			"url": c.repoURL("/git/commits/%s", k.oid), "message": k.message, "comment_count": 0,
			"author": k.author.asJSON(), "committer": k.committer.asJSON(),
			"tree":         fields{"sha": k.tree, "url": c.repoURL("/git/trees/%s", k.tree)},
			"verification": unsigned(),
		},
		"author": c.g.accountOf(k.author), "committer": c.g.accountOf(k.committer), "parents": parents,
	}
}
