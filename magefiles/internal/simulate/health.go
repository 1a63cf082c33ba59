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
		for _, context := range contexts(asked.Cluster) {
			if matches(asked, context) {
				worst = max(worst, p.wounded(c, context, t))
			}
		}
	}
	return worst
}

// wounded: a context failed on something that the revision contains and that
// upstream pointed at, or on the stage's head, and was good neither on the
// revision nor on anything between. Where the engine cannot know everything that
// upstream pointed at, it may know less of failures, and of what mended them.
func (p *picture) wounded(c *candidate, context string, t time.Time) reading {
	if _, said := p.newest(c.change, context); said {
		return open // by that it is judged
	}
	var inside []*candidate
	for _, x := range p.candidates {
		if x.change != c.change && p.in(c, x.change) {
			inside = append(inside, x)
		}
	}
	surely := func(x *candidate) bool { return x.known }
	maybe := func(*candidate) bool { return true }
	switch {
	case p.bleeds(inside, surely, maybe, context, t):
		return shut
	case p.bleeds(inside, maybe, surely, context, t):
		return doubtful
	default:
		return open
	}
}

// bleeds tells whether a failure that counts was mended by nothing that counts.
func (p *picture) bleeds(inside []*candidate, fails, mends func(*candidate) bool, context string, t time.Time) bool {
	mended := func(failed *change) bool {
		return slices.ContainsFunc(inside, func(x *candidate) bool {
			return mends(x) && x.change != failed && (failed == p.before() || p.in(x, failed)) && p.ends(x.change, context, t)
		})
	}
	hurt := func(x *change) bool {
		r, said := p.newest(x, context)
		return said && r.state != rollout.EvidenceSuccess && !p.cleared(x, r) && !mended(x)
	}
	return hurt(p.before()) || slices.ContainsFunc(inside, func(x *candidate) bool { return fails(x) && hurt(x.change) })
}

// ends: what failed before need not be mended any more.
func (p *picture) ends(x *change, context string, t time.Time) bool {
	r, said := p.newest(x, context)
	return said && (p.good(x, r, t) == open || r.state != rollout.EvidenceSuccess && p.cleared(x, r))
}

// cleared: an operator cleared the commit after it failed so. Entries tell whole
// seconds.
func (p *picture) cleared(x *change, r report) bool {
	at, done := p.clearedAt[x]
	return done && r.at.Unix() <= at.Unix()
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
	for _, head := range slices.Backward(p.stood) {
		if slices.ContainsFunc(p.reports(head), func(r report) bool { return p.asks(r.context) }) {
			return head
		}
	}
	return p.target
}

// proof is what is known of one context: the revision's own report, and
// without one the next newer one's.
func (p *picture) proof(c *candidate, context string, t time.Time) reading {
	if r, reported := p.newest(c.change, context); reported {
		return p.good(c.change, r, t)
	}
	// From the next newer one to the newest.
	for _, newer := range slices.Backward(p.pending[:p.place[c.change]]) {
		r, reported := p.newest(newer, context)
		switch {
		case !reported:
		case !p.contains(newer, c.change):
			return doubtful // two lines: which of them is the next?
		default:
			return p.good(newer, r, t)
		}
	}
	return shut
}

// good: it is a success, the last of some that have stood for long enough
// together.
func (p *picture) good(of *change, r report, t time.Time) reading {
	if r.state != rollout.EvidenceSuccess {
		return shut
	}
	since := r.at
	for _, older := range slices.Backward(p.reports(of)) {
		if older.context != r.context {
			continue
		}
		if older.state != rollout.EvidenceSuccess {
			break
		}
		since = older.at
	}
	return closedIf(t.Before(since.Add(p.stage.Health.Settle)))
}

// failed: a context that the stage asks for failed last on the commit itself.
func (p *picture) failed(x *change) bool {
	return slices.ContainsFunc(p.reports(x), func(r report) bool {
		last, _ := p.newest(x, r.context)
		return p.asks(r.context) && last.state != rollout.EvidenceSuccess
	})
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
