package schedule

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

const day = 24 * time.Hour

// wallAt is what the clocks of the zone show at a moment, labelled UTC.
func wallAt(moment time.Time, zone *time.Location) time.Time {
	return passAt(moment, zone).wall(moment)
}

// A pass is a time in which nobody sets the clocks of a zone. What they show
// twice in autumn, they show in two passes.
type pass struct {
	zone   *time.Location
	offset time.Duration
	// since is zero where the first pass begins, and until where the last ends.
	since, until time.Time
}

func passAt(moment time.Time, zone *time.Location) pass {
	local := moment.In(zone)
	_, offset := local.Zone()
	since, until := local.ZoneBounds()
	return pass{zone, time.Duration(offset) * time.Second, since.UTC(), until.UTC()}
}

// wall is what the clocks of the pass show at a moment, and moment is when they
// would show a time, if nobody set them.
func (p pass) wall(moment time.Time) time.Time { return moment.UTC().Add(p.offset) }
func (p pass) moment(wall time.Time) time.Time { return wall.Add(-p.offset) }

// over tells whether the pass is, at a moment.
func (p pass) over(moment time.Time) bool { return !p.until.IsZero() && !moment.Before(p.until) }

// next is the pass after one that ends.
func (p pass) next() pass { return passAt(p.until, p.zone) }

// shows is when, in the pass, the clocks show what is between two times. It is
// empty where they do not.
func (p pass) shows(wall rollout.Span) rollout.Span {
	span := rollout.Span{From: p.moment(wall.From), To: p.moment(wall.To)}
	if span.From.Before(p.since) {
		span.From = p.since
	}
	if p.over(span.To) {
		span.To = p.until
	}
	return span
}

// latestWall is the latest time that the clocks of the zone have shown up to a
// moment. In the hour that autumn repeats it is the end of that hour.
func latestWall(moment time.Time, zone *time.Location) time.Time {
	p := passAt(moment, zone)
	shown := p.wall(moment)
	if p.since.IsZero() {
		return shown
	}
	if before := wallAt(p.since.Add(-1), zone); before.After(shown) {
		return before
	}
	return shown
}

// momentOf is the first moment at which the clocks of the zone show a time, or
// a later one where they skip it. time.Date promises neither.
func momentOf(wall time.Time, zone *time.Location) time.Time {
	// No zone is a day away from UTC, so a day before the clocks show less.
	p := passAt(wall.Add(-day), zone)
	for p.over(p.moment(wall)) {
		p = p.next()
	}
	if moment := p.moment(wall); !moment.Before(p.since) {
		return moment
	}
	return p.since
}

// lastMomentOf is the last moment before another at which the clocks of the
// zone come to show a time. It is the first of all, if that is not before.
func lastMomentOf(wall time.Time, zone *time.Location, before time.Time) time.Time {
	moment := momentOf(wall, zone)
	for p := passAt(moment, zone); p.over(before); {
		p = p.next()
		if again := p.moment(wall); !again.Before(p.since) && again.Before(before) && !p.over(again) {
			moment = again
		}
	}
	return moment
}
