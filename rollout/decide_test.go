package rollout_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

var apps = rollout.Stage{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour}

func TestDecide(t *testing.T) {
	cases := []struct {
		name, story, want string
	}{
		{
			"the stage has everything", `
			0  push A
			0  release A
			9  look`,
			"nothing",
		},
		{
			"one revision soaks", `
			0  push A
			0  release A
			1  push B
			5  look`,
			"wait until 25h: B@1h soaking",
		},
		{
			"it is promotable to the second", `
			0  push A
			0  release A
			1  push B
			25 look`,
			"promote B(B): B@1h promotable",
		},
		{
			"and not a moment before", `
			0  push A
			0  release A
			1  push B
			24.999 look`,
			"wait until 25h: B@1h soaking",
		},
		{
			"a push at hour 23 does not ride along", `
			0  push A
			0  release A
			1  push B
			24 push C
			25 look`,
			"promote B(B): C@24h soaking, B@1h promotable",
		},
		{
			"a busy main never starves the stage", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push D
			23 push E
			24 push F
			26 push G
			26.5 look`,
			"promote C(C B): G@26h soaking, F@24h soaking, E@23h soaking, D@3h soaking, C@2h promotable, B@1h promotable",
		},
		{
			"commits of one push share its arrival, and only its head is a revision", `
			0  push A
			0  release A
			1  push B C D
			25 look`,
			"promote D(D C B): D@1h promotable",
		},
		{
			"a side branch older than the stage's head comes in with its merge", `
			0  push A
			1  push C
			1  release C
			2  push S<A M<C,S
			26 look`,
			"promote M(M S): M@2h promotable",
		},
		{
			"and when main once pointed at it, still only its merge can be promoted", `
			0  push A
			1  push C
			1  release C
			2  push S<A
			2  push M<C,S
			26 look`,
			"promote M(M S): M@2h promotable, S@2h not-fast-forward",
		},
		{
			"a merge brings a branch that was never pushed to main", `
			0  push A
			0  release A
			1  push F<A G M<A,G
			25 look`,
			"promote M(M G F): M@1h promotable",
		},
		{
			"the stage's head is contained through a second parent", `
			0  push A
			0  release A
			1  push B C<A M<C,B
			1  release B
			25 look`,
			"promote M(M C): M@1h promotable",
		},
		{
			"a revision that does not contain the stage's head waits for its merge", `
			0  push A
			1  push S
			1  release S
			2  push R<A
			3  push M<R,S
			26 look`,
			"wait until 27h: M@3h soaking, R@2h not-fast-forward",
		},
		{
			"and is promoted with it", `
			0  push A
			1  push S
			1  release S
			2  push R<A
			3  push M<R,S
			27 look`,
			"promote M(M R): M@3h promotable, R@2h not-fast-forward",
		},
		{
			"the stage is ahead of its upstream", `
			0  push A B
			1  push A
			1  release B
			2  look`,
			"diverged",
		},
		{
			"both have commits of their own", `
			0  push A B
			0  release B
			1  push C<A
			30 look`,
			"diverged",
		},
		{
			"they have no common history", `
			0  push A
			0  release A
			1  push Z<
			30 look`,
			"diverged",
		},
		{
			"a clock that was ahead makes its own revision wait, and no other", `
			0  push A
			0  release A
			900 push B
			2  push C
			30 look`,
			"promote C(C B): C@2h promotable, B@900h soaking",
		},
		{
			"an arrival in the future waits", `
			0  push A
			0  release A
			50 push B
			30 look`,
			"wait until 74h: B@50h soaking",
		},
		{
			"retention: the first row is missing", `
			0  push A
			0  release A
			1  lost B
			2  push C
			30 look`,
			"promote C(C B): C@2h promotable, B@2h promotable",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { decides(t, c.story, c.want) })
	}
}

// decides checks a decision, that nothing in it contradicts the rest, and
// that it does not depend on the order of the pending commits.
func decides(t *testing.T, story, want string) {
	t.Helper()
	s := tell(t, story)
	d := rollout.Decide(s.At, apps, s)
	if diff := cmp.Diff(want, describe(d)); diff != "" {
		t.Errorf("decision (-want +got):\n%s\n%s", diff, d.Reason)
	}
	consistent(t, s, d)
	shuffled := s
	for range 5 {
		shuffled.Pending = slices.Clone(s.Pending)
		rand.Shuffle(len(shuffled.Pending), func(i, j int) {
			shuffled.Pending[i], shuffled.Pending[j] = shuffled.Pending[j], shuffled.Pending[i]
		})
		if diff := cmp.Diff(d, rollout.Decide(s.At, apps, shuffled)); diff != "" {
			t.Errorf("another order of the pending commits decides otherwise (-want +got):\n%s", diff)
		}
	}
}

// consistent checks that the parts of a decision say the same.
func consistent(t interface {
	Helper()
	Errorf(string, ...any)
}, s rollout.Snapshot, d rollout.Decision,
) {
	t.Helper()
	if (d.Action == rollout.Promote) != (d.Revision != nil) || (d.Action == rollout.Promote) != (len(d.GoesOut) > 0) {
		t.Errorf("%s with revision %v and %d commits", d.Action, d.Revision, len(d.GoesOut))
	}
	if (d.Action == rollout.Wait) != !d.RetryAt.IsZero() || d.Action == rollout.Wait && !d.RetryAt.After(s.At) {
		t.Errorf("%s, and retry at %s", d.Action, d.RetryAt)
	}
	if (d.Action == rollout.Nothing || d.Action == rollout.Diverged) != (len(d.Verdicts) == 0) {
		t.Errorf("%s with %d verdicts", d.Action, len(d.Verdicts))
	}
	if d.Reason == "" {
		t.Errorf("%s without a reason", d.Action)
	}
	promotable := 0
	for _, v := range d.Verdicts {
		coherent(t, s, v)
		if v.Outcome == rollout.Promotable {
			promotable++
			if promotable == 1 && (d.Revision == nil || d.Revision.SHA != v.Revision.SHA) {
				t.Errorf("%s is the newest that is promotable, and is not promoted", v.Revision.SHA.Short())
			}
		}
		if len(v.Revision.Brings) == 0 || v.Revision.Brings[0].SHA != v.Revision.SHA {
			t.Errorf("%s does not bring itself first: %s", v.Revision.SHA.Short(), names(v.Revision.Brings))
		}
	}
	if (promotable > 0) != (d.Action == rollout.Promote) {
		t.Errorf("%s with %d promotable revisions", d.Action, promotable)
	}
	brought := 0
	for _, v := range d.Verdicts {
		brought += len(v.Revision.Brings)
	}
	if len(d.Verdicts) > 0 && brought != len(s.Pending) {
		t.Errorf("the revisions bring %d commits, and %d are pending", brought, len(s.Pending))
	}
}

// coherent checks that a verdict does not contradict itself: it is promotable
// if, and only if, nothing blocks it, and passes by itself if everything that
// blocks it does.
func coherent(t interface {
	Helper()
	Errorf(string, ...any)
}, s rollout.Snapshot, v rollout.Verdict,
) {
	t.Helper()
	passes := len(v.Blocks) > 0
	for _, b := range v.Blocks {
		passes = passes && !b.Until.IsZero()
		if b.Reason() == "" || !b.Until.IsZero() && !b.Until.After(s.At) {
			t.Errorf("verdict on %s: %s until %s: %q", v.Revision.SHA.Short(), b.Gate, b.Until, b.Reason())
		}
	}
	switch {
	case (v.Outcome == rollout.Promotable) != (len(v.Blocks) == 0),
		len(v.Blocks) > 0 && v.Outcome != v.Blocks[0].Outcome,
		passes && v.RetryAt.IsZero(), v.Reason() == "":
		t.Errorf("verdict %s of %s, %d blocks, retry at %s, reason %q", v.Outcome, v.Revision.SHA.Short(), len(v.Blocks), v.RetryAt, v.Reason())
	}
}

// What a commit's author writes plays no part.
func TestDecideIgnoresTheDatesOfCommits(t *testing.T) {
	for _, authored := range []time.Time{{}, hour(-100000), hour(100000)} {
		s := tell(t, `
			0  push A
			0  release A
			1  push B
			5  look`)
		s.Pending[0].Authored = authored
		d := rollout.Decide(s.At, apps, s)
		if got, want := describe(d), "wait until 25h: B@1h soaking"; got != want {
			t.Errorf("authored %s: %s, want %s", authored, got, want)
		}
	}
}

func TestDecideWithoutSoak(t *testing.T) {
	eager := apps
	eager.Soak = 0
	s := tell(t, `
		0  push A
		0  release A
		1  push B
		1  push C
		1  look`)
	d := rollout.Decide(s.At, eager, s)
	if got, want := describe(d), "promote C(C B): C@1h promotable, B@1h promotable"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Contains(d.Reason, "0s") || !strings.Contains(d.Reason, "no soak") {
		t.Errorf("reason: %s", d.Reason)
	}
	s = tell(t, `
		nolog
		0  push A
		0  release A
		1  push B
		1  look`)
	d = rollout.Decide(s.At, eager, s)
	if got, want := describe(d), "promote B(B): B@1h promotable; record B@1h"; got != want {
		t.Errorf("without a log: %s, want %s", got, want)
	}
}

// An observation that lacks what it ought to have decides nothing.
func TestDecideWithAHoleInTheHistory(t *testing.T) {
	s := tell(t, `
		0  push A
		0  release A
		1  push B
		2  push C
		50 look`)
	s.Pending = slices.DeleteFunc(s.Pending, func(c rollout.Commit) bool { return c.SHA == sha("B") })
	if d := rollout.Decide(s.At, apps, s); d.Action == rollout.Promote {
		t.Errorf("promotes %s, which nothing connects with the stage's head", d.Revision.SHA)
	}
}

func TestDecideSaysWhy(t *testing.T) {
	cases := []struct {
		name, story, want string
	}{
		{
			"one soaks", `
			0  push A
			0  release A
			1  push B
			5  look`,
			"the one pending revision is soaking: it arrived 2026-03-02 09:00 UTC and soaks 24h, until 2026-03-03 09:00 UTC",
		},
		{
			"many soak", `
			0  push A
			0  release A
			1  push B
			2  push C
			5  look`,
			"2 pending revisions are soaking; the first is ready 2026-03-03 09:00 UTC",
		},
		{
			"some cannot be reached", `
			0  push A
			1  push S
			1  release S
			2  push R<A
			3  push M<R,S
			26 look`,
			"of 2 pending revisions 1 can be fast-forwarded to, and none has soaked; the first is ready 2026-03-03 11:00 UTC",
		},
		{
			"nobody knows since when", `
			nolog
			0  push A
			0  release A
			1  push B
			5  look`,
			"the one pending revision is soaking: nothing says when it arrived: its soak of 24h begins when release:promote next runs and records it",
		},
		{
			"promoted", `
			0  push A
			0  release A
			1  push B
			30 look`,
			"4200000 is the newest revision of main that may go out: it arrived 2026-03-02 09:00 UTC and has soaked 29h of the 24h that apps asks for",
		},
		{
			"diverged", `
			0  push A B
			1  push A
			1  release B
			2  look`,
			"release has 1 commit that main has not, so it cannot be fast-forwarded",
		},
		{
			"nothing", `
			0  push A
			0  release A
			2  look`,
			"release has everything that main has",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, c.story)
			if diff := cmp.Diff(c.want, rollout.Decide(s.At, apps, s).Reason); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func decide(s rollout.Snapshot) rollout.Decision { return rollout.Decide(s.At, apps, s) }
