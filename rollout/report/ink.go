package report

import (
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/monosense/k8s-ops/rollout"
)

// A tone is what a text is to whoever reads it. What it says, the words say as well.
type tone uint8

const (
	usual tone = iota
	strong
	faint
	good
	patient
	bad
)

// strokes use the terminal's own sixteen colours, which whoever sits there has chosen
// to be readable.
var strokes = map[tone]lipgloss.Style{
	usual:   lipgloss.NewStyle(),
	strong:  lipgloss.NewStyle().Bold(true),
	faint:   lipgloss.NewStyle().Faint(true),
	good:    lipgloss.NewStyle().Foreground(lipgloss.Green),
	patient: lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	bad:     lipgloss.NewStyle().Foreground(lipgloss.Red),
}

func crayon(t tone, text string) string { return strokes[t].Render(text) }

// tones are those of the words that a state begins with.
var tones = map[string]tone{
	words(rollout.Promotable): good, "ready": good, "healthy": good,

	words(rollout.Soaking): patient, words(rollout.Held): patient, words(rollout.Closed): patient,
	words(rollout.Unobserved): patient, words(rollout.Unproven): patient, "source suspended": patient, away: patient,

	words(rollout.Tainted): bad, words(rollout.Unhealthy): bad, words(rollout.NotFastForward): bad, words(rollout.Unexercised): bad,
	noAnswer: bad, noSource: bad, "source not ready": bad,
}

// toneOf is the tone of a state, which may say more than one word of it.
func toneOf(state string) tone {
	first := strings.ToLower(state)
	if end := strings.IndexAny(first, ",;"); end >= 0 {
		first = first[:end]
	}
	if before, _, found := strings.Cut(first, " until "); found {
		first = before
	}
	return tones[first]
}
