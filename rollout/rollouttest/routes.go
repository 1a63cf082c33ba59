package rollouttest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// route is one operation of the REST interface.
type route struct {
	method  string
	pattern string   // below /api/v3; {name...} takes several segments
	needs   string   // the permission: "contents=write"; "" for none
	query   []string // the parameters that it knows
	handle  func(*call) (answer, error)
}

var (
	pages   = []string{"page", "per_page"}
	runKeys = []string{"actor", "branch", "event", "status", "created", "head_sha", "exclude_pull_requests", "page", "per_page"}
)

// routes lists every operation that the stand-in knows. The first that matches
// a request serves it.
func routes() []route {
	const repo = "/repos/{owner}/{repo}"
	return []route{
		{"GET", "/user", "", nil, getUser},
		{"GET", "/rate_limit", "", nil, getRateLimit},
		{"GET", "/meta", "", nil, getMeta},
		{"GET", repo, "metadata=read", nil, getRepository},

		{"GET", repo + "/git/ref/{ref...}", "contents=read", nil, getRef},
		{"GET", repo + "/git/matching-refs/{ref...}", "contents=read", nil, listMatchingRefs},
		{"POST", repo + "/git/refs", "contents=write", nil, createRef},
		{"PATCH", repo + "/git/refs/{ref...}", "contents=write", nil, updateRef},
		{"DELETE", repo + "/git/refs/{ref...}", "contents=write", nil, deleteRef},

		{"POST", repo + "/git/blobs", "contents=write", nil, createBlob},
		{"GET", repo + "/git/blobs/{sha}", "contents=read", nil, getBlob},
		{"POST", repo + "/git/trees", "contents=write", nil, createTree},
		{"GET", repo + "/git/trees/{sha...}", "contents=read", []string{"recursive"}, getTree},
		{"POST", repo + "/git/commits", "contents=write", nil, createCommit},
		{"GET", repo + "/git/commits/{sha}", "contents=read", nil, getGitCommit},

		{"GET", repo + "/branches", "contents=read", []string{"protected", "page", "per_page"}, listBranches},
		{"GET", repo + "/branches/{branch...}", "contents=read", nil, getBranch},
		{"GET", repo + "/compare/{basehead...}", "contents=read", pages, compare},
		{
			"GET", repo + "/commits", "contents=read",
			[]string{"sha", "path", "author", "committer", "since", "until", "page", "per_page"},
			listCommits,
		},
		{"GET", repo + "/commits/{ref...}/status", "statuses=read", pages, getCombinedStatus},
		{"GET", repo + "/commits/{ref...}/statuses", "statuses=read", pages, listStatuses},
		{"GET", repo + "/commits/{ref...}", "contents=read", pages, getCommit},
		{"POST", repo + "/statuses/{sha}", "statuses=write", nil, createStatus},
		{"GET", repo + "/contents", "contents=read", []string{"ref"}, getContents},
		{"GET", repo + "/contents/{path...}", "contents=read", []string{"ref"}, getContents},

		{
			"GET", repo + "/activity", "contents=read",
			[]string{"ref", "actor", "time_period", "activity_type", "direction", "per_page", "before", "after"},
			listActivity,
		},

		{"POST", repo + "/pulls", "pull_requests=write", nil, createPull},
		{"GET", repo + "/pulls", "pull_requests=read", []string{"state", "head", "base", "page", "per_page"}, listPulls},
		{"GET", repo + "/pulls/{number}", "pull_requests=read", nil, getPull},
		{"PUT", repo + "/pulls/{number}/merge", "contents=write", nil, mergePull},

		{"GET", repo + "/actions/workflows", "actions=read", pages, listWorkflows},
		{"GET", repo + "/actions/workflows/{workflow}", "actions=read", nil, getWorkflow},
		{"PUT", repo + "/actions/workflows/{workflow}/enable", "actions=write", nil, enableWorkflow},
		{"PUT", repo + "/actions/workflows/{workflow}/disable", "actions=write", nil, disableWorkflow},
		{"POST", repo + "/actions/workflows/{workflow}/dispatches", "actions=write", nil, dispatchWorkflow},
		{"GET", repo + "/actions/workflows/{workflow}/runs", "actions=read", runKeys, listRuns},
		{"GET", repo + "/actions/runs", "actions=read", runKeys, listRuns},
		{"GET", repo + "/actions/runs/{run}", "actions=read", nil, getRun},
		{"GET", repo + "/actions/runs/{run}/jobs", "actions=read", []string{"filter", "page", "per_page"}, listJobs},

		{"GET", repo + "/actions/secrets/public-key", "secrets=read", nil, getSecretKey},
		{"PUT", repo + "/actions/secrets/{secret}", "secrets=write", nil, putSecret},

		{"GET", repo + "/keys", "administration=read", pages, listKeys},
		{"POST", repo + "/keys", "administration=write", nil, createKey},
		{"GET", repo + "/keys/{key}", "administration=read", nil, getKey},
		{"DELETE", repo + "/keys/{key}", "administration=write", nil, deleteKey},

		{"GET", repo + "/environments", "actions=read", pages, listEnvironments},
		{"GET", repo + "/environments/{environment}", "actions=read", nil, getEnvironment},
		{"PUT", repo + "/environments/{environment}", "administration=write", nil, putEnvironment},

		{
			"GET", repo + "/rulesets", "metadata=read",
			[]string{"includes_parents", "targets", "page", "per_page"},
			listRulesets,
		},
		{"POST", repo + "/rulesets", "administration=write", nil, createRuleset},
		{"GET", repo + "/rulesets/{ruleset}", "metadata=read", []string{"includes_parents"}, getRuleset},
		{"PUT", repo + "/rulesets/{ruleset}", "administration=write", nil, updateRuleset},
		{"DELETE", repo + "/rulesets/{ruleset}", "administration=write", nil, deleteRuleset},
		{"GET", repo + "/rules/branches/{branch...}", "metadata=read", pages, listBranchRules},
	}
}

// match fills in a pattern's variables. The segments of path are unescaped.
func match(pattern string, path []string) (map[string]string, bool) {
	vars := map[string]string{}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for i, part := range parts {
		name, variable := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		name, several := strings.CutSuffix(name, "...")
		take := 1
		if several {
			take = len(path) - (len(parts) - 1 - i)
		}
		if take < 1 || len(path) < take {
			return nil, false
		}
		value := strings.Join(path[:take], "/")
		if variable {
			vars[name] = value
		} else if part != value {
			return nil, false
		}
		path = path[take:]
	}
	return vars, len(path) == 0
}

// serveREST finds a request's route, checks the permission, and serves it.
func (g *GitHub) serveREST(c *call, request *Request) answer {
	path, err := g.restPath(c.r.URL)
	if err != nil {
		return g.unknown(request, &unknownRequest{what: err.Error()})
	}
	for _, route := range routes() {
		vars, matches := match(route.pattern, path)
		if !matches || route.method != c.r.Method {
			continue
		}
		c.vars = vars
		a, err := g.serveRoute(c, route)
		var unknown *unknownRequest
		if errors.As(err, &unknown) {
			return g.unknown(request, unknown)
		}
		if err != nil {
			a = errorAnswer(err)
		}
		if route.needs != "" {
			a.header.Set("X-Accepted-GitHub-Permissions", acceptedPermissions(route.needs, err))
		}
		return a
	}
	return g.unknown(request, &unknownRequest{what: "no such route"})
}

// restPath splits a path into unescaped segments, with a repository's number
// (which Link headers have) turned into its name.
func (g *GitHub) restPath(address *url.URL) ([]string, error) {
	var path []string
	for part := range strings.SplitSeq(strings.TrimPrefix(address.EscapedPath(), "/api/v3/"), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, fmt.Errorf("a path that cannot be read: %w", err)
		}
		path = append(path, plain)
	}
	if path[0] != "repositories" || len(path) < 2 {
		return path, nil
	}
	id, err := strconv.ParseInt(path[1], 10, 64)
	if err != nil {
		return path, nil //nolint:nilerr // No route has it: an unknown request.
	}
	if r := g.findID(id); r != nil {
		return append([]string{"repos", r.owner, r.name}, path[2:]...), nil
	}
	return path, nil
}

// serveRoute checks what a route asks for before it is served.
func (g *GitHub) serveRoute(c *call, route route) (answer, error) {
	for name := range c.r.URL.Query() {
		if !slices.Contains(route.query, name) {
			return answer{}, &unknownRequest{what: "no query parameter " + name}
		}
	}
	if owner, found := c.vars["owner"]; found {
		c.repo = g.find(owner, c.vars["repo"])
		if c.repo == nil || !c.who.sees(c.repo) {
			return answer{}, notFound()
		}
	}
	if permission, level, found := strings.Cut(route.needs, "="); found && !c.who.may(c.repo, permission, level) {
		return answer{}, &apiError{status: http.StatusForbidden, message: c.who.refusal()}
	}
	return route.handle(c)
}

// errorAnswer turns an error of a handler into an answer.
func errorAnswer(err error) answer {
	const documentation = "https://docs.github.com/rest"
	var known *apiError
	switch {
	case errors.As(err, &known):
		return known.answer(documentation)
	case errors.Is(err, errNoObject):
		return (&apiError{status: http.StatusNotFound, message: "Not Found"}).answer(documentation)
	}
	return (&apiError{status: http.StatusInternalServerError, message: err.Error()}).answer(documentation)
}

// acceptedPermissions is the value of X-Accepted-GitHub-Permissions: what would
// have been enough.
func acceptedPermissions(needs string, err error) string {
	var known *apiError
	if errors.As(err, &known) && known.status == http.StatusForbidden && needs == "contents=write" {
		return "contents=write; contents=write,workflows=write"
	}
	return needs
}
