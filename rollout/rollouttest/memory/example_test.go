package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// An answer gets lost, and whoever waited for it has to look.
func ExampleForge_Intercept() {
	now := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	forge := memory.New(memory.Options{Clock: func() time.Time { return now }})
	forge.Intercept(func(c memory.Call) memory.Fate {
		if c.Port == "Commit" {
			return memory.LostAnswer
		}
		return memory.Served
	})
	ctx := context.Background()
	made, err := forge.Commit(ctx, rollout.Transaction{
		Ledger: rollout.Head{Branch: "rollout/ledger"},
		Draft:  rollout.Draft{Message: "init\n", Files: map[string][]byte{"state.json": []byte("{}\n")}},
	})
	fmt.Println(err)
	seen, err := forge.Observe(ctx, rollout.Query{Ledger: "rollout/ledger"})
	fmt.Println(seen.Ledger == made, err)
	// Output:
	// no clear answer: answer lost
	// true <nil>
}
