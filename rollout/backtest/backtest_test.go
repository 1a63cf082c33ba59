package backtest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// A replay that begins later begins with what was out by then: with the last
// revision that had arrived.
func TestSince(t *testing.T) {
	s := begin()
	s.push(10, "One")
	s.push(30, "Two")
	s.push(50, "Three")
	h := s.until(96)
	for _, test := range []struct {
		since     time.Time
		revisions int
		first     time.Time
	}{
		{time.Time{}, 3, hour(10)},
		{hour(-1000), 3, hour(10)},
		{hour(10), 3, hour(10)},
		{hour(20), 2, hour(30)},
		{hour(50), 1, hour(50)},
		{hour(51), 0, time.Time{}},
		{hour(1_000_000), 0, time.Time{}},
	} {
		r := run(t, h, backtest.Options{Since: test.since, Policies: []backtest.Policy{backtest.Age}})
		if r.Revisions != test.revisions || !r.First.Equal(test.first) || r.Outcomes[0].Lead.Count != test.revisions {
			t.Errorf("since %s: %d revisions from %s, %d out; want %d from %s", test.since, r.Revisions, r.First, r.Outcomes[0].Lead.Count, test.revisions, test.first)
		}
	}
}

// What a force-push took away for good is left out; what it took away and
// somebody brought back has arrived when it came back.
func TestForcePush(t *testing.T) {
	s := begin()
	base := s.Head
	s.push(10, "Taken away")
	s.move(11, base, true)
	kept := s.push(12, "Kept")
	s.push(13, "Comes back")
	back := s.Head
	s.move(14, kept, true)
	s.move(20, back, false)
	// What is no longer on the branch is not in its history.
	h := s.until(96)
	h.Commits = append(h.Commits[:1:1], h.Commits[2:]...)
	r := run(t, h, backtest.Options{Policies: []backtest.Policy{backtest.Age}})
	want := "2 revisions, 2 commits, 0 reverted\nage: 2 promotions of 2, lead 24:43 to 24:43\n"
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !r.Last.Equal(hour(20)) {
		t.Errorf("what came back arrived %s, want %s", r.Last, hour(20))
	}
	if !strings.Contains(strings.Join(r.Notes, " "), "1 push is left out") {
		t.Errorf("the notes do not say what is left out: %q", r.Notes)
	}
}

// A sibling that was on the branch for a while comes with the merge of it.
func TestMergedSibling(t *testing.T) {
	s := begin()
	base := s.Head
	left := s.push(10, "Left")
	s.move(11, base, true)
	right := s.push(12, "Right")
	s.move(14, s.commit("Merge", "merge", right, left), false)
	r := run(t, s.until(96), backtest.Options{Policies: []backtest.Policy{backtest.Plan, backtest.Age}})
	want := "2 revisions, 3 commits, 0 reverted\nplan: 2 promotions of 2, lead 24:43 to 24:43\nage: 2 promotions of 2, lead 24:43 to 24:43\n"
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without a push log the dates of the first-parent line are arrivals: those of
// a side line, of the future and of the past play no part.
func TestGuessedArrivals(t *testing.T) {
	s := begin()
	for i, c := range []struct {
		message string
		date    time.Time
	}{
		{"One", hour(10)},
		{"A clock that is years ahead", hour(100_000)},
		{"A clock that stood still", hour(2)},
		{"No date", time.Time{}},
		{"Five", hour(30)},
	} {
		s.push(float64(i), c.message)
		s.Commits[len(s.Commits)-1].Committed = c.date
	}
	side := s.commit("Side", "side", s.Commits[0].SHA)
	s.Commits[len(s.Commits)-1].Committed = hour(70)
	s.move(50, s.commit("Merge", "merge", s.Head, side), false)
	s.Commits[len(s.Commits)-1].Committed = hour(40)
	s.Commits[0].Committed = midnight
	s.Movements, s.PushLog = nil, false
	r := run(t, s.until(120), backtest.Options{Policies: []backtest.Policy{backtest.Age}})
	// One to four arrive at hour 10, five at 30, the merge at 40.
	want := "6 revisions, 7 commits, 0 reverted\nage: 3 promotions of 6, lead 24:43 to 24:43\n"
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The first commit's date can be worthless, too.
	s.Commits[0].Committed = hour(100_000)
	if again := run(t, s.until(120), backtest.Options{Policies: []backtest.Policy{backtest.Age}}); describe(again) != want {
		t.Errorf("with a first commit from the future: %s", describe(again))
	}
	if !r.Guessed || len(r.Notes) != 1 || !r.First.Equal(hour(10)) || !r.Last.Equal(hour(40)) {
		t.Errorf("guessed: %v, %s to %s, %q", r.Guessed, r.First, r.Last, r.Notes)
	}
}

// One clock that was wrong moves its own commit, and nothing else: not what
// came before it where it was slow, nor what came after it where it was fast.
func TestOneWrongClock(t *testing.T) {
	for _, wrong := range []time.Time{time.Unix(0, 0), hour(9), hour(100), hour(400), hour(1e6)} {
		s := begin()
		for i := 1; i <= 6; i++ {
			s.push(0, fmt.Sprint("Change ", i))
			s.Commits[i].Committed = hour(float64(30 * i))
		}
		s.Commits[0].Committed, s.Commits[2].Committed = midnight, wrong
		s.Movements, s.PushLog = nil, false
		r := run(t, s.until(500), backtest.Options{Policies: []backtest.Policy{backtest.Age}})
		if r.Revisions != 6 || !r.First.Equal(hour(30)) || !r.Last.Equal(hour(180)) || r.Outcomes[0].Promotions < 5 {
			t.Errorf("a clock says %s: %d revisions from %s to %s, %s", wrong, r.Revisions, r.First, r.Last, describe(r))
		}
	}
}

// weekends are a schedule of every Saturday and Sunday.
type weekends struct{}

func (weekends) Next(after time.Time) (rollout.Span, bool) {
	day := after.UTC().Truncate(24 * time.Hour)
	for day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	if day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, -1)
	}
	return rollout.Span{From: day, To: day.AddDate(0, 0, 2)}, true
}

// The plan's windows close the stage; what no history keeps is left out.
func TestWholePolicy(t *testing.T) {
	stage := apps
	stage.Windows.Deny = []rollout.Window{{Schedule: weekends{}, Text: "Sat-Sun"}}
	stage.Observed, stage.SoakClock, stage.Exposure = true, rollout.PausingClock, rollout.ExposureRequired
	s := begin()
	s.push(4*24+10, "On Friday") // its soak ends on Saturday
	r := run(t, s.until(9*24), backtest.Options{Stage: stage})
	want := `1 revisions, 1 commits, 0 reverted
plan: 1 promotions of 1, lead 62:43 to 62:43, 2 blocked days
tip: 1 promotions of 1, lead 24:43 to 24:43
quiet: 1 promotions of 1, lead 24:43 to 24:43
restart: 1 promotions of 1, lead 24:43 to 24:43
age: 1 promotions of 1, lead 24:43 to 24:43
`
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	notes := strings.Join(r.Notes, "\n")
	for _, part := range []string{"what clusters reported", "windows of apps", "the exposure that apps asks for"} {
		if !strings.Contains(notes, part) {
			t.Errorf("no note says anything of %q:\n%s", part, notes)
		}
	}
	if !r.Stage.Observed {
		t.Error("the result's stage is not the one that was asked for")
	}
}

func TestParsePolicies(t *testing.T) {
	for _, test := range []struct{ text, want, refused string }{
		{text: "", want: "plan tip quiet restart age"},
		{text: "age,plan", want: "age plan"},
		{text: " tip , quiet ", want: "tip quiet"},
		{text: "plan,kargo", refused: `there is no policy "kargo"`},
		{text: "plan,", refused: `there is no policy ""`},
		{text: "Plan", refused: `there is no policy "Plan"`},
		{text: "a\x1b[2J", refused: `there is no policy "a\\x1b[2J"`},
		{text: "plan,plan", refused: "the policy plan is named twice"},
	} {
		policies, err := backtest.ParsePolicies(test.text)
		if test.refused != "" {
			if !errors.Is(err, rollout.ErrUsage) || !strings.Contains(err.Error(), test.refused) || !strings.Contains(err.Error(), "plan,tip,quiet,restart,age") {
				t.Errorf("%q: %v", test.text, err)
			}
			continue
		}
		var names []string
		for _, p := range policies {
			names = append(names, string(p))
		}
		if got := strings.Join(names, " "); err != nil || got != test.want {
			t.Errorf("%q: %s, %v; want %s", test.text, got, err, test.want)
		}
	}
	if _, err := backtest.Run(begin().until(1), backtest.Options{Stage: apps, Policies: []backtest.Policy{"none"}}); !errors.Is(err, rollout.ErrUsage) {
		t.Errorf("a policy that there is not was replayed: %v", err)
	}
	for _, p := range backtest.Policies() {
		if p.Means() == "" {
			t.Errorf("nothing says what %s means", p)
		}
	}
}

// The order in which commits are given plays no part, and nothing else does
// that is not in the arguments.
func TestSameInputSameResult(t *testing.T) {
	h := generate(600)
	want := run(t, h, backtest.Options{})
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(h.Commits), func(i, j int) { h.Commits[i], h.Commits[j] = h.Commits[j], h.Commits[i] })
	if diff := cmp.Diff(want, run(t, h, backtest.Options{}), cmp.AllowUnexported(rollout.Glob{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
