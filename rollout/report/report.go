// Package report says in words and tables what the rollout knows and does.
//
// # Model
//
// Whatever there is to say becomes a [Document] once, and a document is drawn as
// text, on a [Page], or as Markdown. JSON has types of its own, which are part of the
// interface: fields are added, never renamed. The directory schema has their schemas.
//
// # Invariants
//
// Reasons are the decision's own sentences, never written a second time here.
// Text that somebody else wrote, a commit's subject, an author, a reason, can
// neither move a terminal's cursor nor forge a line, a table cell or markup.
//
// # Concurrency
//
// Everything here is a function of its arguments.
//
// # Not handled
//
// What a terminal is that something is drawn for: whoever calls knows its width.
package report

import (
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
)

// subjectShown is how many characters of a commit's subject are shown.
const subjectShown = 44

// authorShown is how many characters of an author are shown. With both, a
// table fits a terminal of 100 columns.
const authorShown = 24

// Promotion says what became of a decision.
func Promotion(r rollout.Receipt) Document {
	var d Document
	promoted(&d, r)
	pending(&d, r.Snapshot.At, r.Decision, rollout.Subjects(r.Decision.Stage, r.Snapshot))
	return d
}

// Preview says what would become of a decision.
func Preview(r rollout.Receipt) Document {
	var d Document
	switch r.Decision.Action {
	case rollout.Promote:
		d.Heading("%s: would be promoted to %s", r.Decision.Stage.Name, r.Decision.Revision.SHA.Short())
		d.Line("%s", r.Decision.Reason)
		goesOut(&d, r.Decision.GoesOut)
	default:
		promoted(&d, r)
	}
	pending(&d, r.Snapshot.At, r.Decision, rollout.Subjects(r.Decision.Stage, r.Snapshot))
	return d
}

func promoted(d *Document, r rollout.Receipt) {
	decision := r.Decision
	switch decision.Action {
	case rollout.Promote:
		d.Heading("%s: promoted to %s", decision.Stage.Name, decision.Revision.SHA.Short())
		d.Line("%s", decision.Reason)
		d.Line("%s moved %s → %s, recorded as %s.", decision.Stage.Branch, r.Snapshot.Target.SHA.Short(), decision.Revision.SHA.Short(), r.Commit.Short())
		goesOut(d, decision.GoesOut)
	case rollout.Diverged:
		d.Heading("%s: %s", decision.Stage.Name, called(decision.Action))
		d.Line("%s", decision.Reason)
		goesOut(d, decision.Foreign)
	default:
		d.Heading("%s: %s", decision.Stage.Name, called(decision.Action))
		standing(d, decision)
	}
}

// Called is an action in a few words, and what it is to whoever reads it.
func Called(action rollout.Action) (string, Tone) {
	switch action {
	case rollout.Wait:
		return "not yet", Patient
	case rollout.Nothing:
		return "nothing to do", Good
	case rollout.Promote:
		return "ready", Good
	default:
		return string(action), Bad
	}
}

func called(action rollout.Action) string {
	text, _ := Called(action)
	return text
}

// goesOut lists commits, the newest first.
func goesOut(d *Document, commits []rollout.Commit) {
	rows := make([][]string, 0, len(commits))
	for _, c := range commits {
		rows = append(rows, []string{c.SHA.Short(), rollout.Printable(c.Subject(), subjectShown), rollout.Printable(c.Author, authorShown)})
	}
	d.LongTable([]string{"COMMIT", "SUBJECT", "AUTHOR"}, rows)
}

// Setup is the table of `release:init`.
func Setup(steps []rollout.Step) Document {
	rows := make([][]string, len(steps))
	for i, s := range steps {
		rows[i] = []string{s.What, s.Found, s.Done}
	}
	var d Document
	d.Table([]string{"WHAT", "FOUND", "DONE"}, rows)
	return d
}

// Written says where a board is, and of how many entries.
func Written(path string, entries int) Document {
	var d Document
	d.Fact("Board", "%s", rollout.Printable(path, 1000))
	d.Fact("Entries", "%d of the ledger", entries)
	return d
}

// Failure is an error as the job's summary shows it.
func Failure(doing string, err error) Document {
	var d Document
	d.Heading("%s failed", doing)
	d.Line("%s", err)
	return d
}

// Count is so many of something.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
