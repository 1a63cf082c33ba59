// Package report says in words and tables what the rollout knows and does.
//
// # Model
//
// Whatever there is to say becomes a [Document] once, and a document is drawn
// for a terminal or as Markdown. JSON has types of its own, which are part of
// the interface: fields are added, never renamed.
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
// Colour, and the width of the terminal.
package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// rowsShown is how many rows of a table are shown: the newest, and the oldest,
// which go out first.
const rowsShown = 20

// subjectShown is how many characters of a commit's subject are shown.
const subjectShown = 44

// authorShown is how many characters of an author are shown. With both, a
// table fits a terminal of 100 columns.
const authorShown = 24

// Promotion says what became of a decision.
func Promotion(r rollout.Receipt) Document {
	var d Document
	promoted(&d, r)
	pending(&d, r.Snapshot.At, r.Decision)
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
	pending(&d, r.Snapshot.At, r.Decision)
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
	case rollout.Wait:
		d.Heading("%s: not yet", decision.Stage.Name)
		d.Line("%s", decision.Reason)
	case rollout.Nothing:
		d.Heading("%s: nothing to do", decision.Stage.Name)
		d.Line("%s", decision.Reason)
	case rollout.Diverged:
		d.Heading("%s: diverged", decision.Stage.Name)
		d.Line("%s", decision.Reason)
		goesOut(d, decision.Foreign)
	}
}

// goesOut lists commits, the newest first.
func goesOut(d *Document, commits []rollout.Commit) {
	rows := make([][]string, 0, len(commits))
	for _, c := range commits {
		rows = append(rows, []string{c.SHA.Short(), rollout.Printable(c.Subject(), subjectShown), rollout.Printable(c.Author, authorShown)})
	}
	d.Table([]string{"COMMIT", "SUBJECT", "AUTHOR"}, shorten(rows))
}

// shorten leaves out what is in the middle of a long table.
func shorten(rows [][]string) [][]string {
	if len(rows) <= rowsShown {
		return rows
	}
	left := len(rows) - rowsShown
	gap := make([]string, len(rows[0]))
	gap[0], gap[1] = "…", fmt.Sprintf("and %d more", left)
	return slices.Concat(rows[:rowsShown/2], [][]string{gap}, rows[rowsShown/2+left:])
}

// pending lists what is still to come, and when.
func pending(d *Document, now time.Time, decision rollout.Decision) {
	var left []rollout.Verdict
	for _, v := range decision.Verdicts {
		if v.Outcome != rollout.Promotable {
			left = append(left, v)
		}
	}
	if len(left) == 0 {
		return
	}
	next(d, now, decision)
	rows := make([][]string, 0, len(left))
	for _, v := range left {
		rows = append(rows, []string{
			v.Revision.SHA.Short(), rollout.Printable(v.Revision.Subject(), subjectShown), rollout.Printable(v.Revision.Author, authorShown),
			rollout.FormatTime(v.Revision.Arrival), state(now, v),
		})
	}
	d.Table([]string{"PENDING", "SUBJECT", "AUTHOR", "ARRIVED", "STATE"}, shorten(rows))
}

// next names the next revision that goes out by itself, and when.
func next(d *Document, now time.Time, decision rollout.Decision) {
	if v, ok := Next(decision); ok {
		d.Line("Next: %s at %s, in %s, if nothing else happens.", v.Revision.SHA.Short(), rollout.FormatTime(v.RetryAt), rollout.FormatDuration(v.RetryAt.Sub(now)))
	}
}

// Next is the verdict of the revision that is promoted next by the passing of
// time alone. It is none whose soak has not begun.
func Next(decision rollout.Decision) (rollout.Verdict, bool) {
	var first rollout.Verdict
	for _, v := range decision.Verdicts {
		if !v.RetryAt.IsZero() && v.Revision.Recorded && (first.RetryAt.IsZero() || v.RetryAt.Before(first.RetryAt)) {
			first = v
		}
	}
	return first, !first.RetryAt.IsZero()
}

// state is a verdict in a few words.
func state(now time.Time, v rollout.Verdict) string {
	if v.RetryAt.IsZero() {
		return strings.ReplaceAll(string(v.Outcome), "-", " ")
	}
	return fmt.Sprintf("%s, %s left", v.Outcome, rollout.FormatDuration(v.RetryAt.Sub(now)))
}

// OverridePreview shows what an override would take out before its time.
func OverridePreview(r rollout.Receipt) Document {
	var d Document
	decision := r.Decision
	if decision.Action == rollout.Nothing {
		promoted(&d, r)
		return d
	}
	d.Heading("%s: would override to %s", decision.Stage.Name, decision.Revision.SHA.Short())
	d.Line("%s would move %s → %s, with %s, %s.", decision.Stage.Branch, r.Snapshot.Target.SHA.Short(),
		decision.Revision.SHA.Short(), count(len(decision.GoesOut), "commit"), howMany(len(decision.Unsoaked), len(decision.GoesOut)))
	unsoaked(&d, r)
	return d
}

// howMany of the commits that go out have not soaked.
func howMany(unsoaked, all int) string {
	switch {
	case unsoaked == 0 && all == 1:
		return "which has soaked"
	case unsoaked == 0:
		return "all of which have soaked"
	case all == 1:
		return "which has not soaked"
	case unsoaked == all:
		return "none of which has soaked"
	case unsoaked == 1:
		return "1 of which has not soaked"
	default:
		return fmt.Sprintf("%d of which have not soaked", unsoaked)
	}
}

// unsoaked lists every commit that goes out un-soaked: all of them, since
// somebody is about to answer for them.
func unsoaked(d *Document, r rollout.Receipt) {
	commits := map[rollout.SHA]rollout.Commit{}
	for _, c := range r.Decision.GoesOut {
		commits[c.SHA] = c
	}
	var rows [][]string
	for _, u := range r.Decision.Unsoaked {
		c := commits[u.Commit]
		age := max(0, r.Decision.Stage.Soak-u.Remaining)
		rows = append(rows, []string{
			c.SHA.Short(), rollout.Printable(c.Subject(), subjectShown), rollout.Printable(c.Author, authorShown),
			rollout.FormatDuration(age), rollout.FormatDuration(u.Remaining),
		})
	}
	d.Table([]string{"UN-SOAKED", "SUBJECT", "AUTHOR", "AGE", "SOAK LEFT"}, rows)
}

// Override says what an override did.
func Override(r rollout.Receipt) Document {
	var d Document
	if r.Decision.Action == rollout.Nothing {
		promoted(&d, r)
		return d
	}
	d.Heading("%s: overridden to %s", r.Decision.Stage.Name, r.Decision.Revision.SHA.Short())
	d.Line("%s moved %s → %s, recorded as %s.", r.Decision.Stage.Branch, r.Snapshot.Target.SHA.Short(), r.Decision.Revision.SHA.Short(), r.Commit.Short())
	d.Line("By %s: %s", oneLine(r.Entry.By), oneLine(r.Entry.Reason))
	unsoaked(&d, r)
	return d
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

// Status says where every stage stands.
func Status(s rollout.Status, records int) Document {
	var d Document
	for _, stage := range s.Stages {
		stageStatus(&d, s.At, stage)
	}
	d.Heading("ledger %s", s.Plan.Ledger)
	if len(s.Records) == 0 {
		d.Line("no entries")
	}
	trail(&d, s.Records[:min(records, len(s.Records))])
	return d
}

func stageStatus(d *Document, now time.Time, s rollout.StageStatus) {
	d.Heading("%s: %s %s", s.Stage.Name, s.Stage.Branch, head(now, s))
	switch {
	case s.Err != nil:
		d.Line("%s", s.Err)
	case s.Decision == nil:
		d.Line("takes every change at once")
	case s.Decision.Action == rollout.Promote:
		d.Line("ready: %s", s.Decision.Reason)
		goesOut(d, s.Decision.GoesOut)
		pending(d, now, *s.Decision)
	case s.Decision.Action == rollout.Diverged:
		d.Line("diverged: %s", s.Decision.Reason)
		goesOut(d, s.Decision.Foreign)
		for _, way := range s.Decision.Ways {
			d.Line("→ %s", way)
		}
	default:
		d.Line("%s", s.Decision.Reason)
		pending(d, now, *s.Decision)
	}
}

// head is where a stage's branch stands, and since when.
func head(now time.Time, s rollout.StageStatus) string {
	switch {
	case s.Head.SHA == "" && s.Err != nil && !errors.Is(s.Err, rollout.ErrNoBranch):
		return "was not observed"
	case s.Head.SHA == "":
		return "is missing"
	case s.Since.IsZero():
		return "at " + s.Head.SHA.Short()
	default:
		return fmt.Sprintf("at %s for %s, since %s", s.Head.SHA.Short(), rollout.FormatDuration(now.Sub(s.Since)), rollout.FormatTime(s.Since))
	}
}

// History is the audit trail.
func History(records []rollout.Record) Document {
	var d Document
	if len(records) == 0 {
		d.Line("no entries")
	}
	trail(&d, records)
	return d
}

func trail(d *Document, records []rollout.Record) {
	rows := make([][]string, len(records))
	for i, r := range records {
		if r.Damaged != "" {
			rows[i] = []string{"?", "damaged", "", r.Commit.Short(), "", r.Damaged}
			continue
		}
		rows[i] = []string{rollout.FormatTime(r.At), what(r), r.Stage, move(r), rollout.Printable(r.By, 40), rollout.Printable(oneLine(r.Reason), 160)}
	}
	d.Table([]string{"WHEN", "WHAT", "STAGE", "MOVED", "BY", "WHY"}, rows)
}

// what names an entry, and the gates that it went through.
func what(r rollout.Record) string {
	text := string(r.Kind)
	for _, gate := range r.Skipped {
		text += fmt.Sprintf(" (skipped %s of %d)", gate, len(r.Unsoaked))
	}
	return text
}

func move(r rollout.Record) string {
	switch {
	case r.To == "":
		return ""
	case r.From == "":
		return fmt.Sprintf("%s at %s", r.Branch, r.To.Short())
	default:
		return fmt.Sprintf("%s → %s (%d)", r.From.Short(), r.To.Short(), r.Commits)
	}
}

// Failure is an error as the job's summary shows it.
func Failure(doing string, err error) Document {
	var d Document
	d.Heading("%s failed", doing)
	d.Line("%s", err)
	return d
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
