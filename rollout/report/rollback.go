package report

import (
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// Rollback says what there is of a rollback, and what comes next.
func Rollback(b rollout.Rollback, request rollout.RollbackRequest) Document {
	var d Document
	would, does := "", "rolling"
	if request.DryRun {
		would, does = "would be: ", "would roll"
	}
	d.Heading("%s: %s back from %s to %s", b.Stage.Name, does, b.From.Short(), b.To.Short())
	e := b.Promotion
	d.Line("It came to %s by the %s of %s, %s. What is taken back: %s.", b.From.Short(), e.Kind, rollout.FormatTime(e.At), by(e.By), Count(len(b.Bad), "commit"))
	goesOut(&d, b.Bad)
	tainted(&d, b, would)
	if b.Merged != "" {
		offered(&d, b, request)
		return d
	}
	if b.Head == "" && len(b.Conflicts) > 0 {
		conflicts(&d, b)
		return d
	}
	if b.Head == "" && len(b.Restores) == 0 {
		d.Fact("Restores", "nothing: %s has all files as they were. Override to what it has: mage release:override", b.First.Branch)
		return d
	}
	d.Fact("Restores", "%s of %s, as %s has them", Count(len(b.Restores), "file"), b.First.Branch, b.To.Short())
	d.Fact("Commit", "%s %s", b.Branch, standsAt(b.Work))
	if b.Commands != nil {
		d.Fact("Next", "merge it, and run the same command again:")
		for _, command := range b.Commands {
			d.Line("%s", command)
		}
	} else {
		proposal(&d, b.Work, b.First.Branch)
		d.Fact("Next", "merge it, and run the same command again: it says how it goes out at once")
	}
	if len(b.Conflicts) > 0 {
		d.Fact("But", "%s has changed %s of them since the commit was made: the merge will conflict, and what is there has to be looked at", b.First.Branch, Count(len(b.Conflicts), "file"))
	}
	files(&d, b.Restores)
	return d
}

func by(name string) string {
	if name == "" {
		return "by nobody that is known"
	}
	return "by " + rollout.Printable(name, 40)
}

// tainted says which of the commits are kept from later stages.
func tainted(d *Document, b rollout.Rollback, would string) {
	switch {
	case len(b.Taints) == 0:
		d.Fact("Tainted", "nothing: no later stage waits for any of them")
	default:
		d.Fact("Tainted", "%s%s, which a later stage waits for", would, Count(len(b.Taints), "commit"))
	}
	if b.Recorded != "" {
		d.Fact("Recorded", "as %s", b.Recorded.Short())
	}
}

// conflicts lists the files of which nobody knows what becomes of them.
func conflicts(d *Document, b rollout.Rollback) {
	d.Fact("Restores", "nothing: %s has changed %s since, and nobody guesses what becomes of them", b.First.Branch, Count(len(b.Conflicts), "file"))
	d.Fact("Next", "revert by hand, on a branch of %s, and mend what conflicts (a merge commit alone, with -m 1). What Git writes says what it reverts:", b.First.Branch)
	d.Line("git revert %s..%s", b.To.Short(), b.From.Short())
	rows := make([][]string, 0, len(b.Conflicts))
	for _, c := range b.Conflicts {
		rows = append(rows, []string{rollout.Printable(c.Path, 100), instead(c, b)})
	}
	d.LongTable([]string{"CONFLICT", "WHAT"}, rows)
}

// instead is what happened to a file since.
func instead(c rollout.Difference, b rollout.Rollback) string {
	switch {
	case c.Now == rollout.File{}:
		return b.First.Branch + " has removed it"
	case c.Before == rollout.File{}:
		return fmt.Sprintf("%s has not got it, and %s has changed it", b.To.Short(), b.First.Branch)
	default:
		return b.First.Branch + " has changed it"
	}
}

// files lists what is put back.
func files(d *Document, changes []rollout.FileChange) {
	rows := make([][]string, 0, len(changes))
	for _, change := range changes {
		what := "as it was"
		if (change.File == rollout.File{}) {
			what = "removed"
		}
		rows = append(rows, []string{rollout.Printable(change.Path, 100), what})
	}
	d.LongTable([]string{"FILE", "RESTORED"}, rows)
}

// offered says how what is merged goes out.
func offered(d *Document, b rollout.Rollback, request rollout.RollbackRequest) {
	d.Fact("Merged", "%s has it, as %s", b.First.Branch, b.Merged.Short())
	if b.Override == nil {
		d.Fact("Next", "%s", oneLine(b.Waits))
		return
	}
	if len(b.Override.Decision.Skipped) == 0 {
		d.Fact("Next", "nothing keeps it: it goes out at the next run of release:promote, or now:")
		d.Line("mage release:promote -stage=%s", b.Stage.Name)
		d.Line("What goes out:")
		goesOut(d, b.Override.Decision.GoesOut)
		return
	}
	through := ""
	if len(b.Override.Decision.Through) > 0 {
		through = " -throughHold"
	}
	d.Fact("Next", "send it out now, with all that is listed below:")
	d.Line("mage release:override -stage=%s -sha=%s%s -reason=%s", b.Stage.Name, b.Merged.Short(), through, rollout.Quote(rollout.OneLine(request.Reason, 200)))
	d.blocks = append(d.blocks, OverridePreview(*b.Override).blocks...)
}
