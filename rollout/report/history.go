package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

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
		e := Told(r)
		rows[i] = []string{e.When, e.What, e.Stage, e.Moved, e.By, e.Why}
	}
	d.Table([]string{"WHEN", "WHAT", "STAGE", "MOVED", "BY", "WHY"}, rows)
}

// An Entry is what is said of an entry of the ledger, on every page alike. Everything
// in it is safe to show on one line.
type Entry struct{ Kind, When, What, Stage, Moved, By, Why string }

// Told is what is said of an entry.
func Told(r rollout.Record) Entry {
	if r.Damaged != "" {
		return Entry{Kind: "damaged", When: "?", What: "damaged", Moved: r.Commit.Short(), Why: rollout.OneLine(r.Damaged, 300)}
	}
	return Entry{
		Kind: rollout.Printable(string(r.Kind), 40), When: rollout.FormatTime(r.At), What: oneLine(what(r)), Stage: oneLine(concerns(r.Entry)), Moved: oneLine(move(r)),
		By: rollout.Printable(r.By, 40), Why: rollout.OneLine(r.Reason, 160),
	}
}

// what names an entry, the gates that it went through, whose holds were lifted,
// and until when a hold holds.
func what(r rollout.Record) string {
	switch {
	case r.Kind == rollout.EntryHold && r.Suspended != "":
		return fmt.Sprintf("%s (%s is suspended)", r.Kind, oneLine(r.Suspended))
	case r.Kind == rollout.EntryHold && !r.Until.IsZero():
		return fmt.Sprintf("%s until %s", r.Kind, rollout.FormatTime(r.Until))
	case r.Kind == rollout.EntryRollback && len(r.Tainted) > 0:
		return fmt.Sprintf("%s (taints %d)", r.Kind, len(r.Tainted))
	case r.Backup != "":
		return fmt.Sprintf("%s (kept as %s)", r.Kind, oneLine(r.Backup))
	case r.Kind == rollout.EntryResume && len(r.Holds) > 0:
		return fmt.Sprintf("%s (held by %s)", r.Kind, holders(r.Holds))
	case len(r.Skipped) > 0:
		return fmt.Sprintf("%s (skipped %s)", r.Kind, strings.Join(skippedGates(r.Entry), ", "))
	default:
		return string(r.Kind)
	}
}

func skippedGates(e rollout.Entry) []string {
	gates := make([]string, len(e.Skipped))
	for i, gate := range e.Skipped {
		switch {
		case gate == rollout.GateSoak:
			gates[i] = fmt.Sprintf("%s of %d", gate, len(e.Unsoaked))
		case gate == rollout.GateHold && len(e.Holds) > 0:
			gates[i] = fmt.Sprintf("%s of %s", gate, holders(e.Holds))
		default:
			gates[i] = string(gate)
		}
	}
	return gates
}

// holdersShown is how many people are named who hold something.
const holdersShown = 3

// holders names each who holds, once.
func holders(holds []rollout.Hold) string {
	var names []string
	seen := map[string]bool{}
	for _, h := range holds {
		if !seen[h.By] {
			seen[h.By] = true
			names = append(names, rollout.Printable(h.By, authorShown))
		}
	}
	if more := len(names) - holdersShown; more > 0 {
		names = append(names[:holdersShown], fmt.Sprintf("%d more", more))
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// concerns is the stage of an entry. A hold without one is of all stages.
func concerns(e rollout.Entry) string {
	if e.Stage == "" && (e.Kind == rollout.EntryHold || e.Kind == rollout.EntryResume) {
		return "all"
	}
	return e.Stage
}

// move is from where to where a branch moved, or the commit that was tainted or
// cleared.
func move(r rollout.Record) string {
	switch {
	case r.Entry.Commit != "":
		return r.Entry.Commit.Short()
	case r.Kind == rollout.EntryRollback:
		return fmt.Sprintf("%s ← %s (%d)", r.To.Short(), r.From.Short(), r.Commits)
	case r.To == "":
		return ""
	case r.From == "":
		return fmt.Sprintf("%s at %s", r.Branch, r.To.Short())
	default:
		return fmt.Sprintf("%s → %s (%d)", r.From.Short(), r.To.Short(), r.Commits)
	}
}

// Marked says what a hold, a resume, a taint or a clearing did.
func Marked(r rollout.Receipt) Document {
	var d Document
	e := *r.Entry
	switch e.Kind {
	case rollout.EntryHold:
		d.Heading("%s: held", held(e.Stage))
	case rollout.EntryResume:
		d.Heading("%s: %s lifted", lifted(e), Count(len(e.Holds), "hold"))
	case rollout.EntryTaint:
		d.Heading("%s: tainted", e.Commit.Short())
	case rollout.EntryClear:
		d.Heading("%s: %s", e.Commit.Short(), cleared(r))
	}
	d.Fact("By", "%s", rollout.Printable(e.By, 60))
	d.Fact("Why", "%s", oneLine(e.Reason))
	if e.Kind == rollout.EntryHold {
		d.Fact("Until", "%s", until(e))
	}
	d.Fact("Recorded", "as %s", r.Commit.Short())
	if r.Unmerged {
		d.Fact("Note", "no stage has it, and none waits for it; the taint counts if it is ever merged")
	}
	if len(r.Remaining) > 0 {
		d.Fact("Note", "it stays known bad, reverted by %s: run it again to set that aside", names(r.Remaining, len(r.Remaining)))
	}
	for _, revert := range e.Reverts {
		d.Fact("Set aside", "its revert %s; a later one counts", revert.Short())
	}
	if e.Kind == rollout.EntryResume {
		listHolds(&d, "Lifted", e.Holds)
		listHolds(&d, "Still held", r.Snapshot.State.Holds)
	}
	return d
}

// cleared is what a clearing did: a commit whose taint is taken back can still
// be reverted.
func cleared(r rollout.Receipt) string {
	if len(r.Remaining) > 0 {
		return "its taint is taken back"
	}
	return "cleared"
}

// held is what a hold holds.
func held(stage string) string {
	if stage == "" {
		return "all stages"
	}
	return stage
}

// lifted are the stages of which holds were lifted.
func lifted(e rollout.Entry) string {
	if e.Suspended == "" {
		return held(e.Stage)
	}
	var stages []string
	for _, h := range e.Holds {
		if stage := held(h.Stage); !slices.Contains(stages, stage) {
			stages = append(stages, stage)
		}
	}
	return oneLine(strings.Join(stages, ", "))
}

// until is when a hold runs out.
func until(e rollout.Entry) string {
	switch {
	case e.Suspended != "":
		return fmt.Sprintf("the cluster is resumed: mage release:resume -cluster=%s", oneLine(e.Suspended))
	case e.Until.IsZero():
		return "it is lifted: mage release:resume"
	}
	return fmt.Sprintf("%s, for %s", rollout.FormatTime(e.Until), rollout.FormatDuration(e.Until.Sub(e.At)))
}

func listHolds(d *Document, label string, holds []rollout.Hold) {
	for _, h := range holds {
		end := ""
		if !h.Until.IsZero() {
			end = ", until " + rollout.FormatTime(h.Until)
		}
		if h.Suspended != "" {
			end += fmt.Sprintf(", while the source of the cluster %s is suspended", oneLine(h.Suspended))
		}
		d.Fact(label, "%s, by %s, since %s%s: %s", held(h.Stage), rollout.Printable(h.By, 60), rollout.FormatTime(h.At), end, oneLine(h.Reason))
	}
}
