package measure

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A line is what went out on one stage, promotion after promotion.
type line struct {
	*graph
	records []rollout.Record
	// first are the arrivals on the first stage's branch, and upstream those for
	// this stage.
	first, upstream *arrivals
	// out is, for each commit, the promotion with which it went out: an index into
	// records. brought are the commits of each.
	out     []int
	brought [][]int
}

// What out says of a commit that no promotion brought.
const (
	waits  = -1 // it is not out
	before = -2 // it was there before the first promotion, or came by hand
)

func newLine(p Past, g *graph, stage rollout.Stage) *line {
	l := &line{
		graph: g, records: p.Promotions(stage.Branch), out: make([]int, len(g.commits)),
		first: newArrivals(g, p.pushes()), upstream: newArrivals(g, p.arriving(stage)),
	}
	for position := range l.out {
		l.out[position] = waits
	}
	for i, r := range l.records {
		l.take(r.From, before)
		l.brought = append(l.brought, l.take(r.To, i))
	}
	return l
}

// take notes by what everything is out that a commit reaches and that was not yet.
func (l *line) take(sha rollout.SHA, by int) (brought []int) {
	l.reach(sha, func(position int) bool {
		if l.out[position] != waits {
			return false
		}
		l.out[position] = by
		brought = append(brought, position)
		return true
	})
	return brought
}

// promotions say what came of each.
func (l *line) promotions(w words) []Promotion {
	all := make([]Promotion, len(l.records))
	for i, r := range l.records {
		l.first.until(r.At)
		l.upstream.until(r.At)
		p := Promotion{Record: r, Override: r.Kind == rollout.EntryOverride}
		p.LeadTimes, p.Unarrived = l.leadTimes(i)
		p.Soak, p.SoakKnown = l.soak(r)
		all[i] = p
	}
	l.blame(all, w)
	return all
}

// leadTimes are how long each commit of a promotion took, and how many have to be
// left out. Of a history that was rewritten since, the ledger knows how many there
// were.
func (l *line) leadTimes(i int) (known []time.Duration, unknown int) {
	r := l.records[i]
	if _, ok := l.index[r.To]; !ok {
		return nil, r.Commits
	}
	for _, position := range l.brought[i] {
		if took, ok := since(l.first, position, r.At); ok {
			known = append(known, took)
		} else {
			unknown++
		}
	}
	return known, unknown
}

func (l *line) soak(r rollout.Record) (time.Duration, bool) {
	position, ok := l.index[r.To]
	if !ok {
		return 0, false
	}
	return since(l.upstream, position, r.At)
}

// since is how long ago a commit arrived, by the moves until then.
func since(a *arrivals, position int, at time.Time) (time.Duration, bool) {
	arrived, ok := a.of(position)
	return at.Sub(arrived), ok
}
