package rollout_test

import (
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// spans is a schedule of hours: from, to, from, to, …
type spans []float64

func (s spans) Next(after time.Time) (rollout.Span, bool) {
	for i := 0; i < len(s); i += 2 {
		if hour(s[i+1]).After(after) {
			return rollout.Span{From: hour(s[i]), To: hour(s[i+1])}, true
		}
	}
	return rollout.Span{}, false
}

// daily is a schedule of one span a day, in hours since midnight of the epoch.
type daily struct{ from, to float64 }

func (d daily) Next(after time.Time) (rollout.Span, bool) {
	day := after.Sub(epoch).Truncate(24*time.Hour) - 24*time.Hour
	for {
		span := rollout.Span{From: hour(day.Hours() + d.from), To: hour(day.Hours() + d.to)}
		if span.To.After(after) {
			return span, true
		}
		day += 24 * time.Hour
	}
}

func windows(schedules ...rollout.Schedule) []rollout.Window {
	var all []rollout.Window
	for _, s := range schedules {
		all = append(all, rollout.Window{Schedule: s, Text: "some time", Reason: "freeze", Where: "clusters/rollout.yaml:12"})
	}
	return all
}

func TestOpening(t *testing.T) {
	always := daily{0, 24}
	for what, c := range map[string]struct {
		windows rollout.Windows
		from    float64
		want    float64 // -1 for never
	}{
		"no windows":                         {rollout.Windows{}, 3, 3},
		"within a window":                    {rollout.Windows{Allow: windows(spans{2, 5})}, 3, 3},
		"at its first moment":                {rollout.Windows{Allow: windows(spans{2, 5})}, 2, 2},
		"at its last":                        {rollout.Windows{Allow: windows(spans{2, 5, 8, 9})}, 5, 8},
		"before it":                          {rollout.Windows{Allow: windows(spans{2, 5})}, 1, 2},
		"after the last":                     {rollout.Windows{Allow: windows(spans{2, 5})}, 6, -1},
		"the earlier of two":                 {rollout.Windows{Allow: windows(spans{7, 8}, spans{6, 7})}, 1, 6},
		"denied":                             {rollout.Windows{Deny: windows(spans{2, 5})}, 3, 5},
		"denied from there on":               {rollout.Windows{Deny: windows(spans{3, 5})}, 3, 5},
		"denied up to there":                 {rollout.Windows{Deny: windows(spans{2, 3})}, 3, 3},
		"denied twice, overlapping":          {rollout.Windows{Deny: windows(spans{2, 5}, spans{4, 9})}, 3, 9},
		"denied twice, touching":             {rollout.Windows{Deny: windows(spans{2, 5, 5, 7})}, 3, 7},
		"allowed, and denied at the start":   {rollout.Windows{Allow: windows(spans{2, 8}), Deny: windows(spans{1, 4})}, 0, 4},
		"allowed only while it is denied":    {rollout.Windows{Allow: windows(spans{2, 4, 10, 12}), Deny: windows(spans{1, 5})}, 0, 10},
		"denied for ever":                    {rollout.Windows{Deny: windows(always)}, 3, -1},
		"allowed daily and denied daily":     {rollout.Windows{Allow: windows(daily{9, 12}), Deny: windows(daily{8, 13})}, 3, -1},
		"a moment a day is left":             {rollout.Windows{Allow: windows(daily{9, 12}), Deny: windows(daily{8, 11.5})}, 12, 35.5},
		"denied until a date, then the rest": {rollout.Windows{Allow: windows(daily{9, 12}), Deny: windows(spans{-1000, 100})}, 3, 105},
	} {
		t.Run(what, func(t *testing.T) {
			got, ok := c.windows.Opening(hour(c.from))
			if ok != (c.want >= 0) || ok && !got.Equal(hour(c.want)) {
				t.Errorf("from hour %g it opens at %s (%t), want hour %g", c.from, hours(got), ok, c.want)
			}
		})
	}
}

// turns is a schedule of every other three minutes, up to an hour.
type turns struct {
	odd   time.Duration
	until float64
}

func (s turns) Next(after time.Time) (rollout.Span, bool) {
	const turn = 3 * time.Minute
	begins := after.Add(-s.odd * turn).Truncate(2 * turn).Add(s.odd * turn)
	if !begins.Add(turn).After(after) {
		begins = begins.Add(2 * turn)
	}
	return rollout.Span{From: begins, To: begins.Add(turn)}, begins.Before(hour(s.until))
}

// Windows that take turns every few minutes are not followed for years. Then nobody
// says that they never open, but when to ask again.
func TestOpeningThatIsFarAway(t *testing.T) {
	const thaws = 90 * 24
	w := rollout.Windows{Deny: windows(turns{0, thaws}, turns{1, thaws})}
	from, asked := hour(0), 0
	for ; from.Before(hour(thaws)); asked++ {
		opens, ok := w.Opening(from)
		if !ok || !opens.After(from) || opens.After(hour(thaws)) {
			t.Fatalf("from hour %s it opens at %s (%t)", hours(from), hours(opens), ok)
		}
		from = opens
	}
	if asked < 2 || asked > 10 {
		t.Errorf("it was asked %d times", asked)
	}
}

func TestWindowsThatAreFollowedNoFurther(t *testing.T) {
	const thaws = 90 * 24
	frozen := func(s *rollout.Stage) {
		s.Windows = rollout.Windows{Deny: windows(turns{0, thaws}, turns{1, thaws})}
	}
	const story = `
		0  push A
		0  release A
		1  push B
		3  push C
		`
	runPolicy(t, []policyCase{
		{name: "somebody looks again", stage: frozen, story: story + "4 hold 1100\n28 look", want: "wait until 2100h: C@3h held, B@1h held"},
		{name: "nothing goes out", stage: frozen, story: story + "26 look", want: "wait until 1026h: C@3h soaking, B@1h closed"},
		{name: "until it is over", stage: frozen, story: story + "2160 look", want: "promote C(C B): C@3h promotable, B@1h promotable"},
	})
}

func TestWindows(t *testing.T) {
	within := func(w rollout.Windows) func(*rollout.Stage) {
		return func(s *rollout.Stage) { s.Windows = w }
	}
	const story = `
		0  push A
		0  release A
		1  push B
		3  push C
		`
	working := within(rollout.Windows{Allow: windows(daily{2, 6})})
	runPolicy(t, []policyCase{
		{name: "open", stage: working, story: story + "26 look", want: "promote B(B): C@3h soaking, B@1h promotable"},
		{
			name: "closed", stage: working, story: story + "25 look", want: "wait until 26h: C@3h soaking, B@1h closed",
			reasons: []string{"no window of apps is open at 2026-03-03 09:00 UTC, until 2026-03-03 10:00 UTC"},
		},
		{
			name: "closed when the soak ends", stage: within(rollout.Windows{Allow: windows(daily{2, 2.5})}), story: story + "26.2 look",
			want: "promote B(B): C@3h soaking, B@1h promotable",
		},
		{name: "closed again", stage: working, story: story + "31 look", want: "wait until 50h: C@3h closed, B@1h closed"},
		{
			name: "a freeze", stage: within(rollout.Windows{Deny: windows(spans{10, 40})}), story: story + "26 look", want: "wait until 40h: C@3h soaking, B@1h closed",
			reasons: []string{"the plan denies promotions into apps until 2026-03-04 00:00 UTC: freeze (some time), clusters/rollout.yaml:12"},
		},
		{
			name: "the last window is over", stage: within(rollout.Windows{Allow: windows(spans{0, 20})}), story: story + "26 look", want: "blocked: C@3h soaking, B@1h closed",
			reasons: []string{"none opens within five years"},
		},
		{name: "held until after the window", stage: working, story: story + "4 hold 31\n28 look", want: "wait until 50h: C@3h held, B@1h held"},
	})
}

// However many revisions there are, the windows are asked but a few times.
func TestWindowsAreAskedSeldom(t *testing.T) {
	stage, s := manyPending(2000)
	asked := 0
	stage.Health = rollout.Health{}
	stage.Windows = rollout.Windows{Allow: windows(counted{daily{2, 6}, &asked})}
	rollout.Decide(s.At.Add(-300*24*time.Hour), stage, s)
	if asked > 10*365 {
		t.Errorf("the windows were asked %d times", asked)
	}
}

type counted struct {
	daily
	asked *int
}

func (c counted) Next(after time.Time) (rollout.Span, bool) {
	*c.asked++
	return c.daily.Next(after)
}
