package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/magefile/mage/mg"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

func TestExitCodes(t *testing.T) {
	problem := func(kind error) error {
		return fmt.Errorf("promote apps: %w", &rollout.Problem{Kind: kind, What: "something"})
	}
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"done", nil, 0},
		{"anything else", errors.New("something"), exitFailed},
		{"findings", fmt.Errorf("%w: 3", operate.ErrFindings), exitFailed},
		{"diverged", problem(rollout.ErrDiverged), exitFailed},
		{"refused", problem(rollout.ErrRefused), exitFailed},
		{"stopped", fmt.Errorf("%w: the schedule", operate.ErrStopped), exitFailed},
		{"used wrongly", problem(rollout.ErrUsage), exitUsage},
		{"forge down", problem(rollout.ErrUnavailable), exitUnavailable},
		{"not yet", fmt.Errorf("%w: tomorrow", operate.ErrNotYet), exitNotYet},
		{"one is late, one is down", errors.Join(fmt.Errorf("%w: tomorrow", operate.ErrNotYet), &rollout.Problem{Kind: rollout.ErrUnavailable, What: "x"}), exitUnavailable},
		{"one is late, one has diverged", fmt.Errorf("promote: %w", errors.Join(fmt.Errorf("%w: tomorrow", operate.ErrNotYet), &rollout.Problem{Kind: rollout.ErrDiverged, What: "x"})), exitFailed},
		{"something stands in the way", &rollout.Problem{Kind: operate.ErrObstructed, What: "x", Cause: rollout.ErrUnavailable}, exitFailed},
		{"no token", problem(rollout.ErrNotPermitted), exitNoPermit},
		{"plan", fmt.Errorf("read: %w", planfile.Errors{{Message: "wrong"}}), exitPlan},
		{"plan of another repository", problem(errPlan), exitPlan},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := mg.ExitStatus(Exit(test.err)); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}

func TestStrayArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		ok   bool
	}{
		{[]string{}, true},
		{[]string{"release:promote"}, true},
		{[]string{"release:promote", "-stage=apps", "-dryRun"}, true},
		{[]string{"-t", "10s", "release:promote"}, true},
		{[]string{"verify:branches", "release:status"}, false},
		{[]string{"release:override", "test"}, false},
		{[]string{"release:override", "apps:1a2b3c4"}, false},
		{[]string{"release:override", "-reason=see", "https://status.example/1"}, false},
		{[]string{"release:override", "-reason=a: b"}, true},
		{[]string{"release:override", "1a2b3c4"}, false},
		{[]string{"release:override", "-sha", "1a2b3c4"}, false},
		{[]string{"release:override", "-direct", "now"}, false},
		{[]string{"release:override", "-yes", "-reason=fire", "-sha="}, false},
		{[]string{"release:resume", "-stage= \t"}, false},
		{[]string{"release:resume", "--by="}, false},
	} {
		err := refuseStray(test.args, Words{})
		if (err == nil) != test.ok || (err != nil && !errors.Is(err, rollout.ErrUsage)) {
			t.Errorf("%q: %v", test.args, err)
		}
	}
}

func TestStrayArgumentsBesideWords(t *testing.T) {
	for _, test := range []struct {
		words, flags []string
		ok           bool
	}{
		{[]string{"infra is broken"}, nil, true},
		{[]string{"see https://status.example/1"}, []string{"-stage=apps", "-until=4h"}, true},
		{[]string{"1a2b3c4", "it leaks: look"}, nil, true},
		{[]string{"-stage=apps"}, []string{"infra is broken"}, false},
		{[]string{"-stage=apps"}, nil, false},
		{[]string{"1a2b3c4", "-reason=it leaks"}, nil, false},
		{[]string{"infra"}, []string{"is", "broken"}, false},
		{[]string{"infra"}, []string{"-stage=apps", "broken"}, false},
		{[]string{"infra"}, []string{"release:promote"}, false},
		{[]string{"infra"}, []string{"-until="}, false},
		{[]string{"a=b"}, nil, true},
		{[]string{"="}, []string{"-stage=apps"}, true},
	} {
		args := slices.Concat([]string{"-t", "10s", "release:hold"}, test.words, test.flags)
		err := refuseStray(args, Words{Given: test.words})
		if (err == nil) != test.ok || (err != nil && !errors.Is(err, rollout.ErrUsage)) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// What is refused names what is wrong, and shows how the target is used that
// was called.
func TestWhatIsRefusedIsNamed(t *testing.T) {
	usage := `release:taint 1a2b3c4 "what happened"`
	for want, words := range map[string]Words{
		"-sha is given, and empty": {},
		usage:                      {Given: []string{"1a2b3c4", "-reason=it leaks"}, Usage: usage},
	} {
		if err := refuseStray([]string{"release:taint", "-sha="}, words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestRepositoryAtWork(t *testing.T) {
	plan := rollout.Repository{URL: "https://github.com/acme/fleet.git", Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "acme", Name: "fleet"}
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
		kind error
	}{
		{"the plan's", nil, "github.com acme/fleet", nil},
		{"GH_REPO", map[string]string{"GH_REPO": "other/repo"}, "github.com other/repo", nil},
		{"GH_REPO with a host", map[string]string{"GH_REPO": "ghe.example.com/other/repo"}, "ghe.example.com other/repo", nil},
		{"GH_REPO that is none", map[string]string{"GH_REPO": "fleet"}, "", rollout.ErrUsage},
		{"GH_REPO with an empty part", map[string]string{"GH_REPO": "acme/"}, "", rollout.ErrUsage},
		{"in its own workflow", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Acme/Fleet"}, "github.com acme/fleet", nil},
		{"in a fork's workflow", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "fork/fleet"}, "", errPlan},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"GH_REPO", "GITHUB_ACTIONS", "GITHUB_REPOSITORY"} {
				t.Setenv(name, test.env[name])
			}
			got, err := atWork(plan)
			if !errors.Is(err, test.kind) || (err == nil && got.Host+" "+got.Slug() != test.want) {
				t.Errorf("%s %s, %v", got.Host, got.Slug(), err)
			}
		})
	}
}

func TestWhoRanIt(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"on a desk the forge knows", map[string]string{"GITHUB_ACTOR": "alice"}, ""},
		{"who dispatched it", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_ACTOR": "alice"}, "alice"},
		{"who ran it again", map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_ACTOR": "alice", "GITHUB_TRIGGERING_ACTOR": "bob",
		}, "bob"},
		{"nobody ran a tick", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "schedule", "GITHUB_ACTOR": "alice"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"GITHUB_ACTIONS", "GITHUB_EVENT_NAME", "GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR"} {
				t.Setenv(name, test.env[name])
			}
			if got := actor(); got != test.want {
				t.Errorf("recorded as %q, want %q", got, test.want)
			}
		})
	}
}
