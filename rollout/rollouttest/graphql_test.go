package rollouttest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestGraphQLReads asks in one query what the toolkit wants to know.
func TestGraphQLReads(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"clusters/rollout.yaml": "stages: []\n"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	s.commit("rollout/ledger", map[string]string{"state.json": "{}\n"})
	s.clock.Advance(time.Minute)
	next, err := s.repo.Commit("main", rollouttest.Change{
		Message: "Subject\n\nBody\nof two lines", Author: "mona", Files: map[string]string{"a": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.repo.SetStatus(next, rollouttest.CommitStatus{State: "failure", Context: "flux", Description: "stalled"}); err != nil {
		t.Fatal(err)
	}
	made := s.want(s.do("GET", "git/commits/"+next, nil), 200, "").object(t)
	data, problems := s.graphql(`
		query Observe($owner: String!, $name: String!, $withLedger: Boolean!) {
			viewer { login }
			rateLimit { remaining limit }
			repository(owner: $owner, name: $name) {
				__typename id databaseId nameWithOwner isPrivate owner { login }
				defaultBranchRef { name }
				upstream: ref(qualifiedName: "refs/heads/main") { ...head }
				stage: ref(qualifiedName: "release") {
					...head
					prefix
					compare(headRef: "main") { status aheadBy behindBy commits(first: 10) { totalCount nodes { oid } pageInfo { hasNextPage } } }
				}
				state: object(expression: "rollout/ledger:state.json") @include(if: $withLedger) { ... on Blob { text byteSize isBinary isTruncated } }
				skipped: object(expression: "main") @skip(if: $withLedger) { oid }
				nothing: object(expression: "main:nothing") { oid }
				tree: object(expression: "main:clusters") { ... on Tree { entries { name path type mode object { ... on Blob { text } } } } }
				refs(refPrefix: "refs/heads/", first: 2) { totalCount nodes { name } pageInfo { hasNextPage endCursor } }
			}
		}
		fragment head on Ref { name target { oid ... on Commit {
			message messageHeadline messageBody committedDate tree { oid } author { name email date user { login } }
			parents(first: 5) { totalCount nodes { oid } }
			history(first: 1) { totalCount nodes { abbreviatedOid } }
			file(path: "clusters/rollout.yaml") { type object { ... on Blob { text } } }
			status { state contexts { context state description createdAt } }
			statusCheckRollup { state }
		} } }`, map[string]any{"owner": "octo-org", "name": "fleet", "withLedger": true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		want any
		path []any
	}{
		{"octocat-admin", []any{"viewer", "login"}},
		{"Repository", []any{"repository", "__typename"}},
		{"octo-org/fleet", []any{"repository", "nameWithOwner"}},
		{"octo-org", []any{"repository", "owner", "login"}},
		{"main", []any{"repository", "defaultBranchRef", "name"}},
		{next, []any{"repository", "upstream", "target", "oid"}},
		{at(made, "tree", "sha"), []any{"repository", "upstream", "target", "tree", "oid"}},
		{"Subject\n\nBody\nof two lines", []any{"repository", "upstream", "target", "message"}},
		{"Subject", []any{"repository", "upstream", "target", "messageHeadline"}},
		{"Body\nof two lines", []any{"repository", "upstream", "target", "messageBody"}},
		{"2026-03-02T09:01:00Z", []any{"repository", "upstream", "target", "committedDate"}},
		{"mona", []any{"repository", "upstream", "target", "author", "user", "login"}},
		{base, []any{"repository", "upstream", "target", "parents", "nodes", 0, "oid"}},
		{2.0, []any{"repository", "upstream", "target", "history", "totalCount"}},
		{next[:7], []any{"repository", "upstream", "target", "history", "nodes", 0, "abbreviatedOid"}},
		{"stages: []\n", []any{"repository", "upstream", "target", "file", "object", "text"}},
		{"FAILURE", []any{"repository", "upstream", "target", "status", "state"}},
		{"stalled", []any{"repository", "upstream", "target", "status", "contexts", 0, "description"}},
		{"2026-03-02T09:01:00Z", []any{"repository", "upstream", "target", "status", "contexts", 0, "createdAt"}},
		{"FAILURE", []any{"repository", "upstream", "target", "statusCheckRollup", "state"}},
		{nil, []any{"repository", "stage", "target", "status"}},
		{"refs/heads/", []any{"repository", "stage", "prefix"}},
		{"AHEAD", []any{"repository", "stage", "compare", "status"}},
		{1.0, []any{"repository", "stage", "compare", "aheadBy"}},
		{next, []any{"repository", "stage", "compare", "commits", "nodes", 0, "oid"}},
		{"{}\n", []any{"repository", "state", "text"}},
		{nil, []any{"repository", "nothing"}},
		{"clusters/rollout.yaml", []any{"repository", "tree", "entries", 0, "path"}},
		{float64(0o100644), []any{"repository", "tree", "entries", 0, "mode"}},
		{3.0, []any{"repository", "refs", "totalCount"}},
		{true, []any{"repository", "refs", "pageInfo", "hasNextPage"}},
	} {
		if got := at(data, test.path...); got != test.want {
			t.Errorf("%v: %v, want %v", test.path, got, test.want)
		}
	}
	if _, there := data["repository"].(map[string]any)["skipped"]; there {
		t.Error("a skipped field is there")
	}
	again, _ := s.graphql(`query($id:ID!){node(id:$id){... on Repository{name}}}`, map[string]any{"id": at(data, "repository", "id")})
	if at(again, "node", "name") != "fleet" {
		t.Errorf("the node is %v", again)
	}
}

func TestGraphQLPages(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oids, err := s.repo.History("main", 250, 50, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	var after any
	for {
		data, problems := s.graphql(`query($after:String){repository(owner:"octo-org",name:"fleet"){object(expression:"main"){... on Commit{history(first:100,after:$after){nodes{oid} pageInfo{hasNextPage endCursor}}}}}}`,
			map[string]any{"after": after})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		history := at(data, "repository", "object", "history")
		for _, node := range at(history, "nodes").([]any) {
			seen = append(seen, at(node, "oid").(string))
		}
		if at(history, "pageInfo", "hasNextPage") != true {
			break
		}
		after = at(history, "pageInfo", "endCursor")
	}
	if len(seen) != 250 || seen[0] != oids[249] || seen[249] != oids[0] {
		t.Errorf("%d commits, from %s to %s", len(seen), seen[0], seen[len(seen)-1])
	}
	last, _ := s.graphql(`{repository(owner:"octo-org",name:"fleet"){object(expression:"main"){... on Commit{history(last:1){nodes{oid} pageInfo{hasPreviousPage}}}}}}`, nil)
	if at(last, "repository", "object", "history", "nodes", 0, "oid") != oids[0] {
		t.Errorf("the last of all is %v", last)
	}
}

func TestGraphQLErrors(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a": "1"})
	tests := map[string]struct{ query, kind, message, path string }{
		"a repository that is not": {
			`{repository(owner:"octo-org",name:"other"){id}}`, "NOT_FOUND",
			"Could not resolve to a Repository with the name 'octo-org/other'.", "[repository]",
		},
		"an alias in the path": {
			`{mine: repository(owner:"octo-org",name:"other"){id}}`, "NOT_FOUND", "Could not resolve", "[mine]",
		},
		"no page size": {
			`{repository(owner:"octo-org",name:"fleet"){refs(refPrefix:"refs/heads/"){totalCount}}}`,
			"MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value", "[repository refs]",
		},
		"a page that is too long": {
			`{repository(owner:"octo-org",name:"fleet"){refs(refPrefix:"refs/heads/",first:101){totalCount}}}`,
			"EXCESSIVE_PAGINATION", "exceeds the `first` limit of 100 records", "[repository refs]",
		},
		"a node that is not": {`{node(id:"R_xyz"){id}}`, "NOT_FOUND", "Could not resolve to a node", "[node]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, problems := s.graphql(test.query, nil)
			if len(problems) != 1 || problems[0]["type"] != test.kind || fmt.Sprint(problems[0]["path"]) != test.path ||
				!strings.Contains(problems[0]["message"].(string), test.message) {
				t.Errorf("the errors are %v, the data %v", problems, data)
			}
		})
	}
	if data, problems := s.graphql(`query($a:Boolean!){viewer{login @skip(if:$a)}}`, map[string]any{}); len(problems) == 0 {
		t.Errorf("a variable that is missing gives %v", data)
	}
}

// pointed is a promotion: a stage's branch and the ledger, in one transaction.
type pointed struct{ name, before, after string }

func (s *stage) updateRefs(moves ...pointed) []map[string]any {
	s.t.Helper()
	var updates []map[string]any
	for _, move := range moves {
		update := map[string]any{"name": move.name, "afterOid": move.after, "force": false}
		if move.before != "" {
			update["beforeOid"] = move.before
		}
		updates = append(updates, update)
	}
	data, problems := s.graphql(`mutation Commit($input:UpdateRefsInput!){updateRefs(input:$input){clientMutationId}}`,
		map[string]any{"input": map[string]any{"repositoryId": s.id(), "clientMutationId": "abc", "refUpdates": updates}})
	if len(problems) == 0 && at(data, "updateRefs", "clientMutationId") != "abc" {
		s.t.Errorf("the answer is %v", data)
	}
	return problems
}

func TestUpdateRefs(t *testing.T) {
	tests := map[string]struct {
		moves func(base, next, aside, ledger string) []pointed
		kind  string
	}{
		"a promotion": {func(base, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", base, next}, {"refs/heads/rollout/ledger", zero, ledger}}
		}, ""},
		"without a comparison": {func(_, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", "", next}, {"refs/heads/rollout/ledger", "", ledger}}
		}, ""},
		"a branch that moved": {func(_, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/rollout/ledger", zero, ledger}, {"refs/heads/release", next, next}}
		}, "UNPROCESSABLE"},
		"a branch that exists": {func(_, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/rollout/ledger", zero, ledger}, {"refs/heads/release", zero, next}}
		}, "UNPROCESSABLE"},
		"a branch that does not exist": {func(base, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", base, next}, {"refs/heads/rollout/ledger", base, ledger}}
		}, "UNPROCESSABLE"},
		"not a fast-forward": {func(base, _, aside, ledger string) []pointed {
			return []pointed{{"refs/heads/rollout/ledger", zero, ledger}, {"refs/heads/main", "", base}}
		}, "UNPROCESSABLE"},
		"an object that is not": {func(base, _, _, ledger string) []pointed {
			return []pointed{{"refs/heads/rollout/ledger", zero, ledger}, {"refs/heads/release", base, strings.Repeat("1", 40)}}
		}, "UNPROCESSABLE"},
		"a bad name": {func(base, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", base, next}, {"rollout ledger", zero, ledger}}
		}, "UNPROCESSABLE"},
		"the same ref twice": {func(base, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", base, next}, {"refs/heads/release", "", next}}
		}, "UNPROCESSABLE"},
		"a name in the way": {func(base, next, _, ledger string) []pointed {
			return []pointed{{"refs/heads/release", base, next}, {"refs/heads/main/ledger", zero, ledger}}
		}, "UNPROCESSABLE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{})
			base := s.commit("main", map[string]string{"a": "1"})
			next := s.commit("main", map[string]string{"a": "2"})
			aside := s.commit("aside", map[string]string{"b": "1"})
			if err := s.repo.SetBranch("release", base); err != nil {
				t.Fatal(err)
			}
			// The ledger's commit is made with the git data interface, and no
			// ref points at it.
			made := s.want(s.do("POST", "git/trees", tree("state.json")), 201, "").object(t)["sha"]
			ledger := s.want(s.do("POST", "git/commits", map[string]any{"message": "promote", "tree": made, "parents": []string{}}), 201, "").object(t)["sha"].(string)
			rows := len(s.repo.Activity())
			problems := s.updateRefs(test.moves(base, next, aside, ledger)...)
			if test.kind == "" {
				if len(problems) > 0 || s.head("release") != next || s.head("rollout/ledger") != ledger || len(s.repo.Activity()) != rows+2 {
					t.Errorf("the errors are %v; release is at %s, the ledger at %s", problems, s.head("release"), s.head("rollout/ledger"))
				}
				return
			}
			if len(problems) != 1 || problems[0]["type"] != test.kind || at(problems[0], "path", 0) != "updateRefs" {
				t.Errorf("the errors are %v", problems)
			}
			if s.head("release") != base || s.head("rollout/ledger") != "" || s.head("main") != next || len(s.repo.Activity()) != rows {
				t.Error("a part of what was refused was done")
			}
		})
	}
}

// TestUpdateRefsUnderRules: a ruleset on one of the branches refuses both.
func TestUpdateRefsUnderRules(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"a": "1"})
	next := s.commit("main", map[string]string{"a": "2"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	s.want(s.do("POST", "rulesets", ruleset("refs/heads/release", "update")), 201, "")
	problems := s.updateRefs(pointed{"refs/heads/other", zero, next}, pointed{"refs/heads/release", base, next})
	if len(problems) != 1 || !strings.Contains(problems[0]["message"].(string), "Repository rule violations found") || s.head("other") != "" {
		t.Errorf("the errors are %v", problems)
	}
}

// TestUpdateRefsRaces: of many that saw the same heads, one wins.
func TestUpdateRefsRaces(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"a": "1"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	var candidates []string
	for i := range 8 {
		candidates = append(candidates, s.commit(fmt.Sprint("candidate-", i), map[string]string{"ledger": fmt.Sprint(i)}))
	}
	next := s.commit("main", map[string]string{"a": "2"})
	s.id()
	var wins sync.Map
	var all sync.WaitGroup
	for _, ledger := range candidates {
		all.Go(func() {
			if len(s.updateRefs(pointed{"refs/heads/release", base, next}, pointed{"refs/heads/ledger", zero, ledger})) == 0 {
				wins.Store(ledger, true)
			}
		})
	}
	all.Wait()
	n := 0
	wins.Range(func(ledger, _ any) bool {
		n++
		if s.head("ledger") != ledger {
			t.Errorf("%s won, but the ledger is at %s", ledger, s.head("ledger"))
		}
		return true
	})
	if n != 1 {
		t.Errorf("%d won", n)
	}
}

func TestCreateCommitOnBranch(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	head := s.commit("main", map[string]string{"a": "1", "b": "1"})
	send := func(expected string) (map[string]any, []map[string]any) {
		return s.graphql(`mutation($input:CreateCommitOnBranchInput!){createCommitOnBranch(input:$input){commit{oid message author{user{login}}} ref{name}}}`,
			map[string]any{"input": map[string]any{
				"branch":          map[string]any{"repositoryNameWithOwner": "octo-org/fleet", "branchName": "main"},
				"expectedHeadOid": expected, "message": map[string]any{"headline": "Subject", "body": "Body"},
				"fileChanges": map[string]any{
					"additions": []any{map[string]any{"path": "c/d", "contents": base64.StdEncoding.EncodeToString([]byte("hello"))}},
					"deletions": []any{map[string]any{"path": "b"}},
				},
			}})
	}
	data, problems := send(head)
	made := at(data, "createCommitOnBranch", "commit", "oid")
	if len(problems) > 0 || s.head("main") != made || at(data, "createCommitOnBranch", "commit", "message") != "Subject\n\nBody" {
		t.Fatalf("the data is %v, the errors %v", data, problems)
	}
	if out, err := s.repo.Git("ls-tree", "-r", "--name-only", "main"); err != nil || out != "a\nc/d\n" {
		t.Errorf("the tree is %q, %v", out, err)
	}
	_, problems = send(head)
	want := fmt.Sprintf("Expected branch to point to %q but it did not.  Pull and try again.", head)
	if len(problems) != 1 || problems[0]["type"] != "STALE_DATA" || problems[0]["message"] != want {
		t.Errorf("the errors are %v", problems)
	}
}
