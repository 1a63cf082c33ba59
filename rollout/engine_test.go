package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/monosense/k8s-ops/rollout"
)

var promotionOfB = rollout.Entry{
	Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: sha("A"), To: sha("B"), At: hour(25), By: "viewer", Commits: 1,
	Reason: "it arrived 2026-03-02 09:00 UTC and has soaked 24h of the 24h that apps asks for",
}

// soaked is a remote where B has soaked and release stands at A.
func soaked(t *testing.T) *remote {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.now = hour(25)
	return r
}

func TestPromote(t *testing.T) {
	r := soaked(t)
	receipt, err := r.engine(twoStages).Promote(t.Context(), apps)
	if err != nil {
		t.Fatal(err)
	}
	r.recorded(t, promotionOfB)
	if diff := cmp.Diff(&promotionOfB, receipt.Entry); diff != "" || receipt.Commit != r.ledgerHead() {
		t.Errorf("receipt at %s (-want +got):\n%s", receipt.Commit, diff)
	}
	if r.branches["release"] != sha("B") {
		t.Errorf("release stands at %s", name(r.branches["release"]))
	}
	again, err := r.engine(twoStages).Promote(t.Context(), apps)
	if err != nil || again.Decision.Action != rollout.Nothing || again.Entry != nil || r.writes != 1 {
		t.Errorf("again: %s, %v, %d writes", again.Decision.Action, err, r.writes)
	}
}

func TestPromoteRecordsWhoAndWhere(t *testing.T) {
	r := soaked(t)
	e := r.engine(twoStages)
	e.By, e.Run = "github-actions[bot]", "https://github.com/o/r/actions/runs/1"
	if _, err := e.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	want := promotionOfB
	want.By, want.Run = e.By, e.Run
	r.recorded(t, want)
}

func TestPreviewChangesNothing(t *testing.T) {
	r := soaked(t)
	for range 2 {
		receipt, err := r.engine(twoStages).Preview(t.Context(), apps)
		if err != nil || describe(receipt.Decision) != "promote B(B): B@1h promotable" || receipt.Entry != nil {
			t.Errorf("preview: %s, %v", describe(receipt.Decision), err)
		}
	}
	if r.writes != 0 {
		t.Errorf("%d writes", r.writes)
	}
}

// A forge that will not let this token move the branch is asked before
// anything is done, by the preview too.
func TestGatekeeper(t *testing.T) {
	r := soaked(t)
	r.refuse = &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "the token has no `workflows` permission"}
	e := r.engine(twoStages)
	for doing, do := range map[string]func(context.Context, rollout.Stage) (rollout.Receipt, error){"preview": e.Preview, "promote": e.Promote} {
		receipt, err := do(t.Context(), apps)
		if !errors.Is(err, rollout.ErrNotPermitted) || !strings.HasPrefix(err.Error(), "promote apps to 4200000: ") {
			t.Errorf("%s: %v", doing, err)
		}
		if receipt.Decision.Action != rollout.Promote {
			t.Errorf("%s does not tell what was decided", doing)
		}
	}
	if r.writes != 0 {
		t.Errorf("%d writes", r.writes)
	}
	r.now = hour(2)
	if _, err := e.Preview(t.Context(), apps); err != nil {
		t.Errorf("with nothing to promote: %v", err)
	}
}

// Whatever becomes of an answer, the branch moves once and there is one entry
// for it.
func TestLostAnswers(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault
		err    error
	}{
		{"the answer is lost", []fault{lostAnswer}, nil},
		{"the request is lost", []fault{lostRequest}, nil},
		{"both, one after the other", []fault{lostRequest, lostAnswer}, nil},
		{"the request twice, then the answer", []fault{lostRequest, lostRequest, lostAnswer}, nil},
		{"it is carried out while it is tried again", []fault{late}, nil},
		{"it is carried out late, and the second try gets no answer either", []fault{late, lostRequest}, nil},
		{"it is carried out late, and the second try is refused for another reason", []fault{late, refused}, nil},
		{"never an answer, and nothing done", []fault{lostRequest, lostRequest, lostRequest}, rollout.ErrUnavailable},
		{"a refusal after a lost request", []fault{lostRequest, refused}, rollout.ErrRefused},
		{"a plain refusal", []fault{refused}, rollout.ErrRefused},
		{"down", []fault{down}, rollout.ErrUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := soaked(t)
			r.faults = c.faults
			receipt, err := r.engine(twoStages).Promote(t.Context(), apps)
			if !errors.Is(err, c.err) {
				t.Fatalf("Promote: %v, want %v", err, c.err)
			}
			if c.err == nil {
				r.recorded(t, promotionOfB)
				if receipt.Commit != r.ledgerHead() || receipt.Entry == nil {
					t.Errorf("receipt for %s, and the ledger is at %s", receipt.Commit, r.ledgerHead())
				}
				return
			}
			if r.writes != 0 || receipt.Entry != nil {
				t.Errorf("%d writes, entry %v", r.writes, receipt.Entry)
			}
			r.faults = nil
			if _, err := r.engine(twoStages).Promote(t.Context(), apps); err != nil {
				t.Fatalf("again: %v", err)
			}
			r.recorded(t, promotionOfB)
		})
	}
}

func TestNoAnswerSaysWhatIsKnown(t *testing.T) {
	r := soaked(t)
	r.faults = []fault{lostRequest, lostRequest, lostRequest}
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	for _, text := range []string{"whether release moved to 4200000 is not known", "only if, the ledger says so", "connection reset", "run the same command again"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("it does not say %q: %v", text, err)
		}
	}
}

// What moves between observation and commit is seen, and decided on anew.
func TestHeadsThatMoveMeanwhile(t *testing.T) {
	cases := []struct {
		name   string
		meddle func(r *remote)
		want   string
		writes int
	}{
		{"somebody promotes the same", func(r *remote) { _, _ = r.engine(twoStages).Promote(context.Background(), apps) }, "nothing", 1},
		{"somebody writes to the ledger", func(r *remote) { r.append(rollout.Draft{Files: r.files}) }, "promote B(B): B@1h promotable", 1},
		{"main is pushed to, which changes nothing", func(r *remote) { r.push("main", 25, "C") }, "promote B(B): B@1h promotable", 1},
		{"release is moved by hand", func(r *remote) { r.push("main", 25, "C"); r.branches["release"] = sha("C") }, "nothing", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := soaked(t)
			r.beforeCommit = func() { r.beforeCommit = nil; c.meddle(r) }
			receipt, err := r.engine(twoStages).Promote(t.Context(), apps)
			if err != nil || describe(receipt.Decision) != c.want || r.writes != c.writes {
				t.Errorf("%s, %v, %d writes; want %s and %d", describe(receipt.Decision), err, r.writes, c.want, c.writes)
			}
		})
	}
}

func TestABranchThatIsDeletedMeanwhile(t *testing.T) {
	for _, branch := range []string{"release", "rollout/ledger", "main"} {
		t.Run(branch, func(t *testing.T) {
			r := soaked(t)
			r.faults = []fault{lostRequest}
			r.beforeCommit = func() {
				r.beforeCommit = nil
				if branch == "rollout/ledger" {
					r.ledger, r.files = nil, nil
				}
				delete(r.branches, branch)
			}
			_, err := r.engine(twoStages).Promote(t.Context(), apps)
			if branch == "main" {
				// Main is not part of the transaction.
				if err != nil {
					t.Errorf("Promote: %v", err)
				}
				return
			}
			if !errors.Is(err, rollout.ErrNoBranch) || !strings.Contains(err.Error(), "/srv/k8s-ops.git has no branch "+branch) || r.writes != 0 {
				t.Errorf("Promote: %v, %d writes", err, r.writes)
			}
		})
	}
}

func TestSomethingThatMovesEveryTime(t *testing.T) {
	r := soaked(t)
	r.beforeCommit = func() { r.append(rollout.Draft{Message: fmt.Sprint(len(r.ledger)), Files: r.files}) }
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	if !errors.Is(err, rollout.ErrMoved) || !strings.Contains(err.Error(), "gave up after 5 attempts") || r.reads != 5 || r.writes != 0 {
		t.Errorf("Promote: %v, after %d observations and %d writes", err, r.reads, r.writes)
	}
}

// Main is force-pushed between the reading of its head and that of its
// commits: the forge no longer has them.
func TestCommitsThatAreGoneWhenTheyAreAskedFor(t *testing.T) {
	r := soaked(t)
	e := r.engine(twoStages)
	e.History = &forgetful{remote: r, forgets: sha("B")}
	receipt, err := e.Promote(t.Context(), apps)
	if err != nil || describe(receipt.Decision) != "promote B(B): B@1h promotable" {
		t.Errorf("%s, %v", describe(receipt.Decision), err)
	}
}

// A forgetful history does not know a commit the first time.
type forgetful struct {
	*remote
	forgets rollout.SHA
}

func (f *forgetful) Between(ctx context.Context, have, want rollout.SHA) ([]rollout.Commit, error) {
	if want == f.forgets {
		f.forgets = ""
		return nil, &rollout.Problem{Kind: rollout.ErrMoved, What: "not our ref"}
	}
	return f.remote.Between(ctx, have, want)
}

func TestManyPromotersAtOnce(t *testing.T) {
	r := soaked(t)
	var all sync.WaitGroup
	errs := make([]error, 8)
	actions := make([]rollout.Action, len(errs))
	for i := range errs {
		all.Go(func() {
			receipt, err := r.engine(twoStages).Promote(t.Context(), apps)
			errs[i], actions[i] = err, receipt.Decision.Action
		})
	}
	all.Wait()
	promoted := 0
	for i, err := range errs {
		if err != nil {
			t.Errorf("promoter %d: %v", i, err)
		}
		if actions[i] == rollout.Promote {
			promoted++
		}
	}
	if promoted != 1 {
		t.Errorf("%d promoters say that they promoted", promoted)
	}
	r.recorded(t, promotionOfB)
}

func TestPromoteRefuses(t *testing.T) {
	cases := []struct {
		name  string
		stage rollout.Stage
		spoil func(r *remote)
		kind  error
		says  []string
	}{
		{"the first stage", twoStages.Stages[0], func(*remote) {}, rollout.ErrUsage, []string{"stage infra has no upstream: it follows main"}},
		{"no main", apps, func(r *remote) { delete(r.branches, "main") }, rollout.ErrNoBranch, []string{"has no branch main", "push a first commit"}},
		{"no release", apps, func(r *remote) { delete(r.branches, "release") }, rollout.ErrNoBranch, []string{"has no branch release", "mage release:init"}},
		{"no ledger", apps, func(r *remote) { r.ledger, r.files = nil, nil }, rollout.ErrNoBranch, []string{"has no branch rollout/ledger", "find out who deleted it"}},
		{"a ledger that cannot be read", apps, func(r *remote) { r.files = map[string][]byte{"state.json": []byte(`{"version":2}`)} }, rollout.ErrLedger, []string{"read rollout/ledger at ", "version 2"}},
		{"a stage that has diverged", apps, func(r *remote) { r.branches["release"] = r.commit("X", sha("A")) }, rollout.ErrDiverged, []string{
			"release has 1 commit that main has not", "\n  5800000 Change X (Ada)", "pull request or a merge",
			"mage release:repair -how=reset", "if main was force-pushed",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := soaked(t)
			c.spoil(r)
			_, err := r.engine(twoStages).Promote(t.Context(), c.stage)
			if !errors.Is(err, c.kind) || r.writes != 0 {
				t.Fatalf("Promote: %v, %d writes; want %v", err, r.writes, c.kind)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
		})
	}
}

func TestDivergedListsWhatIsForeign(t *testing.T) {
	r := soaked(t)
	for i := range 30 {
		r.push("release", float64(i), fmt.Sprint("x", i))
	}
	hostile := r.commits[r.branches["release"]]
	hostile.Message, hostile.Author = "a\x1b[2J\u202eb\nforged", "Eve\n  0000000 forged"
	r.commits[hostile.SHA] = hostile
	_, err := r.engine(twoStages).Promote(t.Context(), apps)
	if err == nil || !strings.Contains(err.Error(), "\n  … and 10 more") || strings.Count(err.Error(), "\n") != 1+20+4 {
		t.Errorf("Promote: %v", err)
	}
	if strings.ContainsAny(err.Error(), "\x1b\u202e") || strings.Contains(err.Error(), "\n  0000000") {
		t.Errorf("Promote: %q", err)
	}
}

// Where no log tells of pushes, the first look records, and the soak begins.
func TestArrivalsAreRecordedWithoutAPushLog(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	e := r.engine(twoStages)
	r.push("main", 1, "B")
	steps := []struct {
		at               float64
		push             string
		want             string
		arrivals, second string
	}{
		{at: 2, want: "wait until 26h: B@2h soaking", arrivals: "B@2h"},
		{at: 3, want: "wait until 26h: B@2h soaking", arrivals: "B@2h"},
		{at: 10, push: "C", want: "wait until 26h: C@10h soaking, B@2h soaking", arrivals: "B@2h C@10h"},
		{at: 26, push: "D", want: "promote B(B): D@26h soaking, C@10h soaking, B@2h promotable; record D@26h", arrivals: "C@10h D@26h"},
		{at: 50, want: "promote D(D C): D@26h promotable, C@10h promotable", arrivals: ""},
		{at: 51, want: "nothing", arrivals: ""},
	}
	for _, step := range steps {
		r.now = hour(step.at)
		if step.push != "" {
			r.push("main", step.at, step.push)
		}
		receipt, err := e.Promote(t.Context(), apps)
		if err != nil || describe(receipt.Decision) != step.want {
			t.Errorf("at %g: %s, %v; want %s", step.at, describe(receipt.Decision), err, step.want)
		}
		if got := r.arrivals(t, "main"); got != step.arrivals {
			t.Errorf("at %g the ledger has %q, want %q", step.at, got, step.arrivals)
		}
	}
	arrival := func(at float64, to string) rollout.Entry {
		return rollout.Entry{Kind: rollout.EntryArrival, Stage: "apps", Branch: "main", To: sha(to), At: hour(at), By: "viewer"}
	}
	promotion := func(at float64, from, to string, commits int) rollout.Entry {
		return rollout.Entry{Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: sha(from), To: sha(to), At: hour(at), By: "viewer", Commits: commits}
	}
	want := []rollout.Entry{arrival(2, "B"), arrival(10, "C"), promotion(26, "A", "B", 1), promotion(50, "B", "D", 2)}
	if diff := cmp.Diff(want, r.entries(), cmpopts.IgnoreFields(rollout.Entry{}, "Reason")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// A moment between two seconds is recorded as the later one, so that nothing
// soaks for less than it should.
func TestArrivalsAreNotRecordedTooEarly(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	r.push("main", 1, "B")
	r.now = hour(1).Add(1)
	e := r.engine(twoStages)
	if _, err := e.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	s, err := e.Observe(t.Context(), apps)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.State.Arrivals["main"][0].At; got.Before(r.now) || got.After(r.now.Add(1e9)) {
		t.Errorf("arrived %s, and recorded as %s", r.now, got)
	}
}

// What is promoted into the second stage has thereby arrived, for the third.
func TestThreeStages(t *testing.T) {
	for _, log := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a push log: %t", log), func(t *testing.T) {
			r := newRemote(t, "main", "release", "edge")
			r.pushLog = log
			e := r.engine(threeStages)
			r.push("main", 1, "B")
			for _, step := range []struct {
				at         float64
				apps, edge string
				released   string
			}{
				{1, "wait until 25h: B@1h soaking", "nothing", ""},
				{25, "promote B(B): B@1h promotable", "wait until 73h: B@25h soaking", "B@25h"},
				{72, "nothing", "wait until 73h: B@25h soaking", "B@25h"},
				{73, "nothing", "promote B(B): B@25h promotable", ""},
				{74, "nothing", "nothing", ""},
			} {
				r.now = hour(step.at)
				for _, one := range []struct {
					stage rollout.Stage
					want  string
				}{{apps, step.apps}, {edge, step.edge}} {
					receipt, err := e.Promote(t.Context(), one.stage)
					got, _, _ := strings.Cut(describe(receipt.Decision), "; record")
					if err != nil || got != one.want {
						t.Errorf("%s at %g: %s, %v; want %s", one.stage.Name, step.at, got, err, one.want)
					}
				}
				released := step.released
				if log {
					released = "" // the log will tell
				}
				if got := r.arrivals(t, "release"); got != released {
					t.Errorf("at %g the ledger has %q of release, want %q", step.at, got, released)
				}
			}
			kinds := ""
			for _, entry := range r.entries() {
				kinds += string(entry.Kind) + " " + entry.Stage + "; "
			}
			want := "promotion apps; promotion edge; "
			if !log {
				want = "arrival apps; " + want
			}
			if kinds != want {
				t.Errorf("entries: %s want %s", kinds, want)
			}
		})
	}
}

// Nothing is read that need not be.
func TestNothingPendingAsksForNoHistory(t *testing.T) {
	r := newRemote(t, "main", "release")
	e := r.engine(twoStages)
	e.History = nil
	if d, err := e.Promote(t.Context(), apps); err != nil || d.Decision.Action != rollout.Nothing {
		t.Errorf("%s, %v", d.Decision.Action, err)
	}
}

// The push log is read back to where what is pending arrived, and no further.
func TestHowFarThePushLogIsRead(t *testing.T) {
	r := newRemote(t, "main", "release")
	for i := range 1000 {
		r.push("main", float64(i)/1000, fmt.Sprint("old", i))
	}
	r.branches["release"] = r.branches["main"]
	r.push("main", 1, "B")
	r.push("main", 2, "C")
	s, err := r.engine(twoStages).Observe(t.Context(), apps)
	if err != nil || len(s.Movements) != 2 {
		t.Errorf("%d rows, %v; want 2", len(s.Movements), err)
	}
	r.log["main"] = append(r.log["main"][:len(r.log["main"])-2], r.log["main"][len(r.log["main"])-1])
	r.log["main"][len(r.log["main"])-2].After = "" // nothing tells where the oldest came from
	for i := range r.log["main"] {
		r.log["main"][i].Forced = true
	}
	s, err = r.engine(twoStages).Observe(t.Context(), apps)
	if err != nil || len(s.Movements) != 2*2+100 {
		t.Errorf("%d rows of a log that settles nothing, %v; want 104", len(s.Movements), err)
	}
}

func TestPromoteStopsWhenItIsCancelled(t *testing.T) {
	r := soaked(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.beforeCommit = cancel
	_, err := r.engine(twoStages).Promote(ctx, apps)
	if !errors.Is(err, context.Canceled) || r.writes != 0 {
		t.Errorf("Promote: %v, %d writes", err, r.writes)
	}
	_, err = r.engine(twoStages).Promote(ctx, apps)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Promote: %v", err)
	}
}
