package simulate

import (
	"errors"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
)

// expectOverride: it did what was asked, or was refused for what it never goes
// through.
func (y *year) expectOverride(a *act) {
	p := a.picture
	switch {
	case p == nil:
		y.fail(invSound, "%s ended without looking: %v", a, a.err)
		return
	case p.diverged:
		if !a.ruffled && !errors.Is(a.err, rollout.ErrDiverged) {
			y.fail(invAncestor, "%s has diverged, and the engine says %v", a.stage.Name, a.err)
		}
		return
	case a.err != nil && !errors.Is(a.err, rollout.ErrRefused) && !errors.Is(a.err, rollout.ErrUsage):
		y.fail(invSound, "%s: %v", a, a.err)
		return
	case a.ruffled || a.raced || len(p.candidates) == 0:
		return
	}
	to := p.candidates[0]
	if a.target != nil {
		if to = p.of(a.target.sha); to == nil || !to.known {
			return // whether that is a revision is for the engine to say
		}
	}
	r := p.now(to)
	refused := r[gateForward] == shut || r[gateTaint] == shut || (r[gateHeld] == shut && !a.through)
	if refused != (a.err != nil) {
		y.fail(invOverride, "%s to %s, with %v shut, ended as %v", a, to.sha.Short(), r.shuts(), a.err)
	}
	if a.err == nil && a.stage.own.head != to.change {
		y.fail(invOverride, "%s to %s says that it is done, and %s stands at %s", a, to.sha.Short(), a.stage.own.branch, a.stage.own.head.sha.Short())
	}
}

// expectWord: what an operator said was taken down, or there was nothing to
// say.
func (y *year) expectWord(a *act) {
	done := a.err == nil
	want := done
	switch {
	case a.raced:
	case a.kind == rollout.EntryHold:
		want = true
	case a.kind == rollout.EntryTaint:
		// By now it is tainted; was it before?
		want = len(a.effects) > 0 || !(y.word.taints[a.target] || y.last.own.has(a.target))
	case a.kind == rollout.EntryResume && !done:
		want = slices.ContainsFunc(y.word.holds, func(h hold) bool { return a.lifts(h) && !h.over(a.at) })
	case a.kind == rollout.EntryClear && !done:
		want = y.word.taints[a.target]
		for by := range y.reverts(a.target) {
			want = want || !y.word.cleared[a.target][by]
		}
		want = want || y.hurts(a.target)
	}
	if done != want || (done && len(a.effects) != 1) {
		y.fail(invLedger, "%s ended as %v, with %d entries", a, a.err, len(a.effects))
	}
	if a.err != nil && !errors.Is(a.err, rollout.ErrRefused) && !a.raced {
		y.fail(invSound, "%s: %v", a, a.err)
	}
}

// hurts tells whether a cluster failed on a commit, in a context that a stage
// asks for, and nobody has cleared it since.
func (y *year) hurts(c *change) bool {
	return slices.ContainsFunc(y.stages, func(s *stage) bool {
		p := &picture{y: y, stage: s, told: y.told, clearedAt: y.word.clearedAt}
		return slices.ContainsFunc(y.reports[c], func(r report) bool {
			last, _ := p.newest(c, r.context)
			return p.asks(r.context) && last.state != rollout.EvidenceSuccess && !p.cleared(c, last)
		})
	})
}
