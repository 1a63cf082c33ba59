package backtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout/backtest"
)

// What each policy does in histories that are small enough to be replayed by
// hand. Ticks are at 43 minutes past every hour.
func TestPolicies(t *testing.T) {
	for _, test := range []struct {
		name  string
		story func() backtest.History
		want  string
	}{
		{
			name: "a commit that was reverted after two hours",
			story: func() backtest.History {
				s := begin()
				bad := s.push(10, "Upgrade everything")
				s.push(11, "Good")
				s.revert(12, bad, "")
				s.push(20, "Last")
				return s.until(96)
			},
			want: `4 revisions, 4 commits, 1 reverted
plan: 2 promotions of 4, lead 24:43 to 26:43
tip: 1 promotions of 4, lead 14:43 to 24:43, 3 un-soaked
quiet: 1 promotions of 4, lead 24:43 to 34:43
restart: 1 promotions of 4, lead 24:43 to 34:43
age: 4 promotions of 4, lead 24:43 to 24:43, 1 known bad
`,
		},
		{
			name: "a revert that leaves no change goes out at the next tick",
			story: func() backtest.History {
				s := begin()
				s.revert(12, s.push(10, "Upgrade everything"), "Begin")
				return s.until(96)
			},
			want: `2 revisions, 2 commits, 1 reverted
plan: 1 promotions of 2, lead 0:43 to 2:43
tip: 1 promotions of 2, lead 22:43 to 24:43
quiet: 1 promotions of 2, lead 24:43 to 26:43
restart: 1 promotions of 2, lead 24:43 to 26:43
age: 2 promotions of 2, lead 24:43 to 24:43, 1 known bad
`,
		},
		{
			name: "a branch that never gets quiet",
			story: func() backtest.History {
				s := begin()
				for i := 1; i <= 20; i++ {
					s.push(float64(12*i), "Change "+strings.Repeat("x", i))
				}
				return s.until(246)
			},
			want: `20 revisions, 20 commits, 0 reverted
plan: 18 promotions of 18, lead 24:43 to 24:43, 2 soaking
tip: 6 promotions of 18, lead 0:43 to 24:43, 2 soaking, 12 un-soaked
quiet: 0 promotions of 0, 18 never out, 2 soaking, 9 blocked days
restart: 0 promotions of 0, 18 never out, 2 soaking, 9 blocked days
age: 18 promotions of 18, lead 24:43 to 24:43, 2 soaking
`,
		},
		{
			name: "a push just after the soak: what had soaked may go, but main is not quiet",
			story: func() backtest.History {
				s := begin()
				s.push(10, "One")
				s.push(34+1./3, "Two")
				return s.until(84)
			},
			want: `2 revisions, 2 commits, 0 reverted
plan: 2 promotions of 2, lead 24:23 to 24:43
tip: 1 promotions of 2, lead 0:23 to 24:43, 1 un-soaked
quiet: 1 promotions of 2, lead 24:23 to 48:43, 1 blocked days
restart: 2 promotions of 2, lead 24:23 to 24:43
age: 2 promotions of 2, lead 24:23 to 24:43
`,
		},
		{
			name: "a commit that is reverted when it is out: nobody waits for the soak",
			story: func() backtest.History {
				s := begin()
				bad := s.push(10, "Upgrade everything")
				s.revert(40, bad, "")
				return s.until(96)
			},
			want: `2 revisions, 2 commits, 1 reverted
plan: 2 promotions of 2, lead 24:43 to 24:43, 1 unknown bad, 1 overrides
tip: 2 promotions of 2, lead 24:43 to 24:43, 1 unknown bad, 1 overrides
quiet: 2 promotions of 2, lead 24:43 to 24:43, 1 unknown bad, 1 overrides
restart: 2 promotions of 2, lead 24:43 to 24:43, 1 unknown bad, 1 overrides
age: 2 promotions of 2, lead 24:43 to 24:43, 1 unknown bad, 1 overrides
`,
		},
		{
			name: "a revert that goes out with something older needs no override",
			story: func() backtest.History {
				s := begin()
				bad := s.push(10, "Upgrade everything")
				s.push(35, "Good")
				s.revert(58.9, bad, "")
				return s.until(96)
			},
			want: `3 revisions, 3 commits, 1 reverted
plan: 3 promotions of 3, lead 24:43 to 24:49, 1 unknown bad, 1 overrides
tip: 2 promotions of 3, lead 0:49 to 24:43, 1 un-soaked, 1 unknown bad
quiet: 2 promotions of 3, lead 24:43 to 48:43, 1 blocked days, 1 unknown bad, 1 overrides
restart: 2 promotions of 3, lead 24:43 to 48:43, 1 blocked days, 1 unknown bad, 1 overrides
age: 3 promotions of 3, lead 24:43 to 24:49, 1 unknown bad, 1 overrides
`,
		},
		{
			name: "a revert that is reverted again",
			story: func() backtest.History {
				s := begin()
				feature := s.push(10, "Feature")
				revert := s.revert(12, feature, "")
				s.revert(14, revert, "")
				return s.until(96)
			},
			want: `3 revisions, 3 commits, 2 reverted
plan: 2 promotions of 3, lead 24:43 to 26:43
tip: 1 promotions of 3, lead 20:43 to 24:43, 2 un-soaked
quiet: 1 promotions of 3, lead 24:43 to 28:43
restart: 1 promotions of 3, lead 24:43 to 28:43
age: 3 promotions of 3, lead 24:43 to 24:43, 1 known bad
`,
		},
		{
			name: "a commit that asks for a longer soak",
			story: func() backtest.History {
				s := begin()
				s.push(10, "Storage\n\nRollout-Soak: 48h")
				s.push(30, "Good")
				return s.until(96)
			},
			want: `2 revisions, 2 commits, 0 reverted
plan: 2 promotions of 2, lead 29:43 to 48:43, 1 blocked days
tip: 1 promotions of 2, lead 4:43 to 24:43, 1 un-soaked
quiet: 1 promotions of 2, lead 24:43 to 44:43, 1 blocked days
restart: 1 promotions of 2, lead 24:43 to 44:43, 1 blocked days
age: 2 promotions of 2, lead 24:43 to 24:43
`,
		},
		{
			name: "a merge brings its side line with it",
			story: func() backtest.History {
				s := begin()
				side := s.commit("Side", "side", s.commit("Older side", "older", s.Head))
				s.push(10, "Main")
				s.move(11, s.commit("Merge", "merge", s.Head, side), false)
				return s.until(96)
			},
			want: `2 revisions, 4 commits, 0 reverted
plan: 2 promotions of 2, lead 24:43 to 24:43
tip: 1 promotions of 2, lead 23:43 to 24:43, 1 un-soaked
quiet: 1 promotions of 2, lead 24:43 to 25:43
restart: 1 promotions of 2, lead 24:43 to 25:43
age: 2 promotions of 2, lead 24:43 to 24:43
`,
		},
		{
			name: "whoever quotes a revert reverts nothing",
			story: func() backtest.History {
				s := begin()
				first := s.push(10, "First")
				s.push(11, "Docs\n\n> This reverts commit "+string(first)+".\n\x1b[2J##[error]\u202e")
				return s.until(96)
			},
			want: `2 revisions, 2 commits, 0 reverted
plan: 2 promotions of 2, lead 24:43 to 24:43
tip: 1 promotions of 2, lead 23:43 to 24:43, 1 un-soaked
quiet: 1 promotions of 2, lead 24:43 to 25:43
restart: 1 promotions of 2, lead 24:43 to 25:43
age: 2 promotions of 2, lead 24:43 to 24:43
`,
		},
		{
			name: "a history that ends before the next tick",
			story: func() backtest.History {
				s := begin()
				s.push(10, "One")
				s.push(34.8, "Two")
				s.push(35, "Three")
				return s.until(35.5)
			},
			want: `3 revisions, 3 commits, 0 reverted
plan: 1 promotions of 1, lead 24:43 to 24:43, 2 soaking
tip: 1 promotions of 1, lead 24:43 to 24:43, 2 soaking
quiet: 1 promotions of 1, lead 24:43 to 24:43, 2 soaking
restart: 1 promotions of 1, lead 24:43 to 24:43, 2 soaking
age: 1 promotions of 1, lead 24:43 to 24:43, 2 soaking
`,
		},
		{
			name:  "one commit",
			story: func() backtest.History { return begin().until(96) },
			want: `0 revisions, 0 commits, 0 reverted
plan: 0 promotions of 0
tip: 0 promotions of 0
quiet: 0 promotions of 0
restart: 0 promotions of 0
age: 0 promotions of 0
`,
		},
		{
			name:  "no commit",
			story: func() backtest.History { return backtest.History{Branch: "main", PushLog: true, Until: hour(96)} },
			want: `0 revisions, 0 commits, 0 reverted
plan: 0 promotions of 0
tip: 0 promotions of 0
quiet: 0 promotions of 0
restart: 0 promotions of 0
age: 0 promotions of 0
`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := describe(run(t, test.story(), backtest.Options{}))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
