package simulate

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A reading is what the oracle says of a gate. It can be doubtful where the
// engine may know less than the simulation: then both answers are right.
type reading int

const (
	open reading = iota
	doubtful
	shut
)

// closedIf is a reading of something that is beyond doubt.
func closedIf(closed bool) reading {
	if closed {
		return shut
	}
	return open
}

// gates are all there are, in the order in which a verdict names them.
var gates = [...]rollout.Gate{
	rollout.GateFastForward, rollout.GateTaint, rollout.GateHealth, rollout.GateObserved,
	rollout.GateSoak, rollout.GateExposure, rollout.GateHold, rollout.GateWindow,
}

// The places of the gates.
const (
	gateForward = iota
	gateTaint
	gateHealth
	gateObserved
	gateSoak
	gateExposure
	gateHeld
	gateWindow
)

// readings are those of all gates.
type readings [len(gates)]reading

// all is the reading of a passage through all gates, but one that is left out.
func (r readings) all(but int) reading {
	worst := open
	for gate, is := range r {
		if gate != but {
			worst = max(worst, is)
		}
	}
	return worst
}

// none is no gate to leave out.
const none = -1

// shuts lists the gates that are shut.
func (r readings) shuts() []rollout.Gate {
	var all []rollout.Gate
	for gate, is := range r {
		if is == shut {
			all = append(all, gates[gate])
		}
	}
	return all
}

// now is the policy of one revision when the picture was made.
func (p *picture) now(c *candidate) readings {
	if !c.read {
		c.readings, c.read = p.gates(c, p.at), true
	}
	return c.readings
}

// gates is the policy of one revision at a moment, with all else as it was
// when the picture was made.
func (p *picture) gates(c *candidate, t time.Time) readings {
	r := p.otherGates(c, t)
	r[gateExposure] = p.exposure(c)
	return r
}

// otherGates are all but exposure.
func (p *picture) otherGates(c *candidate, t time.Time) readings {
	r := p.ownGates(c, t)
	if c.tree == p.target.tree {
		r[gateHealth], r[gateObserved], r[gateSoak] = open, open, open
	} else {
		p.sameTree(c, t, &r)
	}
	r[gateHeld] = closedIf(p.held(t))
	r[gateWindow] = closedIf(!isOpen(p.stage.Windows, t))
	return r
}

// best is what there is to be hoped for of all revisions at a moment.
func (p *picture) best(t time.Time) reading {
	best := shut
	for _, c := range p.candidates {
		is := p.gates(c, t).all(none)
		if !c.known {
			is = max(is, doubtful)
		}
		best = min(best, is)
	}
	return best
}

// ownGates are those that the revision itself has to pass.
func (p *picture) ownGates(c *candidate, t time.Time) readings {
	return readings{
		gateForward: closedIf(!c.forward), gateTaint: closedIf(p.tainted(c)),
		gateHealth: p.health(c, t), gateObserved: p.observed(c), gateSoak: p.soak(c, t),
	}
}

// sameTree lets a revision through whose tree has passed with another one, if it
// has not failed since.
func (p *picture) sameTree(c *candidate, t time.Time, r *readings) {
	for _, other := range p.candidates {
		if other.tree != c.tree || other.change == c.change {
			continue
		}
		passed := p.ownGates(other, t).all(gateForward)
		if passed == open && (!other.known || other.number > c.number) {
			passed = doubtful
		}
		passed = max(passed, p.failedSince(other, c))
		for _, gate := range []int{gateHealth, gateObserved, gateSoak} {
			r[gate] = min(r[gate], passed)
		}
	}
}

// failedSince: something of the same tree failed that is newer than the one and
// not newer than the other.
func (p *picture) failedSince(one, other *candidate) reading {
	worst := open
	for _, x := range p.candidates {
		if x.tree != other.tree || x.number <= one.number || x.number > other.number || !p.failed(x.change) {
			continue
		}
		if x.change != other.change && !x.known {
			worst = max(worst, doubtful)
		} else {
			worst = shut
		}
	}
	return worst
}

// tainted: it contains a commit that is known to be bad, without its revert.
func (p *picture) tainted(c *candidate) bool {
	return slices.ContainsFunc(p.bad, func(x *change) bool {
		return p.in(c, x) && !p.reverted(x, func(by *change) bool { return p.in(c, by) })
	})
}

// gateHeld: somebody holds the stage.
func (p *picture) held(t time.Time) bool {
	return slices.ContainsFunc(p.y.word.holds, func(h hold) bool { return h.holds(p.stage.Name, t) })
}

// isOpen: at least one of those that allow is open, if there are any, and none
// of those that deny.
func isOpen(w rollout.Windows, t time.Time) bool {
	covers := func(w rollout.Window) bool { return w.Schedule.(interface{ open(time.Time) bool }).open(t) }
	return (len(w.Allow) == 0 || slices.ContainsFunc(w.Allow, covers)) && !slices.ContainsFunc(w.Deny, covers)
}

// gateSoak: it has been upstream for as long as the stage and every commit in it
// ask for.
func (p *picture) soak(c *candidate, t time.Time) reading {
	need := max(p.stage.Soak, c.asks)
	switch {
	case p.soaked(c.early, t) < need:
		return shut
	case p.soaked(c.late, t) < need:
		return doubtful
	default:
		return open
	}
}

// soaked is how much of the time since an arrival counts.
func (p *picture) soaked(arrival, t time.Time) time.Duration {
	switch p.stage.SoakClock {
	case rollout.PausingClock:
		var total time.Duration
		for _, b := range p.rhythm() {
			if b.healthy {
				total += overlap(b.from, b.to, arrival, t)
			}
		}
		return total
	case rollout.RestartingClock:
		all := p.rhythm()
		if len(all) == 0 || !all[len(all)-1].healthy {
			return 0
		}
		return overlap(all[len(all)-1].from, forever, arrival, t)
	default:
		return t.Sub(arrival)
	}
}

// forever is after everything that happens.
var forever = begin.AddDate(100, 0, 0)

// overlap is how long two spans have in common.
func overlap(from, to, otherFrom, otherTo time.Time) time.Duration {
	if otherFrom.After(from) {
		from = otherFrom
	}
	if otherTo.Before(to) {
		to = otherTo
	}
	return max(0, to.Sub(from))
}

// A beat is a time in which the upstream was healthy, or was not.
type beat struct {
	from, to time.Time
	healthy  bool
}

// rhythm is how the upstream did over time, by what was reported of the
// stage's last head reported of and of what waits. The last beat has no end.
func (p *picture) rhythm() []beat {
	if p.beats != nil {
		return p.beats
	}
	var all []report
	all = append(all, p.reports(p.before())...)
	for _, c := range p.pending {
		all = append(all, p.reports(c)...)
	}
	slices.SortFunc(all, func(a, b report) int { return a.order - b.order })
	latest := map[string]rollout.EvidenceState{}
	for _, r := range all {
		if !p.asks(r.context) {
			continue
		}
		latest[r.context] = r.state
		healthy := true
		for _, asked := range p.stage.Health.Required {
			healthy = healthy && latest[asked.Contexts.String()] == rollout.EvidenceSuccess
		}
		if n := len(p.beats); n > 0 {
			if p.beats[n-1].healthy == healthy {
				continue
			}
			p.beats[n-1].to = r.at
		}
		p.beats = append(p.beats, beat{r.at, forever, healthy})
	}
	return p.beats
}
