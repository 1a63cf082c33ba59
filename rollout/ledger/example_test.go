package ledger_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// An entry becomes a commit's message, and the state its tree.
func ExampleLedger() {
	draft, err := ledger.Ledger{}.Draft(rollout.Entry{
		Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", By: "ada", Commits: 1,
		From: "1111111111111111111111111111111111111111",
		To:   "2222222222222222222222222222222222222222",
		At:   time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
	}, rollout.State{})
	if err != nil {
		fmt.Println(err)
		return
	}
	subject, _, _ := strings.Cut(draft.Message, "\n")
	fmt.Println(subject)
	fmt.Print(string(draft.Files[ledger.StateFile]))

	record := ledger.Ledger{}.Record(rollout.LedgerCommit{Message: draft.Message})
	fmt.Println(record.Kind, "by", record.By, "at", rollout.FormatTime(record.At))
	// Output:
	// promotion: apps to 2222222
	// {
	//   "version": 1
	// }
	// promotion by ada at 2026-03-02 08:00 UTC
}
