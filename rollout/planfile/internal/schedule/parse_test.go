package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		"monday-FRIDAY 09:00-17:00":    "Mon-Fri 09:00-17:00",
		"Mon,wed-thursday 09:00-24:00": "Mon,Wed-Thu 09:00-24:00",
		"  DAILY   22:00-06:00 ":       "daily 22:00-06:00",
	} {
		weekly, err := ParseWeekly(text)
		if err != nil || weekly.String() != want {
			t.Errorf("%q is %q (%v), want %q", text, weekly, err, want)
		}
	}
	for text, want := range map[string]string{
		" 0  9 * *  mon-fri ": "0 9 * * mon-fri",
		"@daily":              "@daily",
	} {
		cron, err := ParseCron(text)
		if err != nil || cron.String() != want {
			t.Errorf("%q is %q (%v), want %q", text, cron, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cron := func(text string) error { _, err := ParseCron(text); return err }
	weekly := func(text string) error { _, err := ParseWeekly(text); return err }
	zone := func(text string) error { _, err := ParseZone(text); return err }
	date := func(text string) error { _, err := ParseDate(text, time.UTC); return err }
	const (
		zoneWay = "write Area/City, such as Europe/Zurich or America/New_York, or UTC"
		tagWay  = "write @hourly, @daily, @weekly, @monthly, @yearly, or five fields"
	)
	for _, test := range []struct {
		parse           func(string) error
		text, what, way string
	}{
		{cron, "", "has 0 fields, and not five", cronWay},
		{cron, "0 9 * *", "has 4 fields, and not five", cronWay},
		{cron, "0 0 9 * * MON-FRI", "has 6 fields, and not five", cronWay},
		{cron, "0 9 * * 1 2027", "has 6 fields, and not five", cronWay},
		{cron, "0 0 9 * * 1 2027", "has 7 fields, and not five", cronWay},
		{cron, "@everysecond", "is no tag", tagWay},
		{cron, "@reboot", "is no tag", tagWay},
		{cron, "hello", "has 1 fields, and not five", cronWay},
		{cron, "60 9 * * *", "is not understood: minute: segment#1: '60' out of bounds(0, 59)", cronWay},
		{cron, "0,60 9 * * *", "is not understood: minute: segment#1: '60' out of bounds(0, 59)", cronWay},
		{cron, "0 24 * * *", "is not understood: hour: segment#2: '24' out of bounds(0, 23)", cronWay},
		{cron, "0 9 0 * *", "is not understood: day of the month: segment#3: '0' out of bounds(1, 31)", cronWay},
		{cron, "0 9 * 13 *", "is not understood: month: segment#4: '13' out of bounds(1, 12)", cronWay},
		{cron, "0 9 * * 8", `is not understood: "8" is no day of the week`, cronWay},
		{cron, "0 9 * * FRI-MON", "is not understood: day of the week: range '5-1' out of bounds(0, 7)", cronWay},
		{cron, "*/0 9 * * *", "is not understood: minute: step can't be 0", cronWay},
		{cron, "70/5 9 * * *", `has "70/5" for the minute, which never comes`, cronWay},
		{cron, "1-2-3 9 * * *", `is not understood: "1-2-3" is no minute`, cronWay},
		{cron, "+5 9 * * *", `is not understood: "+5" is no minute`, cronWay},
		{cron, ",5 9 * * *", `is not understood: "" is no minute`, cronWay},
		{cron, "0 9 * * JAN", `is not understood: "JAN" is no day of the week`, cronWay},
		{cron, "0 9 * * 1#6", `is not understood: "1#6" is no day of the week`, cronWay},
		{cron, "0 9 32W * *", `is not understood: "32W" is no day of the month`, cronWay},
		{cron, "0 9 * * \x1b[31m", `is not understood: "\x1b[31M" is no day of the week`, cronWay},
		{cron, "0 0 30 2 *", "never fires", "look at the day and the month: no such day comes"},
		{cron, "0 0 31 4,6,9,11 *", "never fires", "look at the day and the month: no such day comes"},
		{cron, strings.Repeat("1,", 500000) + "1 9 * * *", "is longer than 100 characters", "write ranges and steps, such as 1-5 and */10, or two windows"},

		{weekly, "", "is not understood", weeklyWay},
		{weekly, "09:00-17:00", "is not understood", weeklyWay},
		{weekly, strings.Repeat("Mon,", 30) + "Mon 09:00-17:00", "is longer than 100 characters", weeklyWay},
		{weekly, "Mon - Fri 09:00-17:00", "is not understood", weeklyWay},
		{weekly, "Mon-Fri 9:00-17:00", `is not understood: "9:00-17:00" is no HH:MM-HH:MM`, weeklyWay},
		{weekly, "Mon-Fri 24:00-17:00", `is not understood: "24:00-17:00" is no HH:MM-HH:MM`, weeklyWay},
		{weekly, "Mon-Fri 09:00-24:01", `is not understood: "09:00-24:01" is no HH:MM-HH:MM`, weeklyWay},
		{weekly, "Mon-Fri 09:00-17:60", `is not understood: "09:00-17:60" is no HH:MM-HH:MM`, weeklyWay},
		{weekly, "Mo-Fr 09:00-17:00", `is not understood: "Mo-Fr" is no day of the week`, weeklyWay},
		{weekly, "Mon,,Fri 09:00-17:00", `is not understood: "" is no day of the week`, weeklyWay},
		{weekly, "Mon-Wed-Fri 09:00-17:00", `is not understood: "Mon-Wed-Fri" is no day of the week`, weeklyWay},
		{weekly, "daily,Mon 09:00-17:00", `is not understood: "daily" is no day of the week`, weeklyWay},

		{zone, "", "is no time zone", zoneWay},
		{zone, "Local", "is whatever zone the machine is in", "name a zone, such as Europe/Zurich or UTC"},
		{zone, "local", "is no time zone", zoneWay},
		{zone, "Mars/Olympus", "is no time zone", zoneWay},
		{zone, "../../etc/passwd", "is no time zone", zoneWay},
		{zone, "right/Europe/Zurich", "is no time zone", zoneWay},
		{zone, "posixrules", "is no time zone", zoneWay},
		{zone, strings.Repeat("A", 100000), "is no time zone", zoneWay},
		{zone, "utc", "is no time zone", "did you mean UTC?"},
		{zone, "europe/zurich", "is no time zone", "did you mean Europe/Zurich?"},
		{zone, "Zurich", "is no time zone", "did you mean Europe/Zurich?"},
		{zone, "america/new york", "is no time zone", "did you mean America/New_York?"},
		{zone, "lord_howe", "is no time zone", "did you mean Australia/Lord_Howe?"},

		{date, "", "is no date", dateWay},
		{date, "tomorrow", "is no date", dateWay},
		{date, "2026-1-2", "is no date", dateWay},
		{date, "20.12.2026", "is no date", dateWay},
		{date, "2026-12-20 8:00", "is no date", dateWay},
		{date, "2026-12-20T08:00:00", "is no date", dateWay},
		{date, "2026-12-20T08:00:00.5Z", "is no date", dateWay},
		{date, "2026-02-30", "is no date in the calendar from 1970 to 9998", dateWay},
		{date, "2026-12-20 24:00", "is no date in the calendar from 1970 to 9998", dateWay},
		{date, "1969-12-31", "is no date in the calendar from 1970 to 9998", dateWay},
		{date, "9999-12-31", "is no date in the calendar from 1970 to 9998", dateWay},
	} {
		t.Run(test.text, func(t *testing.T) {
			var wrong *Error
			if err := test.parse(test.text); !errors.As(err, &wrong) {
				t.Fatalf("got %v, and no Error", err)
			}
			if wrong.What != test.what || wrong.Way != test.way {
				t.Errorf("got  %s: %s\nwant %s: %s", wrong.What, wrong.Way, test.what, test.way)
			}
		})
	}
}

func TestParseDate(t *testing.T) {
	for _, test := range []struct{ text, zone, first, last, shown string }{
		{"2026-12-20", "UTC", "2026-12-20T00:00:00Z", "2026-12-20T00:00:00Z", "2026-12-20"},
		{"2026-12-20", "Europe/Zurich", "2026-12-19T23:00:00Z", "2026-12-19T23:00:00Z", "2026-12-20"},
		{"2027-01-04 08:00", "Europe/Zurich", "2027-01-04T07:00:00Z", "2027-01-04T07:00:00Z", "2027-01-04 08:00"},
		{"2027-01-04T08:00:00Z", "Europe/Zurich", "2027-01-04T08:00:00Z", "2027-01-04T08:00:00Z", "2027-01-04 09:00"},
		{"2027-01-04T08:00:30+05:30", "UTC", "2027-01-04T02:30:30Z", "2027-01-04T02:30:30Z", "2027-01-04 02:30:30"},
		{"2026-03-29 02:30", "Europe/Zurich", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29 03:00"},
		// The clocks show it twice, unless an offset says which is meant.
		{"2026-10-25 02:30", "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25 02:30"},
		{"2026-10-25T02:30:00+02:00", "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25 02:30"},
		{"2026-11-01", "America/Havana", "2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z", "2026-11-01"},
		// The day begins at 01:00 there.
		{"2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00:00Z", "2017-10-15T03:00:00Z", "2017-10-15 01:00"},
	} {
		t.Run(test.text+" "+test.zone, func(t *testing.T) {
			zone := mustZone(t, test.zone)
			got, err := ParseDate(test.text, zone)
			if err != nil {
				t.Fatal(err)
			}
			if first, last := mustTime(t, test.first), mustTime(t, test.last); !got.First.Equal(first) || !got.Last.Equal(last) {
				t.Errorf("got %v, want %v and %v", got, first, last)
			}
			for _, moment := range []time.Time{got.First, got.Last} {
				if shown := FormatDate(moment, zone); shown != test.shown {
					t.Errorf("shown as %q, want %q", shown, test.shown)
				}
			}
		})
	}
}
