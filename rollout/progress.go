package rollout

import (
	"context"
	"sync/atomic"
)

// A Progress is what long work is at, for whoever waits for it. The work says when a
// phase begins and ends, and counts; whoever wants to know looks, whenever that is.
// So it costs the work next to nothing, and nobody is called. A nil Progress takes
// no notice of anything.
//
// It may be used from anywhere. Where phases overlap, the one that began last is
// what the work is at.
type Progress struct{ newest atomic.Pointer[Phase] }

// An Effort is what a phase does.
type Effort struct {
	// What it does, in a few words: "rendering". There can be names in it that
	// others chose.
	What string
	// Parts are counted: "clusters". Total is how many there are; default is that
	// nobody knows. Default is to count nothing.
	Parts string
	Total int
	// Pieces are counted beside them, where parts are few and large:
	// "directories". Default is none.
	Pieces string
}

// A Phase is a stretch of work. A nil one is told, and takes no notice.
type Phase struct {
	Effort
	progress *Progress
	// outer is the one in which it began.
	outer        *Phase
	done, pieces atomic.Int64
	ended        atomic.Bool
}

// Begin begins a phase, which has to be ended.
func (p *Progress) Begin(e Effort) *Phase {
	if p == nil {
		return nil
	}
	phase := &Phase{Effort: e, progress: p}
	for {
		phase.outer = p.newest.Load()
		if p.newest.CompareAndSwap(phase.outer, phase) {
			return phase
		}
	}
}

// Now is what the work is at. It is nil between phases.
func (p *Progress) Now() *Phase {
	if p == nil {
		return nil
	}
	return p.newest.Load()
}

// Add counts parts that are done.
func (p *Phase) Add(parts int) {
	if p != nil {
		p.done.Add(int64(parts))
	}
}

// AddPieces counts pieces that are done.
func (p *Phase) AddPieces(n int) {
	if p != nil {
		p.pieces.Add(int64(n))
	}
}

// Done is how many parts and pieces are done.
func (p *Phase) Done() (parts, pieces int) { return int(p.done.Load()), int(p.pieces.Load()) }

// Outer is the phase in which this one began, or nil.
func (p *Phase) Outer() *Phase { return p.outer }

// Ended tells whether it has ended.
func (p *Phase) Ended() bool { return p.ended.Load() }

// End ends the phase. What it began in is what the work is at again, unless that
// has ended, too.
func (p *Phase) End() {
	if p == nil {
		return
	}
	p.ended.Store(true)
	newest := &p.progress.newest
	for at := newest.Load(); at != nil && at.ended.Load(); at = newest.Load() {
		newest.CompareAndSwap(at, at.outer)
	}
}

type progressKey struct{}

// WithProgress is a context in which work says what it is at. With nil it says
// nothing any more.
func WithProgress(ctx context.Context, p *Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ProgressOf is what WithProgress gave, or nil.
func ProgressOf(ctx context.Context) *Progress {
	p, _ := ctx.Value(progressKey{}).(*Progress)
	return p
}

// Begin begins a phase of the work that a context is of. Work that nobody waits for
// any more begins none.
func Begin(ctx context.Context, e Effort) *Phase {
	if ctx.Err() != nil {
		return nil
	}
	return ProgressOf(ctx).Begin(e)
}
