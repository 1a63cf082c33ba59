package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// subject is what git log shows of an entry.
func subject(e rollout.Entry) string {
	switch e.Kind {
	case rollout.EntryInit:
		return "init: " + rollout.Printable(e.Reason, 200)
	case rollout.EntryArrival, rollout.EntryDeparture:
		return fmt.Sprintf("%s: %s on %s", e.Kind, e.To.Short(), e.Branch)
	case rollout.EntryResume:
		if e.Suspended != "" {
			return fmt.Sprintf("%s: the source of %s", e.Kind, rollout.Printable(e.Suspended, 100))
		}
		return fmt.Sprintf("%s: %s", e.Kind, scope(e.Stage, e.Until))
	case rollout.EntryHold:
		return fmt.Sprintf("%s: %s%s", e.Kind, scope(e.Stage, e.Until), because(e.Suspended))
	case rollout.EntryTaint, rollout.EntryClear:
		return fmt.Sprintf("%s: %s", e.Kind, e.Commit.Short())
	default:
		return fmt.Sprintf("%s: %s to %s", e.Kind, e.Stage, e.To.Short())
	}
}

// scope is what a hold is about, and until when.
func scope(stage string, until time.Time) string {
	text := "all stages"
	if stage != "" {
		text = rollout.Printable(stage, 100)
	}
	if !until.IsZero() {
		text += " until " + rollout.FormatTime(until)
	}
	return text
}

// because names the cluster because of whose suspended source something is held.
func because(suspended string) string {
	if suspended == "" {
		return ""
	}
	return fmt.Sprintf(" (the source of %s is suspended)", rollout.Printable(suspended, 100))
}

// body is the entry for people. Lines that hold somebody's words are
// indented, so that none of them can begin with the marker.
func body(e rollout.Entry) string {
	var b strings.Builder
	switch {
	case e.Kind == rollout.EntryRollback:
		fmt.Fprintf(&b, "back from %s to %s, %s\n", e.From, e.To, commits(e.Commits))
	case e.From != "":
		fmt.Fprintf(&b, "%s: %s → %s, %s\n", e.Branch, e.From, e.To, commits(e.Commits))
	}
	for _, sha := range e.Tainted {
		fmt.Fprintf(&b, "tainted: %s\n", sha)
	}
	if e.Backup != "" {
		fmt.Fprintf(&b, "backup: %s\n", rollout.Printable(e.Backup, 300))
	}
	if e.Commit != "" {
		fmt.Fprintf(&b, "commit %s\n", e.Commit)
	}
	if e.By != "" {
		fmt.Fprintf(&b, "by %s\n", rollout.Printable(e.By, 200))
	}
	if e.Run != "" {
		fmt.Fprintf(&b, "in %s\n", rollout.Printable(e.Run, 400))
	}
	for _, u := range e.Unsoaked {
		fmt.Fprintf(&b, "un-soaked: %s, %s left\n", u.Commit, rollout.FormatDuration(u.Remaining))
	}
	if e.Kind != rollout.EntryInit {
		quote(&b, e.Reason)
	}
	holds(&b, e)
	if b.Len() == 0 {
		return ""
	}
	return b.String() + "\n"
}

// holds lists what was lifted, or gone through. It comes after the entry's
// own reason, so that each reason stands below whose it is.
func holds(b *strings.Builder, e rollout.Entry) {
	what := "went through"
	if e.Kind == rollout.EntryResume {
		what = "lifted"
	}
	for _, h := range e.Holds {
		fmt.Fprintf(b, "%s: %s%s, by %s since %s\n", what, scope(h.Stage, h.Until), because(h.Suspended), rollout.Printable(h.By, 200), rollout.FormatTime(h.At))
		quote(b, h.Reason)
	}
}

// quote indents somebody's words.
func quote(b *strings.Builder, words string) {
	for line := range strings.Lines(words) {
		fmt.Fprintf(b, "    %s\n", rollout.Printable(strings.TrimRight(line, "\r\n"), 2000))
	}
}

func commits(n int) string {
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}
