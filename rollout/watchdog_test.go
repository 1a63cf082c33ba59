package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// ticking is a forge that says how the workflow does.
type ticking struct {
	is  rollout.Ticking
	err error
}

func (t ticking) Ticking(_ context.Context, workflow string) (rollout.Ticking, error) {
	if workflow != rollout.PromoteWorkflow {
		return rollout.Ticking{}, fmt.Errorf("asked for %s", workflow)
	}
	return t.is, t.err
}

// watch is what a watchdog says that allows two hours and three.
func (r *remote) watch(t *testing.T, e *rollout.Engine) string {
	t.Helper()
	w, err := e.Watchdog(t.Context(), rollout.WatchdogRequest{
		After: 2 * time.Hour, Silence: 3 * time.Hour, Ticks: ticking{is: rollout.Ticking{State: rollout.WorkflowActive, Succeeded: r.now}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, a := range w.Alarms {
		text := fmt.Sprintf("%s %s %s", a.Stage, a.Kind, name(a.Revision))
		if len(a.Ways) == 0 {
			t.Errorf("%s: nothing says what to do", text)
		}
		all = append(all, strings.TrimSpace(text))
	}
	return strings.Join(all, ", ")
}

// What keeps a revision in, or did until a moment ago, is no reason for an alarm.
func TestWatchFindsWhatIsOverdue(t *testing.T) {
	for _, test := range []struct {
		name  string
		story func(r *remote, e *rollout.Engine) error
		want  string
	}{
		{"nothing waits", func(*remote, *rollout.Engine) error { return nil }, ""},
		{"it soaks", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(25)
			return nil
		}, ""},
		{"free for less than that", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(26.9)
			return nil
		}, ""},
		{"free for as long as that", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(27)
			return nil
		}, "apps overdue B"},
		{"an older one, while a newer could go out, too", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.push("main", 3, "C")
			r.now = hour(27.5)
			return nil
		}, "apps overdue B"},
		{"the newest of several", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.push("main", 3, "C")
			r.push("main", 20, "D")
			r.now = hour(40)
			return nil
		}, "apps overdue C"},
		{"promoted in time", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(26)
			_, err := e.Promote(t.Context(), apps)
			r.now = hour(40)
			return err
		}, ""},
		{"the stage moved since", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			r.push("main", 2, "C")
			r.now = hour(30)
			_, err := e.Override(t.Context(), apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("B")), Reason: "now"})
			r.now = hour(31)
			return err
		}, ""},
		{"held", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(40)
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking"})
			return err
		}, ""},
		{"let go a moment ago", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Stage: "apps"})
			r.now = hour(39)
			_, err2 := e.Resume(t.Context(), rollout.ResumeRequest{})
			r.now = hour(40)
			return errors.Join(err, err2)
		}, ""},
		{"let go for as long as that", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Stage: "apps"})
			r.now = hour(38)
			_, err2 := e.Resume(t.Context(), rollout.ResumeRequest{})
			r.now = hour(40)
			return errors.Join(err, err2)
		}, "apps overdue B"},
		{"another stage was let go", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Stage: "edge"})
			r.now = hour(39)
			_, err2 := e.Resume(t.Context(), rollout.ResumeRequest{})
			r.now = hour(40)
			return errors.Join(err, err2)
		}, "apps overdue B"},
		{"a hold that ran out", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Until: hour(39)})
			r.now = hour(40)
			return err
		}, ""},
		{"held for a while in between", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(38.5)
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Until: hour(39.5)})
			r.now = hour(40)
			return err
		}, ""},
		{"another stage was held in between", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			r.now = hour(38.5)
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Until: hour(39.5), Stage: "edge"})
			r.now = hour(40)
			return err
		}, "apps overdue B"},
		{"a hold that ran out long ago", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Until: hour(38)})
			r.now = hour(40)
			return err
		}, "apps overdue B"},
		{"cleared a moment ago", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "leaks"})
			r.now = hour(39)
			_, err2 := e.Clear(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "the network"})
			r.now = hour(40)
			return errors.Join(err, err2)
		}, ""},
		{"tainted", func(r *remote, e *rollout.Engine) error {
			r.push("main", 1, "B")
			_, err := e.Taint(t.Context(), rollout.MarkRequest{Commit: rollout.Prefix(sha("B")), Reason: "leaks"})
			r.now = hour(40)
			return err
		}, ""},
		{"reverted, and the revert taken back a moment ago", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.messages[sha("R")] = "Revert \"Change B\"\n\nThis reverts commit " + string(sha("B")) + "."
			r.push("main", 2, "R")
			r.messages[sha("Z")] = "Reapply \"Change B\"\n\nThis reverts commit " + string(sha("R")) + "."
			r.push("main", 39, "Z")
			r.now = hour(40)
			return nil
		}, ""},
		{"no change, and only since a moment", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 38, "B")
			r.messages[sha("R")] = "Revert \"Change B\"\n\nThis reverts commit " + string(sha("B")) + "."
			r.trees[sha("R")] = sha("treeA")
			r.push("main", 39, "R")
			r.now = hour(40)
			return nil
		}, ""},
		{"no change, for as long as that", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 37, "B")
			r.messages[sha("R")] = "Revert \"Change B\"\n\nThis reverts commit " + string(sha("B")) + "."
			r.trees[sha("R")] = sha("treeA")
			r.push("main", 38, "R")
			r.now = hour(40)
			return nil
		}, "apps overdue R"},
		{"diverged", func(r *remote, _ *rollout.Engine) error {
			r.push("main", 1, "B")
			r.push("release", 2, "X")
			r.now = hour(40)
			return nil
		}, "apps diverged"},
		{"not to be observed", func(r *remote, _ *rollout.Engine) error {
			r.unobservable = "edge"
			return nil
		}, "edge unseen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRemote(t, "main", "release", "edge")
			e := r.as("ada", threeStages)
			if err := test.story(r, e); err != nil {
				t.Fatal(err)
			}
			if got := r.watch(t, e); got != test.want {
				t.Errorf("alarms: %q, want %q", got, test.want)
			}
		})
	}
}

// Windows that opened a moment ago, or that were closed in between.
func TestWatchLooksAtWindows(t *testing.T) {
	for _, test := range []struct {
		name  string
		allow spans
		want  string
	}{
		{"open all the time", spans{30, 60}, "apps overdue B"},
		{"just opened", spans{39, 60}, ""},
		{"closed in between", spans{30, 39, 39.5, 60}, ""},
		{"closed", spans{30, 39}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRemote(t, "main", "release")
			plan := twoStages
			stage := apps
			stage.Windows.Allow = []rollout.Window{{Schedule: test.allow, Text: "some time"}}
			plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
			r.push("main", 1, "B")
			r.now = hour(40)
			if got := r.watch(t, r.engine(plan)); got != test.want {
				t.Errorf("alarms: %q, want %q", got, test.want)
			}
		})
	}
}

// What was reported a moment ago was not known before.
func TestWatchLooksAtHealth(t *testing.T) {
	for reported, want := range map[float64]string{39: "", 38: "apps overdue B"} {
		stage := apps
		healthy(0, "flux/*")(&stage)
		plan := twoStages
		plan.Stages = []rollout.Stage{twoStages.Stages[0], stage}
		r := &reporting{remote: newRemote(t, "main", "release"), evidence: map[rollout.SHA][]rollout.Evidence{}}
		b := r.push("main", 1, "B")
		r.evidence[b] = []rollout.Evidence{{Context: "flux/x", State: rollout.EvidenceSuccess, At: hour(reported)}}
		r.now = hour(40)
		e := r.engine(plan)
		e.Remote = r
		if got := r.watch(t, e); got != want {
			t.Errorf("good since hour %v: alarms %q, want %q", reported, got, want)
		}
	}
}

// Without a push log the ledger's arrivals tell; and of what it has none the
// watchdog says that it does not know.
func TestWatchWithoutAPushLog(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	e := r.engine(twoStages)
	r.push("main", 1, "B")
	r.now = hour(40)
	w, err := e.Watchdog(t.Context(), rollout.WatchdogRequest{After: 2 * time.Hour})
	if err != nil || len(w.Alarms) != 0 || len(w.Notes) != 2 {
		t.Fatalf("%+v, %v; want two notes", w, err)
	}
	if !strings.Contains(w.Notes[0], "apps: nothing says since when") || !strings.Contains(w.Notes[1], "nobody can know") {
		t.Errorf("notes: %q", w.Notes)
	}
	if _, err := e.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[float64]string{65.9: "", 66: "apps overdue B"} {
		r.now = hour(at)
		if got := r.watch(t, e); got != want {
			t.Errorf("at hour %v: alarms %q, want %q", at, got, want)
		}
	}
}

// On a later stage, too: what has the stage's own tree may go out at once, and not
// before it is there.
func TestWatchALaterStageWithoutAPushLog(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	r.pushLog = false
	e := r.engine(threeStages)
	promote := func(at float64) {
		t.Helper()
		r.now = hour(at)
		if _, err := e.Promote(t.Context(), apps); err != nil {
			t.Fatal(err)
		}
	}
	r.push("main", 1, "B")
	promote(1)
	promote(25)
	r.trees[sha("R")] = sha("treeA")
	r.push("main", 26, "R")
	promote(26)
	promote(50)
	for at, want := range map[float64]string{51: "", 52: "edge overdue R"} {
		r.now = hour(at)
		if got := r.watch(t, e); got != want {
			t.Errorf("at hour %v: alarms %q, want %q", at, got, want)
		}
	}
}

// A ledger with more entries than one request brings is read until it is known
// that none of them matters.
func TestWatchReadsTheLedgerFarEnough(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	e := r.as("ada", threeStages)
	r.push("main", 1, "B")
	hold := func(stage string) {
		t.Helper()
		if _, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "looking", Stage: stage}); err != nil {
			t.Fatal(err)
		}
	}
	resume := func(stage string) {
		t.Helper()
		if _, err := e.Resume(t.Context(), rollout.ResumeRequest{Stage: stage}); err != nil {
			t.Fatal(err)
		}
	}
	hold("apps")
	r.now = hour(39)
	resume("apps")
	for range 60 {
		hold("edge")
		resume("edge")
	}
	r.now = hour(40)
	if got := r.watch(t, e); got != "" {
		t.Errorf("alarms: %q; apps was let go an hour ago", got)
	}
	r.now = hour(41)
	if got := r.watch(t, e); got != "apps overdue B" {
		t.Errorf("alarms: %q; apps was let go two hours ago", got)
	}
}

func TestWatchListensForTicks(t *testing.T) {
	for _, test := range []struct {
		name  string
		ticks ticking
		want  string
	}{
		{"a moment ago", ticking{is: rollout.Ticking{State: "active", Succeeded: hour(9)}}, ""},
		{"as long ago as is allowed", ticking{is: rollout.Ticking{State: "active", Succeeded: hour(7)}}, ""},
		{"longer ago", ticking{is: rollout.Ticking{State: "active", Succeeded: hour(6.9)}}, "silent: no run of release-promote.yaml has ended well for 3h 6m, since 2026-03-02 14:54 UTC"},
		{"never", ticking{is: rollout.Ticking{State: "active"}}, "silent: no run of release-promote.yaml has ended well yet"},
		{"switched off", ticking{is: rollout.Ticking{State: "disabled_inactivity", Succeeded: hour(9)}}, "disabled: GitHub has disabled release-promote.yaml: it switches off the schedules of a public repository after 60 days without activity"},
		{"by somebody", ticking{is: rollout.Ticking{State: "disabled_manually", Succeeded: hour(9)}}, "disabled: somebody has disabled release-promote.yaml"},
		{"in a way that is new", ticking{is: rollout.Ticking{State: "disabled\x1b[2J", Succeeded: hour(9)}}, `disabled: release-promote.yaml is "disabled\\x1b[2J", so nothing starts it`},
		{"who knows", ticking{err: &rollout.Problem{Kind: rollout.ErrUnavailable, What: "GitHub is down", Ways: []string{"wait"}}}, "unseen: GitHub is down"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRemote(t, "main", "release")
			r.now = hour(10)
			w, err := r.engine(twoStages).Watchdog(t.Context(), rollout.WatchdogRequest{After: time.Hour, Silence: 3 * time.Hour, Ticks: test.ticks})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, a := range w.Alarms {
				got += string(a.Kind) + ": " + a.What
				if len(a.Ways) == 0 || a.Stage != "" {
					t.Errorf("what to do: %q, of the stage %q", a.Ways, a.Stage)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
		})
	}
}

// Who cannot look at all gets the error, and no all-clear.
func TestWatchOfNothing(t *testing.T) {
	r := newRemote(t, "main", "release")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.engine(twoStages).Watchdog(ctx, rollout.WatchdogRequest{After: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
