package schedule

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Weekly is a span of the day on some days of the week. Its zero value never
// comes.
type Weekly struct {
	text string
	on   [7]bool
	// start is since midnight, and length what a clock without transitions
	// measures: at most a day.
	start, length time.Duration
}

// MaxWeekly is how many bytes a span may have: more than all days in full.
const MaxWeekly = 100

const weeklyWay = `write days and times, such as "Mon-Fri 09:00-17:00", "Sat,Sun 00:00-24:00" or "daily 22:00-06:00"`

var timesOfDay = regexp.MustCompile(`^((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// ParseWeekly takes days of the week, a space, and two times: "Mon-Fri
// 09:00-17:00", "Fri-Mon,Wed 22:00-06:00", "daily 00:00-24:00". An end that is
// not later than the beginning is on the next day. The error is an [Error].
func ParseWeekly(span string) (Weekly, error) {
	if len(span) > MaxWeekly {
		return Weekly{}, fail(fmt.Sprintf("is longer than %d characters", MaxWeekly), weeklyWay)
	}
	words := strings.Fields(span)
	if len(words) != 2 {
		return Weekly{}, fail("is not understood", weeklyWay)
	}
	times := timesOfDay.FindStringSubmatch(words[1])
	if times == nil {
		return Weekly{}, fail("is not understood: "+quote(words[1])+" is no HH:MM-HH:MM", weeklyWay)
	}
	w := Weekly{start: sinceMidnight(times[1])}
	if w.length = sinceMidnight(times[2]) - w.start; w.length <= 0 {
		w.length += day
	}
	days, err := w.read(words[0])
	if err != nil {
		return Weekly{}, err
	}
	w.text = days + " " + words[1]
	return w, nil
}

// String is the span with the days' names in their short form.
func (w Weekly) String() string { return w.text }

// sinceMidnight reads HH:MM, 24:00 included.
func sinceMidnight(text string) time.Duration {
	two := func(s string) time.Duration { return time.Duration(s[0]-'0')*10 + time.Duration(s[1]-'0') }
	return two(text)*time.Hour + two(text[3:])*time.Minute
}

// read fills in the days, and returns their names in short.
func (w *Weekly) read(list string) (string, error) {
	if strings.EqualFold(list, "daily") {
		w.on = [7]bool{true, true, true, true, true, true, true}
		return "daily", nil
	}
	var short []string
	for item := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		from, knownFrom := dayNamed(first)
		to, knownTo := dayNamed(last)
		if !knownFrom || !knownTo {
			return "", fail("is not understood: "+quote(item)+" is no day of the week", weeklyWay)
		}
		name := abbreviation(from)
		if isRange {
			name += "-" + abbreviation(to)
		}
		short = append(short, name)
		for d := from; ; d = (d + 1) % 7 {
			w.on[d] = true
			if d == to {
				break
			}
		}
	}
	return strings.Join(short, ","), nil
}

func dayNamed(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(name, d.String()) || strings.EqualFold(name, abbreviation(d)) {
			return d, true
		}
	}
	return 0, false
}

func abbreviation(d time.Weekday) string { return d.String()[:3] }

// next is the first span that ends after a time. It is at most a day long, so
// it has begun yesterday at the earliest.
func (w Weekly) next(wall time.Time) (rollout.Span, bool) {
	midnight := wall.Truncate(day).Add(-day)
	for range 1 + 7 + 1 {
		span := rollout.Span{From: midnight.Add(w.start), To: midnight.Add(w.start + w.length)}
		if w.on[midnight.Weekday()] && span.To.After(wall) {
			return span, true
		}
		midnight = midnight.Add(day)
	}
	return rollout.Span{}, false
}
