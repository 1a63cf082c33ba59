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

// written makes the schedule of a test: a cron expression, if it has a length,
// and otherwise a weekly span.
func written(t testing.TB, text, length, zone string) rollout.Schedule {
	t.Helper()
	place := mustZone(t, zone)
	if length == "" {
		weekly, err := ParseWeekly(text)
		if err != nil {
			t.Fatalf("%s %v", text, err)
		}
		return weekly.In(place)
	}
	cron, err := ParseCron(text)
	if err != nil {
		t.Fatalf("%s %v", text, err)
	}
	elapsed, err := time.ParseDuration(length)
	if err != nil {
		t.Fatal(err)
	}
	return cron.In(place, elapsed)
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

// Cron spans that overlap come one after the other when the one that ends is
// followed by the one that ends next.
func TestNextOfOverlapping(t *testing.T) {
	got := spans(t, written(t, "0 * * * *", "3h", "UTC"), "UTC", "2026-03-06T12:30:00Z", 3)
	want := []string{
		"Fri 2026-03-06 10:00 +0000 → Fri 2026-03-06 13:00 +0000",
		"Fri 2026-03-06 11:00 +0000 → Fri 2026-03-06 14:00 +0000",
		"Fri 2026-03-06 12:00 +0000 → Fri 2026-03-06 15:00 +0000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
