package rollout_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// busy has a revision that soaked, two that soak, and a push of several.
const busy = `
	0  push A
	0  release A
	1  push B
	20 push C D
	25 push E
	26 look`

func TestDecideOverride(t *testing.T) {
	cases := []struct {
		name, story, wanted, want string
	}{
		{"the newest by default", busy, "", "promote E(E D C B), un-soaked E 23h, D 18h, C 18h"},
		{"an exact revision", busy, string(sha("D")), "promote D(D C B), un-soaked D 18h, C 18h"},
		{"a prefix", busy, string(sha("D")[:7]), "promote D(D C B), un-soaked D 18h, C 18h"},
		{"one that has soaked anyway", busy, string(sha("B")), "promote B(B), un-soaked nothing"},
		{"the stage's own head", busy, string(sha("A")), "nothing"},
		{"nothing pending", "0 push A\n0 release A\n1 look", "", "nothing"},
		{"the head, where nothing is pending", "0 push A\n0 release A\n1 look", string(sha("A")), "nothing"},
		{"what another reason holds up may not have soaked either", `
			0  push A
			1  push S
			1  release S
			20 push R<A
			21 push M<R,S
			26 look`, "", "promote M(M R), un-soaked M 19h, R 18h"},
		{"a commit that may have been a head, where no log says otherwise", `
			nolog
			0  push A
			0  release A
			1  push B C D
			2  note D
			3  look`, string(sha("C")), "promote C(C B), un-soaked C 23h, B 23h"},
		{"a head that nothing has recorded", `
			nolog
			0  push A
			0  release A
			1  push B
			3  look`, "", "promote B(B), un-soaked B 24h"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, c.story)
			d, err := rollout.DecideOverride(s.At, apps, s, rollout.OverrideRequest{Revision: rollout.Prefix(c.wanted)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, describeOverride(d)); diff != "" {
				t.Errorf("override (-want +got):\n%s", diff)
			}
			if d.Reason == "" || !d.RetryAt.IsZero() {
				t.Errorf("reason %q, retry at %s", d.Reason, d.RetryAt)
			}
		})
	}
}

func describeOverride(d rollout.Decision) string {
	if d.Action != rollout.Promote {
		return string(d.Action)
	}
	left := make([]string, len(d.Unsoaked))
	for i, u := range d.Unsoaked {
		left[i] = fmt.Sprintf("%s %s", name(u.Commit), rollout.FormatDuration(u.Remaining))
	}
	if len(left) == 0 {
		left = []string{"nothing"}
	}
	return fmt.Sprintf("promote %s(%s), un-soaked %s", name(d.Revision.SHA), names(d.GoesOut), strings.Join(left, ", "))
}

func TestDecideOverrideRefuses(t *testing.T) {
	cases := []struct {
		name, story, wanted string
		kind                error
		says                []string
	}{
		{
			"what nobody knows", busy, "0123456", rollout.ErrRefused,
			[]string{"0123456 is not a commit that main has and release has not", "push it there first"},
		},
		{
			"what nobody knows, where nothing is pending", "0 push A\n0 release A\n1 look", "0123456", rollout.ErrRefused,
			[]string{"0123456 is not a commit"},
		},
		{
			"what the stage has behind its head", "0 push A B\n0 release B\n1 push C\n2 look", string(sha("A")), rollout.ErrRefused,
			[]string{"is not a commit that main has and release has not", "git branch -r --contains"},
		},
		{
			"a commit inside a push", busy, string(sha("C")), rollout.ErrRefused,
			[]string{"4300000 is not a revision", "promote 4400000, with which it came"},
		},
		{
			"a commit of a merged branch, whatever the log says", `
			nolog
			0  push A
			0  release A
			1  push F<A M<A,F
			2  look`, string(sha("F")), rollout.ErrRefused,
			[]string{"4600000 is not a revision", "promote 4d00000"},
		},
		{
			"what does not contain the stage's head", `
			0  push A
			1  push S
			1  release S
			2  push R<A
			3  push M<R,S
			26 look`, string(sha("R")), rollout.ErrRefused,
			[]string{"5200000 does not contain 5300000, the head of release", "only ever fast-forwards"},
		},
		{
			"a prefix of two", `
			0  push A
			0  release A
			1  push commit-1
			2  push commit-2
			3  look`, string(sha("commit-1")[:12]), rollout.ErrUsage,
			[]string{"the beginning of 2 pending commits; give more digits"},
		},
		{
			"a stage that has diverged", "0 push A B\n1 push A\n1 release B\n2 look", "", rollout.ErrDiverged,
			[]string{"release has 1 commit that main has not", "4200000 Change B (Ada)", "mage release:repair"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, c.story)
			d, err := rollout.DecideOverride(s.At, apps, s, rollout.OverrideRequest{Revision: rollout.Prefix(c.wanted)})
			if !errors.Is(err, c.kind) {
				t.Fatalf("%s, %v; want %v", describe(d), err, c.kind)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %s", text, err)
				}
			}
		})
	}
}

func TestReason(t *testing.T) {
	long := strings.Repeat("é", 2000)
	cases := []struct {
		name, given, want string
		required          bool
		err               error
	}{
		{"given", "pager 4711", "pager 4711", false, nil},
		{"given where it is required", "pager 4711", "pager 4711", true, nil},
		{"kept as it was typed, but for blanks around it", "  a \"b\" $(c)\n-d ", "a \"b\" $(c)\n-d", false, nil},
		{"none", "", rollout.NoReason, false, nil},
		{"blank", " \t\n", rollout.NoReason, false, nil},
		{"none where it is required", "", "", true, rollout.ErrUsage},
		{"blank where it is required", " \n ", "", true, rollout.ErrUsage},
		{"as long as it may be", long, long, false, nil},
		{"too long", long + "x", "", false, rollout.ErrUsage},
		{"not UTF-8", "caf\xe9", "", false, rollout.ErrUsage},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := rollout.Engine{Plan: rollout.Plan{Override: rollout.OverridePolicy{ReasonRequired: c.required}}}
			got, err := e.Reason(c.given)
			if !errors.Is(err, c.err) || got != c.want {
				t.Errorf("Reason(%q) = %q, %v; want %q, %v", c.given, got, err, c.want, c.err)
			}
		})
	}
}

func TestOverrideIsRecorded(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.push("main", 2, "C")
	r.now = hour(3)
	e := r.engine(twoStages)
	preview, err := e.PreviewOverride(t.Context(), apps, rollout.OverrideRequest{})
	if err != nil || describeOverride(preview.Decision) != "promote C(C B), un-soaked C 23h, B 22h" {
		t.Fatalf("preview: %s, %v", describeOverride(preview.Decision), err)
	}
	if r.branches["release"] != sha("A") || preview.Entry != nil {
		t.Error("the preview changed something")
	}
	receipt, err := e.Override(t.Context(), apps, rollout.OverrideRequest{Reason: " prod is down "})
	if err != nil {
		t.Fatal(err)
	}
	want := rollout.Entry{
		Kind: rollout.EntryOverride, Stage: "apps", Branch: "release", From: sha("A"), To: sha("C"), At: hour(3),
		By: "viewer", Reason: "prod is down", Commits: 2, Skipped: []rollout.Gate{rollout.GateSoak},
		Unsoaked: []rollout.Unsoaked{{Commit: sha("C"), Remaining: 23 * time.Hour}, {Commit: sha("B"), Remaining: 22 * time.Hour}},
	}
	r.recorded(t, want)
	if diff := cmp.Diff(&want, receipt.Entry); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	if r.branches["release"] != sha("C") {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
	again, err := e.Override(t.Context(), apps, rollout.OverrideRequest{Reason: "prod is down"})
	if err != nil || again.Decision.Action != rollout.Nothing || again.Entry != nil || r.writes != 1 {
		t.Errorf("again: %s, %v, %d writes", again.Decision.Action, err, r.writes)
	}
}

// An override of what has soaked anyway skips no gate.
func TestOverrideOfSomethingThatHasSoaked(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(26)
	e := r.engine(twoStages)
	receipt, err := e.Override(t.Context(), apps, rollout.OverrideRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if e := receipt.Entry; len(e.Skipped) > 0 || len(e.Unsoaked) > 0 || e.Reason != rollout.NoReason || e.Kind != rollout.EntryOverride {
		t.Errorf("entry: %+v", e)
	}
}

func TestOverrideChecksItsReasonFirst(t *testing.T) {
	plan := twoStages
	plan.Override.ReasonRequired = true
	e := rollout.Engine{Plan: plan, Ledger: ledger.Ledger{}} // no remote: touching it would panic
	_, err := e.Override(t.Context(), apps, rollout.OverrideRequest{})
	if !errors.Is(err, rollout.ErrUsage) || !strings.Contains(err.Error(), `-reason="what happened"`) {
		t.Errorf("Override: %v", err)
	}
}

// An override goes through the windows of now, whatever they are when the soak
// is over.
func TestOverridesNameTheWindowsOfNow(t *testing.T) {
	stage := apps
	stage.Windows = rollout.Windows{Allow: windows(daily{2, 6})}
	for story, want := range map[string][]rollout.Gate{
		"0 push A\n0 release A\n1 push B\n3 look":  {rollout.GateSoak},
		"0 push A\n0 release A\n3 push B\n7 look":  {rollout.GateSoak, rollout.GateWindow},
		"0 push A\n0 release A\n1 push B\n31 look": {rollout.GateWindow},
	} {
		s := tell(t, story)
		d, err := rollout.DecideOverride(s.At, stage, s, rollout.OverrideRequest{})
		if diff := cmp.Diff(want, d.Skipped); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", story, err, diff)
		}
	}
}
