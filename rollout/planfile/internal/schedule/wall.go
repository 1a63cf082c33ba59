package schedule

import "time"

const day = 24 * time.Hour

// wallAt is what the clocks of the zone show at a moment, labelled UTC.
func wallAt(moment time.Time, zone *time.Location) time.Time {
	_, offset := moment.In(zone).Zone()
	return moment.UTC().Add(time.Duration(offset) * time.Second)
}

// latestWall is the latest time that the clocks of the zone have shown up to a
// moment. In the hour that autumn repeats it is the end of that hour.
func latestWall(moment time.Time, zone *time.Location) time.Time {
	shown := wallAt(moment, zone)
	since, _ := moment.In(zone).ZoneBounds()
	if since.IsZero() {
		return shown
	}
	if before := wallAt(since.Add(-1), zone); before.After(shown) {
		return before
	}
	return shown
}

// momentOf is the first moment at which the clocks of the zone show a time, or
// a later one where they skip it. time.Date promises neither.
func momentOf(wall time.Time, zone *time.Location) time.Time {
	// No zone is a day away from UTC, so a day before the clocks show less.
	period := wall.Add(-day).In(zone)
	for {
		_, offset := period.Zone()
		since, until := period.ZoneBounds()
		moment := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case !until.IsZero() && !moment.Before(until):
			period = until
		case moment.Before(since):
			return since.UTC()
		default:
			return moment
		}
	}
}
