package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// Zones with transitions of an hour and of half an hour, north and south, at
// midnight, by more than a day's worth, and none at all.
var zones = []string{
	"UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
	"Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "Antarctica/Troll",
}

// Moments near which the clocks of some of the zones are set, and an ordinary
// one.
var turns = []string{
	"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z",
	"2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z", "2017-10-15T03:00:00Z", "2018-02-18T02:00:00Z",
	"2011-12-30T10:00:00Z", "2026-02-15T02:00:00Z", "2026-06-10T12:00:00Z", "2027-01-01T00:00:00Z",
}

// known is how far before and after a moment an oracle looks, and asked how far
// it is asked: what is asked of is known, whatever its length.
const (
	known   = 4 * day
	asked   = day
	longest = 2 * day
)

// shown goes minute by minute through the days around a moment. It visits the
// times that the clocks of the zone come to show for the first time, and those
// that they skip, each with the moment.
func shown(around time.Time, zone *time.Location, visit func(wall, moment time.Time)) {
	var latest time.Time
	for m := around.Add(-known); m.Before(around.Add(known)); m = m.Add(time.Minute) {
		local := m.In(zone)
		wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if latest.IsZero() {
			latest = wall
		}
		for latest.Before(wall) {
			latest = latest.Add(time.Minute)
			visit(latest, m)
		}
	}
}

// first is the first of the spans, which are in order, that ends after a
// moment.
func first(spans []rollout.Span, after time.Time) (rollout.Span, bool) {
	for _, span := range spans {
		if span.To.After(after) {
			return span, true
		}
	}
	return rollout.Span{}, false
}

// asks compares a schedule with the spans that an oracle has found.
func asks(t *rapid.T, s rollout.Schedule, around time.Time, want []rollout.Span) {
	for range 20 {
		after := around.Add(time.Duration(rapid.Int64Range(-int64(asked/time.Second), int64(asked/time.Second)).Draw(t, "second")) * time.Second)
		got, ok := s.Next(after)
		if !ok {
			t.Fatalf("nothing comes after %v", after)
		}
		expected, found := first(want, after)
		switch {
		case !found && got.From.Before(around.Add(known-longest)):
			t.Fatalf("after %v comes %v to %v, and the oracle knows none", after, got.From, got.To)
		case found && (!got.From.Equal(expected.From) || !got.To.Equal(expected.To)):
			t.Fatalf("after %v comes %v to %v, want %v to %v", after, got.From, got.To, expected.From, expected.To)
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
		length := time.Duration(rapid.IntRange(1, int(longest/time.Minute)).Draw(t, "minutes")) * time.Minute
		judge := gronx.New()
		segments, err := gronx.Segments(expression)
		if err != nil {
			t.Fatal(err)
		}
		var want []rollout.Span
		shown(around, zone, func(wall, moment time.Time) {
			judge.C.SetRef(wall)
			if due, err := judge.SegmentsDue(segments); err != nil {
				t.Fatal(err)
			} else if due {
				want = append(want, rollout.Span{From: moment, To: moment.Add(length)})
			}
		})
		asks(t, cron.In(zone, length), around, want)
	})
}

func TestWeeklyAgreesWithMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, around := drawPlace(t)
		weekly, err := ParseWeekly(drawWeekly(t))
		if err != nil {
			t.Fatal(err)
		}
		moments := map[time.Time]time.Time{} // by what the clocks show
		shown(around, zone, func(wall, moment time.Time) { moments[wall] = moment })
		var want []rollout.Span
		shown(around, zone, func(wall, moment time.Time) {
			midnight := wall.Truncate(day)
			if !weekly.on[wall.Weekday()] || wall.Sub(midnight) != weekly.start {
				return
			}
			if end, ok := moments[wall.Add(weekly.length)]; ok && end.After(moment) {
				want = append(want, rollout.Span{From: moment, To: end})
			}
		})
		asks(t, weekly.In(zone), around, want)
	})
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
			if again, _ := s.Next(span.To.Add(-1)); again != span && again.From.After(span.From) {
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
			whole, _ := s.Next(span.To.Add(-1))
			if whole.From.After(span.From) {
				t.Fatalf("%v to %v is not in the schedule", span.From, span.To)
			}
			after = span.To
		}
	})
}

func drawPlace(t *rapid.T) (*time.Location, time.Time) {
	zone, err := ParseZone(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	around, err := time.Parse(time.RFC3339, rapid.SampledFrom(turns).Draw(t, "around"))
	if err != nil {
		t.Fatal(err)
	}
	return zone, around
}

func drawSchedule(t *rapid.T) (rollout.Schedule, time.Time) {
	zone, around := drawPlace(t)
	if rapid.Bool().Draw(t, "weekly") {
		weekly, err := ParseWeekly(drawWeekly(t))
		if err != nil {
			t.Fatal(err)
		}
		return weekly.In(zone), around
	}
	cron, err := ParseCron(drawCron(t))
	if err != nil {
		t.Skip(err)
	}
	return cron.In(zone, time.Duration(rapid.IntRange(1, int(longest/time.Minute)).Draw(t, "minutes"))*time.Minute), around
}

// drawCron mostly fires within a week, and at hours in which clocks are set.
func drawCron(t *rapid.T) string {
	field := func(name string, common ...string) string {
		return rapid.SampledFrom(common).Draw(t, name)
	}
	return strings.Join([]string{
		field("minute", "0", "30", "15,45", "*/20", "*", "7-59/13"),
		field("hour", "0", "1", "2", "3", "1-3", "*", "*/6", "22", "0,23"),
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
