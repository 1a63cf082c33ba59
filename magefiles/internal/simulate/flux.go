package simulate

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A flux is what applies a stage's branch to its cluster, and reports how that
// went.
type flux struct {
	y       *year
	line    *line
	cluster string
	applied *change
}

// poll looks at the branch now and then. Revisions that came and went in
// between are never applied.
func (f *flux) poll() {
	f.y.later(f.y.within(6), f.poll)
	if f.line.head == f.applied {
		f.flap()
		f.repeat()
		return
	}
	f.applied = f.line.head
	names := contexts(f.cluster)
	if f.y.character.globbed {
		// A pattern finds what was reported before, so all is reported at once.
		f.later(f.y.within(1), f.applied, names)
		return
	}
	for _, context := range names {
		if !f.y.chance(f.y.character.silent) {
			f.later(f.y.within(1), f.applied, []string{context})
		}
	}
}

// later reports on a revision after a while. What failed may be mended, and
// what went well may fail late.
func (f *flux) later(wait time.Duration, of *change, names []string) {
	f.y.later(wait, func() {
		for _, context := range names {
			state := rollout.EvidenceSuccess
			if f.y.chance(f.y.character.broken) {
				state = []rollout.EvidenceState{rollout.EvidenceFailure, rollout.EvidenceError}[f.y.random.IntN(2)]
			}
			f.y.report(of, context, state)
			if state != rollout.EvidenceSuccess && f.y.random.IntN(3) > 0 {
				f.y.later(f.y.within(8), func() { f.y.report(of, context, rollout.EvidenceSuccess) })
			}
		}
	})
}

// flap changes what was reported of what is applied.
func (f *flux) flap() {
	if !f.y.chance(f.y.character.broken / 8) {
		return
	}
	all := f.y.reports[f.applied]
	if len(all) == 0 {
		return
	}
	context, of := all[f.y.random.IntN(len(all))].context, f.applied
	f.y.report(of, context, rollout.EvidenceFailure)
	f.y.later(f.y.within(12), func() { f.y.report(of, context, rollout.EvidenceSuccess) })
}

// repeat says once more what was said last of what is applied.
func (f *flux) repeat() {
	all := f.y.reports[f.applied]
	if len(all) > 0 && f.y.chance(repeated) {
		last := all[len(all)-1]
		f.y.report(f.applied, last.context, last.state)
	}
}

// repeated is the chance that what was reported is, once more.
const repeated = 0.1

// report posts a status and chronicles it.
func (y *year) report(of *change, context string, state rollout.EvidenceState) {
	if y.err != nil {
		return
	}
	// Two reports of one moment would have no order.
	y.clock.pass(y.character.behind + time.Second)
	if err := y.ground.report(of, context, state); err != nil {
		y.fail(invSound, "report on %s: %v", of.sha, err)
		return
	}
	y.tell(of, report{context: context, state: state, at: y.clock.shown()})
	y.tally.Reports++
	y.note("%s of %s: %s", context, of.sha.Short(), state)
}

// reportAny reports a failure of what waits for a stage.
func (y *year) reportAny(s *stage) {
	if c := y.waiting(s); c != nil && len(s.Health.Required) > 0 && len(y.reports[c]) > 0 {
		y.report(c, y.reports[c][0].context, rollout.EvidenceFailure)
	}
}

// watched tells whether somebody asks for what a cluster reports.
func watched(stages []*stage, cluster string) bool {
	return slices.ContainsFunc(stages, func(s *stage) bool {
		return slices.ContainsFunc(s.Health.Required, func(r rollout.Requirement) bool { return r.Cluster == cluster })
	})
}
