package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Allows is when a window of an expression allows something: from each tick on,
// for a length of elapsed time, which has to be above zero. A tick that the
// clocks skip comes when they have skipped it, and one that they show twice
// comes once.
func (c Cron) Allows(zone *time.Location, length time.Duration) rollout.Schedule {
	return elapsing{newTicks(c, length), zone}
}

type elapsing struct {
	ticks *ticks
	zone  *time.Location
}

// Next needs no look at what is open at the moment: of spans of one length the
// first to begin after the moment less the length is the first to end after it.
func (s elapsing) Next(after time.Time) (rollout.Span, bool) {
	past := latestWall(after.Add(-s.ticks.length), s.zone)
	tick, ok := s.ticks.cron.tick(past.Add(1))
	if !ok {
		return rollout.Span{}, false
	}
	from := momentOf(tick, s.zone)
	return rollout.Span{From: from, To: s.end(tick, from)}, true
}

// end is when the spans are over that follow each other without a gap from a
// tick on. It looks no further than to where the clocks are set next.
func (s elapsing) end(tick, from time.Time) time.Time {
	p := passAt(from, s.zone)
	end := from.Add(s.ticks.length)
	if p.moment(tick).Before(from) {
		return end // the clocks skip the tick
	}
	last := p.moment(s.ticks.last(tick))
	switch {
	case !p.over(last):
		return last.Add(s.ticks.length)
	case end.Before(p.until):
		return p.until
	}
	return end
}

// Allows is when a weekly window allows something: from the last moment at
// which the clocks show its beginning to the first at which they show its end.
func (w Weekly) Allows(zone *time.Location) rollout.Schedule {
	return narrow{w, zone}
}

type narrow struct {
	weekly Weekly
	zone   *time.Location
}

// enough spans are looked at: some that were over a day ago, and some that the
// clocks skip.
const enough = 10

func (s narrow) Next(after time.Time) (rollout.Span, bool) {
	// Nobody sets clocks by more than a day, so what ended earlier is over.
	wall := wallAt(after, s.zone).Add(-day)
	for range enough {
		shown, ok := s.weekly.next(wall)
		if !ok {
			break
		}
		to := momentOf(shown.To, s.zone)
		span := rollout.Span{From: lastMomentOf(shown.From, s.zone, to), To: to}
		if span.To.After(after) && span.From.Before(span.To) {
			return span, true
		}
		wall = shown.To
	}
	return rollout.Span{}, false
}
