package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := ParseZone(name)
	if err != nil {
		t.Fatalf("%s %v", name, err)
	}
	return zone
}

func mustTime(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// written and denies make the schedules of a test, of an allow and of a deny
// window: a cron expression, if it has a length, and otherwise a weekly span.
func written(t testing.TB, text, length, zone string) rollout.Schedule {
	t.Helper()
	if length == "" {
		return mustWeekly(t, text).Allows(mustZone(t, zone))
	}
	cron, elapsed := mustCron(t, text, length)
	return cron.Allows(mustZone(t, zone), elapsed)
}

func denies(t testing.TB, text, length, zone string) rollout.Schedule {
	t.Helper()
	if length == "" {
		return mustWeekly(t, text).Denies(mustZone(t, zone))
	}
	cron, elapsed := mustCron(t, text, length)
	return cron.Denies(mustZone(t, zone), elapsed)
}

func mustWeekly(t testing.TB, text string) Weekly {
	t.Helper()
	weekly, err := ParseWeekly(text)
	if err != nil {
		t.Fatalf("%s %v", text, err)
	}
	return weekly
}

func mustCron(t testing.TB, text, length string) (Cron, time.Duration) {
	t.Helper()
	cron, err := ParseCron(text)
	if err != nil {
		t.Fatalf("%s %v", text, err)
	}
	elapsed, err := time.ParseDuration(length)
	if err != nil {
		t.Fatal(err)
	}
	return cron, elapsed
}

// spans are the first few after a moment, as the clocks of the zone show them,
// with their offset.
func spans(t testing.TB, s rollout.Schedule, zone, after string, count int) []string {
	t.Helper()
	moment, place := mustTime(t, after), mustZone(t, zone)
	var all []string
	for range count {
		span, ok := s.Next(moment)
		if !ok {
			return append(all, "never")
		}
		const layout = "Mon 2006-01-02 15:04 -0700"
		all = append(all, span.From.In(place).Format(layout)+" → "+span.To.In(place).Format(layout))
		moment = span.To
	}
	return all
}

func TestNext(t *testing.T) {
	for name, test := range map[string]struct {
		text, length, zone, after string
		want                      []string
	}{
		"working hours": {"0 9 * * MON-FRI", "8h", "Europe/Zurich", "2026-03-05T20:00:00Z", []string{
			"Fri 2026-03-06 09:00 +0100 → Fri 2026-03-06 17:00 +0100",
			"Mon 2026-03-09 09:00 +0100 → Mon 2026-03-09 17:00 +0100",
		}},
		"a span that has begun": {"Mon-Fri 09:00-17:00", "", "Europe/Zurich", "2026-03-06T12:00:00Z", []string{
			"Fri 2026-03-06 09:00 +0100 → Fri 2026-03-06 17:00 +0100",
			"Mon 2026-03-09 09:00 +0100 → Mon 2026-03-09 17:00 +0100",
		}},
		"the moment of its end is outside": {"Mon-Fri 09:00-17:00", "", "UTC", "2026-03-06T17:00:00Z", []string{
			"Mon 2026-03-09 09:00 +0000 → Mon 2026-03-09 17:00 +0000",
		}},
		"a weekend that has begun": {"0 18 * * 5", "62h", "UTC", "2026-03-08T12:00:00Z", []string{
			"Fri 2026-03-06 18:00 +0000 → Mon 2026-03-09 08:00 +0000",
			"Fri 2026-03-13 18:00 +0000 → Mon 2026-03-16 08:00 +0000",
		}},
		"over midnight": {"Fri 22:00-06:00", "", "UTC", "2026-03-07T05:00:00Z", []string{
			"Fri 2026-03-06 22:00 +0000 → Sat 2026-03-07 06:00 +0000",
			"Fri 2026-03-13 22:00 +0000 → Sat 2026-03-14 06:00 +0000",
		}},
		"over the week's end": {"Fri-Mon 10:00-11:00", "", "UTC", "2026-03-06T12:00:00Z", []string{
			"Sat 2026-03-07 10:00 +0000 → Sat 2026-03-07 11:00 +0000",
			"Sun 2026-03-08 10:00 +0000 → Sun 2026-03-08 11:00 +0000",
			"Mon 2026-03-09 10:00 +0000 → Mon 2026-03-09 11:00 +0000",
			"Fri 2026-03-13 10:00 +0000 → Fri 2026-03-13 11:00 +0000",
		}},
		"whole days": {"Sat,Sunday 00:00-24:00", "", "UTC", "2026-03-06T12:00:00Z", []string{
			"Sat 2026-03-07 00:00 +0000 → Sun 2026-03-08 00:00 +0000",
			"Sun 2026-03-08 00:00 +0000 → Mon 2026-03-09 00:00 +0000",
			"Sat 2026-03-14 00:00 +0000 → Sun 2026-03-15 00:00 +0000",
		}},
		"a day from nine to nine": {"Wed 09:00-09:00", "", "UTC", "2026-03-06T12:00:00Z", []string{
			"Wed 2026-03-11 09:00 +0000 → Thu 2026-03-12 09:00 +0000",
		}},
		"the last Friday": {"0 12 * * FRIL", "1h", "UTC", "2026-03-06T12:00:00Z", []string{
			"Fri 2026-03-27 12:00 +0000 → Fri 2026-03-27 13:00 +0000",
			"Fri 2026-04-24 12:00 +0000 → Fri 2026-04-24 13:00 +0000",
		}},
		"a tag": {"@monthly", "1h", "UTC", "2026-03-06T12:00:00Z", []string{
			"Wed 2026-04-01 00:00 +0000 → Wed 2026-04-01 01:00 +0000",
		}},
		"a leap day": {"0 0 29 2 *", "1h", "UTC", "2096-03-01T00:00:00Z", []string{
			"Fri 2104-02-29 00:00 +0000 → Fri 2104-02-29 01:00 +0000",
		}},
		"a leap day and a day of the week, forty years away": {"0 0 29 2 */7", "1h", "UTC", "2088-02-29T01:00:00Z", []string{
			"Sun 2128-02-29 00:00 +0000 → Sun 2128-02-29 01:00 +0000",
		}},

		// Spring, where the clocks go from 02:00 to 03:00.
		"spring, hours that elapse": {"0 22 * * SAT", "8h", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sat 2026-03-28 22:00 +0100 → Sun 2026-03-29 07:00 +0200",
		}},
		"spring, hours that clocks show": {"Sat 22:00-06:00", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sat 2026-03-28 22:00 +0100 → Sun 2026-03-29 06:00 +0200",
		}},
		"spring, a tick in the gap": {"30 2 * * *", "1h", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 03:00 +0200 → Sun 2026-03-29 04:00 +0200",
			"Mon 2026-03-30 02:30 +0200 → Mon 2026-03-30 03:30 +0200",
		}},
		"spring, ticks before, in and after the gap": {"15,45 1-3 * * *", "5m", "America/New_York", "2026-03-08T06:00:00Z", []string{
			"Sun 2026-03-08 01:15 -0500 → Sun 2026-03-08 01:20 -0500",
			"Sun 2026-03-08 01:45 -0500 → Sun 2026-03-08 01:50 -0500",
			"Sun 2026-03-08 03:00 -0400 → Sun 2026-03-08 03:05 -0400",
			"Sun 2026-03-08 03:15 -0400 → Sun 2026-03-08 03:20 -0400",
		}},
		"spring, a start in the gap": {"Sun 02:30-04:00", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 03:00 +0200 → Sun 2026-03-29 04:00 +0200",
		}},
		"spring, an end in the gap": {"Sun 01:30-02:30", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 01:30 +0100 → Sun 2026-03-29 03:00 +0200",
		}},
		"spring, nothing but the gap": {"Sun 02:15-02:45", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-04-05 02:15 +0200 → Sun 2026-04-05 02:45 +0200",
		}},
		"spring, half an hour": {"Sun 02:15-03:00", "", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", []string{
			"Sun 2026-10-04 02:30 +1100 → Sun 2026-10-04 03:00 +1100",
		}},

		// Autumn, where the clocks go from 03:00 to 02:00.
		"autumn, hours that elapse": {"0 22 * * SAT", "8h", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sat 2026-10-24 22:00 +0200 → Sun 2026-10-25 05:00 +0100",
		}},
		"autumn, hours that clocks show": {"Sat 22:00-06:00", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sat 2026-10-24 22:00 +0200 → Sun 2026-10-25 06:00 +0100",
		}},
		"autumn, a tick that comes twice": {"30 2 * * *", "10m", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:30 +0200 → Sun 2026-10-25 02:40 +0200",
			"Mon 2026-10-26 02:30 +0100 → Mon 2026-10-26 02:40 +0100",
		}},
		"autumn, asked in the hour that is repeated": {"15,45 1-2 * * *", "5m", "America/New_York", "2026-11-01T06:10:00Z", []string{
			"Sun 2026-11-01 02:15 -0500 → Sun 2026-11-01 02:20 -0500",
		}},
		"autumn, a start that comes twice": {"Sun 02:30-04:00", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:30 +0100 → Sun 2026-10-25 04:00 +0100",
		}},
		"autumn, an end that comes twice": {"Sun 01:00-02:30", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 01:00 +0200 → Sun 2026-10-25 02:30 +0200",
			"Sun 2026-11-01 01:00 +0100 → Sun 2026-11-01 02:30 +0100",
		}},
		"autumn, a start and an end that come twice": {"Sun 02:15-02:45", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:15 +0200 → Sun 2026-10-25 02:45 +0200",
			"Sun 2026-11-01 02:15 +0100 → Sun 2026-11-01 02:45 +0100",
		}},
		"autumn, half an hour": {"45 1 * * *", "30m", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", []string{
			"Sun 2026-04-05 01:45 +1100 → Sun 2026-04-05 01:45 +1030",
			"Mon 2026-04-06 01:45 +1030 → Mon 2026-04-06 02:15 +1030",
		}},

		"a day that a zone skipped": {"0 12 30 * *", "1h", "Pacific/Apia", "2011-12-01T00:00:00Z", []string{
			"Sat 2011-12-31 00:00 +1400 → Sat 2011-12-31 01:00 +1400",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := spans(t, written(t, test.text, test.length, test.zone), test.zone, test.after, len(test.want))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Cron spans that follow each other without a gap are one, as far as that is
// worth it: some follow each other for ever.
func TestNextOfMany(t *testing.T) {
	for name, test := range map[string]struct {
		text, length, zone, after string
		want                      []string
	}{
		"minutes of an hour": {"*/15 9 * * *", "15m", "UTC", "2026-03-06T08:30:00Z", []string{
			"Fri 2026-03-06 09:00 +0000 → Fri 2026-03-06 10:00 +0000",
			"Sat 2026-03-07 09:00 +0000 → Sat 2026-03-07 10:00 +0000",
		}},
		"those that do not touch": {"*/15 9 * * *", "14m", "UTC", "2026-03-06T08:30:00Z", []string{
			"Fri 2026-03-06 09:00 +0000 → Fri 2026-03-06 09:14 +0000",
			"Fri 2026-03-06 09:15 +0000 → Fri 2026-03-06 09:29 +0000",
		}},
		"overlapping, over midnight": {"0 22-23,0-5 * * FRI-SAT", "90m", "UTC", "2026-03-05T12:00:00Z", []string{
			"Fri 2026-03-06 00:00 +0000 → Fri 2026-03-06 06:30 +0000",
			"Fri 2026-03-06 22:00 +0000 → Sat 2026-03-07 06:30 +0000",
			"Sat 2026-03-07 22:00 +0000 → Sun 2026-03-08 00:30 +0000",
		}},
		"every hour, ten days at once": {"0 * * * *", "3h", "UTC", "2026-03-06T12:30:00Z", []string{
			"Fri 2026-03-06 10:00 +0000 → Mon 2026-03-16 03:00 +0000",
			"Mon 2026-03-16 01:00 +0000 → Thu 2026-03-26 03:00 +0000",
		}},
		"every hour, up to where the clocks are set": {"0 * * * *", "1h", "Europe/Zurich", "2026-10-24T12:30:00Z", []string{
			"Sat 2026-10-24 14:00 +0200 → Sun 2026-10-25 02:00 +0100",
			"Sun 2026-10-25 03:00 +0100 → Wed 2026-11-04 01:00 +0100",
		}},
		"days that touch": {"0 9 * * *", "24h", "UTC", "2026-03-06T12:30:00Z", []string{
			"Fri 2026-03-06 09:00 +0000 → Tue 2026-03-17 09:00 +0000",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := spans(t, written(t, test.text, test.length, test.zone), test.zone, test.after, len(test.want))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A deny window leaves no moment open at which the clocks show a time in it,
// the second time that they show it included.
func TestDenies(t *testing.T) {
	for name, test := range map[string]struct {
		text, length, zone, after string
		want                      []string
	}{
		"an end that comes twice": {"Sun 01:00-02:30", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 01:00 +0200 → Sun 2026-10-25 02:30 +0200",
			"Sun 2026-10-25 02:00 +0100 → Sun 2026-10-25 02:30 +0100",
			"Sun 2026-11-01 01:00 +0100 → Sun 2026-11-01 02:30 +0100",
		}},
		"both come twice": {"Sun 02:15-02:45", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:15 +0200 → Sun 2026-10-25 02:45 +0200",
			"Sun 2026-10-25 02:15 +0100 → Sun 2026-10-25 02:45 +0100",
		}},
		"a beginning that comes twice": {"Sun 02:30-04:00", "", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:30 +0200 → Sun 2026-10-25 02:00 +0100",
			"Sun 2026-10-25 02:30 +0100 → Sun 2026-10-25 04:00 +0100",
		}},
		"ticks that come twice": {"30 2 * * *", "10m", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sun 2026-10-25 02:30 +0200 → Sun 2026-10-25 02:40 +0200",
			"Sun 2026-10-25 02:30 +0100 → Sun 2026-10-25 02:40 +0100",
			"Mon 2026-10-26 02:30 +0100 → Mon 2026-10-26 02:40 +0100",
		}},
		"hours that elapse, and hours that clocks show": {"0 22 * * SAT", "8h", "Europe/Zurich", "2026-10-24T12:00:00Z", []string{
			"Sat 2026-10-24 22:00 +0200 → Sun 2026-10-25 05:00 +0100",
			"Sun 2026-10-25 02:00 +0100 → Sun 2026-10-25 06:00 +0100",
		}},
		"half an hour": {"0 1 * * *", "1h", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", []string{
			"Sun 2026-04-05 01:00 +1100 → Sun 2026-04-05 01:30 +1030",
			"Sun 2026-04-05 01:30 +1030 → Sun 2026-04-05 02:00 +1030",
		}},
		"midnight": {"Sat 23:30-24:00", "", "Asia/Beirut", "2026-10-24T12:00:00Z", []string{
			"Sat 2026-10-24 23:30 +0300 → Sat 2026-10-24 23:00 +0200",
			"Sat 2026-10-24 23:30 +0200 → Sun 2026-10-25 00:00 +0200",
		}},
		"spring, a start in the gap": {"Sun 02:30-04:00", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 03:00 +0200 → Sun 2026-03-29 04:00 +0200",
		}},
		"spring, an end in the gap": {"Sun 01:30-02:30", "", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 01:30 +0100 → Sun 2026-03-29 03:00 +0200",
		}},
		"spring, a tick in the gap": {"30 2 * * *", "1h", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 03:00 +0200 → Sun 2026-03-29 04:00 +0200",
			"Mon 2026-03-30 02:30 +0200 → Mon 2026-03-30 03:30 +0200",
		}},
		"spring, a tick that is always in the gap": {"30 2 * 3 SUNL", "1m", "Europe/Zurich", "2026-03-28T12:00:00Z", []string{
			"Sun 2026-03-29 03:00 +0200 → Sun 2026-03-29 03:01 +0200",
			"Sun 2027-03-28 03:00 +0200 → Sun 2027-03-28 03:01 +0200",
		}},
		"midnight that is skipped": {"Fri 00:00-06:00", "", "Africa/Cairo", "2026-04-23T12:00:00Z", []string{
			"Fri 2026-04-24 01:00 +0300 → Fri 2026-04-24 06:00 +0300",
		}},
		"a day that is skipped": {"Thu-Fri 12:00-12:00", "", "Pacific/Apia", "2011-12-29T12:00:00Z", []string{
			"Thu 2011-12-29 12:00 -1000 → Sat 2011-12-31 00:00 +1400",
			"Sat 2011-12-31 00:00 +1400 → Sat 2011-12-31 12:00 +1400",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := spans(t, denies(t, test.text, test.length, test.zone), test.zone, test.after, len(test.want))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// In the hour that autumn repeats these deny everything, the first time and the
// second.
func TestDeniesARepeatedHour(t *testing.T) {
	for text, length := range map[string]string{
		"0 0-5 * * *": "1h", "*/15 0-5 * * *": "15m", "0 * * * *": "1h", "* * * * *": "1m", "0 1 * * *": "2h",
		"Sun 02:00-03:00": "", "daily 00:00-24:00": "", "Sat 22:00-06:00": "",
	} {
		t.Run(text, func(t *testing.T) {
			s := denies(t, text, length, "Europe/Zurich")
			for m := mustTime(t, "2026-10-25T00:00:00Z"); m.Before(mustTime(t, "2026-10-25T02:00:00Z")); m = m.Add(time.Minute) {
				if span, ok := s.Next(m); !ok || span.From.After(m) {
					t.Fatalf("it is open at %v", m)
				}
			}
		})
	}
}

func TestDatesThatComeTwice(t *testing.T) {
	date := func(text string) Date {
		d, err := ParseDate(text, mustZone(t, "Europe/Zurich"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const begins, ends = "2026-10-25 02:15", "2026-10-25 02:45"
	for name, test := range map[string]struct {
		bounds      Bounds
		from, until string
	}{
		"denied":                    {Widest(date(begins), date(ends)), "2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z"},
		"allowed":                   {Narrowest(date(begins), date(ends)), "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z"},
		"allowed from then on":      {Narrowest(date(begins), date("2026-10-26")), "2026-10-25T01:15:00Z", "2026-10-25T23:00:00Z"},
		"allowed, without an end":   {Narrowest(date(begins), Date{}), "2026-10-25T01:15:00Z", ""},
		"allowed, and no beginning": {Narrowest(Date{}, date(ends)), "", "2026-10-25T00:45:00Z"},
		"denied, without an end":    {Widest(date(begins), Date{}), "2026-10-25T00:15:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want Bounds
			if test.from != "" {
				want.From = mustTime(t, test.from)
			}
			if test.until != "" {
				want.Until = mustTime(t, test.until)
			}
			if !test.bounds.From.Equal(want.From) || !test.bounds.Until.Equal(want.Until) {
				t.Errorf("%v, want %v", test.bounds, want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	bounds := func(from, until string) Bounds {
		var b Bounds
		if from != "" {
			b.From = mustTime(t, from)
		}
		if until != "" {
			b.Until = mustTime(t, until)
		}
		return b
	}
	weekly := written(t, "Mon-Fri 09:00-17:00", "", "UTC")
	for name, test := range map[string]struct {
		schedule rollout.Schedule
		after    string
		want     []string
	}{
		"none": {bounds("", "").Cut(weekly), "2026-03-06T17:00:00Z", []string{
			"Mon 2026-03-09 09:00 +0000 → Mon 2026-03-09 17:00 +0000",
		}},
		"an end": {bounds("", "2026-03-06T12:00:00Z").Cut(weekly), "2026-03-05T17:00:00Z", []string{
			"Fri 2026-03-06 09:00 +0000 → Fri 2026-03-06 12:00 +0000", "never",
		}},
		"an end between two": {bounds("", "2026-03-06T20:00:00Z").Cut(weekly), "2026-03-06T08:00:00Z", []string{
			"Fri 2026-03-06 09:00 +0000 → Fri 2026-03-06 17:00 +0000", "never",
		}},
		"a beginning": {bounds("2026-03-06T12:00:00Z", "").Cut(weekly), "2025-03-05T17:00:00Z", []string{
			"Fri 2026-03-06 12:00 +0000 → Fri 2026-03-06 17:00 +0000",
			"Mon 2026-03-09 09:00 +0000 → Mon 2026-03-09 17:00 +0000",
		}},
		"a beginning that is an end": {bounds("2026-03-06T17:00:00Z", "").Cut(weekly), "2025-03-05T17:00:00Z", []string{
			"Mon 2026-03-09 09:00 +0000 → Mon 2026-03-09 17:00 +0000",
		}},
		"nothing between them": {bounds("2026-03-06T18:00:00Z", "2026-03-09T09:00:00Z").Cut(weekly), "2025-03-05T17:00:00Z", []string{
			"never",
		}},
		"once": {bounds("2026-12-20T00:00:00Z", "2027-01-04T08:00:00Z").Once(), "2026-12-24T17:00:00Z", []string{
			"Sun 2026-12-20 00:00 +0000 → Mon 2027-01-04 08:00 +0000", "never",
		}},
		"until then": {bounds("", "2027-01-04T08:00:00Z").Once(), "2026-12-24T17:00:00Z", []string{
			"Thu 1970-01-01 00:00 +0000 → Mon 2027-01-04 08:00 +0000", "never",
		}},
		"from then on": {bounds("2026-12-20T00:00:00Z", "").Once(), "2026-02-24T17:00:00Z", []string{
			"Sun 2026-12-20 00:00 +0000 → Fri 9999-01-01 00:00 +0000", "never",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, spans(t, test.schedule, "UTC", test.after, len(test.want))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
