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
	// stays says that it is a revision's failure, which lasts until the context
	// is good again, or an operator clears the revision.
	stays bool
}

// measure reads the evidence of the stage's head and of pending commits, which
// are given newest first, with all that was ever reported of them.
func (x *examination) measure(clock SoakClock, commits []Commit, s Snapshot) *healthyTime {
	h := &healthyTime{clock: clock}
	if clock == WallClock {
		return h
	}
	var all []report
	add := func(sha SHA, order int, revision bool) {
		// The newest comes first, also of one second.
		for _, e := range slices.Backward(s.Evidence[sha]) {
			// A status that says pending takes nothing back.
			if c := x.index(e.Context); c >= 0 && e.State != EvidencePending {
				stays := revision && e.State != EvidenceSuccess && !x.cleared[sha].forgives(e.At)
				all = append(all, report{e, c, order, stays})
			}
		}
	}
	add(x.last, 0, true)
	for i, c := range commits {
		add(c.SHA, len(commits)-i, x.revision[i])
	}
	slices.SortStableFunc(all, func(a, b report) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.order, b.order)) })
	h.read(x, all)
	return h
}

// read goes through the reports in the order of time.
func (h *healthyTime) read(x *examination, all []report) {
	now := newStream(x, all)
	for _, r := range all {
		now.take(r)
		h.change(r.At, now.healthy())
	}
	h.broken = now.broken()
}

// A stream is what each context that is expected said last, as time goes by.
type stream struct {
	x *examination
	// of are the contexts in which a revision was reported of, by its order.
	of map[int]map[int]bool
	// said is empty of a context that the plan names, before it says anything.
	said   map[int]report
	newest int
}

func newStream(x *examination, all []report) *stream {
	s := &stream{x: x, of: map[int]map[int]bool{}, said: map[int]report{}, newest: -1}
	for _, r := range all {
		if s.of[r.order] == nil {
			s.of[r.order] = map[int]bool{}
		}
		s.of[r.order][r.context] = true
	}
	for c := range x.contexts {
		if x.exact(c) {
			s.said[c] = report{}
		}
	}
	return s
}

// take goes on to the next report. When a newer revision is reported of for
// the first time, contexts that are neither in it nor in the one before it are
// gone, but for those that failed.
func (s *stream) take(r report) {
	if r.order > s.newest {
		for c, last := range s.said {
			if !s.of[r.order][c] && !s.of[s.newest][c] && !s.x.exact(c) && !last.stays {
				delete(s.said, c)
			}
		}
		s.newest = r.order
	}
	s.said[r.context] = r
}

func (s *stream) healthy() bool {
	for _, last := range s.said {
		if last.State != EvidenceSuccess {
			return false
		}
	}
	return true
}

// broken is the first context, by name, that said last that it failed.
func (s *stream) broken() string {
	for c, name := range s.x.contexts {
		if state := s.said[c].State; state != "" && state != EvidenceSuccess {
			return name
		}
	}
	return ""
}

// exact tells whether the plan names a context in full.
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

// changed is when it last became so, as far as is known.
func (h *healthyTime) changed() time.Time {
	if len(h.at) == 0 {
		return time.Time{}
	}
	return h.at[len(h.at)-1]
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
