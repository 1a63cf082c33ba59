package simulate

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// auditState holds the ledger's tree against what operators did and what was
// seen to arrive. Before is when the ledger had gained its last entry before
// that, and slowest by how much the slowest clock was wrong since then.
func (y *year) auditState(before time.Time, slowest time.Duration) {
	text, err := y.ground.state()
	var s stateEntry
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		y.fail(invLedger, "the ledger's state cannot be read: %v", err)
		return
	}
	y.auditHolds(s)
	y.auditMarks(s)
	for _, stage := range y.stages {
		y.auditArrivals(stage, s, before, slowest)
	}
}

// auditHolds: what holds is what was put there and not lifted.
func (y *year) auditHolds(s stateEntry) {
	now := y.clock.now()
	// A clock that is behind still takes one for a hold.
	y.word.holds = slices.DeleteFunc(y.word.holds, func(h hold) bool { return h.over(now.Add(-2 * farthest)) })
	var found, want []hold
	for _, h := range y.word.holds {
		if !h.over(now) {
			want = append(want, h)
		}
	}
	for _, h := range s.Holds {
		if one := h.hold(); !one.over(now) {
			found = append(found, one)
		}
	}
	same := func(a, b hold) bool {
		return a.stage == b.stage && a.by == b.by && a.reason == b.reason && a.until.Equal(b.until)
	}
	if !slices.EqualFunc(want, found, same) {
		y.fail(invLedger, "the ledger has the holds %v; there should be %v", found, want)
	}
}

// auditMarks: what is marked is what was marked. Marks that nothing waits for
// any more may be dropped.
func (y *year) auditMarks(s stateEntry) {
	tainted, cleared := map[*change]bool{}, map[*change]map[*change]bool{}
	for _, m := range s.Taints {
		tainted[y.changes[m.Commit]] = true
	}
	for _, m := range s.Cleared {
		cleared[y.changes[m.Commit]] = y.set(m.Reverts)
	}
	for c := range y.word.taints {
		if !tainted[c] && y.last.own.has(c) {
			delete(y.word.taints, c)
		}
	}
	for c := range y.word.cleared {
		if cleared[c] == nil && y.last.own.has(c) {
			delete(y.word.cleared, c)
			delete(y.word.clearedAt, c)
		}
	}
	if !maps.Equal(tainted, y.word.taints) {
		y.fail(invLedger, "the ledger has the taints %v; there should be %d", s.Taints, len(y.word.taints))
	}
	if !maps.EqualFunc(cleared, y.word.cleared, maps.Equal) {
		y.fail(invLedger, "the ledger has cleared %v; there should be %d", s.Cleared, len(y.word.cleared))
	}
}

// auditArrivals: nothing arrived before it did, and what has been recorded
// stays so for as long as it waits. A clock that is behind is no excuse for more
// than it is wrong by, nor for going back behind the ledger.
func (y *year) auditArrivals(stage *stage, s stateEntry, before time.Time, slowest time.Duration) {
	up := stage.upstream
	found := map[*change]time.Time{}
	for _, a := range s.Arrivals[up.branch] {
		c := y.changes[a.Revision]
		if c == nil {
			y.fail(invLedger, "%s is recorded to have arrived on %s, and nobody made it", a.Revision, up.branch)
			return
		}
		found[c] = a.At
		if _, known := y.word.arrivals[up.branch][c]; known {
			continue
		}
		if since, has := up.since(c); has && a.At.Before(since.Add(slowest-y.character.behind).Truncate(time.Second)) {
			y.fail(invSoak, "%s is recorded to have arrived on %s at %s; it came at %s", c.sha.Short(), up.branch, a.At, since)
		}
		if a.At.Before(before) && !y.character.pushLog {
			y.fail(invSoak, "%s is recorded to have arrived on %s at %s, before the entry of %s", c.sha.Short(), up.branch, a.At, before)
		}
	}
	for c, at := range y.word.arrivals[up.branch] {
		since, has := up.since(c)
		if !has || since.After(at) || stage.own.has(c) {
			continue // it left, or went out
		}
		if now, still := found[c]; !still || !now.Equal(at) {
			y.fail(invStarved, "%s arrived on %s at %s, and now is recorded as %s (%t)", c.sha.Short(), up.branch, at, now, still)
		}
	}
	y.word.arrivals[up.branch] = found
}
