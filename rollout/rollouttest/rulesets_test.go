package rollouttest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// ruleset is the body of POST rulesets: rules for the refs that match a
// pattern.
func ruleset(pattern string, kinds ...string) map[string]any {
	rules := []map[string]any{}
	for _, kind := range kinds {
		rules = append(rules, map[string]any{"type": kind})
	}
	return map[string]any{
		"name": "rules for " + pattern, "target": "branch", "enforcement": "active", "rules": rules,
		"bypass_actors": []any{},
		"conditions":    map[string]any{"ref_name": map[string]any{"include": []string{pattern}, "exclude": []string{"refs/heads/main-x"}}},
	}
}

func TestRulesetPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, branch string
		matches         bool
	}{
		{"~DEFAULT_BRANCH", "main", true},
		{"~DEFAULT_BRANCH", "release", false},
		{"~ALL", "any/thing", true},
		{"refs/heads/main", "main", true},
		{"refs/heads/main", "main2", false},
		{"refs/heads/main*", "main2", true},
		{"refs/heads/main*", "main/2", false},
		{"refs/heads/main*", "main-x", false}, // excluded
		{"refs/heads/rollout/*", "rollout/ledger", true},
		{"refs/heads/rollout/*", "rollout/a/b", false},
		{"refs/heads/rollout/**/*", "rollout/a/b", true},
		{"refs/heads/**/b", "a/x/b", true},
		{"refs/heads/v?", "v1", true},
		{"refs/heads/v?", "v/", false},
		{"main", "main", false}, // a pattern is for the full name
	} {
		t.Run(test.pattern+" "+test.branch, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{})
			s.commit("main", map[string]string{"a": "1"})
			s.want(s.do("POST", "rulesets", ruleset(test.pattern, "deletion")), 201, "")
			rules := s.want(s.do("GET", "rules/branches/"+strings.TrimSuffix(test.branch, "/"), nil), 200, "").list(t)
			if got := len(rules) == 1; got != test.matches {
				t.Errorf("the ruleset matches: %v, want %v", got, test.matches)
			}
		})
	}
}

// TestRulesets tries every kind of move under every kind of rule.
func TestRulesets(t *testing.T) {
	const (
		creates  = "create"
		forwards = "forward"
		forces   = "force"
		merges   = "merge"
		deletes  = "delete"
	)
	tests := map[string]struct {
		rule    string
		refused map[string]string
	}{
		"deletion":                {"deletion", map[string]string{deletes: "Cannot delete this branch"}},
		"non_fast_forward":        {"non_fast_forward", map[string]string{forces: "Cannot force-push to this branch"}},
		"creation":                {"creation", map[string]string{creates: "creations being restricted"}},
		"required_linear_history": {"required_linear_history", map[string]string{merges: "must not contain merge commits"}},
		"update": {"update", map[string]string{
			forwards: "Cannot update this protected ref.", forces: "Cannot update", merges: "Cannot update",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, move := range []string{creates, forwards, forces, merges, deletes} {
				s := newStage(t, rollouttest.RepositoryOptions{})
				base := s.commit("main", map[string]string{"a": "1"})
				ahead := s.commit("main", map[string]string{"a": "2"})
				aside := s.commit("aside", map[string]string{"b": "1"})
				merged, err := s.repo.Merge("main", aside, rollouttest.Change{})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.repo.SetBranch("release", base); err != nil {
					t.Fatal(err)
				}
				s.want(s.do("POST", "rulesets", ruleset("refs/heads/release*", test.rule)), 201, "")
				method, path, body, status := "PATCH", "git/refs/heads/release", map[string]any{"sha": ahead}, 200
				switch move {
				case creates:
					method, path, body, status = "POST", "git/refs", map[string]any{"ref": "refs/heads/release2", "sha": base}, 201
				case forces:
					body = map[string]any{"sha": aside, "force": true}
				case merges:
					body = map[string]any{"sha": merged}
				case deletes:
					method, body, status = "DELETE", nil, 204
				}
				says := test.refused[move]
				if says != "" {
					status = 422
				}
				var sent any
				if body != nil {
					sent = body
				}
				r := s.want(s.do(method, path, sent), status, says)
				if says != "" && !strings.HasPrefix(r.message(), "Repository rule violations found\n\n") {
					t.Errorf("%s: the message is %q", move, r.message())
				}
				if says != "" && s.head("release") != base {
					t.Errorf("%s: the branch moved", move)
				}
			}
		})
	}
}

func TestRequiredStatusChecks(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	base := s.commit("main", map[string]string{"a": "1"})
	next := s.commit("main", map[string]string{"a": "2"})
	if err := s.repo.SetBranch("release", base); err != nil {
		t.Fatal(err)
	}
	rules := ruleset("refs/heads/release")
	rules["rules"] = []any{map[string]any{"type": "required_status_checks", "parameters": map[string]any{
		"required_status_checks":               []any{map[string]any{"context": "ci"}},
		"strict_required_status_checks_policy": false, "do_not_enforce_on_create": true,
	}}}
	s.want(s.do("POST", "rulesets", rules), 201, "")
	move := map[string]any{"sha": next}
	s.want(s.do("PATCH", "git/refs/heads/release", move), 422, `Required status check "ci" is expected.`)
	if err := s.repo.SetStatus(next, rollouttest.CommitStatus{State: "success", Context: "ci"}); err != nil {
		t.Fatal(err)
	}
	s.want(s.do("PATCH", "git/refs/heads/release", move), 200, "")
}

func TestBypassActors(t *testing.T) {
	write := map[string]string{"contents": "write"}
	tests := map[string]struct {
		actor map[string]any
		who   rollouttest.Identity
		may   bool
	}{
		"an app":                     {actor(77, "Integration"), rollouttest.Identity{Login: "b[bot]", Kind: rollouttest.KindApp, AppID: 77, Permissions: write}, true},
		"another app":                {actor(77, "Integration"), rollouttest.Identity{Login: "c[bot]", Kind: rollouttest.KindApp, AppID: 78, Permissions: write}, false},
		"a deploy key":               {actor(nil, "DeployKey"), rollouttest.Identity{Login: "key", Kind: rollouttest.KindDeployKey}, true},
		"a user with a key there":    {actor(nil, "DeployKey"), rollouttest.Identity{Login: "mona", Permissions: write}, false},
		"the role of an admin":       {actor(5, "RepositoryRole"), rollouttest.Identity{Login: "mona", Permissions: rollouttest.AllPermissions()}, true},
		"the role of a writer":       {actor(4, "RepositoryRole"), rollouttest.Identity{Login: "mona", Permissions: write}, true},
		"a role that one has not":    {actor(5, "RepositoryRole"), rollouttest.Identity{Login: "mona", Permissions: write}, false},
		"Actions":                    {actor(5, "RepositoryRole"), rollouttest.Identity{Kind: rollouttest.KindActions, Permissions: write}, false},
		"for pull requests only":     {mode(actor(5, "RepositoryRole"), "pull_request"), rollouttest.Identity{Login: "mona", Permissions: rollouttest.AllPermissions()}, false},
		"an admin of no bypass role": {actor(77, "Integration"), rollouttest.Identity{Login: "mona", Permissions: rollouttest.AllPermissions()}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rollouttest.RepositoryOptions{})
			base := s.commit("main", map[string]string{"a": "1"})
			next := s.commit("main", map[string]string{"a": "2"})
			if err := s.repo.SetBranch("release", base); err != nil {
				t.Fatal(err)
			}
			rules := ruleset("refs/heads/release", "update")
			rules["bypass_actors"] = []any{test.actor}
			s.want(s.do("POST", "rulesets", rules), 201, "")
			other := s.as(test.who)
			out, err := other.git(s.repo.Path(), "push", other.remote(), next+":refs/heads/release")
			if got := err == nil; got != test.may {
				t.Errorf("the push worked: %v, want %v: %s", got, test.may, out)
			}
		})
	}
}

func actor(id any, kind string) map[string]any {
	return map[string]any{"actor_id": id, "actor_type": kind, "bypass_mode": "always"}
}

func mode(actor map[string]any, mode string) map[string]any {
	actor["bypass_mode"] = mode
	return actor
}

func TestRulesetsAreRefused(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	rules := ruleset("~ALL", "deletion")
	rules["bypass_actors"] = []any{actor(rollouttest.ActionsAppID, "Integration")}
	s.want(s.do("POST", "rulesets", rules), 422, "Validation Failed")
	if r := s.do("POST", "rulesets", rules); !strings.Contains(string(r.body), "Actor GitHub Actions integration must be part of the ruleset source") {
		t.Errorf("the refusal is %s", r.body)
	}
	rules["bypass_actors"] = []any{}
	id := s.want(s.do("POST", "rulesets", rules), 201, "").object(t)["id"]
	s.want(s.do("POST", "rulesets", rules), 422, "Validation Failed")
	s.want(s.do("PUT", fmt.Sprintf("rulesets/%.0f", id), map[string]any{"enforcement": "disabled"}), 200, "")
	if rules := s.do("GET", "rules/branches/main", nil).list(t); len(rules) != 0 {
		t.Errorf("a disabled ruleset gives the rules %v", rules)
	}
	s.want(s.do("DELETE", fmt.Sprintf("rulesets/%.0f", id), nil), 204, "")
	s.want(s.do("GET", fmt.Sprintf("rulesets/%.0f", id), nil), 404, "Not Found")
	writer := s.as(rollouttest.Identity{Login: "writer", Permissions: map[string]string{"contents": "write"}})
	writer.want(writer.do("POST", "rulesets", rules), 403, "Resource not accessible by personal access token")
}

// TestPlans: what a private repository may have depends on what its owner pays.
func TestPlans(t *testing.T) {
	const (
		upgrade = "Upgrade to GitHub Pro or make this repository public to enable this feature."
		billing = "Failed to create the environment protection rule. Please ensure the billing plan supports the "
	)
	tests := map[string]struct {
		options                            rollouttest.RepositoryOptions
		rulesets, timers, reviewers, plain int
	}{
		"public and free":        {rollouttest.RepositoryOptions{AccountPlan: rollouttest.PlanFree}, 201, 200, 200, 200},
		"private and free":       {rollouttest.RepositoryOptions{Private: true, AccountPlan: rollouttest.PlanFree}, 403, 422, 422, 200},
		"private and team":       {rollouttest.RepositoryOptions{Private: true, AccountPlan: rollouttest.PlanTeam}, 201, 422, 422, 200},
		"private and enterprise": {rollouttest.RepositoryOptions{Private: true, AccountPlan: rollouttest.PlanEnterprise}, 201, 200, 200, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.options)
			text := func(status int, message string) string {
				if status < 400 {
					return ""
				}
				return message
			}
			s.want(s.do("POST", "rulesets", ruleset("~ALL", "deletion")), test.rulesets, text(test.rulesets, upgrade))
			s.want(s.do("PUT", "environments/a", map[string]any{"wait_timer": 30}), test.timers, text(test.timers, billing+"wait timer protection rule."))
			reviewers := map[string]any{"reviewers": []any{map[string]any{"type": "User", "id": 1}}}
			s.want(s.do("PUT", "environments/b", reviewers), test.reviewers, text(test.reviewers, billing+"required reviewers protection rule."))
			s.want(s.do("PUT", "environments/c", map[string]any{}), test.plain, "")
		})
	}
}
