package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

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
	return escape(string(text), func(r rune) bool { return r >= 0x7f }), nil
}

// escape writes some characters of a JSON text as \u and digits. They must be
// such as JSON has in strings alone.
func escape(text string, these func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		switch high, low := utf16.EncodeRune(r); {
		case !these(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
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
