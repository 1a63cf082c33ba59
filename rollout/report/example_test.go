package report_test

import (
	"fmt"
	"os"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A document says what a promotion came to: here that it is too early.
func ExamplePromotion() {
	const released, fresh = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	now := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	snapshot := rollout.Snapshot{
		At:        now,
		Upstream:  rollout.Head{Branch: "main", SHA: fresh},
		Target:    rollout.Head{Branch: "release", SHA: released},
		Pending:   []rollout.Commit{{SHA: fresh, Parents: []rollout.SHA{released}, Author: "Ada", Message: "feat: a thing"}},
		PushLog:   true,
		Movements: []rollout.Movement{{Before: released, After: fresh, At: now.Add(-20 * time.Hour)}},
	}
	stage := rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}
	document := report.Promotion(rollout.Receipt{Decision: rollout.Decide(now, stage, snapshot), Snapshot: snapshot})
	if err := document.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// apps: not yet
	//   the one pending revision is soaking: it arrived 2026-03-02 14:00 UTC and soaks 24h, until 2026-03-03 14:00 UTC
	//   Next: 2222222 at 2026-03-03 14:00 UTC, in 4h, if nothing else happens.
	//   PENDING  SUBJECT        AUTHOR  ARRIVED               SOAKED          STATE             EARLIEST              IS IN
	//   2222222  feat: a thing  Ada     2026-03-02 14:00 UTC  ████████░░ 83%  soaking, 4h left  2026-03-03 14:00 UTC
}

// A document can be built by hand, and be drawn as Markdown. What is said in
// it cannot become markup.
func ExampleDocument() {
	var d report.Document
	d.Heading("apps: %s", "nothing to do")
	d.Line("release has everything that %s has", "main")
	d.Table([]string{"COMMIT", "SUBJECT"}, [][]string{{"1a2b3c4", "a | b <script>"}})
	if err := d.WriteMarkdown(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ### apps: nothing to do
	//
	// release has everything that main has
	//
	// | COMMIT | SUBJECT |
	// | --- | --- |
	// | 1a2b3c4 | a &#124; b &lt;script&gt; |
}

// An explanation says why something is not out yet: here somebody holds the
// stage for a while.
func ExampleExplain() {
	const released, fresh = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	now := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	snapshot := rollout.Snapshot{
		At:        now,
		Upstream:  rollout.Head{Branch: "main", SHA: fresh},
		Target:    rollout.Head{Branch: "release", SHA: released},
		Pending:   []rollout.Commit{{SHA: fresh, Parents: []rollout.SHA{released}, Author: "Ada", Message: "feat: a thing"}},
		PushLog:   true,
		Movements: []rollout.Movement{{Before: released, After: fresh, At: now.Add(-20 * time.Hour)}},
		State:     rollout.State{Holds: []rollout.Hold{{Stage: "apps", By: "bob", Reason: "incident 42", Until: now.Add(6 * time.Hour)}}},
	}
	stage := rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}
	decision := rollout.Decide(now, stage, snapshot)
	document := report.Explain([]rollout.Explanation{{
		Stage: stage, At: now, Decision: decision,
		Subjects: []rollout.Subject{{Commit: snapshot.Pending[0], Verdict: decision.Verdicts[0]}},
	}})
	if err := document.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// apps: not yet
	//   Next: 2222222 at 2026-03-03 16:00 UTC, in 6h, if nothing else happens.
	//
	// 2222222 feat: a thing (Ada)
	//   Arrived     2026-03-02 14:00 UTC, 20h ago
	//   Soaking     it arrived 2026-03-02 14:00 UTC and soaks 24h, until 2026-03-03 14:00 UTC
	//   Held        bob holds apps until 2026-03-03 16:00 UTC: incident 42
	//   Earliest    2026-03-03 16:00 UTC, in 6h
}

// What an operator said is repeated, with where it is recorded.
func ExampleMarked() {
	document := report.Marked(rollout.Receipt{
		Commit: "3333333333333333333333333333333333333333",
		Entry: &rollout.Entry{
			Kind: rollout.EntryTaint, Commit: "2222222222222222222222222222222222222222", By: "bob", Reason: "it leaks memory",
		},
	})
	if err := document.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2222222: tainted
	//   By          bob
	//   Why         it leaks memory
	//   Recorded    as 3333333
}
