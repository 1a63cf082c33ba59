package rollout

import (
	"slices"
	"time"
)

// revisions finds among the pending commits those that the upstream branch
// has pointed at, newest first, and when each arrived.
//
// A commit's arrival is the first moment from which the branch has contained
// it without interruption: what a force-push took away and a later push
// brought back starts anew, since the clusters did not run it in between.
// Dates in commits play no part.
//
// The positions in the graph of what each revision brings come along, its own
// first.
func revisions(now time.Time, s Snapshot, g *graph) ([]Revision, [][]int) {
	if len(g.commits) == 0 {
		return nil, nil
	}
	line := newTimeline(g)
	// The push log comes newest first, the ledger's arrivals in the order in
	// which they were recorded. Each keeps its own order, which is right even
	// where a clock was not. Of one second, the row has the last word: it can
	// take away what was recorded.
	notes := s.State.Arrivals[s.Upstream.Branch]
	for _, row := range slices.Backward(s.Movements) {
		for len(notes) > 0 && !notes[0].At.After(row.At) {
			line.note(notes[0])
			notes = notes[1:]
		}
		line.see(row)
	}
	for _, note := range notes {
		line.note(note)
	}
	line.pointed[0] = true
	return line.revisions(now, g.containing(s.Target.SHA))
}

// A timeline is told what is known of the upstream branch from the oldest to
// the newest, and keeps since when the branch has contained each pending
// commit.
type timeline struct {
	*graph
	since   []time.Time
	pointed []bool
	// tip is the position that the branch contained last, -1 for none.
	tip int
	// last is what the row before moved the branch to, if that is pending, and
	// lastAt its position.
	last   SHA
	lastAt int
	// behind remembers, for commits that are not pending, the pending commit
	// that they are known to contain: those of pushes that were taken back,
	// or made after the observation.
	behind map[SHA]int
}

func newTimeline(g *graph) *timeline {
	return &timeline{
		graph:   g,
		since:   make([]time.Time, len(g.commits)),
		pointed: make([]bool, len(g.commits)),
		tip:     -1,
		behind:  map[SHA]int{},
	}
}

// note takes an arrival of the ledger. It shows what the branch contained
// when somebody looked, and so what had arrived by then. It never shows that
// something left: the next promotion that finds a recorded revision gone drops
// its arrival from the ledger.
func (t *timeline) note(a Arrival) {
	position, pending := t.index[a.Revision]
	if !pending {
		return
	}
	t.pointed[position] = true
	if t.add(position, a.At) {
		t.tip = position
	}
}

// see takes a row of the push log.
func (t *timeline) see(m Movement) {
	after, pending := t.index[m.After]
	before, ok := t.before(m)
	t.last, t.lastAt = m.After, after
	if !pending {
		t.last = ""
	}
	switch {
	case ok:
		// The row before this one can be missing from the log. Then the
		// branch pointed at Before at this row's time at the latest.
		t.pointed[before] = true
		t.move(before, m.At)
	case pending && !m.Forced:
		// After contains Before, so Before is on the stage already, or there
		// was no branch: nothing that is pending was on it.
		t.move(-1, m.At)
	case m.Forced:
		// Whatever was noted meanwhile, the branch had no more than Before is
		// known to contain.
		t.move(t.known(m.Before), m.At)
	}
	switch {
	case pending:
		t.pointed[after] = true
	case m.After == "" || m.Forced:
		after = -1
	default:
		after = t.known(m.Before)
	}
	if !pending {
		t.behind[m.After] = after
	}
	t.move(after, m.At)
}

// before is the position of the commit that a row moved the branch from: as a
// rule the one that the row before it moved it to.
func (t *timeline) before(m Movement) (int, bool) {
	if m.Before != "" && m.Before == t.last {
		return t.lastAt, true
	}
	return t.place(m.Before)
}

// known is the pending commit that a commit is known to contain, -1 for none.
func (t *timeline) known(sha SHA) int {
	if position, ok := t.index[sha]; ok {
		return position
	}
	if position, ok := t.behind[sha]; ok {
		return position
	}
	return -1
}

// move makes the timeline contain what `to` reaches, and forget the rest.
func (t *timeline) move(to int, at time.Time) {
	if to == t.tip {
		return
	}
	if to < 0 || !t.add(to, at) {
		t.forgetAllBut(to)
	}
	t.tip = to
}

// add notes the arrival of what position reaches and the branch did not
// contain yet. It tells whether everything that the branch contained is still
// there: what is new reaches into what was there only through the old tip, or
// the old tip is not part of it.
func (t *timeline) add(position int, at time.Time) (kept bool) {
	kept = t.tip < 0
	t.reach(position, func(p int) bool {
		if p == t.tip {
			kept = true
		}
		if !t.since[p].IsZero() {
			return false
		}
		t.since[p] = at
		return true
	})
	return kept
}

// forgetAllBut takes away what a force-push took away. It looks at every
// pending commit: force-pushes to an upstream branch are rare, and an
// incremental answer would have to walk as far.
func (t *timeline) forgetAllBut(position int) {
	still := make([]bool, len(t.commits))
	if position >= 0 {
		t.reach(position, func(p int) bool {
			first := !still[p]
			still[p] = true
			return first
		})
	}
	for p := range t.since {
		if !still[p] {
			t.since[p] = time.Time{}
		}
	}
}

// revisions lists the commits that the branch pointed at, newest first, each
// with the commits that it brings. Every pending commit is looked at once:
// an older revision takes what it reaches, a newer one the rest.
func (t *timeline) revisions(now time.Time, fastForward []bool) ([]Revision, [][]int) {
	n := 0
	for _, pointed := range t.pointed {
		if pointed {
			n++
		}
	}
	found := make([]Revision, 0, n)
	brings := make([][]int, 0, n)
	taken := make([]bool, len(t.commits))
	// What is taken stands here, revision after revision.
	positions := make([]int, 0, len(t.commits))
	for position := len(t.commits) - 1; position >= 0; position-- {
		if !t.pointed[position] {
			continue
		}
		begin := len(positions)
		positions = t.take(position, taken, positions)
		revision := Revision{
			Commit:      t.commits[position],
			Arrival:     t.since[position],
			Recorded:    !t.since[position].IsZero(),
			Brings:      t.list(positions[begin:]),
			FastForward: fastForward[position],
		}
		if !revision.Recorded {
			revision.Arrival = now
		}
		found = append(found, revision)
		brings = append(brings, slices.Clip(positions[begin:]))
	}
	slices.Reverse(found)
	slices.Reverse(brings)
	return found, brings
}
