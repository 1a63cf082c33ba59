package rollout_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/monosense/k8s-ops/rollout"
)

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                        "0s",
		1:                                        "under 1s",
		time.Second:                              "1s",
		59 * time.Second:                         "59s",
		time.Minute + 5*time.Second:              "1m 5s",
		time.Hour:                                "1h",
		time.Hour + 59*time.Second:               "1h",
		24*time.Hour - time.Second:               "23h 59m",
		24 * time.Hour:                           "24h",
		47*time.Hour + 59*time.Minute:            "47h 59m",
		48 * time.Hour:                           "2d",
		74*time.Hour + 30*time.Minute:            "3d 2h",
		-90 * time.Minute:                        "-1h 30m",
		math.MaxInt64:                            "106751d 23h",
		math.MinInt64:                            "-106751d 23h",
		30*24*time.Hour + 59*time.Minute:         "30d",
		time.Hour + time.Minute + 59*time.Second: "1h 1m",
		365*24*time.Hour + time.Hour + time.Second: "365d 1h",
	} {
		if got := rollout.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2026, 3, 2, 1, 30, 59, 0, time.FixedZone("", 2*60*60))
	if got, want := rollout.FormatTime(at), "2026-03-01 23:30 UTC"; got != want {
		t.Errorf("FormatTime = %q, want %q", got, want)
	}
}

func TestPrintable(t *testing.T) {
	cases := []struct {
		name, text, want string
	}{
		{"plain", "Fix the thing, ✓ déjà vu 日本", "Fix the thing, ✓ déjà vu 日本"},
		{"line breaks", "a\nb\rc\u2028d\u2029e\u0085f", `a\x0ab\x0dc\u2028d\u2029e\x85f`},
		{"escape sequences", "\x1b[2J\x1b]8;;http://evil\x07\u009b1m", `\x1b[2J\x1b]8;;http://evil\x07\x9b1m`},
		{"direction", "a\u202eb\u2066c\u200fd\u061ce", `a\u202eb\u2066c\u200fd\u061ce`},
		{"what cannot be seen", "a\u200bb\u00adc\ufeffd\U000e0041e", `a\u200bb\u00adc\ufeffd\ue0041e`},
		{"an emoji of several", "👩\u200d🚀", "👩\u200d🚀"},
		{"NUL and tab", "a\x00\tb", `a\x00\x09b`},
		{"not UTF-8", "a\xff\xc0b", "a\ufffd\ufffdb"},
		{"cut", strings.Repeat("é", 41), strings.Repeat("é", 40) + "…"},
		{"not cut", strings.Repeat("é", 40), strings.Repeat("é", 40)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := rollout.Printable(c.text, 40); got != c.want {
				t.Errorf("Printable(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range rollout.Printable(text, 100) {
			if unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q has %U left", text, r)
			}
		}
	})
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"plain":                     "plain",
		"a\nb":                      "a · b",
		"a\r\n\r\n  b \n":           "a · b",
		"a\x1b[2J\nb\u202e":         `a\x1b[2J · b\u202e`,
		"::error::x\n::error::y":    `\x3a:error::x · ::erro…`,
		"much longer than\nthat is": "much longer than · tha…",
	} {
		if got := rollout.OneLine(text, 22); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
