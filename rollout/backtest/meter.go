package backtest

import "time"

// A meter measures what a policy does.
type meter struct {
	*replay
	Outcome
	leads []time.Duration
	// waited is the tick up to which blocked days were counted.
	waited time.Time
}

// promote measures a promotion to a revision.
func (m *meter) promote(t tick, to int) {
	if to == t.out {
		return
	}
	m.Promotions++
	for i := t.out + 1; i <= to; i++ {
		m.leads = append(m.leads, t.at.Sub(m.revisions[i].arrival))
	}
	m.Unsoaked += m.unsoaked(t, to)
	for _, s := range m.suspected(t.out, to) {
		switch {
		case s.bad(to):
			// Its revert goes out with it.
		case s.bad(t.head):
			m.KnownBad++
		case s.turns[len(s.turns)-1] > t.head:
			m.UnknownBad++
		}
	}
}

// unsoaked is how many revisions of a promotion are younger than the soak,
// unless their tree has soaked or is the stage's already.
func (m *meter) unsoaked(t tick, to int) int {
	tree := m.revisions[to].tree
	known := tree != "" && tree == m.revisions[t.out].tree
	i := t.out + 1
	for ; i <= to && !m.soaked(i).After(t.at); i++ {
		known = known || (tree != "" && tree == m.revisions[i].tree)
	}
	if known {
		return 0
	}
	return to - i + 1
}

// urgent counts the revisions that arrived since the last tick, revert what was
// out by then, and are not out yet. A revert of a revert repairs nothing.
func (m *meter) urgent(before int, t tick, to int) {
	for i := max(before, to) + 1; i <= t.head; i++ {
		for _, s := range m.reverted[i] {
			if s.revision <= t.out && !s.reverts {
				m.Overrides++
				break
			}
		}
	}
}

// wait counts the blocked days up to a tick, over which nothing changes.
func (m *meter) wait(out, head int, to time.Time) {
	from := m.waited
	m.waited = to
	if out == head {
		return
	}
	if due := tickFrom(m.soaked(out + 1)); due.After(from) {
		from = due
	}
	for day := lastTick(from); day.Before(to); day = day.AddDate(0, 0, 1) {
		m.BlockedDays++
	}
}

// lastTick is the last tick of the day in UTC to which a tick belongs.
func lastTick(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 23, int(tickMinute/time.Minute), 0, 0, time.UTC)
}

// outcome is what was measured, when a revision is the last that went out.
func (m *meter) outcome(out int) Outcome {
	last := tickFrom(m.history.Until.Add(1)).Add(-time.Hour)
	for i := out + 1; i < len(m.revisions); i++ {
		if m.soaked(i).After(last) {
			m.Soaking++
		} else {
			m.NeverOut++
		}
	}
	m.Lead = newLead(m.leads)
	return m.Outcome
}
