package measure

import (
	"math"
	"slices"
	"sort"
	"time"
)

// A Sample is a number of lengths of time, the shortest first.
type Sample []time.Duration

// Quantile is the least length that a part of the sample, between 0 and 1, does not
// exceed: one that really occurred. It is 0 of an empty sample.
func (s Sample) Quantile(part float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	rank := int(math.Ceil(part*float64(len(s)))) - 1
	return s[min(max(rank, 0), len(s)-1)]
}

// Sum is that of all lengths, in seconds: of many long ones it is more than a
// duration can hold.
func (s Sample) Sum() (seconds float64) {
	for _, d := range s {
		seconds += d.Seconds()
	}
	return seconds
}

// AtMost is how many are not longer than a length.
func (s Sample) AtMost(length time.Duration) int {
	return sort.Search(len(s), func(i int) bool { return s[i] > length })
}

// A Tally is what a number of promotions come to.
type Tally struct {
	// Promotions is how many there were, Overrides how many of them were overrides,
	// and Commits how many commits they brought to the stage.
	Promotions, Overrides, Commits int
	// LeadTime is of each commit: from its arrival on the first stage's branch to
	// the promotion with which it went out. Unarrived is how many commits are left
	// out, since nothing tells when they arrived.
	LeadTime  Sample
	Unarrived int
	// Soak is of each promotion: how long its revision had been upstream. Unsoaked
	// is how many promotions are left out, for the same reason.
	Soak     Sample
	Unsoaked int
	// Failed is how many promotions brought something bad to the stage. Restore is
	// of each that was mended: from it to the promotion with which all of that was.
	// Unrestored is how many were not, yet.
	Failed     int
	Restore    Sample
	Unrestored int
}

// tally adds promotions up.
func tally(promotions []Promotion) Tally {
	t := Tally{Promotions: len(promotions)}
	for _, p := range promotions {
		if p.Override {
			t.Overrides++
		}
		t.Commits += len(p.LeadTimes) + p.Unarrived
		t.LeadTime = append(t.LeadTime, p.LeadTimes...)
		t.Unarrived += p.Unarrived
		if p.SoakKnown {
			t.Soak = append(t.Soak, p.Soak)
		} else {
			t.Unsoaked++
		}
		if len(p.Failures) > 0 {
			t.Failed++
		}
		switch {
		case len(p.Failures) == 0:
		case p.Restored.IsZero():
			t.Unrestored++
		default:
			t.Restore = append(t.Restore, p.Restored.Sub(p.Record.At))
		}
	}
	for _, s := range []Sample{t.LeadTime, t.Soak, t.Restore} {
		slices.Sort(s)
	}
	return t
}

// FailureRate is the part of the promotions that failed. It is false where there
// was none.
func (t Tally) FailureRate() (float64, bool) {
	if t.Promotions == 0 {
		return 0, false
	}
	return float64(t.Failed) / float64(t.Promotions), true
}
