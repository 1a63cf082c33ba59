package simulate

import (
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// Meddling is what goes wrong, or what somebody else does, when an act makes
// one of its calls.
type meddling struct {
	// call is at which of its calls it happens.
	call int
	// port limits it to one port: then it happens at the first such call.
	port string
	done bool
	fate memory.Fate
	// other is what somebody else does, and name what it is.
	other func()
	name  string
}

func (m meddling) String() string {
	if m.other != nil {
		return m.name
	}
	return m.fate.String()
}

// mostCalls is about how many calls an act makes.
const mostCalls = 9

// faults are all the ways in which a call can fail.
var faults = []memory.Fate{
	memory.Unavailable, memory.LostRequest, memory.LostAnswer, memory.Late,
	memory.KilledBefore, memory.KilledAfter, memory.KilledLate,
}

// meddle draws what happens to an act. Who acts while another does is left in
// peace, or it would go on for ever.
func (y *year) meddle(a *act) {
	if len(y.stack) > 0 {
		return
	}
	if y.chance(y.character.races) && a.kind != rollout.EntryInit {
		m := meddling{call: 1 + y.random.IntN(mostCalls), port: y.racesAt}
		if m.name, m.other = y.rival(a); m.name == "a report" {
			m.port = "Commit" // what is reported while the engine looks may or may not be seen
		}
		a.meddling = append(a.meddling, m)
	}
	if y.character.jumps > 0 && y.chance(y.character.races) {
		a.meddling = append(a.meddling, meddling{call: 1 + y.random.IntN(mostCalls), port: y.racesAt, name: "a jump of the clock", other: y.jump})
	}
	for chance := y.character.faults; y.chance(chance); chance = 0.4 {
		m := meddling{call: 1 + y.random.IntN(mostCalls), fate: faults[y.random.IntN(len(faults))]}
		if y.aimed > 0 && y.chance(y.aimed) {
			m.port = "Commit"
		}
		a.meddling = append(a.meddling, m)
	}
}

// intercept is asked about every call that comes in.
func (y *year) intercept(port string) memory.Fate {
	if len(y.stack) == 0 || y.err != nil {
		return memory.Served
	}
	y.clock.pass(time.Duration(y.random.IntN(3)) * time.Second)
	y.audit(nil)
	a := y.stack[len(y.stack)-1]
	a.calls++
	for i := range a.meddling {
		m := &a.meddling[i]
		if m.done || (m.port == "" && m.call != a.calls) || (m.port != "" && m.port != port) {
			continue
		}
		m.done = true
		if m.other == nil {
			return y.fault(a, port, m.fate)
		}
		y.let(a, *m)
	}
	return memory.Served
}

// fault has a call fail.
func (y *year) fault(a *act, port string, fate memory.Fate) memory.Fate {
	a.faults++
	a.blind = a.blind || strings.HasPrefix(port, "Evidence")
	if port == "Commit" && (fate == memory.LostAnswer || fate == memory.LostRequest || fate == memory.Late) {
		a.lost++
	}
	y.tally.Faults[port+", "+fate.String()]++
	return fate
}

// let has somebody else act. What the act has seen until now is what it will
// decide on, so its picture is made first.
func (y *year) let(a *act, m meddling) {
	if a.stage != nil && !a.at.IsZero() && a.picture == nil {
		a.picture = y.look(a.stage, a.at)
	}
	a.ruffled, a.raced = true, true
	y.tally.Races++
	y.note("while %s makes its call %d: %s", a, a.calls, m.name)
	m.other()
}

// rival is what somebody else does while an act goes on.
func (y *year) rival(a *act) (string, func()) {
	s := a.stage
	if s == nil {
		s = y.stages[y.random.IntN(len(y.stages))]
	}
	switch y.random.IntN(10) {
	case 0, 1, 2:
		return "another promoter", func() { y.promote(s) }
	case 3:
		return "an override", func() { y.override(s) }
	case 4, 5:
		return "a hold", func() { y.hold(s) }
	case 6:
		return "a resume", func() { y.resumeOne() }
	case 7:
		return "a taint", func() { y.taint(s) }
	case 8:
		return "a report", func() { y.reportAny(s) }
	default:
		return "a push", func() { y.pushMain() }
	}
}
