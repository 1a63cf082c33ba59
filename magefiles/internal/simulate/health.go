package simulate

import (
	"path"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// asks tells whether the stage asks for a context.
func (p *picture) asks(context string) bool {
	return slices.ContainsFunc(p.stage.Health.Required, func(r rollout.Requirement) bool { return matches(r, context) })
}

// matches: a pattern of the simulation has at most one star, which stands for
// a name.
func matches(r rollout.Requirement, context string) bool {
	ok, err := path.Match(r.Contexts.String(), context)
	return ok && err == nil
}

// health: what the stage asks for was reported of the revision.
func (p *picture) health(c *candidate, t time.Time) reading {
	worst := open
	for _, asked := range p.stage.Health.Required {
		expected := p.expected(c, asked)
		if len(expected) == 0 {
			return shut
		}
		for _, context := range expected {
			worst = max(worst, p.proof(c, context, t))
		}
	}
	return worst
}

// expected are the contexts that have to be good: those that were reported of
// the revision, or of the observed one next before it, and every one that the
// plan names in full. Of a revision that was skipped, and that nothing observed
// stands before, they are those of the next newer one.
func (p *picture) expected(c *candidate, asked rollout.Requirement) []string {
	pattern := asked.Contexts.String()
	if path.Base(pattern) != "*" {
		return []string{pattern}
	}
	of := func(x *change) (found []string) {
		for _, r := range p.reports(x) {
			if matches(asked, r.context) && !slices.Contains(found, r.context) {
				found = append(found, r.context)
			}
		}
		return found
	}
	before := of(p.before())
	for _, older := range p.pending[p.place[c.change]+1:] {
		if len(of(older)) > 0 {
			before = of(older)
			break
		}
	}
	all := slices.Concat(of(c.change), before)
	for _, newer := range slices.Backward(p.pending[:p.place[c.change]]) {
		if len(all) == 0 && p.contains(newer, c.change) {
			all = of(newer)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// before is the newest of the stage's heads that anything was reported of: the
// head itself may have been skipped.
func (p *picture) before() *change {
	for _, move := range slices.Backward(p.stage.own.moves) {
		if slices.ContainsFunc(p.reports(move.to), func(r report) bool { return p.asks(r.context) }) {
			return move.to
		}
	}
	return p.target
}

// proof is what is known of one context: the revision's own report, and
// without one the next newer one's.
func (p *picture) proof(c *candidate, context string, t time.Time) reading {
	if r, reported := p.newest(c.change, context); reported {
		return p.good(r, t)
	}
	// From the next newer one to the newest.
	for _, newer := range slices.Backward(p.pending[:p.place[c.change]]) {
		r, reported := p.newest(newer, context)
		switch {
		case !reported:
		case !p.contains(newer, c.change):
			return doubtful // two lines: which of them is the next?
		default:
			return p.good(r, t)
		}
	}
	return shut
}

// good: it is a success that has stood for long enough.
func (p *picture) good(r report, t time.Time) reading {
	return closedIf(r.state != rollout.EvidenceSuccess || t.Before(r.at.Add(p.stage.Health.Settle)))
}

// observed: some cluster reported to have applied it, or the same tree.
func (p *picture) observed(c *candidate) reading {
	if !p.stage.Observed {
		return open
	}
	for _, other := range append([]*change{p.target}, p.pending...) {
		if other.tree != c.tree {
			continue
		}
		for _, context := range contexts(p.stage.Health.Required[0].Cluster) {
			if r, reported := p.newest(other, context); reported && r.state == rollout.EvidenceSuccess {
				return open
			}
		}
	}
	return shut
}
