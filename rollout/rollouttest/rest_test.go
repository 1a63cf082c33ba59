package rollouttest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/openapi"
)

const promoteWorkflow = `name: Promote
run-name: "promote ${{ inputs.stage }} (${{ inputs.nonce }}) ${{ toJSON(1) }}"
on:
  workflow_dispatch:
    inputs:
      stage: {required: true, type: choice, options: [apps, infra]}
      nonce: {default: none}
permissions:
  contents: write
jobs:
  promote:
    name: Promote a stage
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - name: Promote
        run: mage release:promote
`

// TestEveryEndpoint asks for every operation once; the client checks each
// request and answer against GitHub's description.
func TestEveryEndpoint(t *testing.T) {
	openapi.Require(t)
	s := newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"apps/a.yaml": "a: 1\n", ".github/workflows/promote.yaml": promoteWorkflow})
	second := s.commit("main", map[string]string{"apps/a.yaml": "a: 2\n"})
	blob := s.want(s.do("POST", "git/blobs", map[string]any{"content": "aGk=", "encoding": "base64"}), 201, "").object(t)["sha"]
	tree := s.want(s.do("POST", "git/trees", map[string]any{"base_tree": second, "tree": []map[string]any{
		{"path": "b", "mode": "100644", "type": "blob", "sha": blob},
		{"path": "c/d", "mode": "100644", "content": "hello"},
		{"path": "apps/a.yaml", "mode": "100644", "type": "blob", "sha": nil},
	}}), 201, "").object(t)["sha"]
	made := s.want(s.do("POST", "git/commits", map[string]any{
		"message": "By hand", "tree": tree, "parents": []any{second},
		"author": map[string]any{"name": "Mona", "email": "mona@example.com", "date": "2026-01-01T00:00:00Z"},
	}), 201, "").object(t)["sha"]
	s.want(s.do("POST", "git/refs", map[string]any{"ref": "refs/heads/topic/x", "sha": second}), 201, "")
	s.want(s.do("PATCH", "git/refs/heads/topic/x", map[string]any{"sha": made, "force": false}), 200, "")
	s.want(s.do("POST", "pulls", map[string]any{"title": "By hand", "head": "topic/x", "base": "main", "body": "Why."}), 201, "")
	s.want(s.do("POST", "statuses/"+second, map[string]any{"state": "success", "context": "flux/infra", "description": "ok"}), 201, "")
	s.want(s.do("PUT", "environments/soak-24h", map[string]any{
		"wait_timer": 1440, "prevent_self_review": false, "reviewers": []map[string]any{{"type": "User", "id": 7}},
		"deployment_branch_policy": map[string]any{"protected_branches": false, "custom_branch_policies": true},
	}), 200, "")
	rules := s.want(s.do("POST", "rulesets", map[string]any{
		"name": "stages", "target": "branch", "enforcement": "active",
		"bypass_actors": []map[string]any{{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}},
		"conditions":    map[string]any{"ref_name": map[string]any{"include": []string{"~DEFAULT_BRANCH"}, "exclude": []string{}}},
		"rules": []map[string]any{
			{"type": "deletion"},
			{"type": "update", "parameters": map[string]any{"update_allows_fetch_and_merge": false}},
		},
	}), 201, "").object(t)["id"]
	run := s.want(s.do("POST", "actions/workflows/promote.yaml/dispatches", map[string]any{
		"ref": "main", "inputs": map[string]any{"stage": "apps"}, "return_run_details": true,
	}), 200, "").object(t)["workflow_run_id"]
	s.want(s.do("PUT", fmt.Sprintf("rulesets/%.0f", rules), map[string]any{"name": "the stages"}), 200, "")
	for _, path := range []string{
		"/user", "/rate_limit", "/meta", "", "git/ref/heads/topic/x", "git/matching-refs/heads/", "branches", "branches/topic/x",
		"branches/topic%2Fx", "git/blobs/" + blob.(string), "git/trees/" + tree.(string), "git/trees/main?recursive=1",
		"git/commits/" + second, "compare/" + first + "...topic/x", "compare/main...octo-org:main", "commits",
		"commits?sha=topic/x&path=apps&author=octocat-admin&since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z&per_page=1",
		"commits/main", "commits/heads/main", "commits/" + second[:8], "commits/main/status", "commits/main/statuses",
		"contents", "contents/apps?ref=main", "contents/apps/a.yaml?ref=" + first,
		"activity?ref=refs/heads/main&per_page=100&direction=asc&actor=octocat-admin&time_period=day&activity_type=push",
		"actions/runs", fmt.Sprintf("actions/runs/%.0f", run), fmt.Sprintf("actions/runs/%.0f/jobs", run),
		"actions/workflows/promote.yaml/runs?event=workflow_dispatch&branch=main&status=queued&per_page=5",
		"pulls", "pulls?state=all&head=octo-org:topic/x&base=main&per_page=1", "pulls/1", "environments", "environments/soak-24h", "rulesets", fmt.Sprintf("rulesets/%.0f", rules), "rules/branches/main",
	} {
		s.want(s.do("GET", path, nil), 200, "")
	}
	s.want(s.do("PUT", "pulls/1/merge", map[string]any{"merge_method": "squash"}), 200, "")
	s.want(s.do("GET", "pulls?state=closed", nil), 200, "")
	s.want(s.do("DELETE", fmt.Sprintf("rulesets/%.0f", rules), nil), 204, "")
	s.want(s.do("DELETE", "git/refs/heads/topic/x", nil), 204, "")
}

func TestRefusals(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"a": "1"})
	second := s.commit("main", map[string]string{"a": "2"})
	if err := s.repo.SetBranch("release", first); err != nil {
		t.Fatal(err)
	}
	unknown := strings.Repeat("1", 40)
	tests := map[string]struct {
		method, path string
		body         any
		status       int
		message      string
	}{
		"not a fast-forward": {
			"PATCH", "git/refs/heads/main", map[string]any{"sha": first, "force": false}, 422, "Update is not a fast forward",
		},
		"refs in the path": {
			"PATCH", "git/refs/refs/heads/main", map[string]any{"sha": second}, 422, "Reference does not exist",
		},
		"an object that is not there": {
			"PATCH", "git/refs/heads/release", map[string]any{"sha": unknown}, 422, "Object does not exist",
		},
		"a ref that is there": {
			"POST", "git/refs", map[string]any{"ref": "refs/heads/release", "sha": second}, 422, "Reference already exists",
		},
		"a ref that is a directory": {
			"POST", "git/refs", map[string]any{"ref": "refs/heads/release/1", "sha": second}, 422, "Reference cannot be updated",
		},
		"a ref without refs":            {"POST", "git/refs", map[string]any{"ref": "heads/x", "sha": second}, 422, "must start with 'refs/'"},
		"a ref with a bad name":         {"POST", "git/refs", map[string]any{"ref": "refs/heads/a..b", "sha": second}, 422, "not a valid ref name"},
		"a ref to remove that is not":   {"DELETE", "git/refs/heads/nothing", nil, 422, "Reference does not exist"},
		"a ref to read that is not":     {"GET", "git/ref/heads/nothing", nil, 404, "Not Found"},
		"a ref outside":                 {"GET", "git/ref/heads/..%2F..%2F..%2Fconfig", nil, 404, "Not Found"},
		"a body that is not JSON":       {"PATCH", "git/refs/heads/main", "text", 422, ""},
		"a body without its key":        {"PATCH", "git/refs/heads/main", map[string]any{}, 422, "\"sha\" wasn't supplied."},
		"a commit that is not":          {"GET", "commits/" + unknown, nil, 422, "No commit found for SHA"},
		"a comparison with nothing":     {"GET", "compare/main...nothing", nil, 404, "Not Found"},
		"a branch that is not":          {"GET", "branches/nothing", nil, 404, "Branch not found"},
		"a file that is not":            {"GET", "contents/nothing", nil, 404, "Not Found"},
		"a blob that is a commit":       {"GET", "git/blobs/" + first, nil, 404, "Not Found"},
		"a tree with a path outside":    {"POST", "git/trees", tree("../x"), 422, "malformed path component"},
		"a tree with .git in it":        {"POST", "git/trees", tree("a/.GIT/config"), 422, "malformed path component"},
		"a commit without its tree":     {"POST", "git/commits", map[string]any{"message": "m", "tree": unknown}, 422, "Tree SHA does not exist"},
		"a status of another state":     {"POST", "statuses/" + first, map[string]any{"state": "error"}, 201, ""},
		"a status of nothing":           {"POST", "statuses/" + unknown, map[string]any{"state": "success"}, 422, "No commit found"},
		"an environment that is not":    {"GET", "environments/x", nil, 404, "Not Found"},
		"a wait timer that is too long": {"PUT", "environments/x", map[string]any{"wait_timer": 43201}, 422, "between 0 and 43200"},
		"a branch policy of no kind": {
			"PUT", "environments/x",
			map[string]any{"deployment_branch_policy": map[string]any{"protected_branches": true, "custom_branch_policies": true}},
			422, "cannot have the same value",
		},
	}
	// Some of these requests are wrong on purpose: they are not checked.
	s.http = s.github.Transport()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(s.repo.Activity())
			one := *s
			one.t = t
			one.want(one.do(test.method, test.path, test.body), test.status, test.message)
			if after := len(s.repo.Activity()); after != before {
				t.Errorf("a refused request made %d activity rows", after-before)
			}
		})
	}
	if s.head("main") != second || s.head("release") != first {
		t.Error("a refused request moved a branch")
	}
}

// tree is the body of POST git/trees with one file.
func tree(path string) map[string]any {
	return map[string]any{"tree": []map[string]any{{"path": path, "mode": "100644", "type": "blob", "content": "x"}}}
}

// TestUnknownRequests: what the stand-in does not know is answered 404 and
// listed; New would fail the test.
func TestUnknownRequests(t *testing.T) {
	tests := map[string]struct {
		method, path string
		body         any
		says         string
	}{
		"a route":           {"POST", "merges", map[string]any{"base": "main", "head": "x"}, "no such route"},
		"a method":          {"PUT", "git/refs/heads/main", nil, "no such route"},
		"a query parameter": {"GET", "activity?page=2", nil, "no query parameter page"},
		"a body key":        {"POST", "git/refs", map[string]any{"ref": "refs/heads/x", "key": 1}, `unknown field "key"`},
		"a nested body key": {"POST", "rulesets", map[string]any{"rules": []any{map[string]any{"kind": 1}}}, `unknown field "kind"`},
		"a rule":            {"POST", "rulesets", map[string]any{"name": "x", "enforcement": "active", "rules": []any{map[string]any{"type": "code_scanning"}}}, "code_scanning"},
		"another page":      {"GET", "https://HOST/login/oauth", nil, "no such page"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			github, err := rollouttest.Start(rollouttest.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer github.Close()
			s := &stage{t: t, github: github, http: github.Transport(), token: rollouttest.DefaultToken}
			s.want(s.do(test.method, strings.Replace(test.path, "HOST", github.Host(), 1), test.body), 404, test.says)
			if list := github.Unexpected(); len(list) != 1 || !strings.Contains(list[0], test.says) {
				t.Errorf("listed are %q", list)
			}
		})
	}
	t.Run("a GraphQL field", func(t *testing.T) {
		github, err := rollouttest.Start(rollouttest.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer github.Close()
		s := &stage{t: t, github: github, http: github.Transport(), token: rollouttest.DefaultToken}
		_, problems := s.graphql(`{viewer{login shoeSize}}`, nil)
		if len(problems) == 0 || len(github.Unexpected()) != 1 {
			t.Errorf("errors %v, listed %q", problems, github.Unexpected())
		}
	})
}

// complaints is a test that only listens.
type complaints struct {
	*testing.T
	said    []string
	cleanup []func()
}

func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}
func (c *complaints) Cleanup(f func()) { c.cleanup = append(c.cleanup, f) }

// TestNewFailsTheTest: an unknown request fails the test at its end.
func TestNewFailsTheTest(t *testing.T) {
	listening := &complaints{T: t}
	github := rollouttest.New(listening, rollouttest.Options{})
	s := &stage{t: t, github: github, http: github.Transport(), token: rollouttest.DefaultToken}
	s.do("GET", "/emojis", nil)
	for _, f := range listening.cleanup {
		f()
	}
	if len(listening.said) != 1 || !strings.Contains(listening.said[0], "GET /emojis") {
		t.Errorf("the test was told %q", listening.said)
	}
}

func TestDateIsTheClocks(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.clock.Advance(26 * time.Hour)
	r := s.do("GET", "", nil)
	if got, want := r.header.Get("Date"), "Tue, 03 Mar 2026 11:00:00 GMT"; got != want {
		t.Errorf("the Date header is %q, want %q", got, want)
	}
	s.clock.Set(start)
	if got := s.do("GET", "git/ref/heads/nothing", nil).header.Get("Date"); got != "Mon, 02 Mar 2026 09:00:00 GMT" {
		t.Errorf("the Date header of an error is %q", got)
	}
}

func TestActivity(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	a := s.commit("main", map[string]string{"a": "1"})
	s.clock.Advance(time.Hour)
	several, err := s.repo.Push("main",
		rollouttest.Change{Files: map[string]string{"a": "2"}},
		rollouttest.Change{Files: map[string]string{"a": "3"}, Author: "mona"})
	if err != nil {
		t.Fatal(err)
	}
	b := several[1]
	s.clock.Advance(time.Hour)
	if err := s.repo.SetBranch("topic", a); err != nil {
		t.Fatal(err)
	}
	s.commit("topic", map[string]string{"t": "1"})
	s.clock.Advance(time.Hour)
	c, err := s.repo.Merge("main", "topic", rollouttest.Change{Message: "Merge topic", Author: "hubot"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.repo.ForcePush("topic", a, rollouttest.Change{Files: map[string]string{"t": "2"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.repo.DeleteBranch("topic"); err != nil {
		t.Fatal(err)
	}
	kinds := func(path string) string {
		var list []string
		for _, row := range s.want(s.do("GET", path, nil), 200, "").list(t) {
			list = append(list, row["activity_type"].(string))
		}
		return strings.Join(list, " ")
	}
	for path, want := range map[string]string{
		"activity?ref=main":                        "pr_merge push branch_creation",
		"activity?ref=refs/heads/main":             "pr_merge push branch_creation",
		"activity?ref=topic&direction=asc":         "branch_creation push force_push branch_deletion",
		"activity?actor=mona":                      "push",
		"activity?activity_type=pr_merge":          "pr_merge",
		"activity?activity_type=merge_queue_merge": "",
		"activity?per_page=2":                      "branch_deletion force_push",
		"activity?ref=nothing":                     "",
	} {
		if got := kinds(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	rows := s.do("GET", "activity?ref=main", nil).list(t)
	if at(rows[0], "before") != b || at(rows[0], "after") != c || at(rows[1], "before") != a || at(rows[2], "before") != zero {
		t.Errorf("the rows do not join: %v", rows)
	}
	if got := at(rows[1], "timestamp"); got != "2026-03-02T10:00:00Z" {
		t.Errorf("the push is of %v", got)
	}
	s.clock.Advance(25 * time.Hour)
	if got := kinds("activity?time_period=day"); got != "" {
		t.Errorf("within a day there is %q", got)
	}
	if got := kinds("activity?time_period=week&ref=main"); got != "pr_merge push branch_creation" {
		t.Errorf("within a week there is %q", got)
	}
	if n := s.repo.DropActivity(func(row rollouttest.ActivityRow) bool { return row.After == b }); n != 1 {
		t.Errorf("%d rows were dropped", n)
	}
	if got := kinds("activity?ref=main"); got != "pr_merge branch_creation" {
		t.Errorf("after the drop there is %q", got)
	}
}

// TestActivityPages follows the Link headers there and back.
func TestActivityPages(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oids, err := s.repo.History("main", 25, 5, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	r := s.do("GET", "activity?per_page=2&ref=refs/heads/main", nil)
	var last reply
	for {
		for _, row := range r.list(t) {
			seen = append(seen, row["after"].(string))
		}
		next := linkTo(r, "next")
		if next == "" {
			break
		}
		if !strings.Contains(next, "/api/v3/repositories/") || !strings.Contains(next, "per_page=2") {
			t.Errorf("the next page is at %s", next)
		}
		last = r
		r = s.want(s.do("GET", next, nil), 200, "")
	}
	want := []string{oids[24], oids[19], oids[14], oids[9], oids[4]}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("the rows are %v, want %v", seen, want)
	}
	back := s.want(s.do("GET", linkTo(r, "prev"), nil), 200, "")
	if string(back.body) != string(last.body) {
		t.Errorf("the page before is\n%s, want\n%s", back.body, last.body)
	}
	if got := at(s.do("GET", "activity?per_page=1&direction=asc", nil).list(t)[0], "timestamp"); got != "2026-03-02T05:00:00Z" {
		t.Errorf("the first push was at %v", got)
	}
}

// linkTo is the address in a Link header, or "".
func linkTo(r reply, rel string) string {
	for part := range strings.SplitSeq(r.header.Get("Link"), ", ") {
		if address, found := strings.CutSuffix(part, `>; rel="`+rel+`"`); found {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

func TestCompare(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"kept": "1\n", "gone": "1\n", "changed": "1\n2\n"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	if _, err := s.repo.Commit("main", rollouttest.Change{
		Files: map[string]string{"changed": "1\n3\n", "dir/new": "x\n"}, Delete: []string{"gone"},
	}); err != nil {
		t.Fatal(err)
	}
	s.commit("release", map[string]string{"other": "1"})
	for path, want := range map[string]string{
		"compare/" + base + "...main": "ahead 1 0 1",
		"compare/main..." + base:      "behind 0 1 0",
		"compare/main...main":         "identical 0 0 0",
		"compare/release...main":      "diverged 1 1 1",
	} {
		shown := s.want(s.do("GET", path, nil), 200, "").object(t)
		if got := fmt.Sprintf("%s %v %v %v", shown["status"], shown["ahead_by"], shown["behind_by"], shown["total_commits"]); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if mergeBase := at(shown, "merge_base_commit", "sha"); path != "compare/main...main" && mergeBase != base {
			t.Errorf("%s: the merge base is %v", path, mergeBase)
		}
	}
	var files []string
	for _, file := range s.do("GET", "compare/release...main", nil).object(t)["files"].([]any) {
		files = append(files, fmt.Sprintf("%s %s +%v -%v", at(file, "status"), at(file, "filename"), at(file, "additions"), at(file, "deletions")))
	}
	want := "[modified changed +1 -1 added dir/new +1 -0 removed gone +0 -1]"
	if fmt.Sprint(files) != want {
		t.Errorf("the files are %v, want %v", files, want)
	}
}

// TestCompareWithoutCommonHistory is a 404.
func TestCompareWithoutCommonHistory(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a": "1"})
	s.commit("orphan", map[string]string{"b": "1"})
	s.want(s.do("GET", "compare/main...orphan", nil), 404, "No common ancestor between main and orphan.")
}

// TestLongHistory: 500 commits are quick to make, and a comparison shows 250 of
// them without pages and all of them with.
func TestLongHistory(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"a": "1"})
	began := time.Now()
	oids, err := s.repo.History("main", 500, 10, 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("500 commits took %v", time.Since(began))
	shown := s.do("GET", "compare/"+base+"...main", nil).object(t)
	if list := shown["commits"].([]any); len(list) != 250 || shown["total_commits"] != 500.0 || at(list, 0, "sha") != oids[0] {
		t.Errorf("without pages there are %d of %v commits", len(list), shown["total_commits"])
	}
	var seen []string
	for path := "compare/" + base + "...main?per_page=100"; path != ""; {
		r := s.want(s.do("GET", path, nil), 200, "")
		for _, k := range r.object(t)["commits"].([]any) {
			seen = append(seen, at(k, "sha").(string))
		}
		path = linkTo(r, "next")
	}
	if fmt.Sprint(seen) != fmt.Sprint(oids) {
		t.Errorf("with pages there are %d commits, or in another order", len(seen))
	}
}

func TestStatuses(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oid := s.commit("main", map[string]string{"a": "1"})
	state := func() any { return s.do("GET", "commits/main/status", nil).object(t)["state"] }
	if got := state(); got != "pending" {
		t.Errorf("without a status the state is %v", got)
	}
	post := func(context, state string) {
		t.Helper()
		if err := s.repo.SetStatus(oid, rollouttest.CommitStatus{State: state, Context: context}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ context, state, combined string }{
		{"a", "pending", "pending"},
		{"a", "success", "success"},
		{"b", "failure", "failure"},
		{"B", "success", "success"},
		{"c", "error", "failure"},
		{"c", "pending", "pending"},
	} {
		s.clock.Advance(time.Minute)
		post(step.context, step.state)
		if got := state(); got != step.combined {
			t.Errorf("after %s %s the state is %v, want %s", step.context, step.state, got, step.combined)
		}
	}
	list := s.do("GET", "commits/main/statuses?per_page=2", nil)
	if got := at(list.list(t)[0], "context"); got != "c" || linkTo(list, "next") == "" || len(list.list(t)) != 2 {
		t.Errorf("the newest status is %v, the link %q", got, list.header.Get("Link"))
	}
	for range 998 {
		post("a", "success")
	}
	s.want(s.do("POST", "statuses/"+oid, map[string]any{"state": "success", "context": "a"}), 422, "Validation Failed")
}

func TestContents(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"dir/file": "hello\n"})
	file := s.do("GET", "contents/dir/file", nil).object(t)
	if got, _ := base64.StdEncoding.DecodeString(file["content"].(string)); string(got) != "hello\n" {
		t.Errorf("the content is %q", got)
	}
	request, _ := http.NewRequestWithContext(t.Context(), "GET", s.github.URL()+"/api/v3/repos/octo-org/fleet/contents/dir/file", nil)
	request.Header.Set("Authorization", "token "+s.token)
	request.Header.Set("Accept", "application/vnd.github.raw+json")
	raw, err := s.roundTrip(request)
	if err != nil || string(raw.body) != "hello\n" {
		t.Errorf("the raw content is %q, %v", raw.body, err)
	}
}

func TestEmptyRepository(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{DefaultBranch: "trunk"})
	s.want(s.do("GET", "commits", nil), 409, "Git Repository is empty.")
	if list := s.do("GET", "branches", nil).list(t); len(list) != 0 {
		t.Errorf("the branches are %v", list)
	}
	if got := s.do("GET", "", nil).object(t)["default_branch"]; got != "trunk" {
		t.Errorf("the default branch is %v", got)
	}
}
