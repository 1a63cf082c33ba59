package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

const minutesOfDay = int(day / time.Minute)

// ticks are those of an expression, and how long a window stays open after
// each.
type ticks struct {
	cron   Cron
	length time.Duration
	// runs has for each minute of the day at which the expression can fire the
	// last of those that follow it at no more than the length. A window of a
	// minute for every minute is one that is open all day, and nobody who looks
	// for its end has to go from minute to minute.
	runs [minutesOfDay]int
}

func newTicks(c Cron, length time.Duration) *ticks {
	t := &ticks{cron: c, length: length}
	following := -1
	for m := minutesOfDay - 1; m >= 0; m-- {
		if c.hours&(1<<(m/60)) == 0 || c.minutes&(1<<(m%60)) == 0 {
			continue
		}
		t.runs[m] = m
		if following >= 0 && time.Duration(following-m)*time.Minute <= length {
			t.runs[m] = t.runs[following]
		}
		following = m
	}
	return t
}

// next is the first span that ends after a time. It may leave out what is over
// of one that follows on others.
func (t *ticks) next(wall time.Time) (rollout.Span, bool) {
	tick, ok := t.cron.tick(wall.Add(1 - t.length))
	if !ok {
		return rollout.Span{}, false
	}
	return rollout.Span{From: tick, To: t.last(tick).Add(t.length)}, true
}

// last is the last tick that follows on another without a gap, or one some days
// later: the spans of some expressions follow each other for ever.
func (t *ticks) last(tick time.Time) time.Time {
	const someDays = 10
	for range someDays {
		midnight := tick.Truncate(day)
		tick = midnight.Add(time.Duration(t.runs[tick.Sub(midnight)/time.Minute]) * time.Minute)
		following, ok := t.cron.tick(tick.Add(time.Minute))
		if !ok || following.Sub(tick) > t.length {
			break
		}
		tick = following
	}
	return tick
}
