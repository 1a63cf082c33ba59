package report

import (
	"fmt"
	"io"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Watchdog says what the watchdog saw.
func Watchdog(w rollout.Watchdog) Document {
	var d Document
	if len(w.Alarms) == 0 {
		d.Heading("all is well")
	}
	for _, a := range w.Alarms {
		d.Heading("%s", alarm(a))
		for _, way := range a.Ways {
			d.Line("→ %s", rollout.OneLine(way, longestLine))
		}
	}
	for _, note := range w.Notes {
		d.Fact("Note", "%s", note)
	}
	return d
}

// alarm is an alarm on one line.
func alarm(a rollout.Alarm) string {
	text := fmt.Sprintf("%s: %s", a.Kind, rollout.OneLine(a.What, longestLine))
	if a.Stage != "" {
		text = a.Stage + ": " + text
	}
	return text
}

// The JSON of `release:watchdog`.
type (
	// WatchdogJSON is what the watchdog saw.
	WatchdogJSON struct {
		At     time.Time   `json:"at"`
		Alarms []AlarmJSON `json:"alarms"`
		// Notes are what cannot be known here.
		Notes []string `json:"notes"`
	}
	// AlarmJSON is one thing that somebody has to look at.
	AlarmJSON struct {
		Kind rollout.AlarmKind `json:"kind"`
		// Stage is left out where all are meant.
		Stage string `json:"stage,omitempty"`
		What  string `json:"what"`
		// Ways are what can be done.
		Ways     []string    `json:"ways"`
		Revision rollout.SHA `json:"revision,omitempty"`
	}
)

// WriteWatchdogJSON writes what the watchdog saw as [WatchdogJSON].
func WriteWatchdogJSON(out io.Writer, w rollout.Watchdog) error {
	all := WatchdogJSON{At: w.At.UTC().Truncate(time.Second), Alarms: []AlarmJSON{}, Notes: append([]string{}, w.Notes...)}
	for _, a := range w.Alarms {
		all.Alarms = append(all.Alarms, AlarmJSON{Kind: a.Kind, Stage: a.Stage, What: a.What, Ways: append([]string{}, a.Ways...), Revision: a.Revision})
	}
	return write(out, all)
}
