package report_test

import (
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// TestChanges: the first time everything is said but the ledger, then only what is
// new, and never that time goes by.
func TestChanges(t *testing.T) {
	first := busy()
	golden(t, "changes-first.txt", strings.Join(report.Changes(rollout.Status{}, first), "\n")+"\n")

	later := busy()
	later.At = now.Add(3 * 60e9)
	if lines := report.Changes(first, later); len(lines) > 0 {
		t.Errorf("nothing has changed, and it says %q", lines)
	}

	later.Stages[0].Head.SHA = sha(5)
	later.Stages[1].Clusters[1].Err = nil
	ready := rollout.Decide(now, apps, line(30, 3))
	later.Stages[1].Decision, later.Stages[1].Holds = &ready, nil
	later.Records = append([]rollout.Record{
		{Commit: rollout.SHA(strings.Repeat("d", 40)), Damaged: "it is no entry\x1b[2J"},
		{Commit: rollout.SHA(strings.Repeat("e", 40)), Entry: rollout.Entry{Kind: rollout.EntryResume, At: now, By: "eve\x1b[2J", Reason: evil, Holds: first.Stages[1].Holds}},
	}, later.Records...)
	golden(t, "changes.txt", strings.Join(report.Changes(first, later), "\n")+"\n")
}
