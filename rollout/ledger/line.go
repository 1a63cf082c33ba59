package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A line is an entry as it is written. Durations are words, since a number
// does not say of what.
type line struct {
	rollout.Entry
	// Unsoaked stands in the place of the entry's.
	Unsoaked []unsoaked `json:"unsoaked,omitempty"`
}

type unsoaked struct {
	Commit rollout.SHA `json:"commit"`
	Left   string      `json:"left"`
}

// encode writes an entry as one line of ASCII: whatever git log is piped
// through, nothing in it can turn the direction of writing or be lost.
func encode(e rollout.Entry) (string, error) {
	l := line{Entry: e}
	for _, u := range e.Unsoaked {
		l.Unsoaked = append(l.Unsoaked, unsoaked{u.Commit, u.Remaining.String()})
	}
	text, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	return rollout.EscapeJSON(string(text), func(r rune) bool { return r >= 0x7f }), nil
}

// decode reads what encode wrote.
func decode(text string) (rollout.Entry, error) {
	var l line
	if err := strictly([]byte(text), &l); err != nil {
		return rollout.Entry{}, err
	}
	for _, u := range l.Unsoaked {
		left, err := time.ParseDuration(u.Left)
		if err != nil {
			return rollout.Entry{}, fmt.Errorf("%q is not a duration", u.Left)
		}
		l.Entry.Unsoaked = append(l.Entry.Unsoaked, rollout.Unsoaked{Commit: u.Commit, Remaining: left})
	}
	return l.Entry, nil
}
