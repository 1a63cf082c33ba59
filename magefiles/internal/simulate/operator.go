package simulate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

var operators = []string{"ada", "grace", "linus", "barbara"}

// because is a reason that no other act has, so that its entry can be told
// from all others.
func (y *year) because(what string) string {
	y.reasons++
	return fmt.Sprintf("[%d] %s", y.reasons, what)
}

func (y *year) somebody() string { return operators[y.random.IntN(len(operators))] }

// within draws a time of up to some hours.
func (y *year) within(hours int) time.Duration {
	return time.Duration(1+y.random.IntN(hours*60)) * time.Minute
}

// operate is what an operator does of an evening.
func (y *year) operate() {
	s := y.stages[y.random.IntN(len(y.stages))]
	switch y.random.IntN(8) {
	case 0, 1:
		y.hold(s)
	case 2:
		y.resumeOne()
	case 3, 4:
		y.taint(s)
	case 5:
		y.clear(s)
	default:
		y.override(s)
	}
}

// promote is a tick.
func (y *year) promote(s *stage) {
	a := &act{kind: rollout.EntryPromotion, stage: s}
	y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) { return e.Promote(ctx, s.Stage) })
	y.tally.Ticks++
}

// hold puts a hold on one stage, or on all, and has it lifted again some day.
func (y *year) hold(s *stage) {
	a := &act{kind: rollout.EntryHold, stage: nil, by: y.somebody(), reason: y.because("hold on")}
	request := rollout.HoldRequest{Reason: a.reason}
	if y.random.IntN(3) > 0 {
		request.Stage, a.scope = s.Name, s.Name
	}
	switch y.random.IntN(4) {
	case 0:
		request.Until = y.watch.of(y.clock.now()).Add(y.within(72))
		a.until = request.Until
	case 1:
		request.For = y.within(72)
		a.length = request.For
	}
	y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) { return e.Hold(ctx, request) })
	if request.Until.IsZero() && request.For == 0 {
		y.later(y.within(96), func() { y.lift(a.by, request.Stage) })
	}
}

// lift has somebody lift what they put on a stage, and try again if that does
// not work.
func (y *year) lift(by, stage string) {
	if y.resume(by, stage, "", false) {
		return
	}
	y.later(y.within(5), func() {
		for _, h := range y.word.holds {
			if h.by == by && h.stage == stage && h.until.IsZero() {
				y.lift(by, stage)
				return
			}
		}
	})
}

// resumeOne lifts somebody's holds, of whoever it is.
func (y *year) resumeOne() {
	if len(y.word.holds) == 0 {
		y.resume(y.somebody(), "", "", false)
		return
	}
	h := y.word.holds[y.random.IntN(len(y.word.holds))]
	switch y.random.IntN(4) {
	case 0:
		y.resume(y.somebody(), "", h.by, false)
	case 1:
		y.resume(y.somebody(), h.stage, "", true)
	default:
		y.resume(h.by, h.stage, "", false)
	}
}

func (y *year) resume(by, stage, whose string, all bool) bool {
	a := &act{kind: rollout.EntryResume, by: by, reason: y.because("go on")}
	request := rollout.ResumeRequest{Stage: stage, By: whose, All: all, Reason: a.reason}
	a.lifts = func(h hold) bool {
		owner := whose
		if owner == "" {
			owner = by
		}
		return (all || h.by == owner) && (stage == "" || h.stage == stage)
	}
	return y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) { return e.Resume(ctx, request) })
}

// taint marks a commit that waits for a stage. It is reverted, or cleared
// again, after a while.
func (y *year) taint(s *stage) {
	c := y.waiting(s)
	if c == nil {
		return
	}
	y.mark(rollout.EntryTaint, c)
	if y.random.IntN(2) == 0 {
		y.later(y.within(48), func() { y.absolve(c) })
		return
	}
	y.later(y.within(24), func() {
		if y.first.has(c) && !y.taken[c] && !y.ambiguous(c) && len(c.parents) > 0 {
			y.push(y.revertOf(y.first.head, []*change{c}), "reverts what was tainted")
		} else {
			y.absolve(c)
		}
	})
}

// absolve clears a commit, and tries again if that does not work.
func (y *year) absolve(c *change) {
	y.mark(rollout.EntryClear, c)
	if y.word.taints[c] {
		y.later(y.within(5), func() { y.absolve(c) })
	}
}

// clear clears any commit: one that is bad, as a rule, or that a cluster failed
// on, the stage's head among them.
func (y *year) clear(s *stage) {
	c := y.waiting(s)
	p := y.look(s, y.clock.now())
	if len(p.bad) > 0 && y.random.IntN(4) > 0 {
		c = p.bad[y.random.IntN(len(p.bad))]
	}
	hurt := slices.DeleteFunc(append([]*change{s.own.head}, p.pending...), func(x *change) bool { return !p.failed(x) })
	if len(hurt) > 0 && y.random.IntN(2) == 0 {
		c = hurt[y.random.IntN(len(hurt))]
	}
	if c != nil {
		y.mark(rollout.EntryClear, c)
	}
}

// mark taints or clears a commit, which it may abbreviate.
func (y *year) mark(kind rollout.EntryKind, c *change) {
	a := &act{kind: kind, by: y.somebody(), reason: y.because("look at " + c.title), target: c}
	request := rollout.MarkRequest{Commit: rollout.Prefix(c.sha), Reason: a.reason}
	if y.random.IntN(2) == 0 && slices.ContainsFunc(y.stages, func(s *stage) bool { return s.upstream.has(c) && !s.own.has(c) }) {
		request.Commit = rollout.Prefix(y.short(c))
	}
	y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) {
		if kind == rollout.EntryTaint {
			return e.Taint(ctx, request)
		}
		return e.Clear(ctx, request)
	})
}

// waiting is a commit that waits for a stage, nil where there is none.
func (y *year) waiting(s *stage) *change {
	pending := missing(s.upstream.head, s.own.has)
	if len(pending) == 0 {
		return nil
	}
	return pending[y.random.IntN(len(pending))]
}

// override promotes at once what must not go out yet.
func (y *year) override(s *stage) {
	var to *change
	if y.random.IntN(2) == 0 {
		to = y.waiting(s)
	}
	y.overrideTo(s, to, y.random.IntN(3) == 0)
}

// overrideTo promotes a commit, and the newest revision where it is nil.
func (y *year) overrideTo(s *stage, to *change, through bool) {
	a := &act{kind: rollout.EntryOverride, stage: s, by: y.somebody(), reason: y.because("now"), target: to, through: through}
	request := rollout.OverrideRequest{Reason: a.reason, ThroughHold: through}
	if to != nil {
		request.Revision = rollout.Prefix(y.short(to))
	}
	y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) {
		return e.Override(ctx, s.Stage, request)
	})
}

// relieve takes out what has piled up, through whatever is in the way.
func (y *year) relieve(s *stage) {
	p := y.look(s, y.clock.now())
	for _, c := range p.bad {
		if len(p.candidates) > 0 && p.tainted(p.candidates[0]) {
			y.mark(rollout.EntryClear, c)
		}
	}
	y.overrideTo(s, nil, true)
}
