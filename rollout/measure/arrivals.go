package measure

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// arrivals follow a branch from push to push, and keep since when it contains each
// commit without interruption, as the policy does.
type arrivals struct {
	*graph
	// left are the moves that are still to come, oldest first.
	left []rollout.Movement
	// head is what the branch points at, and tip the newest of the commits that it
	// is known to contain: another where the head is none of them.
	head, tip rollout.SHA
	// there tells what the branch contains, and since from when on: the zero time
	// where nothing tells.
	there []bool
	since []time.Time
}

func newArrivals(g *graph, moves []rollout.Movement) *arrivals {
	return &arrivals{graph: g, left: moves, there: make([]bool, len(g.commits)), since: make([]time.Time, len(g.commits))}
}

// until takes the moves up to and with a moment.
func (a *arrivals) until(t time.Time) {
	for len(a.left) > 0 && !a.left[0].At.After(t) {
		a.take(a.left[0])
		a.left = a.left[1:]
	}
}

// take follows one move. Where the one before it is missing, the branch had come to
// Before by then, and nothing tells when.
func (a *arrivals) take(m rollout.Movement) {
	if m.Before != "" && m.Before != a.head {
		a.move(m.Before, time.Time{})
	}
	_, known := a.index[m.After]
	if known || m.Forced || m.After == "" {
		a.move(m.After, m.At)
	}
	// An ordinary push to what is none of the commits keeps what is there.
	a.head = m.After
}

// move makes the branch contain what a commit reaches, and nothing else.
func (a *arrivals) move(to rollout.SHA, at time.Time) {
	for _, position := range a.without(a.tip, to) {
		a.there[position], a.since[position] = false, time.Time{}
	}
	a.reach(to, func(position int) bool {
		if a.there[position] {
			return false
		}
		a.there[position], a.since[position] = true, at
		return true
	})
	a.tip = to
}

// of is when a commit arrived, if that is known.
func (a *arrivals) of(position int) (time.Time, bool) {
	return a.since[position], a.there[position] && !a.since[position].IsZero()
}
