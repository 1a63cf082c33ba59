package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Denies is when a window of an expression denies everything: from each tick
// on, whenever the clocks show a time that is less than the length later, and
// until the length has elapsed. So it comes twice in the hour that autumn
// repeats.
func (c Cron) Denies(zone *time.Location, length time.Duration) rollout.Schedule {
	ticks := newTicks(c, length)
	return either{elapsing{ticks, zone}, showing{ticks, zone}}
}

// Denies is when a weekly window denies everything: whenever the clocks show a
// time that is in it.
func (w Weekly) Denies(zone *time.Location) rollout.Schedule {
	return showing{w, zone}
}

// walls are spans between two times that a wall clock shows, in order.
type walls interface {
	// next is the first span that ends after a time.
	next(wall time.Time) (rollout.Span, bool)
}

// showing is whenever the clocks show a time that is in one of the spans.
type showing struct {
	walls walls
	zone  *time.Location
}

// farthest is how many passes a span can be away: no zone sets its clocks more
// than four times a year. A span that they skip each time never comes.
const farthest = 4 * rarest / 12

func (s showing) Next(after time.Time) (rollout.Span, bool) {
	p := passAt(after, s.zone)
	for range farthest {
		wall, ok := s.walls.next(p.wall(after))
		if !ok {
			return rollout.Span{}, false
		}
		if span := p.shows(wall); span.From.Before(span.To) {
			return span, true
		}
		after, p = p.until, p.next()
	}
	return rollout.Span{}, false
}

// either is whenever one of two schedules has a span.
type either struct{ one, other rollout.Schedule }

func (e either) Next(after time.Time) (rollout.Span, bool) {
	first, ok := e.one.Next(after)
	if second, also := e.other.Next(after); also && (!ok || second.From.Before(first.From)) {
		return second, true
	}
	return first, ok
}
