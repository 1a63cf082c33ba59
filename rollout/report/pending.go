package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// standing says why a stage stands where it stands. What keeps it as a whole
// stands in lines of its own.
func standing(d *Document, decision rollout.Decision) {
	if reason := decision.PendingReason(); reason != "" && !severalOfOne(decision) {
		d.Line("%s", reason)
	}
	for _, b := range decision.Blocks {
		d.Fact(title(b.Outcome), "%s", blocked(b))
	}
}

// severalOfOne tells whether one revision is pending and several things keep it
// in: a sentence that names them all is hard to read.
func severalOfOne(decision rollout.Decision) bool {
	return len(decision.Verdicts) == 1 && len(decision.Verdicts[0].Blocks) > 1
}

// title is an outcome at the beginning of a line.
func title(o rollout.Outcome) string {
	return strings.ToUpper(string(o[:1])) + words(o[1:])
}

// words is an outcome as people read it.
func words(o rollout.Outcome) string { return strings.ReplaceAll(string(o), "-", " ") }

// pending lists what is still to come, when, what is wrong with it, and what
// contains it. Subjects are all that is pending.
func pending(d *Document, now time.Time, decision rollout.Decision, subjects []rollout.Subject) {
	reasons(d, decision)
	next(d, now, decision)
	complaints(d, decision)
	exposed(d, decision.Exposure)
	knownBad(d, decision)
	out := goingOut(decision)
	columns := pendingColumns(decision.Stage)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.head
	}
	var rows [][]string
	for i, row := range Rows(now, decision, subjects) {
		if v := subjects[i].Verdict; v.Outcome == rollout.Promotable || out[v.Revision.SHA] {
			continue
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.cell(row)
		}
		rows = append(rows, cells)
	}
	d.LongTable(head, rows)
}

// A Row is what is said of a pending revision, on every page alike. Everything in it is
// safe to show on one line.
type Row struct {
	Commit, Subject, Author, Arrived string
	// Soaked is how much of its soak is over, in percent, and empty where nobody can
	// tell.
	Soaked string
	// Health and Exposure are what these gates say of it.
	Health, Exposure string
	// State is what it waits for, Tone what that is to whoever reads it, and Earliest
	// when it can go out, or with what.
	State    string
	Tone     Tone
	Earliest string
	// IsIn is the oldest pending revision that contains it, and how many more do.
	IsIn string
}

// Rows are what is said of pending revisions.
func Rows(now time.Time, decision rollout.Decision, subjects []rollout.Subject) []Row {
	follows := following(decision)
	rows := make([]Row, len(subjects))
	for i, s := range subjects {
		v, waits := s.Verdict, state(now, s.Verdict)
		rows[i] = Row{
			Commit: v.Revision.SHA.Short(), Subject: rollout.Printable(v.Revision.Subject(), subjectShown), Author: rollout.Printable(v.Revision.Author, authorShown),
			Arrived: rollout.FormatTime(v.Revision.Arrival), Soaked: soaked(now, decision.Stage, v),
			Health: passed(v, rollout.GateHealth, "healthy"), Exposure: passed(v, rollout.GateExposure, ""),
			State: waits, Tone: toneOf(waits), Earliest: leaves(v, follows), IsIn: names(s.In[:min(1, len(s.In))], s.Containers),
		}
	}
	return rows
}

// A pendingColumn says one thing of what is pending.
type pendingColumn struct {
	head string
	cell func(Row) string
}

// pendingColumns has columns for gates only where the plan has the gates.
func pendingColumns(stage rollout.Stage) []pendingColumn {
	columns := []pendingColumn{
		{"PENDING", func(r Row) string { return r.Commit }},
		{"SUBJECT", func(r Row) string { return r.Subject }},
		{"AUTHOR", func(r Row) string { return r.Author }},
		{"ARRIVED", func(r Row) string { return r.Arrived }},
		{soakedColumn, func(r Row) string { return r.Soaked }},
	}
	if len(stage.Health.Required) > 0 {
		columns = append(columns, pendingColumn{"HEALTH", func(r Row) string { return r.Health }})
	}
	if stage.Exposure == rollout.ExposureRequired {
		columns = append(columns, pendingColumn{"EXPOSURE", func(r Row) string { return r.Exposure }})
	}
	return append(columns, []pendingColumn{
		{stateColumn, func(r Row) string { return r.State }},
		{"EARLIEST", func(r Row) string { return r.Earliest }},
		{"IS IN", func(r Row) string { return r.IsIn }},
	}...)
}

// passed is what a gate says of a revision, which may be that it lets it through.
func passed(v rollout.Verdict, gate rollout.Gate, through string) string {
	for _, b := range v.Blocks {
		if b.Gate == gate {
			return words(b.Outcome)
		}
	}
	return through
}

// leaves is when a revision can go out by itself, or else with which newer one.
func leaves(v rollout.Verdict, follows func(rollout.SHA) bool) string {
	switch {
	case !v.RetryAt.IsZero() && follows(v.Revision.SHA):
		return rollout.FormatTime(v.RetryAt)
	case v.Unblocks != "":
		return "with " + v.Unblocks.Short()
	default:
		return "not by itself"
	}
}

// goingOut are the commits that no longer wait once the decision is carried
// out.
func goingOut(decision rollout.Decision) map[rollout.SHA]bool {
	out := make(map[rollout.SHA]bool, len(decision.GoesOut))
	for _, c := range decision.GoesOut {
		out[c.SHA] = true
	}
	return out
}

// complaints are about what could not be used as it was meant.
func complaints(d *Document, decision rollout.Decision) {
	for _, c := range decision.Complaints {
		d.Fact("Note", "%s", c)
	}
}

// knownBad lists what does not go out without its revert.
func knownBad(d *Document, decision rollout.Decision) {
	var rows [][]string
	out := goingOut(decision)
	for _, t := range decision.Taints {
		if out[t.Commit.SHA] {
			continue
		}
		by := rollout.Printable(t.By, authorShown)
		if t.Revert != "" {
			by = fmt.Sprintf("%s (%s)", t.Revert.Short(), by)
		}
		rows = append(rows, []string{
			t.Commit.SHA.Short(), rollout.Printable(t.Commit.Subject(), subjectShown), by, badSince(decision, t), rollout.OneLine(t.Reason, subjectShown),
		})
	}
	d.LongTable([]string{"KNOWN BAD", "SUBJECT", "BY", "SINCE", "WHY"}, rows)
}

// badSince is since when a commit is known to be bad: when an operator said so,
// or its revert arrived. Nothing says when one did that is still ahead.
func badSince(decision rollout.Decision, t rollout.Taint) string {
	if !t.At.IsZero() {
		return rollout.FormatTime(t.At)
	}
	for _, v := range decision.Verdicts {
		for _, c := range v.Revision.Brings {
			if c.SHA == t.Revert && v.Revision.Recorded {
				return rollout.FormatTime(v.Revision.Arrival)
			}
		}
	}
	return ""
}

// standingTaints lists what operators tainted, pending or not: what nobody has
// merged yet shows nowhere else.
func standingTaints(d *Document, s rollout.Status) {
	if len(s.Taints) == 0 {
		return
	}
	d.Heading("tainted by operators")
	rows := make([][]string, len(s.Taints))
	for i, m := range s.Taints {
		rows[i] = []string{
			m.Commit.Short(), waitsFor(s, m.Commit), rollout.Printable(m.By, authorShown), rollout.FormatTime(m.At), rollout.OneLine(m.Reason, 2*subjectShown),
		}
	}
	d.LongTable([]string{"COMMIT", "WAITS FOR", "BY", "SINCE", "WHY"}, rows)
}

// waitsFor names the stages for which a commit is pending.
func waitsFor(s rollout.Status, commit rollout.SHA) string {
	var stages []string
	for _, stage := range s.Stages {
		if stage.Decision != nil && slices.ContainsFunc(stage.Decision.Taints, func(t rollout.Taint) bool { return t.Commit.SHA == commit }) {
			stages = append(stages, stage.Stage.Name)
		}
	}
	if len(stages) == 0 {
		return "no stage"
	}
	return strings.Join(stages, ", ")
}

// next names the next revision that goes out by itself, and when.
func next(d *Document, now time.Time, decision rollout.Decision) {
	if v, ok := Next(decision); ok {
		d.Line("Next: %s at %s, in %s, if nothing else happens.", v.Revision.SHA.Short(), d.moment(v.RetryAt), rollout.FormatDuration(v.RetryAt.Sub(now)))
	}
}

// Next is the verdict of the revision that is promoted next by the passing of
// time alone. It is none whose soak has not begun, none that goes out now, and
// none that what goes out now leaves behind.
func Next(decision rollout.Decision) (rollout.Verdict, bool) {
	var first rollout.Verdict
	out := goingOut(decision)
	follows := following(decision)
	for _, v := range decision.Verdicts {
		switch {
		case v.RetryAt.IsZero() || out[v.Revision.SHA] || !follows(v.Revision.SHA) || unbegun(v):
		case first.RetryAt.IsZero() || v.RetryAt.Before(first.RetryAt):
			first = v
		}
	}
	return first, !first.RetryAt.IsZero()
}

// unbegun tells whether a revision waits for a soak that has not begun.
func unbegun(v rollout.Verdict) bool {
	for _, b := range v.Blocks {
		if b.Gate == rollout.GateSoak && !v.Revision.Recorded {
			return true
		}
	}
	return false
}

// following tells of a pending commit whether it contains what is promoted
// now. What does not can't be fast-forwarded to afterwards.
func following(decision rollout.Decision) func(rollout.SHA) bool {
	if decision.Revision == nil {
		return func(rollout.SHA) bool { return true }
	}
	contains := map[rollout.SHA]bool{decision.Revision.SHA: true}
	// From the oldest to the newest: a commit's parents come before it.
	for i := len(decision.Verdicts) - 1; i >= 0; i-- {
		brings := decision.Verdicts[i].Revision.Brings
		for j := len(brings) - 1; j >= 0; j-- {
			for _, parent := range brings[j].Parents {
				if contains[parent] {
					contains[brings[j].SHA] = true
				}
			}
		}
	}
	return func(sha rollout.SHA) bool { return contains[sha] }
}
