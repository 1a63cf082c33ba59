package report

import (
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/monosense/k8s-ops/rollout"
)

// A Tone is what a text is to whoever reads it. What it says, the words say as well.
type Tone string

// The tones of states.
const (
	// Good is as it should be, Patient needs time or somebody's word, and Bad needs
	// somebody.
	Good    Tone = "good"
	Patient Tone = "patient"
	Bad     Tone = "bad"

	usual  Tone = ""
	strong Tone = "strong"
	faint  Tone = "faint"
)

// strokes use the terminal's own sixteen colours, which whoever sits there has chosen
// to be readable.
var strokes = map[Tone]lipgloss.Style{
	usual:   lipgloss.NewStyle(),
	strong:  lipgloss.NewStyle().Bold(true),
	faint:   lipgloss.NewStyle().Faint(true),
	Good:    lipgloss.NewStyle().Foreground(lipgloss.Green),
	Patient: lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	Bad:     lipgloss.NewStyle().Foreground(lipgloss.Red),
}

func crayon(t Tone, text string) string { return strokes[t].Render(text) }

// tones are those of the words that a state begins with.
var tones = map[string]Tone{
	words(rollout.Promotable): Good, "ready": Good, "healthy": Good,

	words(rollout.Soaking): Patient, words(rollout.Held): Patient, words(rollout.Closed): Patient,
	words(rollout.Unobserved): Patient, words(rollout.Unproven): Patient, "source suspended": Patient, away: Patient,

	words(rollout.Tainted): Bad, words(rollout.Unhealthy): Bad, words(rollout.NotFastForward): Bad, words(rollout.Unexercised): Bad,
	"suspended": Patient, "working": Patient, "not ready": Bad,

	noAnswer: Bad, noSource: Bad, "source not ready": Bad,
}

// toneOf is the tone of a state, which may say more than one word of it.
func toneOf(state string) Tone {
	first := strings.ToLower(state)
	if end := strings.IndexAny(first, ",;"); end >= 0 {
		first = first[:end]
	}
	if before, _, found := strings.Cut(first, " until "); found {
		first = before
	}
	return tones[strings.TrimLeft(first, "0123456789 ")] // 2 not ready
}
