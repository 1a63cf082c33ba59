package rollouttest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// pulled is a stage with a pull request of two commits, while main has gone on.
func pulled(t *testing.T) (s *stage, topic string) {
	t.Helper()
	s = newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"a": "1", "b": "1"})
	if err := s.repo.SetBranch("topic", first); err != nil {
		t.Fatal(err)
	}
	s.commit("topic", map[string]string{"a": "2"})
	topic = s.commit("topic", map[string]string{"c": "2"})
	s.want(s.do("POST", "pulls", map[string]any{"title": "Two things", "head": "topic", "base": "main"}), 201, "")
	s.commit("main", map[string]string{"b": "3"})
	return s, topic
}

// Real Git merges: what main got meanwhile stays, whatever the method.
func TestPullRequestsAreMerged(t *testing.T) {
	for method, want := range map[string]struct {
		parents int
		subject string
		has     bool
	}{
		"merge":  {2, "Merge pull request #1 from octo-org/topic", true},
		"squash": {1, "Two things (#1)", false},
		"rebase": {1, "Change", false},
	} {
		t.Run(method, func(t *testing.T) {
			s, topic := pulled(t)
			sha := s.want(s.do("PUT", "pulls/1/merge", map[string]any{"merge_method": method}), 200, "").object(t)["sha"].(string)
			git := func(args ...string) string {
				out, err := s.repo.Git(args...)
				if err != nil {
					t.Fatal(err)
				}
				return strings.TrimSpace(out)
			}
			if head, err := s.repo.Head("main"); err != nil || head != sha {
				t.Errorf("main stands at %s (%v), want %s", head, err, sha)
			}
			if got := git("log", "-1", "--format=%s", sha); got != want.subject {
				t.Errorf("subject = %q, want %q", got, want.subject)
			}
			if got := len(strings.Fields(git("log", "-1", "--format=%P", sha))); got != want.parents {
				t.Errorf("%d parents, want %d", got, want.parents)
			}
			files := git("show", sha+":a") + git("show", sha+":b") + git("show", sha+":c")
			if files != "232" {
				t.Errorf("files = %s, want 232", files)
			}
			_, err := s.repo.Git("merge-base", "--is-ancestor", topic, sha)
			if (err == nil) != want.has {
				t.Errorf("main has the topic's own commits: %t, want %t", err == nil, want.has)
			}
			shown := s.want(s.do("GET", "pulls?state=all&head=octo-org:topic", nil), 200, "").list(t)[0]
			if shown["state"] != "closed" || shown["merged_at"] == nil || shown["merge_commit_sha"] != sha {
				t.Errorf("it is shown as %v, merged at %v by %v", shown["state"], shown["merged_at"], shown["merge_commit_sha"])
			}
		})
	}
}

func TestPullRequestsAreRefused(t *testing.T) {
	s, _ := pulled(t)
	ask := func(head, base string) map[string]any {
		return map[string]any{"title": "x", "head": head, "base": base}
	}
	s.want(s.do("POST", "pulls", ask("topic", "main")), 422, "Validation Failed")
	s.want(s.do("POST", "pulls", ask("nowhere", "main")), 422, "Validation Failed")
	s.want(s.do("POST", "pulls", ask("main", "main")), 422, "Validation Failed")
	s.repo.AllowMerges(rollouttest.MergeBySquash)
	s.want(s.do("PUT", "pulls/1/merge", nil), 405, "Merge commits are not allowed on this repository.")
	if whole := s.want(s.do("GET", "", nil), 200, "").object(t); whole["allow_merge_commit"] != false || whole["allow_squash_merge"] != true {
		t.Errorf("the settings are %v and %v", whole["allow_merge_commit"], whole["allow_squash_merge"])
	}
	s.commit("main", map[string]string{"a": "4"})
	s.want(s.do("PUT", "pulls/1/merge", map[string]any{"merge_method": "squash"}), 405, "Pull Request is not mergeable")
	s.want(s.do("PUT", "pulls/2/merge", nil), 404, "Not Found")
	reader := s.as(rollouttest.Identity{Login: "reader", Permissions: map[string]string{"contents": "write"}})
	reader.want(reader.do("POST", "pulls", ask("topic", "main")), 403, "Resource not accessible")
}

// The order is that of GitHub: the newest first.
func TestPullRequestsAreListed(t *testing.T) {
	s, _ := pulled(t)
	for i := range 3 {
		branch := fmt.Sprintf("topic-%d", i)
		s.commit(branch, map[string]string{"x": branch})
		s.want(s.do("POST", "pulls", map[string]any{"title": branch, "head": branch, "base": "main"}), 201, "")
	}
	list := s.want(s.do("GET", "pulls", nil), 200, "").list(t)
	if len(list) != 4 || list[0]["number"] != 4.0 {
		t.Errorf("%d are listed, and the first is %v", len(list), list[0]["number"])
	}
	if list := s.want(s.do("GET", "pulls?head=octo-org:topic-1&base=release", nil), 200, "").list(t); len(list) != 0 {
		t.Errorf("%d are listed that are into another branch", len(list))
	}
}
