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
	//   PENDING  SUBJECT        AUTHOR  ARRIVED               STATE
	//   2222222  feat: a thing  Ada     2026-03-02 14:00 UTC  soaking, 4h left
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
