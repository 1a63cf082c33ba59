package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
)

// The desk's clock stands at 2026-03-02 10:00 UTC.
func TestWhenAHoldRunsOut(t *testing.T) {
	for until, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"90m":                       "2026-03-02T11:30:00Z",
		"2d":                        "2026-03-04T10:00:00Z",
		"1h30m":                     "2026-03-02T11:30:00Z",
		"365d":                      "2027-03-02T10:00:00Z",
		"2026-03-03":                "2026-03-03T00:00:00Z",
		"2026-03-02 10:01":          "2026-03-02T10:01:00Z",
		"2026-03-02 18:00 UTC":      "2026-03-02T18:00:00Z",
		"2026-03-02T18:00:30Z":      "2026-03-02T18:00:30Z",
		"2026-03-02T18:00:00+01:00": "2026-03-02T17:00:00Z",
		"2026-03-02T18:00Z":         "2026-03-02T18:00:00Z",
		"2026-03-02T18:00+01:00":    "2026-03-02T17:00:00Z",
		"18:00":                     "2026-03-02T18:00:00Z",
		"10:01 UTC":                 "2026-03-02T10:01:00Z",
		"10:00":                     "2026-03-03T10:00:00Z",
		"00:00":                     "2026-03-03T00:00:00Z",
		"2036-03-02":                "2036-03-02T00:00:00Z",
		"2036-03-03":                "longer than 10 years",
		"2500-01-01":                "until somebody lifts it",
		"9999-12-31":                `-until="9999-12-31" is no end that a hold can have`,
		"2026-03-02 10:00":          "would be over already: it is 2026-03-02 10:00 UTC",
		"2026-03-02":                "would be over already: it is 2026-03-02 10:00 UTC",
		"1999-01-01":                "would be over already",
		"0s":                        "-until=4h",
		"-4h":                       "-until=4h",
		"366d":                      "longer than",
		"4 hours":                   "no length of time",
		"tomorrow":                  `-until="tomorrow" is no end that a hold can have`,
		"2026-02-30":                "no end that a hold can have",
		"2026-03-02T18:00":          "or with a zone",
		"18":                        "-until=18:00",
		"24:00":                     "-until=18:00",
		"6pm":                       "-until=18:00",
		"2027-02-30":                `is no end that a hold can have: there is no such day`,
		"\x1b[2J":                   `\x1b`,
	} {
		t.Run(until, func(t *testing.T) {
			d := sit(t, "", "optional")
			err := d.Hold(context.Background(), operate.Hold{Reason: "a freeze", Until: until})
			if !strings.HasSuffix(want, "Z") {
				if !errors.Is(err, rollout.ErrUsage) || !strings.Contains(err.Error(), want) {
					t.Errorf("ended with %v", err)
				}
				return
			}
			check(t, err)
			records, err := d.Engine.Trail(context.Background(), 1)
			check(t, err)
			if got := records[0].Until.Format(time.RFC3339); got != want {
				t.Errorf("until %s, want %s", got, want)
			}
		})
	}
}

// Whoever goes through a hold sees whose it is before saying yes.
func TestOverrideThroughAHoldShowsItFirst(t *testing.T) {
	d := sit(t, "n\n", "optional")
	check(t, d.Hold(context.Background(), operate.Hold{Reason: "the auditors are here"}))
	args := operate.Override{Reason: "fire", Direct: true, ThroughHold: true}
	err := d.Override(context.Background(), args)
	if !errors.Is(err, rollout.ErrRefused) || !strings.Contains(err.Error(), "not confirmed") {
		t.Fatalf("ended with %v", err)
	}
	_, preview, _ := strings.Cut(d.out.String(), "would override")
	preview, _, asked := strings.Cut(preview, "Send this out now?")
	if !asked || !strings.Contains(preview, "the auditors are here") {
		t.Errorf("the hold is not shown before the question:\n%s", d.out)
	}
}

// A hold that the operator was not told to go through ends the command before
// anything is asked.
func TestOverrideOfAHeldStageAsksNothing(t *testing.T) {
	d := sit(t, "fire\ny\n", "optional")
	check(t, d.Hold(context.Background(), operate.Hold{Reason: "the auditors are here"}))
	d.out.Reset()
	err := d.Override(context.Background(), operate.Override{Direct: true})
	if !errors.Is(err, rollout.ErrRefused) || !strings.Contains(err.Error(), "-throughHold") || d.out.Len() > 0 {
		t.Errorf("ended with %v, after:\n%s", err, d.out)
	}
}

// Of many holds the error names some.
func TestNotYetStaysShort(t *testing.T) {
	d := sit(t, "", "optional")
	for range 7 {
		check(t, d.Hold(context.Background(), operate.Hold{Reason: "a freeze"}))
	}
	err := d.Promote(context.Background(), operate.Promote{})
	if !errors.Is(err, operate.ErrNotYet) || strings.Count(err.Error(), "held by") != 5 || !strings.Contains(err.Error(), "and 2 more") {
		t.Errorf("ended with %v", err)
	}
}
