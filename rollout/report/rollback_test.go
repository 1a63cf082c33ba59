package report_test

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// rolling is a rollback of two commits, with something set.
func rolling(with func(*rollout.Rollback)) rollout.Rollback {
	file := func(digit int) rollout.File { return rollout.File{Mode: "100644", Blob: sha(digit)} }
	s := line()
	b := rollout.Rollback{
		Stage: apps, Snapshot: s, First: s.Upstream, From: sha(3), To: sha(1),
		Promotion: rollout.Record{Commit: sha(9), Entry: rollout.Entry{Kind: rollout.EntryPromotion, At: in(-2), By: "Ada"}},
		Bad:       line(30, 3).Pending,
		Restores:  []rollout.FileChange{{Path: "apps/mail.yaml", File: file(4)}, {Path: "apps/new.yaml"}},
		Work:      rollout.Work{Branch: "rollout/rollback/apps/3a1b2c3d4e3a-1a1b2c3d4e1a", Head: sha(13)},
	}
	with(&b)
	return b
}

func TestRollbackDocuments(t *testing.T) {
	request := rollout.RollbackRequest{Reason: "it loses mails; ask 'Ada'"}
	dry := request
	dry.DryRun = true
	file := rollout.File{Mode: "100644", Blob: sha(4)}
	for name, d := range map[string]report.Document{
		"rollback-preview": report.Rollback(rolling(func(b *rollout.Rollback) { b.Head, b.Taints = "", []rollout.SHA{sha(3)} }), dry),
		"rollback": report.Rollback(rolling(func(b *rollout.Rollback) {
			b.Begun, b.Proposed, b.Recorded = true, true, sha(14)
			b.Proposal = rollout.Proposal{Number: 7, URL: "https://github.com/monosense/k8s-ops/pull/7", State: rollout.ProposalOpen}
		}), request),
		"rollback-commands": report.Rollback(rolling(func(b *rollout.Rollback) {
			b.Promotion.By, b.Promotion.Kind = "", rollout.EntryOverride
			b.Commands = []string{"git fetch origin && git switch main", "git push origin main"}
			b.Conflicts = []rollout.Difference{{Path: "a"}}
		}), request),
		"rollback-conflicts": report.Rollback(rolling(func(b *rollout.Rollback) {
			b.Head = ""
			b.Conflicts = []rollout.Difference{
				{Path: evil, Before: file, Now: file}, {Path: "apps/gone.yaml", Before: file, After: file}, {Path: "apps/new.yaml", Now: file},
			}
		}), request),
		"rollback-nothing": report.Rollback(rolling(func(b *rollout.Rollback) { b.Head, b.Restores = "", nil }), request),
		"rollback-merged": report.Rollback(rolling(func(b *rollout.Rollback) {
			r := overridden(t, line(30, 3), "")
			r.Decision.Through = []rollout.Hold{adaHolds}
			b.Merged, b.Override = sha(3), &r
		}), request),
		"rollback-waits": report.Rollback(rolling(func(b *rollout.Rollback) {
			b.Merged, b.Waits = sha(3), "main has it, and release not yet: promote it there first"
		}), request),
	} {
		t.Run(name, func(t *testing.T) { drawn(t, name, d) })
	}
}
