package rollouttest_test

import (
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestCredentials(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{Private: true})
	s.commit("main", map[string]string{"a": "1"})
	anonymous := *s
	anonymous.token = ""
	anonymous.want(anonymous.do("GET", "", nil), 401, "Requires authentication")
	stranger := *s
	stranger.token = "nobodys"
	stranger.want(stranger.do("GET", "", nil), 401, "Bad credentials")
	outsider := s.as(rollouttest.Identity{Login: "outsider", Repositories: []string{}, Permissions: rollouttest.AllPermissions()})
	outsider.want(outsider.do("GET", "", nil), 404, "Not Found")
	outsider.want(outsider.do("GET", "git/ref/heads/main", nil), 404, "Not Found")
	if _, problems := outsider.graphql(`{repository(owner:"octo-org",name:"fleet"){id}}`, nil); at(problems[0], "type") != "NOT_FOUND" {
		t.Errorf("GraphQL answers %v", problems)
	}
	for _, one := range []*stage{&anonymous, &stranger, outsider} {
		if out, err := one.git(t.TempDir(), "ls-remote", one.remote()); err == nil {
			t.Errorf("a private repository was read: %s", out)
		}
	}
}

func TestPermissions(t *testing.T) {
	const byUser, byApp = "Resource not accessible by personal access token", "Resource not accessible by integration"
	tests := map[string]struct {
		who     rollouttest.Identity
		path    string
		status  int
		message string
	}{
		"a user who may read contents":     {who(rollouttest.KindUser, "contents", "read"), "git/ref/heads/main", 200, ""},
		"an app that may write contents":   {who(rollouttest.KindApp, "contents", "write"), "git/ref/heads/main", 200, ""},
		"a user who may read statuses":     {who(rollouttest.KindUser, "statuses", "read"), "git/ref/heads/main", 403, byUser},
		"an app that may read statuses":    {who(rollouttest.KindApp, "statuses", "read"), "git/ref/heads/main", 403, byApp},
		"Actions that may read statuses":   {who(rollouttest.KindActions, "statuses", "read"), "git/ref/heads/main", 403, byApp},
		"metadata, which everyone has":     {who(rollouttest.KindApp, "statuses", "read"), "rulesets", 200, ""},
		"an app is no user":                {who(rollouttest.KindApp, "contents", "read"), "/user", 403, byApp},
		"a deploy key is for Git only":     {who(rollouttest.KindDeployKey, "contents", "write"), "", 401, "Bad credentials"},
		"a user who may not see activity":  {who(rollouttest.KindUser, "actions", "read"), "activity", 403, byUser},
		"a user who may not see workflows": {who(rollouttest.KindUser, "contents", "read"), "actions/runs", 403, byUser},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{Private: true})
			s.commit("main", map[string]string{"a": "1"})
			s = s.as(test.who)
			r := s.want(s.do("GET", test.path, nil), test.status, test.message)
			if accepted := r.header.Get("X-Accepted-GitHub-Permissions"); r.status == 403 && test.path != "/user" && accepted == "" {
				t.Error("the refusal does not say what would be enough")
			}
		})
	}
}

// TestStatusesPermission: in a private repository, statuses are for who may
// read them, through both interfaces. What else a query asks for is answered.
func TestStatusesPermission(t *testing.T) {
	contents := map[string]string{"contents": "read"}
	both := map[string]string{"contents": "read", "statuses": "read"}
	for name, test := range map[string]struct {
		who     rollouttest.Identity
		private bool
		refusal string
	}{
		"a user":                  {rollouttest.Identity{Login: "mona", Permissions: contents}, true, "Resource not accessible by personal access token"},
		"a user who may":          {rollouttest.Identity{Login: "mona", Permissions: both}, true, ""},
		"an app":                  {rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: contents}, true, "Resource not accessible by integration"},
		"an app that may":         {rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: both}, true, ""},
		"Actions":                 {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: contents}, true, "Resource not accessible by integration"},
		"Actions that may":        {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: both}, true, ""},
		"Actions, where all read": {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: contents}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{Private: test.private})
			oid := s.commit("main", map[string]string{"a": "1"})
			if err := s.repo.SetStatus(oid, rollouttest.CommitStatus{State: "success", Context: "flux"}); err != nil {
				t.Fatal(err)
			}
			s = s.as(test.who)
			data, problems := s.graphql(`query($oid:GitObjectID!){repository(owner:"octo-org",name:"fleet"){
				reported: object(oid:$oid) { oid ... on Commit { status { contexts { context state } } statusCheckRollup { state } } } }}`,
				map[string]any{"oid": oid})
			if at(data, "repository", "reported", "oid") != oid {
				t.Errorf("GraphQL answers %v", data)
			}
			if test.refusal == "" {
				s.want(s.do("GET", "commits/"+oid+"/statuses", nil), 200, "flux")
				if len(problems) > 0 || at(data, "repository", "reported", "status", "contexts", 0, "context") != "flux" {
					t.Errorf("GraphQL answers %v, %v", data, problems)
				}
				return
			}
			r := s.want(s.do("GET", "commits/"+oid+"/statuses", nil), 403, test.refusal)
			if accepted := r.header.Get("X-Accepted-GitHub-Permissions"); accepted != "statuses=read" {
				t.Errorf("the refusal says that %q would be enough", accepted)
			}
			if len(problems) != 2 || at(problems[0], "type") != "FORBIDDEN" || at(problems[0], "message") != test.refusal ||
				at(data, "repository", "reported", "status") != nil {
				t.Errorf("GraphQL answers %v, %v", data, problems)
			}
		})
	}
}

// who is an identity with one permission.
func who(kind rollouttest.Kind, permission, level string) rollouttest.Identity {
	return rollouttest.Identity{Login: "someone", Kind: kind, Permissions: map[string]string{permission: level}}
}

func TestPublicRepositoryIsReadable(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oid := s.commit("main", map[string]string{"a": "1"})
	reader := s.as(rollouttest.Identity{Login: "reader"})
	reader.want(reader.do("GET", "git/ref/heads/main", nil), 200, oid)
	reader.want(reader.do("PATCH", "git/refs/heads/main", map[string]any{"sha": oid}), 403, "personal access token")
	_, problems := reader.graphql(`mutation($id:ID!,$oid:GitObjectID!){updateRefs(input:{repositoryId:$id,refUpdates:[{name:"refs/heads/x",afterOid:$oid}]}){clientMutationId}}`,
		map[string]any{"id": s.id(), "oid": oid})
	if len(problems) != 1 || at(problems[0], "type") != "FORBIDDEN" || at(problems[0], "path", 0) != "updateRefs" {
		t.Errorf("GraphQL answers %v", problems)
	}
	anonymous := strings.Replace(s.remote(), "x-access-token:"+s.token+"@", "", 1)
	s.mustGit(t.TempDir(), "clone", "--quiet", anonymous, "work")
}

// TestWorkflowFiles: who has no workflows permission may not point a branch at
// a commit whose workflow files differ from the default branch's, by any door.
func TestWorkflowFiles(t *testing.T) {
	contents := map[string]string{"contents": "write"}
	both := map[string]string{"contents": "write", "workflows": "write"}
	tests := map[string]struct {
		who    rollouttest.Identity
		differ bool
		pushed string // what git push is told; "" if it works
		api    string
	}{
		"Actions": {
			rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: both},
			true,
			"refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yaml` without `workflows` permission",
			"Resource not accessible by integration",
		},
		"Actions, with the same files": {rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: contents}, false, "", ""},
		"an app without workflows": {
			rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: contents},
			true,
			"refusing to allow a GitHub App", "Resource not accessible by integration",
		},
		"an app with workflows": {rollouttest.Identity{Login: "bot[bot]", Kind: rollouttest.KindApp, Permissions: both}, true, "", ""},
		"a user without workflows": {
			rollouttest.Identity{Login: "mona", Permissions: contents},
			true,
			"refusing to allow a Personal Access Token to create or update workflow", "Resource not accessible by personal access token",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{})
			soaked := s.commit("main", map[string]string{".github/workflows/a.yaml": "on: push\n", "a": "1"})
			if err := s.repo.SetBranch("release", soaked); err != nil {
				t.Fatal(err)
			}
			next := s.commit("main", map[string]string{"a": "2"})
			if test.differ {
				// The commit to promote is as it was when it was soaked; the
				// default branch has moved on.
				s.commit("main", map[string]string{".github/workflows/a.yaml": "on: pull_request\n"})
			}
			s = s.as(test.who)
			refused := test.api != ""
			status, created := 200, 201
			if refused {
				status, created = 403, 403
			}
			r := s.want(s.do("POST", "git/refs", map[string]any{"ref": "refs/heads/new", "sha": next}), created, test.api)
			if refused && !strings.Contains(r.header.Get("X-Accepted-GitHub-Permissions"), "workflows=write") {
				t.Errorf("the refusal says %q", r.header.Get("X-Accepted-GitHub-Permissions"))
			}
			out, err := s.git(s.repo.Path(), "push", s.remote(), next+":refs/heads/pushed")
			if refused != (err != nil) || !strings.Contains(out, test.pushed) {
				t.Errorf("git push says %v: %s", err, out)
			}
			_, problems := s.graphql(`mutation($id:ID!,$oid:GitObjectID!){updateRefs(input:{repositoryId:$id,refUpdates:[{name:"refs/heads/graphql",afterOid:$oid}]}){clientMutationId}}`,
				map[string]any{"id": s.id(), "oid": next})
			if refused != (len(problems) > 0) || refused && (at(problems[0], "type") != "FORBIDDEN" || at(problems[0], "message") != test.api) {
				t.Errorf("GraphQL answers %v", problems)
			}
			s.want(s.do("PATCH", "git/refs/heads/release", map[string]any{"sha": next}), status, test.api)
		})
	}
}

// id is the repository's global id.
func (s *stage) id() any {
	s.t.Helper()
	data, problems := s.graphql(`{repository(owner:"octo-org",name:"fleet"){id}}`, nil)
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	return at(data, "repository", "id")
}
