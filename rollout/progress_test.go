package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// TestProgressIsAtTheNewestPhase: whatever the order in which phases end.
func TestProgressIsAtTheNewestPhase(t *testing.T) {
	var p rollout.Progress
	is := func(want string) {
		t.Helper()
		got := "nothing"
		if phase := p.Now(); phase != nil {
			got = phase.What
		}
		if got != want {
			t.Errorf("it is at %s, want %s", got, want)
		}
	}
	is("nothing")
	a := p.Begin(rollout.Effort{What: "a"})
	b := p.Begin(rollout.Effort{What: "b"})
	c := p.Begin(rollout.Effort{What: "c"})
	is("c")
	b.End()
	is("c")
	c.End()
	is("a")
	d := p.Begin(rollout.Effort{What: "d"})
	a.End()
	is("d")
	d.End()
	is("nothing")
	d.End()
	is("nothing")
}

// TestPhaseCounts: from anywhere, beside others that begin and end.
func TestPhaseCounts(t *testing.T) {
	const workers, times = 8, 1000
	var p rollout.Progress
	ctx := rollout.WithProgress(t.Context(), &p)
	whole := rollout.Begin(ctx, rollout.Effort{What: "whole", Parts: "parts", Total: workers * times})
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range times {
				part := rollout.Begin(ctx, rollout.Effort{What: "part"})
				whole.Add(1)
				whole.AddPieces(2)
				part.End()
				if p.Now() == nil {
					t.Error("it is at nothing, and the whole has not ended")
				}
			}
		})
	}
	all.Wait()
	if parts, pieces := whole.Done(); parts != workers*times || pieces != 2*workers*times {
		t.Errorf("%d parts and %d pieces are done", parts, pieces)
	}
	if p.Now() != whole {
		t.Errorf("it is at %+v", p.Now().Effort)
	}
	whole.End()
	if p.Now() != nil {
		t.Errorf("it is at %+v", p.Now().Effort)
	}
}

// TestNobodyWaits: then work costs and says nothing.
func TestNobodyWaits(t *testing.T) {
	var p rollout.Progress
	gone, leave := context.WithCancel(rollout.WithProgress(t.Context(), &p))
	leave()
	for name, ctx := range map[string]context.Context{
		"no progress":  t.Context(),
		"none anymore": rollout.WithProgress(rollout.WithProgress(t.Context(), &p), nil),
		"interrupted":  gone,
	} {
		phase := rollout.Begin(ctx, rollout.Effort{What: "work"})
		phase.Add(1)
		phase.AddPieces(1)
		if phase != nil || p.Now() != nil {
			t.Errorf("%s: it is at %v", name, p.Now())
		}
		phase.End()
	}
}

// TestCountingAllocatesNothing: it stands where clusters are rendered.
func TestCountingAllocatesNothing(t *testing.T) {
	var p rollout.Progress
	phase := p.Begin(rollout.Effort{What: "work"})
	defer phase.End()
	if n := testing.AllocsPerRun(100, func() { phase.Add(1); phase.AddPieces(1) }); n != 0 {
		t.Errorf("counting allocates %v times", n)
	}
}

// BenchmarkCount is what counting costs while others count, too.
func BenchmarkCount(b *testing.B) {
	var p rollout.Progress
	phase := p.Begin(rollout.Effort{What: "work"})
	defer phase.End()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			phase.Add(1)
		}
	})
}

// TestSetUpSaysHowFarItIs: with every step.
func TestSetUpSaysHowFarItIs(t *testing.T) {
	var p rollout.Progress
	ctx := rollout.WithProgress(t.Context(), &p)
	e := bare(t).engine(twoStages)
	changes, err := e.Survey(ctx, &settings{}, rollout.InitRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = rollout.Apply(ctx, changes, func(rollout.Step) {
		at := p.Now()
		done, _ := at.Done()
		seen = append(seen, fmt.Sprintf("%s %d of %d", at.What, done, at.Total))
	})
	want := []string{"setting up 0 of 4", "setting up 1 of 4", "setting up 2 of 4", "setting up 3 of 4"}
	if diff := cmp.Diff(want, seen); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if p.Now() != nil {
		t.Errorf("it is at %s, and has ended", p.Now().What)
	}
}

// A listener is a remote that hears what the work is at when it is asked.
type listener struct {
	*remote
	progress *rollout.Progress
	heard    []string
}

func (l *listener) hear() {
	what := "nothing"
	if at := l.progress.Now(); at != nil {
		what = at.What
	}
	if !slices.Contains(l.heard, what) {
		l.heard = append(l.heard, what)
	}
}

func (l *listener) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	l.hear()
	return l.remote.Observe(ctx, q)
}

func (l *listener) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	l.hear()
	return l.remote.Commit(ctx, t)
}

func (l *listener) Dispatch(context.Context, string, map[string]string) (int64, error) {
	l.hear()
	return 7, nil
}

func (l *listener) FindRun(context.Context, string, string) (rollout.Run, error) {
	return rollout.Run{}, nil
}

func (l *listener) Run(context.Context, int64) (rollout.Run, error) {
	l.hear()
	return rollout.Run{ID: 7, Status: "completed", Conclusion: "success"}, nil
}

// TestOverrideSaysWhatItIsAt: whichever way it goes.
func TestOverrideSaysWhatItIsAt(t *testing.T) {
	var p rollout.Progress
	ctx := rollout.WithProgress(t.Context(), &p)
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	l := &listener{remote: r, progress: &p}
	e := r.engine(twoStages)
	e.Remote = l
	request := rollout.OverrideRequest{Revision: rollout.Prefix(sha("B")), Reason: "prod is down"}
	if _, err := e.Override(ctx, apps, request); err != nil {
		t.Fatal(err)
	}
	d := rollout.Dispatcher{Engine: e, Workflows: l, Request: "request-1"}
	if _, err := d.Override(ctx, apps, request); err != nil {
		t.Fatal(err)
	}
	l.hear()
	want := []string{"observing apps", "committing to the ledger", "waiting for the run of release-promote.yaml", "nothing"}
	if diff := cmp.Diff(want, l.heard); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
