package report

import (
	"github.com/monosense/k8s-ops/rollout"
)

// Absorb says how a stage's foreign commits become part of the first stage's
// history.
func Absorb(a rollout.Absorption) Document {
	var d Document
	if !rift(&d, a.Rift) {
		return d
	}
	if a.Absorbed {
		d.Line("%s has them all: %s can go on when they have come to %s.", a.First.Branch, a.Stage.Branch, a.Snapshot.Upstream.Branch)
		return d
	}
	d.Fact("Carried", "what they change is on %s now, and leaves it with the next promotion, unless %s has it", a.Stage.Name, a.First.Branch)
	d.Fact("Merge", "%s %s, with the files of %s", a.Branch, standsAt(a.Work), a.First.Branch)
	if a.Commands != nil {
		d.Fact("Next", "merge it, by a merge and not by a squash or a rebase, which would lose the parent:")
		for _, command := range a.Commands {
			d.Line("%s", command)
		}
		return d
	}
	proposal(&d, a.Work, a.First.Branch)
	d.Fact("Next", "merge it with a merge commit: a squash or a rebase would lose the parent, and with it what this is for")
	if a.NoMergeCommits {
		d.Fact("But", "the repository allows no merge commits: turn them on in its settings (General, Pull Requests) for as long as it takes")
	}
	return d
}

// standsAt says what there is of a branch to merge.
func standsAt(w rollout.Work) string {
	switch {
	case w.Begun:
		return "begun at " + w.Head.Short()
	case w.Head != "":
		return "is there already, at " + w.Head.Short()
	default:
		return "would be begun"
	}
}

// proposal says what there is of the pull request.
func proposal(d *Document, w rollout.Work, base string) {
	switch p := w.Proposal; {
	case w.Proposed:
		d.Fact("Proposed", "as #%d: %s", p.Number, oneLine(p.URL))
	case p.State == rollout.ProposalOpen:
		d.Fact("Proposed", "already, as #%d: %s", p.Number, oneLine(p.URL))
	default:
		d.Fact("Proposed", "it would be, into %s", base)
	}
}

// rift lists what a stage has that its upstream has not, and is false where that
// is nothing.
func rift(d *Document, r rollout.Rift) bool {
	s := r.Snapshot
	if len(r.Foreign) == 0 {
		d.Heading("%s: nothing to repair", r.Stage.Name)
		d.Line("%s has nothing that %s has not", s.Target.Branch, s.Upstream.Branch)
		return false
	}
	d.Heading("%s: %s has %s that %s has not", r.Stage.Name, s.Target.Branch, Count(len(r.Foreign), "commit"), s.Upstream.Branch)
	rows := make([][]string, 0, len(r.Foreign))
	for _, c := range r.Foreign {
		same := c.Same.Short()
		if same == "" && r.Unknown == "" {
			same = "no"
		} else if same == "" {
			same = "not known"
		}
		rows = append(rows, []string{c.SHA.Short(), rollout.Printable(c.Subject(), subjectShown), rollout.Printable(c.Author, authorShown), same})
	}
	d.LongTable([]string{"COMMIT", "SUBJECT", "AUTHOR", "SAME CHANGE"}, rows)
	if r.Unknown != "" {
		d.Fact("Note", "whether %s makes the same changes is not known: %s", r.First.Branch, oneLine(r.Unknown))
	}
	return true
}

// ResetPreview says what a reset would do.
func ResetPreview(p rollout.Reset) Document {
	var d Document
	rift(&d, p.Rift)
	s := p.Snapshot
	d.Fact("Reset", "%s would move, by force, %s → %s", s.Target.Branch, s.Target.SHA.Short(), p.To.Short())
	d.Fact("Kept", "where it stands, as %s", p.Backup)
	d.Fact("Flux", "the clusters of %s go back to %s: what came after it is undone there, and what was made by it is pruned, where Flux prunes", p.Stage.Name, p.To.Short())
	if back := len(p.Loses) - len(p.Foreign); back > 0 {
		d.Fact("Also lost", "%s of %s, which %s gets again when the policy lets them out", Count(back, "commit"), s.Upstream.Branch, p.Stage.Name)
	}
	if len(p.Gains) > 0 {
		d.Fact("Gets", "%s of %s, whatever is left of their soak:", Count(len(p.Gains), "commit"), s.Upstream.Branch)
		goesOut(&d, p.Gains)
	}
	return d
}

// Reset says what a reset did.
func Reset(r rollout.Receipt) Document {
	var d Document
	e := *r.Entry
	d.Heading("%s: reset to %s", e.Stage, e.To.Short())
	d.Line("%s moved, by force, %s → %s, recorded as %s.", e.Branch, e.From.Short(), e.To.Short(), r.Commit.Short())
	d.Fact("By", "%s", rollout.Printable(e.By, 60))
	d.Fact("Why", "%s", oneLine(e.Reason))
	d.Fact("Kept", "where it stood, as %s; delete it when nobody wants it any more: git push origin --delete %s", e.Backup, rollout.Quote(e.Backup))
	return d
}
