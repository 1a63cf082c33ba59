package rollout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// policyCase is a story, the stage that it happens to, and what comes of it.
type policyCase struct {
	name  string
	stage func(*rollout.Stage)
	story string
	want  string
	// reasons are parts of the newest verdict's reason, or of the decision's
	// where nothing is pending.
	reasons []string
}

func runPolicy(t *testing.T, cases []policyCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			stage := apps
			if c.stage != nil {
				c.stage(&stage)
			}
			s := tell(t, c.story)
			d := rollout.Decide(s.At, stage, s)
			if diff := cmp.Diff(c.want, describe(d)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, d.Reason)
			}
			said := d.Reason
			if len(d.Verdicts) > 0 {
				said = d.Verdicts[0].Reason() + "\n" + said
			}
			for _, part := range c.reasons {
				if !strings.Contains(said, part) {
					t.Errorf("%q does not say %q", said, part)
				}
			}
			consistent(t, s, d)
		})
	}
}

func TestKnownBadStaysIn(t *testing.T) {
	runPolicy(t, []policyCase{
		{
			name: "a commit that is reverted after two hours does not go out at hour 24",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C Revert "B"\n\nThis reverts commit @B.
				3  push C
				26 look`,
			want: "wait until 27h: C@3h soaking, B@1h tainted",
		},
		{
			name: "and goes out with its revert",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C Revert "B"\n\nThis reverts commit @B.
				3  push C
				27 look`,
			want: "promote C(C B): C@3h promotable, B@1h tainted",
		},
		{
			name: "what is built upon it does not go out either",
			story: `
				0  push A
				0  release A
				1  push B
				2  push D
				0  say C This reverts commit @@B.
				30 push C
				31 look`,
			want: "wait until 54h: C@30h soaking, D@2h tainted, B@1h tainted",
		},
		{
			name: "a revert of a revert makes it clean again",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C Revert "B"\n\nThis reverts commit @B.
				2  push C
				0  say D Reapply "B"\n\nThis reverts commit @C.
				3  push D
				25 look`,
			want: "promote B(B): D@3h soaking, C@2h tainted, B@1h promotable",
		},
		{
			name: "a third revert makes it bad again",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				2  push C
				0  say D This reverts commit @C.
				3  push D
				0  say E This reverts commit @D.
				4  push E
				25 look`,
			want: "wait until 26h: E@4h soaking, D@3h tainted, C@2h soaking, B@1h tainted",
		},
		{
			name: "two reverts, of which one is reverted",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				2  push C
				0  say D This reverts commit @B.
				3  push D
				0  say E This reverts commit @D.
				4  push E
				26 look`,
			want: "promote C(C B): E@4h soaking, D@3h tainted, C@2h promotable, B@1h tainted",
		},
		{
			name: "a revert of a merge takes back what it brought",
			story: `
				0  push A
				0  release A
				1  push S<A M<A,S
				0  say R Revert "Merge"\n\nThis reverts commit @M, reversing\nchanges made to @A.
				2  push R
				25 look`,
			want: "wait until 26h: R@2h soaking, M@1h tainted",
		},
		{
			name: "pushed together with its revert it never was a revision by itself",
			story: `
				0  push A
				0  release A
				0  say C This reverts commit @B.
				1  push B C
				25 look`,
			want: "promote C(C B): C@1h promotable",
		},
		{
			name: "the revert of what is out already taints nothing",
			story: `
				0  push A
				1  push B
				1  release B
				0  say C This reverts commit @A.
				2  push C
				3  look`,
			want: "wait until 26h: C@2h soaking",
		},
		{
			name: "an operator's taint",
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  taint B
				30 look`,
			want:    "blocked: C@2h tainted, B@1h tainted",
			reasons: []string{"it contains 4200000, which is tainted by ada: it breaks", "2 are tainted; none of them goes out by itself"},
		},
		{
			name: "an operator's taint and the revert",
			story: `
				0  push A
				0  release A
				1  push B
				3  taint B
				0  say C This reverts commit @B.
				4  push C
				30 look`,
			want: "promote C(C B): C@4h promotable, B@1h tainted",
		},
		{
			name: "an operator clears what was reverted",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				4  push C
				5  clear B C
				26 look`,
			want: "promote B(B): C@4h soaking, B@1h promotable",
		},
		{
			name: "but not what is reverted after that",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				4  push C
				5  clear B C
				0  say D This reverts commit @B.
				6  push D
				26 look`,
			want: "wait until 28h: D@6h soaking, C@4h soaking, B@1h tainted",
		},
		{
			name: "a revert that is made and reverted on the way clears nothing",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				0  say D This reverts commit @C.
				3  taint B
				4  push C D
				30 look`,
			want: "blocked: D@4h tainted, B@1h tainted",
		},
	})
}

// What is called by a title may be something else of that title. Such a revert
// keeps in what it may mean, and lets nothing out.
func TestATitleIsOnlyAGuess(t *testing.T) {
	runPolicy(t, []policyCase{
		{
			name: "the revert of what is out lifts no taint of its namesake",
			story: `
				0  say A Update images
				0  push A
				0  release A
				0  say B Update images
				1  push B
				2  taint B
				0  say C Revert "Update images"\n\nThis reverts commit @A.
				3  push C
				50 look`,
			want:    "blocked: C@3h tainted, B@1h tainted",
			reasons: []string{"it contains 4200000, which is tainted by ada: it breaks"},
		},
		{
			name: "nor does one by its pull request",
			story: `
				0  say A Update images (#12)
				0  push A
				0  release A
				0  say B Update images (#14)
				1  push B
				2  taint B
				0  say C Revert "Update images" (#15)\n\nReverts octo/fleet#12
				3  push C
				50 look`,
			want: "blocked: C@3h tainted, B@1h tainted",
		},
		{
			name: "nobody tainted it: it waits for what may revert it",
			story: `
				0  say A Update images
				0  push A
				0  release A
				0  say B Update images
				1  push B
				0  say C Revert "Update images"\n\nThis reverts commit @A.
				3  push C
				26 look`,
			want: "wait until 27h: C@3h soaking, B@1h tainted",
		},
		{
			name: "the revert of a revert that is out does not undo another",
			story: `
				0  say X Update images
				0  push X
				0  say R Revert "Update images"\n\nThis reverts commit @X.
				0  push R
				0  release R
				0  say B Update images
				1  push B
				0  say S Revert "Update images"\n\nThis reverts commit @B.
				2  push S
				0  say Q Reapply "Update images"\n\nThis reverts commit @R.
				3  push Q
				26 look`,
			want: "wait until 27h: Q@3h soaking, S@2h tainted, B@1h tainted",
		},
		{
			name: "a title of two is a guess",
			story: `
				0  push A
				0  release A
				0  say B Update images
				1  push B
				2  taint B
				0  say C Update images
				3  push C
				0  say D Revert "Update images" (#15)
				4  push D
				50 look`,
			want: "blocked: D@4h tainted, C@3h tainted, B@1h tainted",
		},
		{
			name: "a title of one that nothing else is said of is not",
			story: `
				0  push A
				0  release A
				0  say B Update images
				1  push B
				2  taint B
				0  say C Revert "Update images" (#15)
				3  push C
				27 look`,
			want: "promote C(C B): C@3h promotable, B@1h tainted",
		},
		{
			name: "a guess is set aside by a clearing",
			story: `
				0  push A
				0  release A
				0  say B Update images
				1  push B
				0  say C Revert "Update images"\n\nThis reverts commit @A.
				3  push C
				4  clear B C
				26 look`,
			want: "promote B(B): C@3h soaking, B@1h promotable",
		},
		{
			name: "a guess that is reverted is none",
			story: `
				0  push A
				0  release A
				0  say B Update images
				1  push B
				0  say C Revert "Update images"\n\nThis reverts commit @A.
				3  push C
				0  say D This reverts commit @C.
				4  push D
				26 look`,
			want: "promote B(B): D@4h soaking, C@3h tainted, B@1h promotable",
		},
	})
}

// Somebody reverts something over and over.
func TestManyReverts(t *testing.T) {
	for what, tainted := range map[string]string{"of one commit": "", "of one that somebody tainted": "1 taint B\n"} {
		t.Run(what, func(t *testing.T) {
			story := "0 push A\n0 release A\n1 push B\n" + tainted
			for i := range 70 {
				story += fmt.Sprintf("0 say %s This reverts commit @B.\n%d push %s\n", numbered(i), 2+i, numbered(i))
			}
			s := tell(t, story+"90 look")
			d := decide(s)
			if got, want := brief(d), "promote "+numbered(64); got != want {
				t.Errorf("it decides %q, want %q", got, want)
			}
			for _, v := range d.Verdicts {
				sha := v.Revision.SHA
				if (v.Outcome == rollout.Tainted) != (name(sha) == "B") {
					t.Errorf("%s is %s", name(sha), v.Outcome)
				}
				if _, err := rollout.DecideOverride(s.At, apps, s, rollout.OverrideRequest{Revision: rollout.Prefix(sha)}); (err != nil) != (name(sha) == "B") {
					t.Errorf("an override to %s: %v", name(sha), err)
				}
			}
		})
	}
	t.Run("by title", func(t *testing.T) {
		story := "0 push A\n0 release A\n0 say B Bump\n1 push B\n"
		for i := range 70 {
			story += fmt.Sprintf("0 say %s Revert \"Bump\"\\n\\nThis reverts commit @A.\n2 push %s\n", numbered(i), numbered(i))
		}
		if got := brief(decide(tell(t, story+"26 look"))); got != "promote "+numbered(69) {
			t.Errorf("it decides %q", got)
		}
		if got := brief(decide(tell(t, story+"3 taint B\n26 look"))); got != "blocked" {
			t.Errorf("tainted, it decides %q", got)
		}
	})
	// One reverts the other, and the next one that: it is bad, good, bad, …
	t.Run("of each other", func(t *testing.T) {
		for _, n := range []int{80, 81} {
			story := "0 push A\n0 release A\n1 push B\n"
			last := "B"
			for i := range n {
				story += fmt.Sprintf("0 say %s This reverts commit @%s.\n%d push %s\n", numbered(i), last, 2+i, numbered(i))
				last = numbered(i)
			}
			d := decide(tell(t, story+"400 look"))
			if got := brief(d); got != "promote "+last {
				t.Errorf("%d decide %q, want %s", n, got, last)
			}
			for i, v := range d.Verdicts {
				if want := i%2 == 1; (v.Outcome == rollout.Tainted) != want {
					t.Errorf("of %d %s is %s", n, name(v.Revision.SHA), v.Outcome)
				}
			}
		}
	})
}

// numbered is one of 260 names.
func numbered(i int) string { return fmt.Sprintf("%c%d", 'C'+i/10, i%10) }

func TestTheSameTreeNeedsNoSecondSoak(t *testing.T) {
	runPolicy(t, []policyCase{
		{
			name: "a bad commit and its revert are no change",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				0  tree C A
				3  push C
				3  look`,
			want:    "promote C(C B): C@3h promotable, B@1h tainted",
			reasons: []string{"its tree is that of release already, so it changes nothing there"},
		},
		{
			name: "the tree of one that has soaked",
			story: `
				0  push A
				0  release A
				1  push B
				20 push C
				0  say D This reverts commit @C.
				0  tree D B
				25 push D
				25 look`,
			want:    "promote D(D C B): D@25h promotable, C@20h tainted, B@1h promotable",
			reasons: []string{"its tree is that of 4200000, which has soaked"},
		},
		{
			name: "not before that one has soaked",
			story: `
				0  push A
				0  release A
				1  push B
				20 push C
				0  say D This reverts commit @C.
				0  tree D B
				24 push D
				24 look`,
			want: "wait until 25h: D@24h soaking, C@20h tainted, B@1h soaking",
		},
		{
			name: "what is unhealthy by itself goes out when its tree has soaked elsewhere", stage: healthy(0, "flux/*"),
			story: `
				0  push A
				0  release A
				0  report A flux/x good
				1  push B
				1  report B flux/x good
				2  push C
				2  report C flux/x bad
				0  tree D B
				3  push D
				4  look`,
			want: "wait until 25h: D@3h unhealthy, C@2h unhealthy, B@1h soaking",
		},
		{
			name: "the tree of a bad one is no better for its age",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				2  push C
				0  tree D B
				30 push D
				30 look`,
			want: "promote C(C B): D@30h soaking, C@2h promotable, B@1h tainted",
		},
		{
			name: "the tree of one that has soaked failed since", stage: healthy(0, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				1  report B flux/x good
				20 push C
				20 report C flux/x bad
				0  tree D B
				24 push D
				24.5 report D flux/x bad
				25 look`,
			want: "promote B(B): D@24h unhealthy, C@20h unhealthy, B@1h promotable",
		},
		{
			name: "and of what comes after that", stage: healthy(0, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				1  report B flux/x good
				0  tree D B
				23 push D
				23 report D flux/x bad
				0  tree E B
				24 push E
				25 look`,
			want: "promote B(B): E@24h unhealthy, D@23h unhealthy, B@1h promotable",
		},
		{
			name: "the tree of release goes out whatever it did", stage: healthy(0, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				0  tree C A
				3  push C
				3  report C flux/x bad
				3  look`,
			want: "promote C(C B): C@3h promotable, B@1h unhealthy",
		},
		{
			name: "a taint outlasts the same tree",
			story: `
				0  push A
				0  release A
				1  push B
				2  taint B
				0  tree C A
				3  push C
				30 look`,
			want: "blocked: C@3h tainted, B@1h tainted",
		},
		{
			name: "a tree that is not known is like no other",
			story: `
				0  push A
				0  release A
				1  push B
				2  look`,
			want: "wait until 25h: B@1h soaking",
		},
	})
}

func TestHolds(t *testing.T) {
	runPolicy(t, []policyCase{
		{
			name: "for good",
			story: `
				0  push A
				0  release A
				1  push B
				2  hold
				25 look`,
			want:    "blocked: B@1h held",
			reasons: []string{"ada holds all stages: a freeze"},
		},
		{
			name: "until later",
			story: `
				0  push A
				0  release A
				1  push B
				2  hold 30
				25 look`,
			want: "wait until 30h: B@1h held",
		},
		{
			name: "run out, to the second",
			story: `
				0  push A
				0  release A
				1  push B
				2  hold 30
				30 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "the last of several",
			story: `
				0  push A
				0  release A
				1  push B
				2  hold 30
				2  hold 40
				25 look`,
			want: "wait until 40h: B@1h held",
		},
		{
			name: "while it soaks: whichever is later",
			story: `
				0  push A
				0  release A
				1  push B
				2  hold 10
				3  look`,
			want: "wait until 25h: B@1h soaking",
		},
		{
			name: "for good, while all soak",
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				2  hold
				3  look`,
			want:    "blocked: C@2h soaking, B@1h soaking",
			reasons: []string{"of 2 pending revisions 2 are soaking; none of them goes out by itself; ada holds all stages: a freeze"},
		},
		{
			name: "nothing is pending",
			story: `
				0  push A
				0  release A
				2  hold
				3  look`,
			want: "nothing",
		},
	})
}

func TestSoakByChange(t *testing.T) {
	runPolicy(t, []policyCase{
		{
			name: "longer",
			story: `
				0  push A
				0  release A
				0  say B Big change\n\nRollout-Soak: 48h
				1  push B
				25 look`,
			want:    "wait until 49h: B@1h soaking",
			reasons: []string{"soaks 2d (as 4200000 asks)"},
		},
		{
			name: "of what contains it",
			story: `
				0  push A
				0  release A
				0  say B Big change\n\nROLLOUT-SOAK: 2d
				1  push B
				5  push C
				26 look`,
			want: "wait until 49h: C@5h soaking, B@1h soaking",
		},
		{
			name: "not of what does not",
			story: `
				0  push A
				0  release A
				1  push B
				0  say C Big change\n\nRollout-Soak: 48h\n
				2  push C
				25 look`,
			want: "promote B(B): C@2h soaking, B@1h promotable",
		},
		{
			name: "never shorter",
			story: `
				0  push A
				0  release A
				0  say B Hurry\n\nRollout-Soak: 0s\nRollout-Soak: 1h
				1  push B
				24 look`,
			want: "wait until 25h: B@1h soaking",
		},
		{
			name: "the longest of several, a garbled one aside",
			story: `
				0  push A
				0  release A
				0  say B Big\n\nRollout-Soak: 30h\nRollout-Soak: two days\nRollout-Soak: 26h
				1  push B
				24 look`,
			want: "wait until 31h: B@1h soaking",
		},
		{
			name: "as long as can be, and no longer",
			story: `
				0  push A
				0  release A
				0  say B Big\n\nRollout-Soak: 876000H
				1  push B
				24 look`,
			want: "wait until 8761h: B@1h soaking",
		},
		{
			name: "with a remark",
			story: `
				0  push A
				0  release A
				0  say B Big\n\nRollout-Soak: 48h (migration)
				1  push B
				25 look`,
			want:    "wait until 49h: B@1h soaking",
			reasons: []string{"soaks 2d (as 4200000 asks)"},
		},
		{
			name: "behind a fence that nobody closed",
			story: `
				0  push A
				0  release A
				0  say B Big\n\n~~~\nkubectl\n\nRollout-Soak: 48h
				1  push B
				25 look`,
			want: "wait until 49h: B@1h soaking",
		},
		{
			name: "not in a quote",
			story: `
				0  push A
				0  release A
				0  say B Document it\n\n> Rollout-Soak: 48h
				1  push B
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "not in a block of code",
			story: `
				0  push A
				0  release A
				0  say B Document it\n\n~~~\nRollout-Soak: 90d\n~~~\n
				1  push B
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "not in the middle of a line",
			story: `
				0  push A
				0  release A
				0  say B Use the trailer Rollout-Soak: 48h for that
				1  push B
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
	})
}

// Whoever misses the form of the trailer is understood, if that is possible, and
// told.
func TestAGarbledSoakLengthensOrIsComplainedOf(t *testing.T) {
	const says = ` is no length of time: write a number and a unit, such as 45s, 90m, 24h, 1h30m, 7d, 1w`
	for line, want := range map[string]struct {
		soak      time.Duration
		complaint string
	}{
		"Rollout-Soak: 48h":                    {48 * time.Hour, ""},
		"  Rollout-Soak: 48h":                  {48 * time.Hour, ""},
		"\tRollout-Soak: 48h":                  {48 * time.Hour, ""},
		"Rollout-Soak : 48h":                   {48 * time.Hour, ""},
		"Rollout-Soak = 48h":                   {48 * time.Hour, ""},
		"Rollout-Soak 48h":                     {48 * time.Hour, ""},
		"Rollout Soak: 48h":                    {48 * time.Hour, ""},
		"rollout_soak: 48H":                    {48 * time.Hour, ""},
		"* Rollout-Soak: 48h":                  {48 * time.Hour, ""},
		"**Rollout-Soak:** 48h":                {48 * time.Hour, `is taken for 2d: "** 48h"` + says},
		"Rollout-Soak: 48h.":                   {48 * time.Hour, `is taken for 2d: "48h."` + says},
		"Rollout-Soak: 48h (migration)":        {48 * time.Hour, `is taken for 2d: "48h (migration)"` + says},
		"Rollout-Soak: 48 h":                   {48 * time.Hour, `is taken for 2d: "48 h"` + says},
		"Rollout-Soak: 48 hours":               {48 * time.Hour, `is taken for 2d: "48 hours"` + says},
		"Rollout-Soak: 2 Days":                 {48 * time.Hour, `is taken for 2d: "2 days"` + says},
		"Rollout-Soak: 1 day 24 hours, please": {48 * time.Hour, `is taken for 2d: "1 day 24 hours, please"` + says},
		"Rollout-Soak: at least 48h":           {48 * time.Hour, `is taken for 2d: "at least 48h"` + says},
		"Rollout-Soak: 24h, better 48h":        {48 * time.Hour, `is taken for 2d: "24h, better 48h"` + says},
		"Rollout-Soak 48h, for the migration":  {48 * time.Hour, `is taken for 2d: "48h, for the migration"` + says},
		"Rollout-Soak: 99999999h, no less":     {rollout.MaxSoak, `is taken for 365d: "99999999h, no less"` + says},
		"Rollout-Soak: two days":               {0, `cannot be read: "two days"` + says},
		"Rollout-Soak: 3 months":               {0, `cannot be read: "3 months"` + says},
		"Rollout-Soak: 48":                     {0, `cannot be read: "48"` + says},
		"Rollout-Soak:":                        {0, `cannot be read: ""` + says},
		"Rollout-Soak is no longer 48h":        {0, `cannot be read: "is no longer 48h"` + says},
		"> Rollout-Soak: 48h":                  {0, ""},
		"`Rollout-Soak: 48h`":                  {0, ""},
		"Ask with Rollout-Soak: 48h":           {0, ""},
		"Rollout-Soakers: 48h":                 {0, ""},
		"Rollouts: 48h":                        {0, ""},
	} {
		t.Run(line, func(t *testing.T) {
			s := tell(t, `
				0  push A
				0  release A
				0  say B -
				1  push B
				2  look`)
			s.Pending[0].Message = "Big\n\n" + line + "\n"
			d := decide(s)
			if soak := d.Verdicts[0].RetryAt.Sub(d.Verdicts[0].Revision.Arrival); soak != max(want.soak, apps.Soak) {
				t.Errorf("it soaks %s, want %s", soak, want.soak)
			}
			var complaints []string
			if want.complaint != "" {
				complaints = []string{"a Rollout-Soak of 4200000 " + want.complaint}
			}
			if diff := cmp.Diff(complaints, d.Complaints); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// healthy makes a stage ask for these contexts of the cluster infra.
func healthy(settle time.Duration, patterns ...string) func(*rollout.Stage) {
	return func(s *rollout.Stage) {
		s.Health.Settle = settle
		for _, p := range patterns {
			glob, err := rollout.ParseGlob(p)
			if err != nil {
				panic(err)
			}
			s.Health.Required = append(s.Health.Required, rollout.Requirement{Cluster: "infra", Contexts: glob, Where: "clusters/rollout.yaml:9"})
		}
	}
}

func TestHealth(t *testing.T) {
	any := healthy(0, "flux/*")
	runPolicy(t, []policyCase{
		{
			name: "nothing was ever reported", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				25 look`,
			want:    "blocked: B@1h unproven",
			reasons: []string{"no status like flux/* of infra was ever reported", "clusters/rollout.yaml:9"},
		},
		{
			name: "good", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "bad", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				2  report B flux/y bad
				25 look`,
			want:    "blocked: B@1h unhealthy",
			reasons: []string{"flux/y of infra failed 2026-03-02 10:00 UTC"},
		},
		{
			name: "another context does not matter", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				2  report B ci/test bad
				2  report B flux/x/y bad
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "a late failure takes the permission back", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				24 report B flux/x bad
				25 look`,
			want: "blocked: B@1h unhealthy",
		},
		{
			name: "and a recovery gives it back", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x bad
				24 report B flux/x good
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "pending says nothing", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x pending
				25 look`,
			want:    "blocked: B@1h unproven",
			reasons: []string{"flux/x of infra is pending since 2026-03-02 10:00 UTC"},
		},
		{
			name: "a descendant speaks for what Flux skipped", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  report C flux/x good
				25 look`,
			want: "promote B(B): C@2h soaking, B@1h promotable",
		},
		{
			name: "and is blamed on it where nothing between was good", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  report C flux/x bad
				26 look`,
			want: "blocked: C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "but not where it was", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  push D
				3  report C flux/x good
				4  report D flux/x bad
				26 look`,
			want: "promote C(C B): D@3h unhealthy, C@2h promotable, B@1h promotable",
		},
		{
			name: "its own failure is not forgiven by a descendant", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				1  report B flux/x bad
				2  push C
				3  report C flux/x good
				25 look`,
			want: "wait until 26h: C@2h soaking, B@1h unhealthy",
		},
		{
			name: "a skipped one between a failure and its repair", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				2  report C flux/x bad
				3  push D
				3  report D flux/x good
				26 look`,
			want: "wait until 27h: D@3h soaking, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "a context that was there before and is missing now", stage: any,
			story: `
				0  push A
				0  release A
				0  report A flux/x good
				0  report A flux/y good
				1  push B
				2  report B flux/x good
				25 look`,
			want:    "blocked: B@1h unproven",
			reasons: []string{"nothing was reported of it in flux/y of infra"},
		},
		{
			name: "is not asked for of the revision after that", stage: any,
			story: `
				0  push A
				0  release A
				0  report A flux/x good
				0  report A flux/y good
				1  push B
				1  report B flux/x good
				2  push C
				2  report C flux/x good
				26 look`,
			want: "promote C(C B): C@2h promotable, B@1h unproven",
		},
		{
			name: "a context that is named in full always is", stage: healthy(0, "flux/x", "flux/z"),
			story: `
				0  push A
				0  release A
				1  push B
				1  report B flux/x good
				25 look`,
			want:    "blocked: B@1h unproven",
			reasons: []string{"flux/z"},
		},
		{
			name: "settling", stage: healthy(2*time.Hour, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				24 report B flux/x good
				25 look`,
			want:    "wait until 26h: B@1h unproven",
			reasons: []string{"flux/x of infra is good since 2026-03-03 08:00 UTC, and has to be for 2h"},
		},
		{
			name: "a failure on what a side branch was merged into later is not blamed on it", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  report C flux/x good
				4  push S<B M<C,S
				5  push D
				6  report D flux/x bad
				25 look`,
			want: "promote B(B): D@5h unhealthy, M@4h unhealthy, C@2h soaking, B@1h promotable",
		},
		{
			name: "a failure of what lost its row in the log counts", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				2  lost C
				3  report C flux/x bad
				4  push D
				5  report D flux/x good
				25 look`,
			want: "wait until 28h: D@4h soaking, C@4h unhealthy, B@1h unhealthy",
		},
		{
			name: "a success that is written again settles no longer", stage: healthy(2*time.Hour, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				24.5 report B flux/x good
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "but for one after a failure", stage: healthy(2*time.Hour, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				23 report B flux/x bad
				24 report B flux/x good
				24.5 report B flux/x good
				25 look`,
			want:    "wait until 26h: B@1h unproven",
			reasons: []string{"good since 2026-03-03 08:00 UTC"},
		},
		{
			name: "a success that a failure follows before it has settled", stage: healthy(2*time.Hour, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				23 report B flux/x good
				24 report B flux/x bad
				25 look`,
			want: "blocked: B@1h unhealthy",
		},
		{
			name: "settled", stage: healthy(2*time.Hour, "flux/*"),
			story: `
				0  push A
				0  release A
				1  push B
				23 report B flux/x good
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "the same tree as release needs no evidence", stage: any,
			story: `
				0  push A
				0  release A
				1  push B
				0  say C This reverts commit @B.
				0  tree C A
				2  push C
				2  look`,
			want: "promote C(C B): C@2h promotable, B@1h tainted",
		},
	})
}

// forgotten is a story in which nobody says anything of y any more after it
// failed.
const forgotten = `
	0  push A
	0  release A
	0  report A flux/x good
	0  report A flux/y good
	1  push B
	1  report B flux/x good
	1  report B flux/y bad
	2  push C
	2  report C flux/x good
	3  push D
	3  report D flux/x good
	`

// A context that failed has to be good again before anything goes out that
// contains what it failed on, however long nobody has spoken of it.
func TestAFailureStaysUntilItIsMended(t *testing.T) {
	any, settles := healthy(0, "flux/*"), healthy(2*time.Hour, "flux/*")
	runPolicy(t, []policyCase{
		{
			name: "a context that is never spoken of again", stage: any, story: forgotten + "27 look",
			want:    "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy",
			reasons: []string{"flux/y of infra failed 2026-03-02 09:00 UTC on 4200000, which it contains, and was never good since; if it is gone for good: mage release:clear 4200000 <reason>"},
		},
		{
			name: "good again, on one between", stage: any, story: forgotten + "4 report C flux/y good\n27 look",
			want: "promote C(C B): D@3h unproven, C@2h promotable, B@1h unhealthy",
		},
		{
			name: "good again, on the newest only", stage: any, story: forgotten + "4 report D flux/y good\n27 look",
			want: "promote D(D C B): D@3h promotable, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "good again, and bad once more", stage: any, story: forgotten + "4 report C flux/y good\n5 report C flux/y bad\n27 look",
			want:    "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy",
			reasons: []string{"flux/y of infra failed 2026-03-02 13:00 UTC on 4300000"},
		},
		{
			name: "pending is not good", stage: any, story: forgotten + "4 report D flux/y pending\n27 look",
			want: "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "good again, and settling", stage: settles, story: forgotten + "26 report C flux/y good\n27 look",
			want: "wait until 28h: D@3h unproven, C@2h unproven, B@1h unhealthy",
		},
		{
			name: "an operator clears it", stage: any, story: forgotten + "4 clear B\n27 look",
			want: "promote D(D C B): D@3h promotable, C@2h unproven, B@1h unhealthy",
		},
		{
			name: "and it fails again after that", stage: any, story: forgotten + "4 clear B\n5 report B flux/y bad\n27 look",
			want: "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "cleared where it failed last", stage: any, story: forgotten + "4 report C flux/y bad\n5 clear C\n27 look",
			want: "blocked: D@3h unproven, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "on the head of release", stage: any,
			story: `
				0  push A
				0  release A
				0  report A flux/x good
				0  report A flux/y bad
				1  push B
				1  report B flux/x good
				2  push C
				2  report C flux/x good
				27 look`,
			want:    "blocked: C@2h unhealthy, B@1h unhealthy",
			reasons: []string{"on 4100000000000000000000000000000000000000, which it contains", "release:clear 4100000000000000000000000000000000000000 <reason>"},
		},
		{
			name: "a name that a newer revision speaks for", stage: healthy(0, "flux/y"),
			story: `
				0  push A
				0  release A
				1  push B
				1  report B flux/y bad
				2  push C
				3  push D
				3  report D flux/y good
				26 look`,
			want: "wait until 27h: D@3h soaking, C@2h unhealthy, B@1h unhealthy",
		},
		{
			name: "what does not contain it is not blamed, and does not mend it", stage: any,
			story: `
				0  push A
				0  release A
				0  report A flux/x good
				1  push B
				1  report B flux/x good
				2  push S
				2  report S flux/x good
				2  report S flux/y bad
				3  push B
				4  push C
				4  report C flux/x good
				4  report C flux/y good
				5  push M<C,S
				5  report M flux/x good
				6  push D
				6  report D flux/x good
				28.5 look`,
			want: "promote C(C B): D@6h unhealthy, M@5h unhealthy, S@5h unhealthy, C@4h promotable, B@1h promotable",
		},
	})
}

// More contexts can be wrong than are shown: what lasts longest is.
func TestWhatIsNotShownOfHealthCounts(t *testing.T) {
	story := `
		0  push A
		0  release A
		1  push B
		`
	for _, context := range []string{"a", "b", "c", "d", "e", "f"} {
		story += "24 report B flux/" + context + " good\n"
	}
	runPolicy(t, []policyCase{
		{
			name: "a failure", stage: healthy(2*time.Hour, "flux/*"), story: story + "24.5 report B flux/z bad\n25 look",
			want: "blocked: B@1h unhealthy",
		},
		{
			name: "what settles last", stage: healthy(2*time.Hour, "flux/*"), story: story + "25 report B flux/z good\n25 look",
			want: "wait until 27h: B@1h unproven",
		},
	})
}

func TestObservedRevisionsOnly(t *testing.T) {
	observed := func(s *rollout.Stage) {
		healthy(0, "flux/*")(s)
		s.Observed = true
	}
	runPolicy(t, []policyCase{
		{
			name: "a descendant's evidence is not enough", stage: observed,
			story: `
				0  push A
				0  release A
				1  push B
				2  push C
				3  report C flux/x good
				25 look`,
			want:    "wait until 26h: C@2h soaking, B@1h unobserved",
			reasons: []string{"it arrived"},
		},
		{
			name: "its own is", stage: observed,
			story: `
				0  push A
				0  release A
				1  push B
				2  report B flux/x good
				25 look`,
			want: "promote B(B): B@1h promotable",
		},
		{
			name: "the same tree was observed", stage: observed,
			story: `
				0  push A
				0  release A
				1  push B
				0  tree C B
				2  push C
				3  report C flux/x good
				25 look`,
			want: "promote C(C B): C@2h promotable, B@1h promotable",
		},
	})
}

func TestSoakOnHealthyTime(t *testing.T) {
	clock := func(c rollout.SoakClock) func(*rollout.Stage) {
		return func(s *rollout.Stage) {
			healthy(0, "flux/*")(s)
			s.SoakClock = c
		}
	}
	story := `
		0  push A
		0  release A
		0  report A flux/x good
		1  push B
		2  report B flux/x good
		10 report B flux/x bad
		14 report B flux/x good
		`
	runPolicy(t, []policyCase{
		{name: "wall clock", stage: clock(rollout.WallClock), story: story + "25 look", want: "promote B(B): B@1h promotable"},
		{
			name: "pause", stage: clock(rollout.PausingClock), story: story + "25 look", want: "wait until 29h: B@1h soaking",
			reasons: []string{"has soaked 20h of 24h of healthy time, so until 2026-03-03 13:00 UTC at the earliest"},
		},
		{name: "pause, over", stage: clock(rollout.PausingClock), story: story + "29 look", want: "promote B(B): B@1h promotable"},
		{name: "restart", stage: clock(rollout.RestartingClock), story: story + "29 look", want: "wait until 38h: B@1h soaking"},
		{name: "restart, over", stage: clock(rollout.RestartingClock), story: story + "38 look", want: "promote B(B): B@1h promotable"},
		{
			name: "it stands still", stage: clock(rollout.PausingClock), want: "blocked: B@1h unhealthy", reasons: []string{"stands still: flux/x fails"},
			story: strings.Replace(story, "14 report B flux/x good", "", 1) + "20 look",
		},
		{name: "a later revision breaks it for all", stage: clock(rollout.PausingClock), want: "blocked: C@20h unhealthy, B@1h soaking", story: `
			0  push A
			0  release A
			0  report A flux/x good
			1  push B
			2  report B flux/x good
			20 push C
			20 report C flux/x bad
			24 report C flux/x good
			25 report C flux/x bad
			26 report C flux/x good
			27 report C flux/x bad
			27 look`},
		{name: "unknown time does not count", stage: clock(rollout.PausingClock), want: "wait until 29h: B@1h soaking", story: `
			0  push A
			0  release A
			1  push B
			5  report B flux/x good
			25 look`},
		{name: "of one second the last report counts", stage: clock(rollout.PausingClock), want: "blocked: C@2h unhealthy, B@1h soaking", story: `
			0  push A
			0  release A
			0  report A flux/x good
			1  push B
			1  report B flux/x good
			2  push C
			2  report C flux/x good
			2  report C flux/x bad
			25 look`},
		{name: "a context that is gone breaks nothing", stage: clock(rollout.PausingClock), want: "promote D(D C B): D@3h promotable, C@2h unproven, B@1h promotable", story: `
			0  push A
			0  release A
			0  report A flux/x good
			0  report A flux/y good
			1  push B
			1  report B flux/x good
			1  report B flux/y good
			2  push C
			2  report C flux/x good
			3  push D
			3  report D flux/x good
			27 look`},
		{name: "one that failed last does", stage: clock(rollout.PausingClock), want: "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy", reasons: []string{"stands still: flux/y fails"}, story: forgotten + "27 look"},
		{name: "also on the head of release", stage: clock(rollout.PausingClock), want: "blocked: D@3h unhealthy, C@2h unhealthy, B@1h unhealthy", reasons: []string{"stands still: flux/y fails"}, story: `
			0  push A
			0  release A
			0  report A flux/x good
			0  report A flux/y bad
			1  push B
			1  report B flux/x good
			2  push C
			2  report C flux/x good
			3  push D
			3  report D flux/x good
			27 look`},
		{name: "but not where an operator cleared it", stage: clock(rollout.PausingClock), want: "wait until 27h: D@3h soaking, C@2h unproven, B@1h unhealthy", story: forgotten + `
			4  clear B
			26 look`},
	})
}
