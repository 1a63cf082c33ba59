package rollout_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A told is one report, and the place of its commit in the order of all.
type told struct {
	rollout.Evidence
	order int
	// stays: a failure of what main or release has pointed at, and that nobody
	// has cleared.
	stays bool
}

// listen puts all reports in the order of time; of one moment, in that of the
// commits.
func (o *oracle) listen() {
	line := append(slices.Clone(o.pending), cmp.Or(o.s.Reported, o.s.Target.SHA))
	slices.Reverse(line)
	for order, c := range line {
		for _, e := range slices.Backward(o.s.Evidence[c]) {
			if o.matters(e.Context) && e.State != rollout.EvidencePending {
				forgiven := slices.ContainsFunc(o.state.Cleared, func(m rollout.Mark) bool { return m.Commit == c && !e.At.After(m.At) })
				pointed := order == 0 || slices.Contains(o.revisions, c)
				o.told = append(o.told, told{e, order, e.State != rollout.EvidenceSuccess && pointed && !forgiven})
			}
		}
	}
	slices.SortStableFunc(o.told, func(a, b told) int { return a.At.Compare(b.At) })
	for n := range len(o.told) + 1 {
		o.wells = append(o.wells, o.well(n))
	}
}

// well tells whether, after the first n reports, the newest of each context is
// good. A context that did not fail last is gone when a newer revision is first
// reported of, and neither that nor the one reported of before it has the
// context.
func (o *oracle) well(n int) bool {
	for _, required := range o.stage.Health.Required {
		for _, context := range o.asked(required.Contexts.String(), append(slices.Clone(o.pending), cmp.Or(o.s.Reported, o.s.Target.SHA))) {
			last := -1
			for i, e := range o.told[:n] {
				if e.Context == context {
					last = i
				}
			}
			named := context == required.Contexts.String()
			if last >= 0 && !named && !o.told[last].stays && o.gone(context, last, n) {
				continue
			}
			if last >= 0 && o.told[last].State != rollout.EvidenceSuccess || last < 0 && named {
				return false
			}
		}
	}
	return n > 0
}

func (o *oracle) gone(context string, last, n int) bool {
	for i := last + 1; i < n; i++ {
		before := -1
		for _, e := range o.told[:i] {
			before = max(before, e.order)
		}
		has := func(e told) bool { return e.Context == context && (e.order == before || e.order == o.told[i].order) }
		if o.told[i].order > before && !slices.ContainsFunc(o.told, has) {
			return true
		}
	}
	return false
}

// soaked is how much of the time between an arrival and a moment counts.
func (o *oracle) soaked(arrival, t time.Time) time.Duration {
	if o.stage.SoakClock == rollout.WallClock {
		return t.Sub(arrival)
	}
	var total time.Duration
	for n := range len(o.told) + 1 {
		from, to := arrival, t
		if n > 0 && o.told[n-1].At.After(from) {
			from = o.told[n-1].At
		}
		if n < len(o.told) && o.told[n].At.Before(to) {
			to = o.told[n].At
		}
		switch {
		case o.wells[n] && to.After(from):
			total += to.Sub(from)
		case !o.wells[n] && o.stage.SoakClock == rollout.RestartingClock:
			total = 0
		}
	}
	return total
}

// soak is how long a commit has to soak.
func (o *oracle) soak(r rollout.SHA) time.Duration {
	longest := o.stage.Soak
	for _, c := range o.has(r) {
		longest = max(longest, o.meant[c].soak)
	}
	return longest
}

// over tells whether a revision's soak is.
func (o *oracle) over(r rollout.SHA, t time.Time) bool {
	return o.soaked(o.arrived[r], t) >= o.soak(r)
}
