package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Where time begins and ends that has no other bound.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	forever  = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Bounds are two moments between which something holds. A zero one is none.
type Bounds struct{ From, Until time.Time }

// Widest are the bounds of what something is denied in: from the first moment
// at which the clocks show the one date to the last at which they show the
// other.
func Widest(from, until Date) Bounds { return Bounds{from.First, until.Last} }

// Narrowest are the bounds of what something is allowed in: from the last
// moment at which the clocks show the one date before they first show the
// other.
func Narrowest(from, until Date) Bounds {
	b := Bounds{from.Last, until.First}
	if !b.Until.IsZero() && !b.From.Before(b.Until) {
		b.From = from.First
	}
	return b
}

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
