package schedule

import (
	"fmt"
	"math/bits"
	"regexp"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// MaxCron is how many bytes an expression may have: more than anybody can read.
const MaxCron = 100

// A Cron is an expression of five fields, or a tag that stands for one. Its
// zero value never fires.
type Cron struct {
	text string
	// Each field is the set of its values: bit 30 of minutes is minute 30.
	minutes, hours, months uint64
	// days are the days of the month, for each kind of month: the day of the
	// week, the last day and the nearest working day depend on nothing else.
	days [monthKinds]uint64
}

// ParseCron takes what gronx takes, without the fields for seconds and years.
// The error is an [Error].
func ParseCron(expression string) (Cron, error) {
	words := strings.Fields(expression)
	written := strings.Join(words, " ")
	switch {
	case len(expression) > MaxCron:
		return Cron{}, fail(fmt.Sprintf("is longer than %d characters", MaxCron), "write ranges and steps, such as 1-5 and */10, or two windows")
	case len(words) == 1 && strings.HasPrefix(written, "@"):
	case len(words) != len(cronFields):
		return Cron{}, fail(fmt.Sprintf("has %d fields, and not five", len(words)), cronWay)
	default:
		for i, word := range words {
			if err := cronFields[i].spelled(word); err != nil {
				return Cron{}, err
			}
		}
	}
	segments, err := gronx.Segments(written)
	if err != nil || segments[0] != "0" || len(segments) != 1+len(cronFields) {
		return Cron{}, fail("is no tag", "write @hourly, @daily, @weekly, @monthly, @yearly, or five fields")
	}
	c := Cron{text: written}
	if err := c.read(segments); err != nil {
		return Cron{}, err
	}
	if _, ever := c.tick(cycle); !ever {
		return Cron{}, fail("never fires", "look at the day and the month: no such day comes")
	}
	return c, nil
}

// String is the expression, with one space between its fields.
func (c Cron) String() string { return c.text }

const cronWay = `write five fields, such as "0 9 * * MON-FRI": minute, hour, day of the month, month, day of the week`

// A cronField is what may stand in one place of an expression.
type cronField struct {
	name        string
	item        *regexp.Regexp
	least, most int
	// sample is a time whose field has the value.
	sample func(value int) time.Time
}

// The fields, in order. The expressions are narrower than gronx, which would
// take 1-2-3 for 1-2 and JAN for a Monday.
var cronFields = []cronField{
	{"minute", cronItem(number), 0, 59, func(v int) time.Time { return cycle.Add(time.Duration(v) * time.Minute) }},
	{"hour", cronItem(number), 0, 23, func(v int) time.Time { return cycle.Add(time.Duration(v) * time.Hour) }},
	{"day of the month", cronItem(number, `L`, `([1-9]|[12][0-9]|3[01])W`), 1, 31, func(v int) time.Time { return cycle.AddDate(0, 0, v-1) }},
	{"month", cronItem(monthWord), 1, 12, func(v int) time.Time { return cycle.AddDate(0, v-1, 0) }},
	// The day after the cycle begins is a Sunday.
	{"day of the week", cronItem(weekday, weekday+`L`, weekday+`#[1-5]`), 0, 6, func(v int) time.Time { return cycle.AddDate(0, 0, v+1) }},
}

const (
	number    = `[0-9]{1,2}`
	monthWord = `([0-9]{1,2}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)`
	weekday   = `([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)`
)

// cronItem is one part of a list: a value, a range, a step, or what only the
// field knows.
func cronItem(value string, others ...string) *regexp.Regexp {
	forms := append([]string{`\?`, `(\*|` + value + `(-` + value + `)?)(/[0-9]{1,2})?`}, others...)
	return regexp.MustCompile(`^(` + strings.Join(forms, `|`) + `)$`)
}

func (f cronField) spelled(list string) error {
	for item := range strings.SplitSeq(strings.ToUpper(list), ",") {
		if !f.item.MatchString(item) {
			return fail(fmt.Sprintf("is not understood: %s is no %s", quote(item), f.name), cronWay)
		}
	}
	return nil
}

// values asks gronx which values of the field a list has. It asks for each item
// alone: for a list gronx is content with the first that fits, and does not
// look at the others.
func (f cronField) values(list string, position int) (uint64, error) {
	var set uint64
	for item := range strings.SplitSeq(list, ",") {
		if strings.ContainsAny(item, "LW#") {
			continue // those are days, and the spelling has been checked
		}
		own, err := f.fitting(item, position)
		if err != nil {
			return 0, fail(fmt.Sprintf("is not understood: %s: %v", f.name, err), cronWay)
		}
		if own == 0 {
			return 0, fail(fmt.Sprintf("has %s for the %s, which never comes", quote(item), f.name), cronWay)
		}
		set |= own
	}
	return set, nil
}

func (f cronField) fitting(item string, position int) (uint64, error) {
	var set uint64
	for value := f.least; value <= f.most; value++ {
		checker := gronx.SegmentChecker{}
		checker.SetRef(f.sample(value))
		due, err := checker.CheckDue(item, position)
		if err != nil {
			return 0, err
		}
		if due {
			set |= 1 << value
		}
	}
	return set, nil
}

// read fills the sets from gronx's segments, of which the first are the
// seconds.
func (c *Cron) read(segments []string) error {
	var sets [5]uint64
	for i, field := range cronFields {
		set, err := field.values(segments[i+1], i+1)
		if err != nil {
			return err
		}
		sets[i] = set
	}
	c.minutes, c.hours, c.months = sets[0], sets[1], sets[3]
	return c.readDays(segments[3], segments[5])
}

// readDays fills in the days of every kind of month.
func (c *Cron) readDays(ofMonth, ofWeek string) error {
	judge := newDayJudge(ofMonth, ofWeek)
	var seen [monthKinds]bool
	for month := cycle; month.Before(cycle.AddDate(cycleYears, 0, 0)); month = month.AddDate(0, 1, 0) {
		kind, length := kindOf(month)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		for d := 1; d <= length; d++ {
			due, err := judge.due(month.AddDate(0, 0, d-1))
			if err != nil {
				return fail(fmt.Sprintf("is not understood: %v", err), cronWay)
			}
			if due {
				c.days[kind] |= 1 << d
			}
		}
	}
	return nil
}

// A dayJudge asks gronx about days: it knows when the two fields for days have
// to agree and when one of them is enough.
type dayJudge struct {
	gronx    *gronx.Gronx
	segments []string
	// known are its answers by day of the month and day of the week, where
	// nothing else matters to it.
	known map[[2]int]bool
}

func newDayJudge(ofMonth, ofWeek string) dayJudge {
	judge := dayJudge{gronx: gronx.New(), segments: []string{"0", "*", "*", ofMonth, "*", ofWeek}}
	if !strings.ContainsAny(ofMonth+ofWeek, "LW#") {
		judge.known = map[[2]int]bool{}
	}
	return judge
}

func (j dayJudge) due(date time.Time) (bool, error) {
	key := [2]int{date.Day(), int(date.Weekday())}
	if due, ok := j.known[key]; ok {
		return due, nil
	}
	j.gronx.C.SetRef(date)
	due, err := j.gronx.SegmentsDue(j.segments)
	if j.known != nil {
		j.known[key] = due
	}
	return due, err
}

// A month has 28 to 31 days and begins on one of seven.
const monthKinds = 4 * 7

func kindOf(month time.Time) (kind, length int) {
	length = time.Date(month.Year(), month.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	first := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC).Weekday()
	return (length-28)*7 + int(first), length
}

// cycle begins the 28 years after which, in one century, every date is on the
// same day of the week again: all kinds of all months are in them. It is a
// Saturday.
var cycle = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	cycleYears = 28
	// rarest is how many months can be between two days of one kind: 29
	// February on a certain day of the week, over a year like 2100.
	rarest = 12 * (40 + 1)
)

// tick is the first time, not before another, at which the expression fires.
// Both are what a wall clock shows.
func (c Cron) tick(from time.Time) (time.Time, bool) {
	if minute := from.Truncate(time.Minute); minute.Before(from) {
		from = minute.Add(time.Minute)
	}
	month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
	earliest := from.Sub(month)
	for range rarest {
		if since, ok := c.inMonth(month, earliest); ok {
			return month.Add(since), true
		}
		month, earliest = month.AddDate(0, 1, 0), 0
	}
	return time.Time{}, false
}

// inMonth looks through one month, from a time since its beginning on.
func (c Cron) inMonth(month time.Time, earliest time.Duration) (time.Duration, bool) {
	if c.months&(1<<month.Month()) == 0 {
		return 0, false
	}
	kind, _ := kindOf(month)
	for d := next(c.days[kind], int(earliest/day)+1); d > 0; d = next(c.days[kind], d+1) {
		begins := time.Duration(d-1) * day
		if since, ok := c.inDay(max(earliest-begins, 0)); ok {
			return begins + since, true
		}
	}
	return 0, false
}

func (c Cron) inDay(earliest time.Duration) (time.Duration, bool) {
	hour, minute := int(earliest/time.Hour), int(earliest%time.Hour/time.Minute)
	if h := next(c.hours, hour); h != hour {
		hour, minute = h, 0
	}
	m := next(c.minutes, minute)
	if hour >= 0 && m < 0 {
		hour, m = next(c.hours, hour+1), next(c.minutes, 0)
	}
	return time.Duration(hour)*time.Hour + time.Duration(m)*time.Minute, hour >= 0
}

// next is the least value of a set that is not below another, and -1 if there
// is none.
func next(set uint64, from int) int {
	if rest := set >> from; rest != 0 {
		return from + bits.TrailingZeros64(rest)
	}
	return -1
}
