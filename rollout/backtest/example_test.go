package backtest_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// A commit is pushed at ten o'clock, and reverted two hours later. Two policies
// look at what they would have let out.
func ExampleRun() {
	at := func(hour int) time.Time { return time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC) }
	begin, bad, revert := rollout.SHA(strings.Repeat("a", 40)), rollout.SHA(strings.Repeat("b", 40)), rollout.SHA(strings.Repeat("c", 40))
	policies, err := backtest.ParsePolicies("plan,age")
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := backtest.Run(backtest.History{
		Branch: "main", Head: revert, PushLog: true, Until: at(72),
		Commits: []rollout.Commit{
			{SHA: begin, Message: "Begin"},
			{SHA: bad, Parents: []rollout.SHA{begin}, Message: "Upgrade everything"},
			{SHA: revert, Parents: []rollout.SHA{bad}, Message: "Revert \"Upgrade everything\"\n\nThis reverts commit " + string(bad) + "."},
		},
		Movements: []rollout.Movement{
			{Before: bad, After: revert, At: at(12)}, {Before: begin, After: bad, At: at(10)}, {After: begin, At: at(0)},
		},
	}, backtest.Options{
		Stage:    rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour},
		Policies: policies,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range result.Outcomes {
		fmt.Printf("%s: %d of %d revisions out, the longest after %s; known-bad commits: %d\n",
			o.Policy, o.Lead.Count, result.Revisions, rollout.FormatDuration(o.Lead.Longest), o.KnownBad)
	}
	// Output:
	// plan: 2 of 2 revisions out, the longest after 26h 43m; known-bad commits: 0
	// age: 2 of 2 revisions out, the longest after 24h 43m; known-bad commits: 1
}
