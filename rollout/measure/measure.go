package measure

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Stage is how well the rollout into one stage does.
type Stage struct {
	Stage rollout.Stage
	// From and To are what was measured.
	From, To time.Time
	// Each are the promotions, oldest first.
	Each []Promotion
	// Tally is of all of them, and Weeks of those of each week, oldest first.
	Tally
	Weeks []Week
}

// A Week is what went out in the seven days from a Monday on, in UTC.
type Week struct {
	From time.Time
	Tally
}

// A Promotion is one that went out, and what came of it.
type Promotion struct {
	Record   rollout.Record
	Override bool
	// LeadTimes are those of the commits that it brought whose arrival is known, in
	// no order, and Unarrived is how many others there are.
	LeadTimes []time.Duration
	Unarrived int
	// Soak is how long its revision had been upstream, where that is known.
	Soak      time.Duration
	SoakKnown bool
	// Failures are what was bad of it.
	Failures []Failure
	// Restored is when the last of that was mended on the stage. It is zero where
	// it was not yet.
	Restored time.Time
}

// Frequency is how often something went out, on average, in a day. It is false
// where less than a day was measured.
func (s Stage) Frequency() (perDay float64, ok bool) {
	const day = 24 * time.Hour
	length := s.To.Sub(s.From)
	if s.From.IsZero() || length < day {
		return 0, false
	}
	return float64(s.Promotions) / (float64(length) / float64(day)), true
}

// Run measures every stage that something is promoted into.
func Run(p Past) []Stage {
	g := newGraph(p.Commits)
	words := readWords(p, g)
	var all []Stage
	for _, stage := range p.Plan.Downstream() {
		s := Stage{Stage: stage, From: p.begins(), To: p.At, Each: newLine(p, g, stage).promotions(words)}
		s.Tally = tally(s.Each)
		s.Weeks = weeks(s.Each, s.From, s.To)
		all = append(all, s)
	}
	return all
}

// longestTrend is how many weeks a trend has at most: ten years of them.
const longestTrend = 520

// weeks parts promotions by week. One without any is there, too.
func weeks(promotions []Promotion, from, to time.Time) []Week {
	by := map[time.Time][]Promotion{}
	for _, p := range promotions {
		monday := mondayOf(p.Record.At)
		by[monday] = append(by[monday], p)
	}
	last := mondayOf(to)
	first := later(mondayOf(from), last.AddDate(0, 0, -7*(longestTrend-1)))
	var all []Week
	for monday := first; !monday.After(last) && !from.IsZero(); monday = monday.AddDate(0, 0, 7) {
		all = append(all, Week{From: monday, Tally: tally(by[monday])})
	}
	return all
}

// mondayOf is when the week of a moment began, in UTC.
func mondayOf(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}
