package schedule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// places are zones, each with moments near which its clocks are set: by an hour
// and by half an hour, north and south, at midnight, by two hours, by a whole
// day, every other month, and never.
var places = map[string][]string{
	"UTC":                 {"2026-06-10T12:00:00Z"},
	"Asia/Kathmandu":      {"2027-01-01T00:00:00Z"},
	"Europe/Zurich":       {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-06-10T12:00:00Z"},
	"America/New_York":    {"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
	"Australia/Lord_Howe": {"2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"},
	"America/Sao_Paulo":   {"2017-10-15T03:00:00Z", "2018-02-18T02:00:00Z"},
	"Africa/Cairo":        {"2026-04-23T22:00:00Z", "2026-10-29T21:00:00Z"},
	"Asia/Beirut":         {"2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"},
	"America/Havana":      {"2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"},
	"Africa/Casablanca":   {"2026-02-15T02:00:00Z", "2026-03-22T02:00:00Z"},
	"Pacific/Apia":        {"2011-12-30T10:00:00Z"},
	"Antarctica/Troll":    {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
}

// known is how many minutes an oracle knows, half of them before a moment, and
// longest how long the windows are that it is asked of.
const (
	known   = 8 * 24 * 60
	longest = 2 * 24 * 60
)

// A wallClock is what the clocks of a zone show in each minute of some days.
type wallClock struct {
	begins time.Time
	shows  []time.Time
}

func watch(around time.Time, zone *time.Location) wallClock {
	c := wallClock{around.Add(-known / 2 * time.Minute), make([]time.Time, known)}
	for m := range c.shows {
		local := c.begins.Add(time.Duration(m) * time.Minute).In(zone)
		c.shows[m] = time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
	}
	return c
}

// firstTimes visits the times that the clocks come to show for the first time,
// and those that they skip, each with the minute.
func (c wallClock) firstTimes(visit func(wall time.Time, minute int)) {
	latest := c.shows[0]
	for m, wall := range c.shows {
		for latest.Before(wall) {
			latest = latest.Add(time.Minute)
			visit(latest, m)
		}
	}
}

// mark marks some minutes, as far as they are known.
func mark(minutes []bool, from, to int) {
	for m := max(from, 0); m < min(to, len(minutes)); m++ {
		minutes[m] = true
	}
}

// agrees compares a schedule with the minutes that an oracle has marked.
func (c wallClock) agrees(t *rapid.T, s rollout.Schedule, marked []bool) {
	for range 20 {
		second := rapid.IntRange(known/2*60-86400, known/2*60+86400).Draw(t, "second")
		after := c.begins.Add(time.Duration(second) * time.Second)
		span, ok := s.Next(after)
		if !ok || !span.To.After(after) {
			t.Fatalf("after %v comes %v to %v, %t", after, span.From, span.To, ok)
		}
		from, to := int(span.From.Sub(c.begins)/time.Minute), int(span.To.Sub(c.begins)/time.Minute)
		for m := second / 60; m < min(to, known); m++ {
			if inside := m >= from; marked[m] != inside {
				t.Fatalf("after %v comes %v to %v, but the oracle says %t of %v, when the clocks show %v", after,
					span.From, span.To, marked[m], c.begins.Add(time.Duration(m)*time.Minute), c.shows[m])
			}
		}
	}
}

func TestCronAgreesWithMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, around := drawPlace(t)
		expression := drawCron(t)
		cron, err := ParseCron(expression)
		if err != nil {
			t.Skip(err)
		}
		minutes := drawMinutes(t)
		judge := gronx.New()
		segments, err := gronx.Segments(expression)
		if err != nil {
			t.Fatal(err)
		}
		fires := func(wall time.Time) bool {
			judge.C.SetRef(wall)
			due, err := judge.SegmentsDue(segments)
			if err != nil {
				t.Fatal(err)
			}
			return due
		}
		c := watch(around, zone)
		length := time.Duration(minutes) * time.Minute
		allowed := make([]bool, known)
		c.firstTimes(func(wall time.Time, m int) {
			if fires(wall) {
				mark(allowed, m, m+minutes)
			}
		})
		c.agrees(t, cron.Allows(zone, length), allowed)
		c.agrees(t, cron.Denies(zone, length), denied(c, fires, minutes, allowed))
	})
}

// denied are the minutes in which a window of cron denies something: those
// since a tick, whenever the clocks show it, and those at which they show a
// time that is less than the length after one.
func denied(c wallClock, fires func(time.Time) bool, minutes int, skippedToo []bool) []bool {
	closed := slices.Clone(skippedToo)
	earliest := c.shows[0].Add(-time.Duration(minutes) * time.Minute)
	onTheWall := make([]bool, known+2*minutes+2*minutesOfDay) // since earliest
	for m := range onTheWall {
		if fires(earliest.Add(time.Duration(m) * time.Minute)) {
			mark(onTheWall, m, m+minutes)
		}
	}
	for m, wall := range c.shows {
		if fires(wall) {
			mark(closed, m, m+minutes)
		}
		if onTheWall[wall.Sub(earliest)/time.Minute] {
			closed[m] = true
		}
	}
	return closed
}

func TestWeeklyAgreesWithMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, around := drawPlace(t)
		weekly, err := ParseWeekly(drawWeekly(t))
		if err != nil {
			t.Fatal(err)
		}
		c := watch(around, zone)
		allowed, denied := make([]bool, known), make([]bool, known)
		for d := c.shows[0].Truncate(day); d.Before(c.shows[known-1]); d = d.Add(day) {
			if weekly.on[d.Weekday()] {
				c.weekly(d.Add(weekly.start), d.Add(weekly.start+weekly.length), allowed, denied)
			}
		}
		c.agrees(t, weekly.Allows(zone), allowed)
		c.agrees(t, weekly.Denies(zone), denied)
	})
}

// weekly marks the minutes in which something is allowed between two times, and
// those in which it is denied.
func (c wallClock) weekly(start, end time.Time, allowed, denied []bool) {
	from, to, begun := known, known, false
	for m, wall := range c.shows {
		if !wall.Before(start) && wall.Before(end) {
			denied[m] = true
		}
		if to == known && !wall.Before(end) {
			to = m // the first at which they show the end
		}
		if to == known && (wall.Equal(start) || !begun && wall.After(start)) {
			from, begun = m, true // the last before it at which they show the beginning
		}
	}
	mark(allowed, from, to)
}

// Without a zone's transitions gronx can be asked for the next tick itself.
func TestTickAgreesWithGronx(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression := drawCron(t)
		cron, err := ParseCron(expression)
		if err != nil {
			t.Skip(err)
		}
		from := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "from"), 0).UTC()
		want, err := gronx.NextTickAfter(expression, from, true)
		if err != nil {
			t.Skip(err) // it gives up on what is rare
		}
		if got, ok := cron.tick(from); !ok || !got.Equal(want) {
			t.Fatalf("%s after %v: %v, want %v", expression, from, got, want)
		}
	})
}

func TestNextIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, around := drawSchedule(t)
		after, last := around, rollout.Span{}
		for range 200 {
			span, ok := s.Next(after)
			if !ok {
				return
			}
			if !span.To.After(after) || !span.From.Before(span.To) {
				t.Fatalf("after %v comes %v to %v", after, span.From, span.To)
			}
			if span.From.Before(last.From) || span.To.Before(last.To) {
				t.Fatalf("%v to %v comes after %v to %v", span.From, span.To, last.From, last.To)
			}
			if again, _ := s.Next(span.To.Add(-1)); again.From.After(span.To.Add(-1)) {
				t.Fatalf("just before its end %v to %v is followed by %v", span.From, span.To, again.From)
			}
			last, after = span, after.Add(time.Duration(rapid.Int64Range(1, int64(day)).Draw(t, "step")))
		}
	})
}

func TestCutStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, around := drawSchedule(t)
		bounds := Bounds{From: around, Until: around.Add(time.Duration(rapid.Int64Range(1, int64(30*day)).Draw(t, "length")))}
		cut := bounds.Cut(s)
		for after := around.Add(-day); ; {
			span, ok := cut.Next(after)
			if !ok {
				break
			}
			if span.From.Before(bounds.From) || span.To.After(bounds.Until) || !span.To.After(after) {
				t.Fatalf("after %v comes %v to %v, of %v", after, span.From, span.To, bounds)
			}
			for _, moment := range []time.Time{span.From, span.To.Add(-1)} {
				if whole, _ := s.Next(moment); whole.From.After(moment) {
					t.Fatalf("%v to %v is not in the schedule", span.From, span.To)
				}
			}
			after = span.To
		}
	})
}

func drawPlace(t *rapid.T) (*time.Location, time.Time) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(places))).Draw(t, "zone")
	zone, err := ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	around, err := time.Parse(time.RFC3339, rapid.SampledFrom(places[name]).Draw(t, "around"))
	if err != nil {
		t.Fatal(err)
	}
	return zone, around
}

// drawMinutes is how long a window stays open: often an hour or less, and often
// as long as it is between two ticks.
func drawMinutes(t *rapid.T) int {
	return rapid.OneOf(
		rapid.SampledFrom([]int{1, 15, 20, 30, 60, 90, 24 * 60}), rapid.IntRange(1, 120), rapid.IntRange(1, longest),
	).Draw(t, "minutes")
}

func drawSchedule(t *rapid.T) (rollout.Schedule, time.Time) {
	zone, around := drawPlace(t)
	deny := rapid.Bool().Draw(t, "deny")
	if rapid.Bool().Draw(t, "weekly") {
		weekly, err := ParseWeekly(drawWeekly(t))
		if err != nil {
			t.Fatal(err)
		}
		if deny {
			return weekly.Denies(zone), around
		}
		return weekly.Allows(zone), around
	}
	cron, err := ParseCron(drawCron(t))
	if err != nil {
		t.Skip(err)
	}
	length := time.Duration(drawMinutes(t)) * time.Minute
	if deny {
		return cron.Denies(zone, length), around
	}
	return cron.Allows(zone, length), around
}

// drawCron mostly fires within a week, and at hours in which clocks are set.
func drawCron(t *rapid.T) string {
	field := func(name string, common ...string) string {
		return rapid.SampledFrom(common).Draw(t, name)
	}
	return strings.Join([]string{
		field("minute", "0", "30", "15,45", "*/15", "*/20", "*", "7-59/13"),
		field("hour", "0", "0-5", "1", "2", "3", "1-3", "*", "*/6", "22", "0,23"),
		field("day", "*", "*", "?", "1", "15,29", "L", "1W", "*/5", "25-31"),
		field("month", "*", "*", "*/2", "2", "OCT-DEC"),
		field("weekday", "*", "*", "?", "MON-FRI", "0", "7", "5-7", "SUN#1", "FRIL", "*/2", "1,6"),
	}, " ")
}

func drawWeekly(t *rapid.T) string {
	days := rapid.SampledFrom([]string{"daily", "Sun", "Mon-Fri", "Fri-Mon", "Sat,Sun", "Mon,Wed-Thu"}).Draw(t, "days")
	clock := func(name string) int { return rapid.IntRange(0, 24*4-1).Draw(t, name) * 15 }
	start, end := clock("start"), clock("end")
	return fmt.Sprintf("%s %02d:%02d-%02d:%02d", days, start/60, start%60, end/60, end%60)
}
