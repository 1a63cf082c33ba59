package rollout

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// FormatTime is a moment as operators read it: in UTC, to the minute, and
// with the zone, so that nobody has to ask which one.
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// FormatDuration is a length of time in its two largest units: 3d 2h, 23h
// 59m, 4m 5s. It counts in hours up to two days, as people do. It rounds down,
// and never says 0 of something that is left.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		// The least duration has no positive counterpart.
		return "-" + FormatDuration(-max(d, -math.MaxInt64))
	}
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	if d < 48*time.Hour {
		units = units[1:]
	}
	var parts []string
	for _, unit := range units {
		n := d / unit.size
		d -= n * unit.size
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, unit.name))
		}
		if len(parts) == 2 || (len(parts) == 1 && n == 0) {
			break
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, " ")
	case d > 0:
		return "under 1s"
	default:
		return "0s"
	}
}

// Quote makes a name safe to paste into a shell, and to show.
func Quote(name string) string {
	name = Printable(name, 300)
	safe := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./+@=,", r)
	}
	if strings.IndexFunc(name, func(r rune) bool { return !safe(r) }) < 0 {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// OneLine is [Printable] for text that may have been written on several lines,
// as a reason is: they stand behind each other, with a dot between them.
func OneLine(text string, limit int) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	kept := lines[:0]
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	return Printable(strings.Join(kept, " · "), limit)
}

// joiner makes one emoji of several.
const joiner = '\u200d'

// Unseen tells of a character that it is not seen as one: it is a control character, a
// line break, or a mark that hides or turns the direction of writing. A terminal could
// obey it.
func Unseen(r rune) bool {
	switch {
	case ' ' <= r && r <= '~', r == joiner:
		return false
	default:
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	}
}

// EscapeJSON writes some characters of a JSON text as \u and digits. They must be such as
// JSON has in strings alone: then it reads back as it was.
func EscapeJSON(text string, these func(rune) bool) string {
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

// Printable makes text that somebody else wrote safe to show on one line of a
// terminal: control characters, line breaks, marks that turn the direction of
// writing and others that cannot be seen become visible escapes, what is not
// UTF-8 becomes U+FFFD, and what is longer than limit characters is cut. A
// commit's subject or an operator's reason must not be able to move the
// cursor or forge a line, nor give orders to a workflow's runner, which looks
// for "##[" anywhere in a line and for "::" at its beginning
// (actions/runner, ActionCommand.cs).
func Printable(text string, limit int) string {
	text = strings.ReplaceAll(text, "##[", "#\\x23[")
	if strings.HasPrefix(strings.TrimLeftFunc(text, unicode.IsSpace), "::") {
		text = strings.Replace(text, "::", "\\x3a:", 1)
	}
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n == limit {
			b.WriteString("…")
			break
		}
		n++
		switch {
		case unicode.Is(unicode.Cc, r):
			fmt.Fprintf(&b, "\\x%02x", r)
		case Unseen(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
