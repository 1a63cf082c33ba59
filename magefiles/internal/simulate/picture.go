package simulate

import (
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A stage is one that something is promoted into.
type stage struct {
	rollout.Stage
	own, upstream, first *line
}

// A picture is what was true of a stage when the engine looked at it, as the
// oracle sees it. It is reckoned anew each time, in the plainest way.
type picture struct {
	y     *year
	stage *stage
	at    time.Time
	// entered is when the ledger gained its newest entry.
	entered time.Time
	// target and head are where the stage and its upstream stood.
	target, head *change
	diverged     bool
	// stood are the heads that the stage had had by then, oldest first.
	stood []*change
	// clearedAt is when commits had been cleared of their failures by then.
	clearedAt map[*change]time.Time
	// pending is newest first, and place says where each stands in it.
	pending []*change
	place   map[*change]int
	// within and longest are what each pending commit contains, and the
	// longest soak that it asks for with that.
	within  []places
	longest []time.Duration
	// ahead are what the first stage has and the upstream has not.
	ahead []*change
	// reversers are the commits, pending or ahead, that revert one.
	reversers map[*change][]*change
	bad       []*change
	// candidates are the revisions, newest first.
	candidates []*candidate
	// told is how many reports there were.
	told  int
	beats []beat
}

// A candidate is a pending revision.
type candidate struct {
	*change
	// within has a bit for each pending commit that it contains, by its place,
	// and asks is the longest soak that one of them asks for.
	within places
	asks   time.Duration
	// forward: it contains the stage's head.
	forward bool
	// early and late are between when it must have arrived for the engine.
	early, late time.Time
	// known says that the engine has to take it for a revision.
	known bool
	// readings are those of the picture's own moment, once they are read.
	readings readings
	read     bool
	// silent says that something of it was not exercised, and somebody does not
	// say why, once it is weighed.
	silent, weighed bool
}

// A places is a set of places.
type places []uint64

func (p places) has(place int) bool { return p[place/64]&(1<<(place%64)) != 0 }

// look makes the picture of a stage as of now.
func (y *year) look(s *stage, at time.Time) *picture {
	p := &picture{
		y: y, stage: s, at: at, entered: y.entered, told: y.told, target: s.own.head, head: s.upstream.head,
		stood: s.own.heads(), clearedAt: maps.Clone(y.word.clearedAt),
		place: map[*change]int{}, reversers: map[*change][]*change{},
		diverged: !s.upstream.has(s.own.head),
	}
	if p.diverged {
		return p
	}
	p.pending = missing(p.head, s.own.has)
	for i, c := range p.pending {
		p.place[c] = i
	}
	if s.first != s.upstream {
		p.ahead = missing(s.first.head, s.upstream.has)
	}
	for _, c := range slices.Concat(p.pending, p.ahead) {
		for _, x := range c.reverts {
			p.reversers[x] = append(p.reversers[x], c)
		}
	}
	for _, c := range p.pending {
		if p.isBad(c) {
			p.bad = append(p.bad, c)
		}
	}
	p.contain()
	p.findCandidates()
	return p
}

// contain finds out what every pending commit contains of the others. Parents
// come before their children, and have been found out when they are needed.
func (p *picture) contain() {
	p.within = make([]places, len(p.pending))
	p.longest = make([]time.Duration, len(p.pending))
	for i := len(p.pending) - 1; i >= 0; i-- {
		c := p.pending[i]
		set := make(places, len(p.pending)/64+1)
		set[i/64] |= 1 << (i % 64)
		asked := c.soak
		for _, parent := range c.parents {
			place, waits := p.place[parent]
			if !waits {
				continue
			}
			for word := range set {
				set[word] |= p.within[place][word]
			}
			asked = max(asked, p.longest[place])
		}
		p.within[i], p.longest[i] = set, asked
	}
}

// in tells whether a candidate contains a pending commit.
func (p *picture) in(c *candidate, x *change) bool { return p.contains(c.change, x) }

// contains tells whether one pending commit contains another.
func (p *picture) contains(c, x *change) bool {
	place, waits := p.place[x]
	return waits && p.within[p.place[c]].has(place)
}

// isBad: an operator says so, or a later commit of the first stage reverts it
// that no operator has set aside.
func (p *picture) isBad(c *change) bool {
	aside := p.y.word.cleared[c]
	return p.y.word.taints[c] || slices.ContainsFunc(p.reversers[c], func(by *change) bool {
		return !aside[by] && !p.reverted(by, everywhere)
	})
}

// everywhere is a set of commits that has them all.
func everywhere(*change) bool { return true }

// reverted tells whether a commit is reverted in a set of commits, by one that
// is not itself reverted there.
func (p *picture) reverted(c *change, in func(*change) bool) bool {
	for _, by := range p.reversers[c] {
		if in(by) && !p.reverted(by, in) {
			return true
		}
	}
	return false
}

func (p *picture) findCandidates() {
	for _, c := range p.pending {
		if found := p.candidate(c); found != nil {
			p.candidates = append(p.candidates, found)
		}
	}
}

// candidate is a pending commit as a revision, nil where it is none.
func (p *picture) candidate(c *change) *candidate {
	up := p.stage.upstream
	if !up.pointed[c] {
		return nil
	}
	found := &candidate{change: c, known: true}
	switch recorded, isRecorded := p.y.word.arrivals[up.branch][c]; {
	case p.y.character.pushLog:
		found.early, _ = up.since(c)
		if recorded, isRecorded = p.recorded(c); isRecorded {
			found.early = earlier(found.early, recorded)
		}
		found.late, found.known = p.proven(c)
	case isRecorded:
		found.early, found.late = recorded, recorded
	case c != p.head:
		return nil
	default:
		found.early, found.late = p.at, p.recordable()
	}
	p.fill(found)
	return found
}

// recordable is the latest that an arrival is recorded as which is seen now: in
// whole seconds, and not before the ledger's newest entry.
func (p *picture) recordable() time.Time {
	if p.entered.After(p.at) {
		return p.entered.Add(time.Second)
	}
	return p.at.Add(time.Second)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// fill finds out what a candidate contains.
func (p *picture) fill(c *candidate) {
	place := p.place[c.change]
	c.within, c.asks = p.within[place], p.longest[place]
	for i, x := range p.pending {
		c.forward = c.forward || (c.within.has(i) && slices.Contains(x.parents, p.target))
	}
}

// size is how many commits it brings.
func (c *candidate) size() int {
	n := 0
	for _, word := range c.within {
		n += bits.OnesCount64(word)
	}
	return n
}

// reports are what had been reported of a commit by then, oldest first.
func (p *picture) reports(of *change) []report {
	all := p.y.reports[of]
	for len(all) > 0 && all[len(all)-1].order > p.told {
		all = all[:len(all)-1]
	}
	return all
}

// newest is the last report of a context on a commit.
func (p *picture) newest(of *change, context string) (report, bool) {
	for _, r := range slices.Backward(p.reports(of)) {
		if r.context == context {
			return r, true
		}
	}
	return report{}, false
}

// of is the candidate of a commit.
func (p *picture) of(sha rollout.SHA) *candidate {
	for _, c := range p.candidates {
		if c.sha == sha {
			return c
		}
	}
	return nil
}

// any is the candidate of any pending commit: where no push log says what was
// pushed with what, an override may take one that was never seen.
func (p *picture) any(sha rollout.SHA) *candidate {
	if c := p.of(sha); c != nil {
		return c
	}
	c := p.y.changes[sha]
	if _, pending := p.place[c]; !pending || p.y.character.pushLog {
		return nil
	}
	since, _ := p.stage.upstream.since(c)
	found := &candidate{change: c, early: since, late: p.at}
	p.fill(found)
	return found
}

func sortNewestFirst(all []*change) {
	slices.SortFunc(all, func(a, b *change) int { return b.number - a.number })
}
