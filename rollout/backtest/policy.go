package backtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// A Policy is a way to choose what is promoted, and when.
type Policy string

// The policies. Where another tool's behaviour is meant, its documentation or
// source is named, as of 2026.
const (
	// Plan is what the plan asks of the stage, decided by [rollout.Decide].
	Plan Policy = "plan"
	// Tip waits until something has soaked and then promotes whatever the
	// head is: what a workflow does that is started by a push, waits for the
	// timer of a GitHub environment and merges main (docs.github.com,
	// "Deployments and environments", wait timer).
	Tip Policy = "tip"
	// Quiet promotes the head when nothing has been pushed for the soak:
	// Jenkins' quiet period (jenkins.io, "Quiet Period Feature"). GitOps
	// Promoter's timed commit status comes to the same: its timer "resets"
	// with every new commit, and only what is active can be promoted
	// (argoproj-labs/gitops-promoter, docs/commit-status-controllers/timed.md).
	Quiet Policy = "quiet"
	// Restart promotes the newest revision that was the head for the whole
	// soak. A push restarts the timer, for what it brings; what had soaked by
	// then stays promotable. That is Kargo's requiredSoakTime, which Freight
	// has to spend in the upstream Stage without interruption, and of which
	// the longest completed one counts (akuity/kargo, GetLongestSoak in
	// api/v1alpha1/freight_helpers.go, issue 4238).
	Restart Policy = "restart"
	// Age promotes the newest revision that arrived the soak ago, whatever is
	// known of it by now.
	Age Policy = "age"
)

// Policies are all of them, in the order in which they are shown.
func Policies() []Policy { return []Policy{Plan, Tip, Quiet, Restart, Age} }

// Means is the policy in one sentence.
func (p Policy) Means() string {
	return map[Policy]string{
		Plan:    "the newest revision that the plan's policy lets out",
		Tip:     "whatever the head is, once something has waited for the soak",
		Quiet:   "the head, once nothing has been pushed for the soak",
		Restart: "the newest revision that was the head for the whole soak",
		Age:     "the newest revision that arrived the soak ago",
	}[p]
}

// ParsePolicies reads names with commas between them. Empty text stands for
// all policies.
func ParsePolicies(text string) ([]Policy, error) {
	if text == "" {
		return Policies(), nil
	}
	var all []Policy
	for name := range strings.SplitSeq(text, ",") {
		policy := Policy(strings.TrimSpace(name))
		if !slices.Contains(Policies(), policy) {
			return nil, refusePolicy("there is no policy %q", rollout.Printable(name, 40))
		}
		if slices.Contains(all, policy) {
			return nil, refusePolicy("the policy %s is named twice", policy)
		}
		all = append(all, policy)
	}
	return all, nil
}

func refusePolicy(format string, args ...any) error {
	names := make([]string, len(Policies()))
	for i, p := range Policies() {
		names[i] = string(p)
	}
	return &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf(format, args...),
		Ways: []string{"name some of " + strings.Join(names, ",") + ", or none for all of them"},
	}
}
