package simulate

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// yearLimit is the most that a year may cost. `mage bench` holds it to that.
const yearLimit = time.Second

// BenchmarkYear is a year with a push and a tick every hour: 8,760 of each.
func BenchmarkYear(b *testing.B) {
	for b.Loop() {
		if promotions := hourly(b); promotions < 8000 {
			b.Fatalf("%d promotions in a year", promotions)
		}
	}
	if cost := b.Elapsed() / time.Duration(b.N); os.Getenv("BENCH_LIMITS") != "" && cost > yearLimit {
		b.Errorf("a year costs %s, at most %s are allowed", cost, yearLimit)
	}
}

// hourly plays the year, and counts the promotions.
func hourly(b *testing.B) (promotions int) {
	now := begin
	forge := memory.New(memory.Options{Clock: func() time.Time { return now }, PushLog: true})
	engine := &rollout.Engine{Remote: forge, History: forge, Ledger: ledger.Ledger{}, Plan: rollout.Plan{
		Repository: repository, Ledger: ledgerBranch,
		Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{"infra"}},
			{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour},
		},
	}}
	var head []rollout.SHA
	for hour := range int(yearLength / time.Hour) {
		now = now.Add(time.Hour)
		made, err := forge.Add(rollout.Commit{Message: fmt.Sprintf("Change %d (#%d)\n", hour, hour), Author: "Ada", Parents: head, Tree: tree{}.toggled([]int{hour}).sha()})
		must(b, err)
		must(b, forge.Push("main", made))
		if head = []rollout.SHA{made}; hour == 0 {
			changes, err := engine.Survey(b.Context(), bare{}, rollout.InitRequest{})
			must(b, err)
			must(b, rollout.Apply(b.Context(), changes, func(rollout.Step) {}))
		}
		receipt, err := engine.Promote(b.Context(), engine.Plan.Stages[1])
		must(b, err)
		if receipt.Decision.Action == rollout.Promote {
			promotions++
		}
	}
	return promotions
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCheckedYear is a year of the simulation, with everything that goes
// wrong in it, and the oracle that looks at every step.
func BenchmarkCheckedYear(b *testing.B) {
	for b.Loop() {
		if _, err := One(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}
