package measure_test

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// A commit arrives on main, soaks for a day, and goes out.
func ExampleRun() {
	const commit = rollout.SHA("1a2b3c41a2b3c41a2b3c41a2b3c41a2b3c41a2b3")
	arrived := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	stages := measure.Run(measure.Past{
		Plan: rollout.Plan{Stages: []rollout.Stage{{Name: "infra", Branch: "main"}, {Name: "apps", Branch: "release"}}},
		At:   arrived.AddDate(0, 0, 7), Head: commit, Commits: []rollout.Commit{{SHA: commit}},
		Movements: []rollout.Movement{{After: commit, At: arrived}},
		Records: []rollout.Record{{Entry: rollout.Entry{
			Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", To: commit, At: arrived.Add(25 * time.Hour),
		}}},
	})
	fmt.Println(stages[0].Promotions, stages[0].LeadTime.Quantile(0.5), stages[0].Failed)
	// Output: 1 25h0m0s 0
}
