package rollout

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// A healthyTime is when the upstream was healthy: all contexts that were
// expected at a time had last reported a success, of whatever revision.
type healthyTime struct {
	// at are the moments at which the answer changed, in order; from each on
	// it was is, and total is how long it had been true until then. Before
	// the first it was not known, so it does not count.
	at    []time.Time
	is    []bool
	total []time.Duration
	// broken is the context that failed last, if it still does.
	broken string
	clock  SoakClock
}

// A report is a status at its place in the order of revisions.
type report struct {
	Evidence
	context, order int
}

// failed is 1 of a report of a failure.
func (r report) failed() int {
	if r.State == EvidenceSuccess {
		return 0
	}
	return 1
}

// measure reads the evidence of the stage's head and of pending revisions,
// which are given newest first, with all that was ever reported of them.
func (x *examination) measure(clock SoakClock, revisions []Revision, s Snapshot) *healthyTime {
	h := &healthyTime{clock: clock}
	if clock == WallClock {
		return h
	}
	var all []report
	add := func(sha SHA, order int) {
		for _, e := range s.Evidence[sha] {
			// A status that says pending takes nothing back.
			if c := x.index(e.Context); c >= 0 && e.State != EvidencePending {
				all = append(all, report{e, c, order})
			}
		}
	}
	add(cmp.Or(s.Reported, s.Target.SHA), 0)
	for i, r := range revisions {
		add(r.SHA, len(revisions)-i)
	}
	// Of one revision and second the worse report is the one that counts.
	slices.SortStableFunc(all, func(a, b report) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.order, b.order), cmp.Compare(a.failed(), b.failed()))
	})
	h.read(x, all)
	return h
}

// read goes through the reports in the order of time. When a newer revision is
// reported of for the first time, the contexts that it shares with the one
// before it go on, and those that are in neither are gone.
func (h *healthyTime) read(x *examination, all []report) {
	inRevision := map[int]map[int]bool{}
	for _, r := range all {
		if inRevision[r.order] == nil {
			inRevision[r.order] = map[int]bool{}
		}
		inRevision[r.order][r.context] = true
	}
	state := map[int]bool{}
	for _, exact := range x.asked.Required {
		if exact.Contexts.Exact() {
			state[x.index(exact.Contexts.String())] = false
		}
	}
	failing := map[int]bool{}
	newest, before := -1, -1
	for _, r := range all {
		if r.order > newest {
			before, newest = newest, r.order
			for c := range state {
				if !inRevision[newest][c] && !inRevision[before][c] && !x.exact(c) {
					delete(state, c)
					delete(failing, c)
				}
			}
		}
		state[r.context] = r.State == EvidenceSuccess
		failing[r.context] = r.State != EvidenceSuccess
		healthy := true
		h.broken = ""
		for c, ok := range state {
			healthy = healthy && ok
			if failing[c] && (h.broken == "" || x.contexts[c] < h.broken) {
				h.broken = x.contexts[c]
			}
		}
		h.change(r.At, healthy)
	}
}

func (x *examination) exact(c int) bool {
	return slices.ContainsFunc(x.asked.Required, func(r Requirement) bool {
		return r.Contexts.Exact() && r.Contexts.Match(x.contexts[c])
	})
}

// change notes that from a moment on the upstream was healthy, or was not.
func (h *healthyTime) change(at time.Time, healthy bool) {
	n := len(h.at)
	if n > 0 && h.is[n-1] == healthy {
		return
	}
	var total time.Duration
	if n > 0 {
		total = h.total[n-1]
		if h.is[n-1] {
			total += at.Sub(h.at[n-1])
		}
	}
	h.at, h.is, h.total = append(h.at, at), append(h.is, healthy), append(h.total, total)
}

// healthy tells whether the upstream is, as far as is known last.
func (h *healthyTime) healthy() bool {
	return len(h.is) > 0 && h.is[len(h.is)-1]
}

// soaked is how much of the time since an arrival counts.
func (h *healthyTime) soaked(arrival, now time.Time) time.Duration {
	switch {
	case h.clock == WallClock:
		return now.Sub(arrival)
	case h.clock == RestartingClock && !h.healthy():
		return 0
	case h.clock == RestartingClock:
		return now.Sub(later(arrival, h.at[len(h.at)-1]))
	default:
		return h.until(now) - h.until(arrival)
	}
}

// until is how long the upstream had been healthy by a moment.
func (h *healthyTime) until(moment time.Time) time.Duration {
	i := sort.Search(len(h.at), func(i int) bool { return h.at[i].After(moment) }) - 1
	if i < 0 {
		return 0
	}
	if h.is[i] {
		return h.total[i] + moment.Sub(h.at[i])
	}
	return h.total[i]
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
