package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// A runner is a forge's runner: a workflow that was dispatched appears after
// a while, and then goes through its statuses, one a look.
type runner struct {
	id       int64 // that the dispatch tells
	appears  time.Duration
	statuses []string
	finally  string
	// does is what the run does before it is completed.
	does func()
	// fails is what the dispatch answers with.
	fails error

	inputs     map[string]string
	dispatched time.Time
	looks      int
}

func (r *runner) Dispatch(_ context.Context, workflow string, inputs map[string]string) (int64, error) {
	if workflow != rollout.PromoteWorkflow {
		return 0, fmt.Errorf("no workflow %s", workflow)
	}
	r.inputs, r.dispatched = inputs, time.Now()
	return r.id, r.fails
}

func (r *runner) FindRun(ctx context.Context, _, text string) (rollout.Run, error) {
	if text != "request-1" || time.Since(r.dispatched) < r.appears {
		return rollout.Run{}, ctx.Err()
	}
	return r.Run(ctx, 7)
}

func (r *runner) Run(ctx context.Context, id int64) (rollout.Run, error) {
	if err := ctx.Err(); err != nil {
		return rollout.Run{}, err
	}
	run := rollout.Run{ID: id, Name: "Promote request-1", URL: "https://forge/run/7", Status: "completed", Conclusion: r.finally}
	if r.looks < len(r.statuses) {
		run.Status, run.Conclusion = r.statuses[r.looks], ""
		run.Jobs = []rollout.Job{{Name: "promote", Status: run.Status}}
	} else if r.does != nil {
		r.does()
		r.does = nil
	}
	r.looks++
	return run, nil
}

func TestDispatch(t *testing.T) {
	promote := func(r *remote, to string) func() {
		return func() { r.branches["release"] = sha(to) }
	}
	cases := []struct {
		name   string
		runner runner
		does   string
		kind   error
		says   []string
	}{
		{"by its ID", runner{id: 7, statuses: []string{"queued", "in_progress"}, finally: "success"}, "B", nil, nil},
		{"by its name", runner{appears: 20 * time.Second, statuses: []string{"queued"}, finally: "success"}, "B", nil, nil},
		{"by its name, since the answer to the dispatch was lost", runner{fails: fmt.Errorf("%w: 502", rollout.ErrUncertain), finally: "success"}, "B", nil, nil},
		{"a later promotion has moved on", runner{id: 7, finally: "success"}, "C", nil, nil},
		{"it waits a whole day for a runner", runner{id: 7, statuses: strings.Split(strings.Repeat("queued ", 20000), " "), finally: "success"}, "B", nil, nil},
		{
			"never appears",
			runner{appears: time.Hour, finally: "success"},
			"", rollout.ErrUncertain,
			[]string{"no run named after request request-1 has appeared in 2m", "-direct"},
		},
		{
			"not permitted",
			runner{fails: &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "the token may not"}},
			"", rollout.ErrNotPermitted,
			[]string{"dispatch release-promote.yaml: the token may not"},
		},
		{
			"fails",
			runner{id: 7, finally: "failure"},
			"", rollout.ErrRefused,
			[]string{`ended with "failure": https://forge/run/7`, "-direct"},
		},
		{"is cancelled", runner{id: 7, finally: "cancelled"}, "", rollout.ErrRefused, []string{`ended with "cancelled"`}},
		{
			"says success, but the branch is elsewhere",
			runner{id: 7, finally: "success"},
			"A", rollout.ErrRefused,
			[]string{"the run says success, but release stands at 4100000 and has not 4200000"},
		},
		{
			"says success, but the branch is gone",
			runner{id: 7, finally: "success"},
			"-", rollout.ErrRefused,
			[]string{"there is no branch release"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote(t, "main", "release")
				r.push("main", 1, "B")
				r.push("main", 2, "C")
				switch c.does {
				case "":
				case "-":
					c.runner.does = func() { delete(r.branches, "release") }
				default:
					c.runner.does = promote(r, c.does)
				}
				d := rollout.Dispatcher{Engine: r.engine(twoStages), Workflows: &c.runner, Request: "request-1"}
				_, err := d.Override(t.Context(), apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("B")), Reason: "prod is down"})
				if !errors.Is(err, c.kind) {
					t.Fatalf("Override: %v, want %v", err, c.kind)
				}
				for _, text := range c.says {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("it does not say %q: %v", text, err)
					}
				}
				want := map[string]string{"skip_wait": "true", "stage": "apps", "revision": string(sha("B")), "reason": "prod is down", "request": "request-1"}
				if diff := cmp.Diff(want, c.runner.inputs); diff != "" {
					t.Errorf("inputs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestDispatchThroughAHold(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	w := &runner{id: 7, finally: "success"}
	w.does = func() { r.branches["release"] = sha("B") }
	d := rollout.Dispatcher{Engine: r.engine(twoStages), Workflows: w, Request: "request-1"}
	request := rollout.OverrideRequest{Revision: rollout.Prefix(sha("B")), ThroughHold: true}
	if _, err := d.Override(t.Context(), apps, request); err != nil {
		t.Fatal(err)
	}
	if w.inputs["through_hold"] != "true" {
		t.Errorf("inputs: %v", w.inputs)
	}
}

// What is dispatched is one exact revision, and no beginning of several.
func TestDispatchNeedsAWholeRevision(t *testing.T) {
	r := newRemote(t, "main", "release")
	w := &runner{}
	d := rollout.Dispatcher{Engine: r.engine(twoStages), Workflows: w, Request: "request-1"}
	for _, revision := range []rollout.Prefix{"", "1a2b3c4"} {
		_, err := d.Override(t.Context(), apps, rollout.OverrideRequest{Revision: revision})
		if !errors.Is(err, rollout.ErrUsage) || w.inputs != nil {
			t.Errorf("%q: %v, dispatched with %v", revision, err, w.inputs)
		}
	}
}

func TestDispatchTellsEveryChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, "main", "release")
		r.push("main", 1, "B")
		w := &runner{id: 7, statuses: []string{"queued", "queued", "waiting", "in_progress", "in_progress"}, finally: "success"}
		w.does = func() { r.branches["release"] = sha("B") }
		var told []string
		d := rollout.Dispatcher{
			Engine: r.engine(twoStages), Workflows: w, Request: "request-1",
			Progress: func(run rollout.Run) { told = append(told, run.Status) },
		}
		run, err := d.Override(t.Context(), apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("B"))})
		if err != nil || run.URL != "https://forge/run/7" {
			t.Fatalf("%+v, %v", run, err)
		}
		if diff := cmp.Diff([]string{"queued", "waiting", "in_progress", "completed"}, told); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	})
}

// Whoever stops looking is told where to look.
func TestDispatchCancelled(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, time.Hour} {
		for _, appears := range []time.Duration{0, 2 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote(t, "main", "release")
				w := &runner{appears: appears, statuses: strings.Split(strings.Repeat("in_progress ", 100000), " ")}
				if appears == 0 {
					w.id = 7
				}
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				d := rollout.Dispatcher{Engine: r.engine(twoStages), Workflows: w, Request: "request-1"}
				_, err := d.Override(ctx, apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("A"))})
				if !errors.Is(err, rollout.ErrUncertain) {
					t.Fatalf("after %s: %v", after, err)
				}
				if appears > 0 && after == time.Hour {
					return // it gave up by itself
				}
				where := "https://forge/run/7"
				if appears > 0 || after == 0 {
					where = "the repository's Actions page"
				}
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "see "+where) || !strings.Contains(err.Error(), "release:status") {
					t.Errorf("after %s: %v", after, err)
				}
			})
		}
	}
}

// A stepwise runner goes through its runs, one a look, and stays at the last.
type stepwise struct {
	runs  []rollout.Run
	looks int
	// before is told of each look.
	before func(look int)
}

func (s *stepwise) Dispatch(context.Context, string, map[string]string) (int64, error) { return 7, nil }

func (s *stepwise) FindRun(ctx context.Context, _, _ string) (rollout.Run, error) {
	return s.Run(ctx, 7)
}

func (s *stepwise) Run(ctx context.Context, _ int64) (rollout.Run, error) {
	s.before(s.looks)
	run := s.runs[min(s.looks, len(s.runs)-1)]
	s.looks++
	return run, ctx.Err()
}

// Whoever overrides waits for the branch, and not for what the run does after it;
// and a job that succeeded proves nothing.
func TestOverrideWaitsForTheBranchAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(jobs ...string) rollout.Run {
			run := rollout.Run{ID: 7, Status: "in_progress"}
			for _, conclusion := range jobs {
				run.Jobs = append(run.Jobs, rollout.Job{Conclusion: conclusion})
			}
			return run
		}
		r := soaked(t)
		runs := &stepwise{runs: []rollout.Run{at(""), at("success", ""), at("success", "success", "")}, before: func(look int) {
			if look == 2 {
				r.branches["release"] = sha("B")
			}
		}}
		d := rollout.Dispatcher{Engine: r.engine(twoStages), Workflows: runs, Request: "request-1"}
		run, err := d.Override(t.Context(), apps, rollout.OverrideRequest{Revision: rollout.Prefix(sha("B"))})
		if err != nil || run.Status != "in_progress" || runs.looks != 3 || r.reads != 2 {
			t.Errorf("%+v, %v, after %d looks at it and %d at the branch", run, err, runs.looks, r.reads)
		}
	})
}
