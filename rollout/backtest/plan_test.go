package backtest_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// The policy is asked at few ticks, and of few revisions. Asked of all that is
// pending, at every tick, it lets out the same at the same times.
func TestPlanIsAskedOfAllThatMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := &gambler{T: t, scene: scene{History: backtest.History{Branch: "main", PushLog: true}}}
		h := g.history()
		o := backtest.Options{Stage: apps}
		o.Stage.Soak = time.Duration(rapid.SampledFrom([]int{0, 1, 24, 24, 24, 72, 14 * 24}).Draw(t, "soak")) * time.Hour
		o.Stage.Windows = g.windows()
		steps, outcome := backtest.Replay(h, o)
		want, all := backtest.ReplayPlainly(h, o)
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Errorf("(-plainly +replayed):\n%s", diff)
		}
		if diff := cmp.Diff(all, outcome); diff != "" {
			t.Errorf("(-plainly +replayed):\n%s", diff)
		}
	})
}

// What chance finds too rarely.
func TestPlanIsAskedInTime(t *testing.T) {
	for _, test := range []struct {
		name    string
		story   func() backtest.History
		windows rollout.Windows
	}{
		{
			name: "a revert is reverted, when what it reverts is ready to go",
			story: func() backtest.History {
				s := begin()
				feature := s.push(10, "Feature")
				revert := s.revert(30, feature, "")
				s.revert(40, revert, "")
				return s.until(96)
			},
		},
		{
			name: "the stage's own tree comes back, while everything waits",
			story: func() backtest.History {
				s := begin()
				s.push(10, "Storage\n\nRollout-Soak: 40d")
				s.pushTree(100, "Back", "Begin")
				return s.until(200)
			},
		},
		{
			name: "the same, while the windows are closed",
			story: func() backtest.History {
				s := begin()
				s.push(10, "Storage\n\nRollout-Soak: 40d")
				s.pushTree(100, "Back", "Begin")
				return s.until(200)
			},
			windows: rollout.Windows{Deny: []rollout.Window{{Schedule: spans{{From: hour(30), To: hour(150)}}}}},
		},
		{
			name: "a merge with its parents swapped turns round what came first",
			story: func() backtest.History {
				s := begin()
				base := s.Head
				bad := s.push(10, "Main")
				s.push(11, "More")
				side := s.commit(fmt.Sprintf("Back out of it\n\nThis reverts commit %s.", bad), "side", base)
				merge := s.commit("Merge", "merge", s.Head, side)
				s.move(20, merge, false)
				s.move(40, s.commit("Swapped", "swapped", s.commit("On the side", "more", side), merge), false)
				return s.until(96)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := backtest.Options{Stage: apps}
			o.Stage.Windows = test.windows
			steps, outcome := backtest.Replay(test.story(), o)
			want, all := backtest.ReplayPlainly(test.story(), o)
			if diff := cmp.Diff(want, steps); diff != "" || len(steps) == 0 {
				t.Errorf("%d steps (-plainly +replayed):\n%s", len(steps), diff)
			}
			if diff := cmp.Diff(all, outcome); diff != "" {
				t.Errorf("(-plainly +replayed):\n%s", diff)
			}
		})
	}
}

// The policy looks five years ahead for an opening. What it cannot see when the
// freeze begins it sees later.
func TestFreezeOfMoreThanFiveYears(t *testing.T) {
	s := begin()
	s.push(10, "One")
	end := hour(24 * 365 * 5.5)
	o := backtest.Options{Stage: apps}
	o.Stage.Windows.Deny = []rollout.Window{{Schedule: spans{{From: hour(0), To: end}}}}
	steps, _ := backtest.Replay(s.until(24*365*6), o)
	if len(steps) != 1 || !steps[0].At.Equal(end.Add(43*time.Minute)) {
		t.Errorf("the freeze ends %s, and went out: %v", end, steps)
	}
}

// A history four times as long costs some four times as much, whatever keeps
// its commits in. Memory that was allocated tells, on a busy machine, too.
func TestCostGrowsWithTheHistory(t *testing.T) {
	long := apps
	long.Soak = 10 * 24 * time.Hour
	frozen := apps
	frozen.Windows.Deny = []rollout.Window{{Schedule: spans{{From: hour(100), To: hour(20_000)}}}}
	for _, test := range []struct {
		name  string
		stage rollout.Stage
		asks  string
	}{
		{name: "a long soak", stage: long},
		{name: "a freeze", stage: frozen},
		{name: "a trailer", stage: apps, asks: "\n\nRollout-Soak: 365d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cost := func(commits int) uint64 {
				h := regularly(commits, time.Hour, commits/25)
				h.Commits[100].Message += test.asks
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				backtest.Replay(h, backtest.Options{Stage: test.stage})
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			if short, long := cost(1500), cost(6000); long > 7*short {
				t.Errorf("1500 commits cost %d bytes, 6000 cost %d: %.1f times as much", short, long, float64(long)/float64(short))
			}
		})
	}
}

// regularly pushes commits one by one. So many of them revert one that came a
// while before.
func regularly(commits int, every time.Duration, reverts int) backtest.History {
	s := begin()
	for i := 1; i < commits; i++ {
		at := (time.Duration(i) * every).Hours()
		if reverts > 0 && i%(commits/reverts) == 0 {
			s.revert(at, s.Commits[max(0, i-10)].SHA, "")
		} else {
			s.push(at, fmt.Sprint("Change ", i))
		}
	}
	return s.until((time.Duration(commits)*every + 30*24*time.Hour).Hours())
}

// A gambler makes histories in which as much as possible comes together:
// reverts of what is pending, of what is out and of other reverts, by whatever
// name; subjects that many commits have; trees that come back; trailers; merges
// of many lines, in any order; and force-pushes.
type gambler struct {
	*rapid.T
	scene
	at   float64
	made int
}

func (g *gambler) one(of int, label string) bool { return rapid.IntRange(1, of).Draw(g.T, label) == 1 }

func (g *gambler) history() backtest.History {
	g.move(0, g.commits(""), false)
	for range rapid.IntRange(1, 40).Draw(g.T, "pushes") {
		g.at += float64(rapid.SampledFrom([]int{0, 1, 20, 60, 60, 300, 1000, 2000}).Draw(g.T, "minutes")) / 60
		on, forced := g.Head, g.one(20, "forced")
		if forced {
			on = rapid.SampledFrom(g.Movements).Draw(g.T, "row").After
		}
		to := g.commits(on)
		g.move(g.at, to, forced)
	}
	if g.one(10, "no push log") {
		g.Movements, g.PushLog = nil, false
	}
	return g.until(g.at + float64(rapid.IntRange(0, 400).Draw(g.T, "hours")))
}

// commits makes what one push brings.
func (g *gambler) commits(on rollout.SHA) rollout.SHA {
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 5}).Draw(g.T, "commits") {
		if on == "" || !g.one(6, "merge") {
			on = g.commit(on)
			continue
		}
		parents := []rollout.SHA{on}
		for range rapid.IntRange(1, 3).Draw(g.T, "lines") {
			parents = append(parents, g.commit(rapid.SampledFrom(g.Commits).Draw(g.T, "fork").SHA))
		}
		if g.one(4, "swapped") {
			slices.Reverse(parents)
		}
		on = g.commit(parents...)
	}
	return on
}

func (g *gambler) commit(parents ...rollout.SHA) rollout.SHA {
	g.made++
	message := fmt.Sprintf("Change %d", rapid.IntRange(1, 6).Draw(g.T, "subject"))
	if g.one(4, "pull") {
		message += fmt.Sprintf(" (#%d)", rapid.IntRange(1, 9).Draw(g.T, "number"))
	}
	if len(g.Commits) > 0 && g.one(4, "reverts") {
		message = g.revert(rapid.SampledFrom(g.Commits[max(0, len(g.Commits)-12):]).Draw(g.T, "reverted"))
	}
	if g.one(8, "trailer") {
		message += fmt.Sprintf("\n\nRollout-Soak: %dh", rapid.SampledFrom([]int{1, 30, 50, 200, 1000}).Draw(g.T, "asked"))
	}
	tree := fmt.Sprint(g.made)
	if g.one(4, "tree comes back") {
		tree = fmt.Sprint(rapid.IntRange(max(1, g.made-8), g.made).Draw(g.T, "tree"))
	}
	c := rollout.Commit{
		SHA: sha(fmt.Sprint("commit ", g.made)), Tree: sha(tree), Author: "Ada", Message: message, Committed: hour(g.at),
	}
	if g.one(40, "unknown tree") {
		c.Tree = ""
	}
	for _, p := range parents {
		if p != "" && !slices.Contains(c.Parents, p) {
			c.Parents = append(c.Parents, p)
		}
	}
	g.Commits = append(g.Commits, c)
	return c.SHA
}

// revert is the message of a commit that reverts another.
func (g *gambler) revert(c rollout.Commit) string {
	switch rapid.IntRange(1, 4).Draw(g.T, "named") {
	case 1:
		return fmt.Sprintf("Revert %q\n\nThis reverts commit %s.", c.Subject(), c.SHA)
	case 2:
		return fmt.Sprintf("Revert %q", c.Subject())
	case 3:
		return "Back to what was\n\nThis reverts commit " + string(c.SHA[:9]) + "."
	default:
		return fmt.Sprintf("Revert %q\n\nReverts octo-org/fleet#%d", c.Subject(), rapid.IntRange(1, 9).Draw(g.T, "of"))
	}
}

// windows are some freezes, some hours of the day, or neither.
func (g *gambler) windows() (w rollout.Windows) {
	if g.one(3, "freezes") {
		var freezes spans
		from := 0
		for range rapid.IntRange(1, 4).Draw(g.T, "freezes") {
			from += rapid.IntRange(0, 300).Draw(g.T, "from")
			to := from + rapid.SampledFrom([]int{1, 30, 400, 100_000}).Draw(g.T, "long")
			freezes = append(freezes, rollout.Span{From: hour(float64(from)), To: hour(float64(to))})
			from = to
		}
		w.Deny = append(w.Deny, rollout.Window{Schedule: freezes, Text: "freeze"})
	}
	if g.one(3, "daily") {
		w.Allow = append(w.Allow, rollout.Window{Schedule: daily(rapid.IntRange(0, 22).Draw(g.T, "opens")), Text: "two hours a day"})
	}
	if g.one(6, "weekends") {
		w.Deny = append(w.Deny, rollout.Window{Schedule: weekends{}, Text: "Sat-Sun"})
	}
	return w
}

// spans are a schedule that ends.
type spans []rollout.Span

func (s spans) Next(after time.Time) (rollout.Span, bool) {
	for _, span := range s {
		if span.To.After(after) {
			return span, true
		}
	}
	return rollout.Span{}, false
}

// daily is a schedule of two hours of every day.
type daily int

func (d daily) Next(after time.Time) (rollout.Span, bool) {
	from := after.UTC().Truncate(24 * time.Hour).Add(time.Duration(d) * time.Hour)
	if !from.Add(2 * time.Hour).After(after) {
		from = from.AddDate(0, 0, 1)
	}
	return rollout.Span{From: from, To: from.Add(2 * time.Hour)}, true
}
