package rollout_test

import (
	"context"
	"sync"
	"testing"

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
