package simulate

import "time"

// A proof is how far the push log and the ledger prove that a branch contains
// a commit. Nobody but the simulation has what a force-push took away, so what
// it contained is known only as far as rows of ordinary pushes tell; and of
// rows that are lost nobody knows at all.
type proof struct {
	*picture
	of *change
	// there says that the branch is proven to contain it, without interruption
	// since a moment.
	there bool
	since time.Time
	// behind are commits that no longer wait, and are proven to contain it.
	behind map[*change]bool
	// pointed says that it is proven that the branch pointed at it.
	pointed bool
}

// proven is since when the engine has to know that the upstream contained a
// commit, and whether it has to know that it pointed at it.
func (p *picture) proven(c *change) (since time.Time, pointed bool) {
	x := &proof{picture: p, of: c, behind: map[*change]bool{}}
	up := p.stage.upstream
	came := up.came[c]
	recorded, isRecorded := p.recorded(c)
	for i, move := range up.moves[came:] {
		if isRecorded && !recorded.After(move.at) {
			x.see(c, recorded)
			isRecorded = false
		}
		if move.lost {
			continue
		}
		if i > 0 {
			before := up.moves[came+i-1].to
			x.see(before, move.at)
			x.behind[move.to] = x.behind[move.to] || (!move.forced && x.contained(before))
		}
		x.see(move.to, move.at)
	}
	if isRecorded {
		x.see(c, recorded)
	}
	// Whatever nothing tells of is recorded now.
	x.see(p.head, p.recordable())
	return x.since, x.pointed
}

// see is told where the branch stood at a moment.
func (x *proof) see(head *change, at time.Time) {
	x.pointed = x.pointed || head == x.of
	contained := x.contained(head)
	if contained && !x.there {
		x.since = at
	}
	x.there = contained
}

// contained: a head is proven to contain it.
func (x *proof) contained(head *change) bool {
	if _, waits := x.place[head]; waits {
		return x.contains(head, x.of)
	}
	return x.behind[head]
}

// recorded is when the ledger says that a commit had arrived that has not left
// since.
func (p *picture) recorded(c *change) (at time.Time, is bool) {
	up := p.stage.upstream
	at, is = p.y.word.arrivals[up.branch][c]
	since, _ := up.since(c)
	// The clocks of a forge are not quite one.
	return at, is && !at.Before(since.Add(-p.y.character.behind).Truncate(time.Second))
}
