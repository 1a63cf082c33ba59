package rollout

import (
	"fmt"
	"strings"
	"time"
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
		return "-" + FormatDuration(-d)
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

// Printable makes text that somebody else wrote safe to show on one line of a
// terminal: control characters, line breaks and the marks that turn the
// direction of writing become visible escapes, and what is longer than limit
// characters is cut. A commit's subject or an operator's reason must not be
// able to move the cursor or forge a line.
func Printable(text string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n == limit {
			b.WriteString("…")
			break
		}
		n++
		switch {
		case r < 0x20 || (r >= 0x7f && r < 0xa0):
			fmt.Fprintf(&b, "\\x%02x", r)
		case r == 0x2028 || r == 0x2029 || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0x200e || r == 0x200f || r == 0xfeff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
