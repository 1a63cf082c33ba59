package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// In is the schedule of an expression in a zone: a span of a length of elapsed
// time, which has to be above zero, at each tick.
func (c Cron) In(zone *time.Location, length time.Duration) rollout.Schedule {
	return cronSchedule{c, zone, length}
}

type cronSchedule struct {
	cron   Cron
	zone   *time.Location
	length time.Duration
}

// Next needs no look at what is open at the moment: of spans of one length the
// first to begin after the moment less the length is the first to end after it.
func (s cronSchedule) Next(after time.Time) (rollout.Span, bool) {
	past := latestWall(after.Add(-s.length), s.zone)
	wall, ok := s.cron.tick(past.Add(1))
	if !ok {
		return rollout.Span{}, false
	}
	from := momentOf(wall, s.zone)
	return rollout.Span{From: from, To: from.Add(s.length)}, true
}

// In is the schedule of a weekly span in a zone.
func (w Weekly) In(zone *time.Location) rollout.Schedule {
	return weeklySchedule{w, zone}
}

type weeklySchedule struct {
	weekly Weekly
	zone   *time.Location
}

const (
	// lookBack is how many midnights back the span can have begun that is not
	// over: one for a night, and one where a zone has skipped a day.
	lookBack = 2
	// lookAhead is how many days the next span can be away: it may be wholly
	// in the hour that spring skips, and then comes a week later.
	lookAhead = 21
)

func (s weeklySchedule) Next(after time.Time) (rollout.Span, bool) {
	year, month, date := wallAt(after, s.zone).Date()
	for d := -lookBack; d <= lookAhead; d++ {
		midnight := time.Date(year, month, date+d, 0, 0, 0, 0, time.UTC)
		if !s.weekly.on[midnight.Weekday()] {
			continue
		}
		start := midnight.Add(s.weekly.start)
		span := rollout.Span{From: momentOf(start, s.zone), To: momentOf(start.Add(s.weekly.length), s.zone)}
		if span.To.After(after) && span.From.Before(span.To) {
			return span, true
		}
	}
	return rollout.Span{}, false
}

// Where time begins and ends that has no other bound.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	forever  = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Bounds are two moments between which something holds. A zero one is none.
type Bounds struct{ From, Until time.Time }

// None tells whether nothing is bounded.
func (b Bounds) None() bool { return b.From.IsZero() && b.Until.IsZero() }

// Once is the schedule of the one span between the bounds. Without a bound it
// begins in 1970 or ends in the year 9999.
func (b Bounds) Once() rollout.Schedule { return b.Cut(always{}) }

// Cut leaves of a schedule what is between the bounds.
func (b Bounds) Cut(s rollout.Schedule) rollout.Schedule {
	if b.None() {
		return s
	}
	return cut{s, b}
}

type always struct{}

func (always) Next(after time.Time) (rollout.Span, bool) {
	return rollout.Span{From: earliest, To: forever}, after.Before(forever)
}

type cut struct {
	schedule rollout.Schedule
	bounds   Bounds
}

func (c cut) Next(after time.Time) (rollout.Span, bool) {
	if after.Before(c.bounds.From) {
		after = c.bounds.From // what ends before is cut off
	}
	span, ok := c.schedule.Next(after)
	if !ok {
		return rollout.Span{}, false
	}
	if span.From.Before(c.bounds.From) {
		span.From = c.bounds.From
	}
	if until := c.bounds.Until; !until.IsZero() && span.To.After(until) {
		span.To = until
	}
	return span, span.From.Before(span.To) && span.To.After(after)
}
