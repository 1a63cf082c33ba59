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
	// each has every position at its own place, so that one is a list of one.
	each []int
	// tip are the positions whose history the branch contained last: one, as a
	// rule.
	tip []int
	// last is the commit that was asked about last, and lastAt what is known of
	// it.
	last   SHA
	lastAt []int
	// behind remembers, for commits that are not pending, the pending commits
	// that they are known to contain: those of pushes that were taken back,
	// or made after the observation.
	behind map[SHA][]int
}

func newTimeline(g *graph) *timeline {
	t := &timeline{
		graph:   g,
		since:   make([]time.Time, len(g.commits)),
		pointed: make([]bool, len(g.commits)),
		each:    make([]int, len(g.commits)),
		behind:  map[SHA][]int{},
	}
	for position := range t.each {
		t.each[position] = position
	}
	return t
}

// note takes an arrival of the ledger: when somebody looked, the branch pointed
// at it. If nothing shows that it had come before, rows are missing, and what
// it does not contain was gone by then. Otherwise it shows nothing new, and
// never that something left: the next promotion that finds a recorded revision
// gone drops its arrival from the ledger.
func (t *timeline) note(a Arrival) {
	position, pending := t.index[a.Revision]
	if !pending {
		return
	}
	t.pointed[position] = true
	if t.since[position].IsZero() {
		t.move(t.each[position:position+1], a.At)
	}
}

// see takes a row of the push log. Until then the branch contained what Before
// does, whatever was noted meanwhile, and from then on what After does. The row
// before it can be missing: then the branch pointed at Before at this row's
// time at the latest.
func (t *timeline) see(m Movement) {
	before := t.known(m.Before)
	t.move(before, m.At)
	if m.After != "" && !m.Forced {
		t.learn(m.After, before)
	}
	t.move(t.known(m.After), m.At)
}

// known is the position of a commit that the branch pointed at, and of one that
// is not pending those that it is known to contain. Where nothing tells, it
// counts as nothing: a row that is missing costs time, and never safety.
func (t *timeline) known(sha SHA) []int {
	if sha == t.last {
		return t.lastAt // the row before moved the branch to where this one finds it
	}
	t.last, t.lastAt = sha, t.behind[sha]
	if position, pending := t.index[sha]; pending {
		t.pointed[position] = true
		t.lastAt = t.each[position : position+1]
	}
	return t.lastAt
}

// learn notes that an ordinary push kept what was there. What a commit contains
// never changes: taken away and brought back, it still proves that much.
func (t *timeline) learn(sha SHA, contains []int) {
	if _, pending := t.index[sha]; pending {
		return
	}
	all := slices.Concat(t.behind[sha], contains)
	slices.Sort(all)
	t.behind[sha] = slices.Compact(all)
}

// move makes the timeline contain what `to` reaches, and forget the rest.
func (t *timeline) move(to []int, at time.Time) {
	if slices.Equal(to, t.tip) {
		return
	}
	if !t.add(to, at) {
		t.forgetAllBut(to)
	}
	t.tip = to
}

// add notes the arrival of what positions reach and the branch did not contain
// yet. It tells whether everything that the branch contained is surely still
// there: what is new reaches into what was there only through the old tip, or
// the old tip is not part of it.
func (t *timeline) add(positions []int, at time.Time) (kept bool) {
	kept = len(t.tip) == 0
	for _, position := range positions {
		t.reach(position, func(p int) bool {
			if len(t.tip) == 1 && p == t.tip[0] {
				kept = true
			}
			if !t.since[p].IsZero() {
				return false
			}
			t.since[p] = at
			return true
		})
	}
	return kept
}

// forgetAllBut takes away what a force-push took away. It looks at every
// pending commit: force-pushes to an upstream branch are rare, and an
// incremental answer would have to walk as far.
func (t *timeline) forgetAllBut(positions []int) {
	still := make([]bool, len(t.commits))
	for _, position := range positions {
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
