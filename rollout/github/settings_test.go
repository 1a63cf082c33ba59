package github_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

var (
	wanted     = rollout.Environment{Name: "staged-rollout", Wait: 24 * time.Hour}
	protection = rollout.Protection{Name: "staged rollout", Branches: []string{"release", ledgerBranch}}
)

func survey(t *testing.T, change rollout.Change, err error) rollout.Change {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// asItShouldBe checks that nothing is left to do.
func asItShouldBe(t *testing.T, change rollout.Change) {
	t.Helper()
	if change.Intent != "" || change.Apply != nil || change.Instead != "" {
		t.Errorf("found %q, yet would %q, instead %q", change.Found, change.Intent, change.Instead)
	}
}

// ask sends a request that the adapter has no word for.
func ask(t *testing.T, g *rollouttest.GitHub, method, path, body string, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL()+"/api/v3/repos/octo-org/fleet/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+rollouttest.DefaultToken)
	resp, err := (&http.Client{Transport: g.Transport()}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	if answer != nil {
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnvironmentIsCreated(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	change, err := c.Environment(t.Context(), wanted)
	change = survey(t, change, err)
	if change.Found != "missing" || change.Intent != "create with a wait timer of 1440 minutes" || change.Required {
		t.Errorf("change = %+v", change)
	}
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	change, err = c.Environment(t.Context(), wanted)
	change = survey(t, change, err)
	asItShouldBe(t, change)
	if change.Found != "wait timer 1440 minutes" {
		t.Errorf("found %q", change.Found)
	}
}

func TestEnvironmentKeepsWhatSomebodySet(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	ask(t, g, http.MethodPut, "environments/staged-rollout", `{"wait_timer":60,"prevent_self_review":true,`+
		`"reviewers":[{"type":"User","id":7},{"type":"Team","id":9}],`+
		`"deployment_branch_policy":{"protected_branches":false,"custom_branch_policies":true}}`, nil)
	change, err := c.Environment(t.Context(), wanted)
	change = survey(t, change, err)
	if change.Found != "wait timer 60 minutes" || change.Intent != "set to 1440 minutes" {
		t.Errorf("change = %+v", change)
	}
	g.ResetRequests()
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	if err := json.Unmarshal(g.Requests()[0].Body, &sent); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"wait_timer": 1440.0, "prevent_self_review": true,
		"reviewers":                []any{map[string]any{"type": "User", "id": 7.0}, map[string]any{"type": "Team", "id": 9.0}},
		"deployment_branch_policy": map[string]any{"protected_branches": false, "custom_branch_policies": true},
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestEnvironmentWithoutTimers(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{Repositories: []rollouttest.RepositoryOptions{
		{Owner: "octo-org", Name: "fleet", Private: true, AccountPlan: rollouttest.PlanFree},
	}})
	c := newClient(t, g, rollouttest.DefaultToken)
	change, err := c.Environment(t.Context(), wanted)
	change = survey(t, change, err)
	problem(t, change.Apply(t.Context()), rollout.ErrNotPermitted, "was created without a wait timer", "billing plan", "public repositories only")
	if change.Instead != "pushes do not wait; the hourly tick promotes" {
		t.Errorf("instead %q", change.Instead)
	}
	ask(t, g, http.MethodGet, "environments/staged-rollout", "", nil) // it is there
}

func TestEnvironmentThatWaitsTooLong(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	change, err := c.Environment(t.Context(), rollout.Environment{Name: "staged & ünïcode", Wait: 90 * 24 * time.Hour})
	change = survey(t, change, err)
	if change.Intent != "create with a wait timer of 43200 minutes" {
		t.Errorf("would %q", change.Intent)
	}
	if err := change.Apply(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSettingsWithoutPermission(t *testing.T) {
	s := newStage(t, rollouttest.Options{})
	c := s.as(rollouttest.Identity{Login: "writer", Permissions: map[string]string{"contents": "write"}})
	for name, survey := range map[string]func() (rollout.Change, error){
		"environment": func() (rollout.Change, error) { return c.Environment(t.Context(), wanted) },
		"ruleset":     func() (rollout.Change, error) { return c.Protection(t.Context(), protection) },
	} {
		change, err := survey()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if change.Instead == "" {
			t.Errorf("%s: nothing instead", name)
		}
		problem(t, change.Apply(t.Context()), rollout.ErrNotPermitted, "the token needs administration=write")
	}
}

func TestProtectionIsCreatedAndKept(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	change, err := c.Protection(t.Context(), protection)
	change = survey(t, change, err)
	if change.Found != "missing" || change.Intent != "create with deletion, non_fast_forward for release and rollout/ledger" {
		t.Errorf("change = %+v", change)
	}
	g.ResetRequests()
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	const sent = `{"name":"staged rollout","target":"branch","enforcement":"active",` +
		`"conditions":{"ref_name":{"include":["refs/heads/release","refs/heads/rollout/ledger"],"exclude":[]}},` +
		`"rules":[{"type":"deletion"},{"type":"non_fast_forward"}]}`
	if diff := cmp.Diff(sent, strings.TrimSpace(string(g.Requests()[0].Body))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	change, err = c.Protection(t.Context(), protection)
	change = survey(t, change, err)
	asItShouldBe(t, change)
	if change.Found != `release and rollout/ledger protected by ruleset "staged rollout"` {
		t.Errorf("found %q", change.Found)
	}
}

func TestProtectionBySomebodyElsesRuleset(t *testing.T) {
	for _, test := range []struct {
		name, conditions, rules, enforcement string
		enough                               bool
	}{
		{"of all branches", `{"include":["~ALL"],"exclude":[]}`, `[{"type":"deletion"},{"type":"non_fast_forward"},{"type":"creation"}]`, "active", true},
		{"by patterns", `{"include":["refs/heads/rel*","refs/heads/rollout/*"],"exclude":["refs/heads/rollout/x"]}`, `[{"type":"deletion"},{"type":"non_fast_forward"}]`, "active", true},
		{"of one branch", `{"include":["refs/heads/release"],"exclude":[]}`, `[{"type":"deletion"},{"type":"non_fast_forward"}]`, "active", false},
		{"with one rule", `{"include":["~ALL"],"exclude":[]}`, `[{"type":"deletion"}]`, "active", false},
		{"that excludes it", `{"include":["~ALL"],"exclude":["refs/heads/rel*"]}`, `[{"type":"deletion"},{"type":"non_fast_forward"}]`, "active", false},
		{"that may exclude it", `{"include":["~ALL"],"exclude":["refs/**/r*"]}`, `[{"type":"deletion"},{"type":"non_fast_forward"}]`, "active", false},
		{"that is disabled", `{"include":["~ALL"],"exclude":[]}`, `[{"type":"deletion"},{"type":"non_fast_forward"}]`, "disabled", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := rollouttest.New(t, rollouttest.Options{})
			ask(t, g, http.MethodPost, "rulesets", `{"name":"theirs","target":"branch","enforcement":"`+test.enforcement+
				`","conditions":{"ref_name":`+test.conditions+`},"rules":`+test.rules+`}`, nil)
			change, err := newClient(t, g, rollouttest.DefaultToken).Protection(t.Context(), protection)
			change = survey(t, change, err)
			if (change.Apply == nil) != test.enough {
				t.Errorf("change = %+v", change)
			}
		})
	}
}

func TestProtectionIsCompleted(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	ask(t, g, http.MethodPost, "rulesets", `{"name":"staged rollout","target":"branch","enforcement":"disabled",
		"conditions":{"ref_name":{"include":["refs/heads/other"],"exclude":["refs/heads/release","refs/heads/tmp"]}},
		"rules":[{"type":"required_status_checks","parameters":{"required_status_checks":[{"context":"ci"}],"strict_required_status_checks_policy":false}},{"type":"deletion"}],
		"bypass_actors":[{"actor_id":5,"actor_type":"RepositoryRole","bypass_mode":"always"}]}`, nil)
	strict := protection
	strict.Strict, strict.App = true, 4711
	change, err := c.Protection(t.Context(), strict)
	change = survey(t, change, err)
	if change.Found != "lacks enforcement, branch release, branch rollout/ledger, rule non_fast_forward, rule update, bypass actor Integration 4711" {
		t.Errorf("found %q", change.Found)
	}
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	var list []struct{ ID json.Number }
	ask(t, g, http.MethodGet, "rulesets", "", &list)
	if len(list) != 1 {
		t.Fatalf("%d rulesets, want the one completed", len(list))
	}
	var got struct {
		Enforcement string
		Conditions  struct {
			RefName struct{ Include, Exclude []string } `json:"ref_name"`
		}
		Rules  []struct{ Type string }
		Actors []struct {
			ID   int64  `json:"actor_id"`
			Type string `json:"actor_type"`
		} `json:"bypass_actors"`
	}
	ask(t, g, http.MethodGet, "rulesets/"+list[0].ID.String(), "", &got)
	want := got
	want.Enforcement = "active"
	want.Conditions.RefName.Include = []string{"refs/heads/other", "refs/heads/release", "refs/heads/rollout/ledger"}
	want.Conditions.RefName.Exclude = []string{"refs/heads/tmp"}
	want.Rules = []struct{ Type string }{{"required_status_checks"}, {"deletion"}, {"non_fast_forward"}, {"update"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ruleset (-want +got):\n%s", diff)
	}
	if len(got.Actors) != 2 || got.Actors[0].ID != 5 || got.Actors[1].ID != 4711 {
		t.Errorf("bypass actors = %v, want the one that was there, and the app", got.Actors)
	}
	change, err = c.Protection(t.Context(), strict)
	asItShouldBe(t, survey(t, change, err))
}

func TestStrictProtectionLetsDeployKeysThrough(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c := newClient(t, g, rollouttest.DefaultToken)
	strict := protection
	strict.Strict = true
	change, err := c.Protection(t.Context(), strict)
	change = survey(t, change, err)
	g.ResetRequests()
	if err := change.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body := string(g.Requests()[0].Body); !strings.Contains(body, `"bypass_actors":[{"actor_id":null,"actor_type":"DeployKey","bypass_mode":"always"}]`) {
		t.Errorf("sent %s", body)
	}
	change, err = c.Protection(t.Context(), strict)
	asItShouldBe(t, survey(t, change, err))

	strict.App = 15368
	_, err = c.Protection(t.Context(), strict)
	problem(t, err, rollout.ErrUsage, "is GitHub Actions itself")
}

func TestProtectionThatThePlanDoesNotHave(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{Repositories: []rollouttest.RepositoryOptions{
		{Owner: "octo-org", Name: "fleet", Private: true, AccountPlan: rollouttest.PlanFree},
	}})
	change, err := newClient(t, g, rollouttest.DefaultToken).Protection(t.Context(), protection)
	change = survey(t, change, err)
	if change.Apply != nil || !strings.Contains(change.Found, "Upgrade to GitHub Pro") || !strings.Contains(change.Instead, "not prevented, but noticed") {
		t.Errorf("change = %+v", change)
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	g := rollouttest.New(t, rollouttest.Options{})
	c, err := github.New(github.Options{
		Host: g.Host(), Owner: "octo-org", Name: "fleet", Token: rollouttest.DefaultToken,
		Transport: g.Transport(), MaxWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.FailNext(rollouttest.Match{Count: -1}, rollouttest.BadGateway())
	if _, err := c.Environment(t.Context(), wanted); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("Environment: %v, want ErrUnavailable", err)
	}
	if _, err := c.Protection(t.Context(), protection); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("Protection: %v, want ErrUnavailable", err)
	}
}
