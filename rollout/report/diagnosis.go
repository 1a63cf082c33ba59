package report

import (
	"io"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Diagnosis draws what an examination found: a line for each check, and beneath, for
// each that is not fine, what follows and the command that mends it. What stops the
// rollout comes first there.
func Diagnosis(all []rollout.Diagnosis) Document {
	var d Document
	d.Heading("%s", summary(all))
	rows := make([][]string, len(all))
	for i, one := range all {
		rows[i] = []string{levelName(one.Level), examined(one), rollout.OneLine(one.What, whatShown)}
	}
	d.Table([]string{"STATE", "CHECK", "WHAT"}, rows)
	for _, level := range []rollout.Level{rollout.LevelStops, rollout.LevelWarning, rollout.LevelUnknown} {
		for _, one := range all {
			if one.Level == level {
				diagnosed(&d, one)
			}
		}
	}
	return d
}

// whatShown is how much of what was found stands in the table.
const whatShown = 100

// summary counts the diagnoses by level.
func summary(all []rollout.Diagnosis) string {
	n := map[rollout.Level]int{}
	for _, one := range all {
		n[one.Level]++
	}
	var parts []string
	if stops := n[rollout.LevelStops]; stops == 1 {
		parts = append(parts, "1 thing stops the rollout")
	} else if stops > 1 {
		parts = append(parts, Count(stops, "thing")+" stop the rollout")
	}
	if warnings := n[rollout.LevelWarning]; warnings > 0 {
		parts = append(parts, Count(warnings, "warning"))
	}
	if unknown := n[rollout.LevelUnknown]; unknown > 0 {
		parts = append(parts, Count(unknown, "thing")+" not known")
	}
	if len(parts) == 0 {
		return "Everything is fine"
	}
	return strings.Join(parts, ", ")
}

// levelName is a level in words.
func levelName(level rollout.Level) string {
	if level == rollout.LevelUnknown {
		return "not known"
	}
	return string(level)
}

// examined names a check and what it was made of.
func examined(one rollout.Diagnosis) string {
	return strings.TrimSpace(string(one.Check) + " " + rollout.OneLine(one.Of, 60))
}

func diagnosed(d *Document, one rollout.Diagnosis) {
	d.Heading("%s: %s", levelName(one.Level), examined(one))
	d.Fact("What", "%s", one.What)
	for _, detail := range one.Details {
		d.Fact("Also", "%s", detail)
	}
	if one.Why != "" {
		d.Fact("Why", "%s", one.Why)
	}
	if one.Fix != "" {
		d.Command(one.Fix)
	}
}

type (
	// DiagnosisJSON is what `release:doctor` found.
	DiagnosisJSON struct {
		At         time.Time `json:"at"`
		Repository string    `json:"repository,omitempty"`
		// Level is the worst of the checks.
		Level  rollout.Level `json:"level"`
		Checks []CheckJSON   `json:"checks"`
	}
	// CheckJSON is what one check found of one thing.
	CheckJSON struct {
		Check rollout.Check `json:"check"`
		Of    string        `json:"of,omitempty"`
		Level rollout.Level `json:"level"`
		What  string        `json:"what"`
		// Details are sentences beside What, Why what follows, and Fix the command
		// that mends it.
		Details []string `json:"details,omitempty"`
		Why     string   `json:"why,omitempty"`
		Fix     string   `json:"fix,omitempty"`
	}
)

// WriteDiagnosisJSON writes what an examination found as [DiagnosisJSON].
func WriteDiagnosisJSON(w io.Writer, now time.Time, repository string, all []rollout.Diagnosis) error {
	out := DiagnosisJSON{At: now.UTC().Truncate(time.Second), Repository: repository, Level: rollout.Worst(all), Checks: []CheckJSON{}}
	for _, one := range all {
		out.Checks = append(out.Checks, CheckJSON{
			Check: one.Check, Of: one.Of, Level: one.Level, What: one.What, Details: one.Details, Why: one.Why, Fix: one.Fix,
		})
	}
	return write(w, out)
}
