package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/monosense/k8s-ops/rollout"
)

// widest is how many columns the line takes at the most. What mage says at an
// interrupt has one more, and is written without asking: it covers the line.
const widest = 62

// A bar is so many columns wide, where there is room.
const (
	leastBar = 4
	mostBar  = 20
)

// Ink draws a bar in a colour, which whoever sits at the terminal has chosen to be
// readable.
func Ink(bar string) string { return ansi.NewStyle().ForegroundColor(ansi.Green).Styled(bar) }

// live is the line on a terminal: what is done, how far it is, and for how long it has
// been done.
func live(phase *rollout.Phase, lasted time.Duration, o Options) string {
	// In the last column, some terminals go on to the next line.
	columns := min(o.Columns()-1, widest)
	done, _ := phase.Done()
	head, tail := what(phase), counts(phase)+", "+rollout.FormatDuration(lasted.Truncate(time.Second))
	room := min(columns-ansi.StringWidth(head+tail)-2, mostBar)
	if phase.Total <= 0 || room < leastBar {
		return ansi.Truncate(text(phase, lasted), max(columns, 0), "…")
	}
	bar := bar(done, phase.Total, room)
	if o.Ink != nil {
		bar = o.Ink(bar)
	}
	return head + " " + bar + " " + tail
}

// text is the same in words.
func text(phase *rollout.Phase, lasted time.Duration) string {
	line := what(phase)
	if counted := counts(phase); counted != "" {
		line += ": " + counted
	}
	return line + ", " + rollout.FormatDuration(lasted.Truncate(time.Second))
}

// longestWhat is how many characters are read of what is done.
const longestWhat = 100

func what(phase *rollout.Phase) string { return rollout.Printable(phase.What, longestWhat) }

// counts are how far it is. They are empty where nothing is counted, or nothing has
// come yet.
func counts(phase *rollout.Phase) string {
	done, pieces := phase.Done()
	var all []string
	switch {
	case phase.Total > 0:
		all = append(all, fmt.Sprintf("%d of %d %s", done, phase.Total, phase.Parts))
	case done > 0:
		all = append(all, fmt.Sprintf("%d %s", done, phase.Parts))
	}
	if pieces > 0 {
		all = append(all, fmt.Sprintf("%d %s", pieces, phase.Pieces))
	}
	return strings.Join(all, ", ")
}

// bar is full to the part that is done. It is not full before all is.
func bar(done, total, columns int) string {
	full := min(done, total) * columns / total
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}
