package rollout_test

import (
	"context"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// On a main that is busy, each revision's soak counts from its own arrival:
// the newest that has soaked goes out, and those after it wait.
func ExampleDecide() {
	const released, soaked, fresh = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222", "3333333333333333333333333333333333333333"
	now := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	decision := rollout.Decide(now, rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}, rollout.Snapshot{
		At:       now,
		Upstream: rollout.Head{Branch: "main", SHA: fresh},
		Target:   rollout.Head{Branch: "release", SHA: released},
		Pending: []rollout.Commit{
			{SHA: fresh, Parents: []rollout.SHA{soaked}},
			{SHA: soaked, Parents: []rollout.SHA{released}},
		},
		PushLog: true,
		Movements: []rollout.Movement{
			{Before: soaked, After: fresh, At: now.Add(-time.Hour)},
			{Before: released, After: soaked, At: now.Add(-25 * time.Hour)},
		},
	})
	fmt.Println(decision.Action, decision.Revision.SHA.Short())
	for _, v := range decision.Verdicts {
		fmt.Println(v.Revision.SHA.Short(), v.Outcome, v.Reason())
	}
	// Output:
	// promote 2222222
	// 3333333 soaking it arrived 2026-03-03 09:00 UTC and soaks 24h, until 2026-03-04 09:00 UTC
	// 2222222 promotable it arrived 2026-03-02 09:00 UTC and has soaked 25h of the 24h that apps asks for
}

// An override takes what has not soaked, and says so.
func ExampleDecideOverride() {
	const released, fresh = "1111111111111111111111111111111111111111", "3333333333333333333333333333333333333333"
	now := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	decision, err := rollout.DecideOverride(now, rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}, rollout.Snapshot{
		At:        now,
		Upstream:  rollout.Head{Branch: "main", SHA: fresh},
		Target:    rollout.Head{Branch: "release", SHA: released},
		Pending:   []rollout.Commit{{SHA: fresh, Parents: []rollout.SHA{released}}},
		PushLog:   true,
		Movements: []rollout.Movement{{Before: released, After: fresh, At: now.Add(-time.Hour)}},
	}, rollout.OverrideRequest{Revision: "3333333"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(decision.Action, decision.Revision.SHA.Short())
	for _, u := range decision.Unsoaked {
		fmt.Println(u.Commit.Short(), "has", rollout.FormatDuration(u.Remaining), "of its soak left")
	}
	// Output:
	// promote 3333333
	// 3333333 has 23h of its soak left
}

// An engine observes, decides and commits. Running it twice is harmless.
func ExampleEngine_Promote() {
	forge := exampleForge() // rollout/github or rollout/gitrepo
	engine := rollout.Engine{
		Plan: rollout.Plan{
			Ledger: "rollout/ledger",
			Stages: []rollout.Stage{
				{Name: "infra", Branch: "main"},
				{Name: "apps", Branch: "release", Soak: 24 * time.Hour},
			},
		},
		Remote: forge, History: forge, Ledger: ledger.Ledger{},
	}
	stage, err := engine.Plan.Stage("apps")
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		receipt, err := engine.Promote(context.Background(), stage)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(receipt.Decision.Action)
		if receipt.Entry != nil {
			fmt.Println("recorded:", receipt.Entry.Kind, "of", receipt.Entry.Stage, "to", receipt.Entry.To.Short())
		}
	}
	// Output:
	// promote
	// recorded: promotion of apps to 4200000
	// nothing
}

// exampleForge is a forge where B arrived on main 24 hours ago.
func exampleForge() *remote {
	r := &remote{world: newWorld(), now: hour(25), pushLog: true}
	for branch := range map[string]bool{"main": true, "release": true} {
		r.branches[branch] = sha("A")
	}
	r.commit("A")
	r.push("main", 1, "B")
	draft, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: epoch}, rollout.State{})
	if err != nil {
		panic(err)
	}
	r.append(draft)
	return r
}

func ExampleParseSHA() {
	sha, err := rollout.ParseSHA("1A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4D")
	fmt.Println(sha.Short(), err)
	_, err = rollout.ParseSHA("main")
	fmt.Println(err)
	// Output:
	// 1a2b3c4 <nil>
	// "main" is not a commit: expected 40 hexadecimal digits
}

func ExampleFormatDuration() {
	fmt.Println(rollout.FormatDuration(23*time.Hour + 59*time.Minute + 30*time.Second))
	fmt.Println(rollout.FormatDuration(74 * time.Hour))
	// Output:
	// 23h 59m
	// 3d 2h
}
