package planfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// windowsOf parses windows, written in YAML's flow style.
func windowsOf(t testing.TB, windows string, options Options) (rollout.Windows, error) {
	t.Helper()
	file, err := Parse("file", []byte(policyPlan("./k8s-ops.git", "soak: 1h\nwindows: "+windows)), options)
	if err != nil {
		return rollout.Windows{}, err
	}
	return file.Plan.Stages[1].Windows, nil
}

func TestWindows(t *testing.T) {
	for _, test := range []struct{ written, text, span string }{
		{
			`{cron: "0 9 * * MON-FRI", for: 8h, zone: Europe/Zurich}`,
			`cron "0 9 * * MON-FRI" for 8h Europe/Zurich`,
			"2026-12-24 08:00 UTC to 2026-12-24 16:00 UTC",
		},
		{
			`{cron: "@daily", for: 1h}`,
			`cron "@daily" for 1h UTC`,
			"2026-12-25 00:00 UTC to 2026-12-25 01:00 UTC",
		},
		{
			`{span: "friday 22:00-06:00", zone: America/New_York}`,
			"Fri 22:00-06:00 America/New_York",
			"2026-12-26 03:00 UTC to 2026-12-26 11:00 UTC",
		},
		{
			`{span: "daily 00:00-24:00", from: 2026-12-30 12:00, until: 2026-12-31}`,
			"daily 00:00-24:00 from 2026-12-30 12:00 until 2026-12-31 UTC",
			"2026-12-30 12:00 UTC to 2026-12-31 00:00 UTC",
		},
		{
			`{cron: "0 18 * * 5", for: 62h, until: 2026-12-27, zone: Europe/Zurich}`,
			`cron "0 18 * * 5" for 62h until 2026-12-27 Europe/Zurich`,
			"2026-12-25 17:00 UTC to 2026-12-26 23:00 UTC",
		},
		{
			`{from: 2026-12-20, until: "2027-01-04 08:00", zone: Europe/Zurich}`,
			"from 2026-12-20 until 2027-01-04 08:00 Europe/Zurich",
			"2026-12-19 23:00 UTC to 2027-01-04 07:00 UTC",
		},
		{
			`{until: 2027-01-04T08:00:00+01:00}`,
			"until 2027-01-04 07:00 UTC",
			"1970-01-01 00:00 UTC to 2027-01-04 07:00 UTC",
		},
		{
			`{from: 2027-01-04}`,
			"from 2027-01-04 UTC",
			"2027-01-04 00:00 UTC to 9999-01-01 00:00 UTC",
		},
	} {
		t.Run(test.text, func(t *testing.T) {
			windows, err := windowsOf(t, "{allow: ["+test.written+"]}", Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			window := windows.Allow[0]
			if window.Text != test.text || window.Where != "file:10" {
				t.Errorf("got %q at %s, want %q at file:10", window.Text, window.Where, test.text)
			}
			span, _ := window.Schedule.Next(now)
			if got := rollout.FormatTime(span.From) + " to " + rollout.FormatTime(span.To); got != test.span {
				t.Errorf("got %s, want %s", got, test.span)
			}
		})
	}
}

// What is over, or cannot be judged, is no reason to refuse a plan that opens.
func TestWindowsThatOpen(t *testing.T) {
	for name, test := range map[string]struct {
		windows string
		now     time.Time
	}{
		"one that is over beside another":     {"{allow: [{until: 2026-01-01}, {span: daily 09:00-17:00}]}", now},
		"a freeze of a year":                  {"{deny: [{until: 2028-01-01}]}", now},
		"a freeze that is over":               {"{deny: [{until: 2026-01-01}]}", now},
		"a freeze that takes turns":           {`{deny: [{cron: "*/2 * * * *", for: 1m, until: 2027-03-01}, {cron: "1-59/2 * * * *", for: 1m, until: 2027-03-01}]}`, now},
		"some minutes a week":                 {"{allow: [{span: Mon 09:00-17:00}], deny: [{span: Mon 00:00-16:55}]}", now},
		"all over, at an unknown time":        {"{allow: [{until: 2026-01-01}]}", time.Time{}},
		"closed for ever, at an unknown time": {"{deny: [{from: 2026-01-01}]}", time.Time{}},
		"an exception, at an unknown time":    {"{allow: [{from: 2027-01-01, until: 2027-01-02}], deny: [{span: daily 12:00-11:00}]}", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := windowsOf(t, test.windows, Options{Now: test.now}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A window that begins anew every minute is one freeze, and has its end.
func TestFreezeOfMinutes(t *testing.T) {
	for _, deny := range []string{
		`{cron: "* * * * *", for: 1m, until: 2027-06-01}`,
		`{cron: "*/10 * * * *", for: 10m, until: 2027-06-01, zone: UTC}`,
		`{cron: "0 * * * *", for: 2h, until: 2027-06-01}, {cron: "* * * * MON", for: 90s, until: 2027-05-01}`,
	} {
		windows, err := windowsOf(t, "{deny: ["+deny+"]}", Options{Now: now})
		if err != nil {
			t.Error(err)
			continue
		}
		if opens, ok := windows.Opening(now); !ok || !opens.Equal(time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: it opens at %v (%t)", deny, opens, ok)
		}
	}
}

// What a deny window and an allow window say where the clocks are set is the
// stricter of what their text can mean.
func TestWindowsInAutumn(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, "2026-10-25T"+text+":00Z")
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, test := range []struct {
		windows, asked, opens string
	}{
		{`{deny: [{span: "Sun 01:00-02:30", zone: Europe/Zurich}]}`, "01:15", "01:30"},
		{`{deny: [{span: "Sun 02:15-02:45", zone: Europe/Zurich}]}`, "01:20", "01:45"},
		{`{deny: [{cron: "0 0-5 * * *", for: 1h, zone: Europe/Zurich}]}`, "01:00", "05:00"},
		{`{deny: [{cron: "*/15 0-5 * * *", for: 15m, zone: Europe/Zurich}]}`, "01:07", "05:00"},
		{`{deny: [{cron: "0 * * * *", for: 1h, zone: Europe/Zurich, until: "2026-10-25 02:30"}]}`, "00:40", "01:30"},
		{`{deny: [{until: "2026-10-25 02:30", zone: Europe/Zurich}]}`, "00:40", "01:30"},
		{`{allow: [{span: "Sun 02:30-04:00", zone: Europe/Zurich}]}`, "00:40", "01:30"},
		{`{allow: [{from: "2026-10-25 02:30", zone: Europe/Zurich}]}`, "00:40", "01:30"},
	} {
		t.Run(test.windows, func(t *testing.T) {
			windows, err := windowsOf(t, test.windows, Options{Now: at("00:00")})
			if err != nil {
				t.Fatal(err)
			}
			if opens, ok := windows.Opening(at(test.asked)); !ok || !opens.Equal(at(test.opens)) {
				t.Errorf("at %s it opens at %v (%t), want %s", test.asked, opens, ok, test.opens)
			}
		})
	}
}

func TestWindowsThatNeverOpenAtAnUnknownTime(t *testing.T) {
	_, err := windowsOf(t, "{allow: [{span: Mon 09:00-17:00}], deny: [{until: 2020-01-01}, {span: Mon 08:00-18:00}]}", Options{})
	want := `file:10:5: the stage "apps" never takes anything: within five years its windows leave no moment open` + "\n" +
		"  hint: leave some time that deny does not close"
	if err == nil {
		t.Fatal("Parse accepts it")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// manyStages has as many stages with a hundred windows each.
func manyStages(count int, window string) string {
	var b strings.Builder
	b.WriteString(head + "stages:\n" + infra)
	for i := range count {
		fmt.Fprintf(&b, "  - {name: s%d, branch: s%d, clusters: [s%d], soak: 1h, windows: {deny: [%s]}}\n",
			i, i, i, strings.TrimSuffix(strings.Repeat(window+", ", 100), ", "))
	}
	return b.String()
}

func TestManyWindows(t *testing.T) {
	const window = "{until: 2027-01-01}"
	if _, err := Parse("file", []byte(manyStages(2, window)), Options{Now: now}); err != nil {
		t.Errorf("two hundred windows: %v", err)
	}
	_, err := Parse("file", []byte(manyStages(3, window)), Options{Now: now})
	want := "file:8:71: the plan has more than 200 windows\n  hint: " + manyHint
	if err == nil {
		t.Fatal("Parse accepts three hundred windows")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The search for an opening ends, however often the windows close it.
func TestWindowsThatCloseEveryMinute(t *testing.T) {
	closed := strings.Repeat(`{cron: "* * * * *", for: 2m}, {cron: "*/7 1-5 L,1W * MON#1,FRIL", for: 1m}, `, 50)
	_, err := windowsOf(t, "{allow: ["+closed+"], deny: ["+closed+"]}", Options{Now: now})
	want := `file:10:5: the stage "apps" never takes anything: within five years its windows leave no moment open` + "\n" +
		"  hint: leave some time that deny does not close"
	if err == nil {
		t.Fatal("Parse accepts it")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nesting, repetition and length are answered with an error.
func TestHostileWindows(t *testing.T) {
	for name, windows := range map[string]string{
		"deep":           strings.Repeat("{allow: [", 3000) + strings.Repeat("]}", 3000),
		"a long cron":    `{deny: [{cron: "` + strings.Repeat("1,", 300_000) + `1 * * * *", for: 1h}]}`,
		"a long span":    `{deny: [{span: "` + strings.Repeat("Mon,", 200_000) + `Mon 00:00-01:00"}]}`,
		"a long zone":    `{deny: [{until: 2027-01-01, zone: ` + strings.Repeat("Europe/", 100_000) + `Zurich}]}`,
		"a long date":    `{deny: [{until: ` + strings.Repeat("2", 800_000) + `}]}`,
		"a long for":     `{deny: [{cron: "@daily", for: ` + strings.Repeat("1h", 400_000) + `}]}`,
		"a long reason":  `{deny: [{until: 2027-01-01, reason: ` + strings.Repeat("x", 800_000) + `}]}`,
		"many windows":   `{deny: [` + strings.Repeat(`{cron: "1W,2W * 1W,2W,3W * 1L", for: 1m},`, 20_000) + `]}`,
		"many bad zones": `{deny: [` + strings.Repeat(`{until: 2027-01-01, zone: nowhere},`, 20_000) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := windowsOf(t, windows, Options{Now: now})
			if err == nil {
				t.Fatal("Parse accepts it")
			}
			if len(err.Error()) > 10_000 {
				t.Errorf("the errors have %d bytes", len(err.Error()))
			}
		})
	}
}

// A plan with twenty windows.
func BenchmarkParse(b *testing.B) {
	allow := strings.Repeat(`{cron: "0 9 * * MON-FRI", for: 8h, zone: Europe/Zurich}, {span: "Mon-Fri 09:00-17:00", zone: America/New_York}, `, 5)
	deny := strings.Repeat(`{cron: "0 18 * * 5", for: 62h, reason: weekend}, {until: 2027-01-04, zone: Europe/Zurich}, `, 5)
	plan := []byte(policyPlan("./k8s-ops.git", "soak: 1h\nwindows: {allow: ["+allow+"], deny: ["+deny+"]}"))
	for b.Loop() {
		if _, err := Parse("file", plan, Options{Now: now}); err != nil {
			b.Fatal(err)
		}
	}
}
