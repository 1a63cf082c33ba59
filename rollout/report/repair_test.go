package report_test

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// rifted is a rift of two commits, one of which main has under another name.
func rifted() rollout.Rift {
	s := diverged()
	return rollout.Rift{
		Stage: apps, Snapshot: s, First: s.Upstream, Common: sha(1),
		Foreign: []rollout.Stray{
			{Commit: rollout.Commit{SHA: sha(12), Message: "Hotfix straight to apps", Author: "Mallory"}},
			{Commit: rollout.Commit{SHA: sha(11), Message: "fix: more memory", Author: "Grace"}, Same: sha(5)},
		},
	}
}

func working(with func(*rollout.Work)) rollout.Work {
	w := rollout.Work{Branch: "rollout/absorb/apps/ca1b2c3d4eca", Head: sha(13)}
	with(&w)
	return w
}

func TestRepairDocuments(t *testing.T) {
	unknown := rifted()
	unknown.Unknown, unknown.Foreign[1].Same = evil, ""
	proposed := rollout.Proposal{Number: 7, URL: "https://github.com/monosense/k8s-ops/pull/7", State: rollout.ProposalOpen}
	reset := rollout.Reset{
		Rift: rifted(), To: sha(1), Backup: "rollout/backup/apps/20260303T100000Z", Reason: "a slip",
		Loses: []rollout.Commit{{SHA: sha(12)}, {SHA: sha(11)}},
	}
	further := reset
	further.Loses = append(further.Loses, rollout.Commit{SHA: sha(1)})
	further.Gains = line(30, 3).Pending
	for name, d := range map[string]report.Document{
		"repair-nothing":  report.Absorb(rollout.Absorption{Rift: rollout.Rift{Stage: apps, Snapshot: line()}}),
		"repair-absorbed": report.Absorb(rollout.Absorption{Rift: rifted(), Absorbed: true}),
		"absorb-preview":  report.Absorb(rollout.Absorption{Rift: rifted(), Work: working(func(w *rollout.Work) { w.Head = "" })}),
		"absorb": report.Absorb(rollout.Absorption{Rift: unknown, NoMergeCommits: true, Work: working(func(w *rollout.Work) {
			w.Begun, w.Proposed, w.Proposal = true, true, proposed
		})}),
		"absorb-again": report.Absorb(rollout.Absorption{Rift: rifted(), Work: working(func(w *rollout.Work) { w.Proposal = proposed })}),
		"absorb-commands": report.Absorb(rollout.Absorption{Rift: rifted(), Work: working(func(w *rollout.Work) {
			w.Begun, w.Commands = true, []string{"git fetch origin && git switch main", "git push origin main"}
		})}),
		"reset-preview":         report.ResetPreview(reset),
		"reset-preview-further": report.ResetPreview(further),
		"reset": report.Reset(rollout.Receipt{Commit: sha(14), Entry: &rollout.Entry{
			Kind: rollout.EntryReset, Stage: "apps", Branch: "release", From: sha(12), To: sha(1), At: now, By: evil, Reason: evil, Commits: 2,
			Backup: "rollout/backup/apps/20260303T100000Z",
		}}),
	} {
		t.Run(name, func(t *testing.T) { drawn(t, name, d) })
	}
}
