package simulate

import (
	"errors"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// moveEntry: a stage's branch moved. Everything that the policy promises is
// held against what was true when it was decided.
func (y *year) moveEntry(a *act, e entry) {
	if a.picture == nil {
		a.picture = y.look(a.stage, a.at)
	}
	p := a.picture
	s := a.stage
	if e.Branch != s.own.branch || e.From != string(s.own.head.sha) {
		y.fail(invLedger, "%s is entered as %s from %s; %s stood at %s", a, e.Branch, e.From, s.own.branch, s.own.head.sha)
		return
	}
	if p.diverged {
		y.fail(invAncestor, "%s had diverged, and moves to %s", s.Name, e.To)
		return
	}
	to := p.any(rollout.SHA(e.To))
	switch {
	case to == nil:
		y.fail(invAncestor, "%s moves to %s, which is no revision of %s that waits", s.Name, e.To, s.upstream.branch)
		return
	case !to.forward:
		y.fail(invForward, "%s moves from %s to %s, which does not contain it", s.Name, e.From, e.To)
		return
	case e.Commits != to.size():
		y.fail(invLedger, "%s brings %d commits, and is entered as %d", a, to.size(), e.Commits)
	}
	r := p.now(to)
	if a.kind == rollout.EntryOverride {
		y.mayOverride(a, e, to, r)
	} else {
		for _, gate := range r.shuts() {
			y.fail(guards[gate], "%s moves to %s at %s, and %s is shut", s.Name, to.sha.Short(), a.at, gate)
		}
	}
	at := a.at
	if moved, logged := y.ground.moved(s.own.branch); logged {
		at = moved
	}
	s.own.move(to.change, at)
	y.diverge()
}

// mayOverride: an override goes through no taint, through a hold only if it
// was told to, and says what it went through.
func (y *year) mayOverride(a *act, e entry, to *candidate, r readings) {
	if r[gateTaint] == shut {
		y.fail(invTaint, "an override takes out %s, which is tainted", to.sha.Short())
	}
	if r[gateHeld] == shut && !a.through {
		y.fail(invHold, "an override goes through a hold, and was not told to")
	}
	if !to.known || a.blind {
		// Nothing that was reported of it was read.
		r[gateHealth], r[gateObserved], r[gateSoak] = doubtful, doubtful, doubtful
	}
	if a.faults > 0 {
		// Reports that could not be read stop no override, and prove nothing.
		for _, place := range []int{gateHealth, gateObserved, gateSoak} {
			r[place] = max(r[place], doubtful)
		}
	}
	r[gateExposure] = closedIf(a.picture.unexercised(to))
	if a.faults > 0 {
		r[gateExposure] = doubtful
	}
	for place, gate := range gates {
		said := slices.Contains(e.Skipped, gate)
		if (r[place] == shut && !said) || (r[place] == open && said && place != gateSoak) {
			y.fail(guards[gate], "an override to %s says that it skipped %v; %s is to be said: %t", to.sha.Short(), e.Skipped, gate, !said)
		}
	}
	if said := slices.ContainsFunc(e.Unsoaked, func(u unsoaked) bool { return u.Commit == to.sha }); r[gateSoak] == shut && !said {
		y.fail(invSoak, "an override to %s says that %v had not soaked", to.sha.Short(), e.Unsoaked)
	}
	var through []string
	for _, h := range e.Holds {
		through = append(through, h.Reason)
	}
	for _, h := range y.word.holds {
		if h.holds(a.stage.Name, a.at) != slices.Contains(through, h.reason) {
			y.fail(invHold, "an override says that it went through the holds %q, and there is %v", through, h)
		}
	}
}

// expect checks what came of an act that nothing kept from its end.
func (y *year) expect(a *act) {
	switch a.kind {
	case rollout.EntryPromotion:
		y.expectPromotion(a)
	case rollout.EntryOverride:
		y.expectOverride(a)
	case rollout.EntryInit:
		if a.err != nil {
			y.fail(invSound, "%s: %v", a, a.err)
		}
	default:
		y.expectWord(a)
	}
}

// expectPromotion: what may go out has gone out, and every verdict is the
// policy's.
func (y *year) expectPromotion(a *act) {
	p := a.picture
	if p == nil {
		y.fail(invSound, "%s ended without looking: %v", a, a.err)
		return
	}
	if p.diverged || errors.Is(a.err, rollout.ErrDiverged) {
		if !a.ruffled && p.diverged != errors.Is(a.err, rollout.ErrDiverged) {
			y.fail(invAncestor, "%s has diverged: %t; the engine says %v", a.stage.Name, p.diverged, a.err)
		}
		return
	}
	if a.err != nil {
		y.fail(invSound, "%s: %v", a, a.err)
		return
	}
	y.consistent(a)
	if a.ruffled {
		return
	}
	y.compare(a)
	if !a.dry {
		y.noneLeft(a)
	}
	y.retry(a)
}

// noneLeft: no revision is left behind that may go out, and is newer than
// where the stage stands now.
func (y *year) noneLeft(a *act) {
	p := a.picture
	head := a.stage.own.head
	for _, c := range p.candidates {
		if c.known && c.change != head && (head == p.target || p.in(c, head)) && p.now(c).all(none) == open {
			y.fail(invStarved, "%s stands at %s at %s, and %s may go out", a.stage.Name, head.sha.Short(), a.at, c.sha.Short())
		}
	}
	up := a.stage.upstream
	if _, recorded := y.word.arrivals[up.branch][p.head]; !y.character.pushLog && !recorded && !a.stage.own.has(p.head) && up.head == p.head {
		y.fail(invStarved, "%s arrived on %s, and is not recorded", p.head.sha.Short(), up.branch)
	}
}

// compare holds every verdict against the oracle's.
func (y *year) compare(a *act) {
	p, d := a.picture, a.receipt.Decision
	told := map[*change]bool{}
	for _, v := range d.Verdicts {
		c := p.of(v.Revision.SHA)
		if c == nil {
			y.fail(invVerdict, "%s is judged, and is no revision that waits", v.Revision.SHA)
			return
		}
		told[c.change] = true
		if v.Revision.Arrival.Before(c.early) || (c.known && v.Revision.Arrival.After(c.late)) {
			y.fail(invSoak, "%s arrived between %s and %s, and is judged as of %s", c.sha.Short(), c.early, c.late, v.Revision.Arrival)
		}
		y.compareVerdict(a, c, v)
	}
	for _, c := range p.candidates {
		if c.known && !told[c.change] {
			y.fail(invVerdict, "%s waits, and is not judged", c.sha.Short())
		}
	}
}

func (y *year) compareVerdict(a *act, c *candidate, v rollout.Verdict) {
	r := a.picture.now(c)
	for place, gate := range gates {
		said := slices.ContainsFunc(v.Blocks, func(b rollout.Block) bool { return b.Gate == gate })
		if place == gateWindow && r.all(gateWindow) != open {
			continue // it speaks of when the other gates open
		}
		if out := a.receipt.Decision.Revision; place == gateExposure && out != nil && c.number < y.changes[out.SHA].number {
			continue // nobody looks at what goes out with a newer one
		}
		if place == gateExposure && r[place] == shut {
			y.tally.Unexercised++
		}
		if (r[place] == shut && !said) || (r[place] == open && said) {
			y.fail(guards[gate], "%s at %s: the gate %s is said to be shut: %t; the verdict is %s, %s", c.sha.Short(), a.at, gate, said, v.Outcome, v.Reason())
		}
	}
}

// consistent: decision and verdicts do not contradict each other.
func (y *year) consistent(a *act) {
	d := a.receipt.Decision
	var newest *rollout.Verdict
	var soonest time.Time
	for i, v := range d.Verdicts {
		if (v.Outcome == rollout.Promotable) != (len(v.Blocks) == 0) {
			y.fail(invVerdict, "%s is %s, blocked by %v", v.Revision.SHA, v.Outcome, v.Blocks)
		}
		if v.Outcome == rollout.Promotable && newest == nil {
			newest = &d.Verdicts[i]
		}
		if !v.RetryAt.IsZero() && (soonest.IsZero() || v.RetryAt.Before(soonest)) {
			soonest = v.RetryAt
		}
	}
	want := rollout.Wait
	switch {
	case newest != nil:
		want = rollout.Promote
	case len(d.Verdicts) == 0:
		want = rollout.Nothing
	case soonest.IsZero():
		want = rollout.Blocked
	}
	switch {
	case d.Action != want:
		y.fail(invVerdict, "the decision is %s; the verdicts say %s", d.Action, want)
	case want == rollout.Promote && d.Revision.SHA != newest.Revision.SHA:
		y.fail(invVerdict, "the decision is %s; the verdicts say %s", d.Revision.SHA, newest.Revision.SHA)
	case want == rollout.Wait && !d.RetryAt.Equal(soonest):
		y.fail(invVerdict, "the decision is to look again at %s; the verdicts say %s", d.RetryAt, soonest)
	}
}

// retry: where the decision says when to look again, that is the first moment
// at which something may go out if nothing else happens.
func (y *year) retry(a *act) {
	p, d := a.picture, a.receipt.Decision
	switch d.Action {
	case rollout.Wait:
		if p.best(d.RetryAt) == shut {
			y.fail(invStarved, "%s is to look again at %s, when nothing may go out", a.stage.Name, d.RetryAt)
		}
		if before := d.RetryAt.Add(-time.Second); before.After(a.at) && p.best(before) == open {
			y.fail(invStarved, "%s is to look again at %s, and something may go out before", a.stage.Name, d.RetryAt)
		}
	case rollout.Blocked:
		for _, wait := range []time.Duration{time.Hour, 26 * time.Hour, 200 * time.Hour, 1000 * time.Hour} {
			if p.best(a.at.Add(wait)) == open {
				y.fail(invStarved, "%s is blocked, and something may go out within %s", a.stage.Name, wait)
			}
		}
	}
}
