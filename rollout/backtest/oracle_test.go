package backtest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// What is promised of every outcome.
func TestOutcomesAddUp(t *testing.T) {
	r := run(t, generate(2000), backtest.Options{})
	if r.Reverted < 20 {
		t.Fatalf("only %d commits are reverted: too few to prove anything", r.Reverted)
	}
	for _, o := range r.Outcomes {
		if all := o.Lead.Count + o.NeverOut + o.Soaking; all != r.Revisions {
			t.Errorf("%s: %d revisions are out, never out or soaking, of %d", o.Policy, all, r.Revisions)
		}
		l := o.Lead
		if steps := []time.Duration{l.Shortest, l.LowerQuartile, l.Median, l.UpperQuartile, l.P95, l.Longest}; !slices.IsSorted(steps) {
			t.Errorf("%s: lead times are not in order: %v", o.Policy, steps)
		}
		if o.Policy != backtest.Tip && o.Unsoaked > 0 {
			t.Errorf("%s: %d revisions went out un-soaked", o.Policy, o.Unsoaked)
		}
	}
	if plan := r.Outcomes[0]; plan.KnownBad > 0 {
		t.Errorf("plan: %d known-bad commits went out", plan.KnownBad)
	}
	if age := r.Outcomes[4]; age.KnownBad == 0 || age.UnknownBad == 0 || age.Overrides == 0 {
		t.Errorf("age: nothing bad went out: %+v", age)
	}
}

// The policy is asked at few ticks. Asked at every tick, by the plainest means,
// it does the same.
func TestPlanAskedAtEveryTick(t *testing.T) {
	h := generate(400)
	o := run(t, h, backtest.Options{Policies: []backtest.Policy{backtest.Plan}}).Outcomes[0]
	promotions, leads := everyTick(h)
	if o.Promotions != promotions || o.Lead.Count != len(leads) {
		t.Errorf("%d promotions of %d, want %d of %d", o.Promotions, o.Lead.Count, promotions, len(leads))
	}
	slices.Sort(leads)
	if o.Lead.Shortest != leads[0] || o.Lead.Longest != leads[len(leads)-1] || o.Lead.Median != leads[(len(leads)-1)/2] {
		t.Errorf("lead times %+v, want %s, %s, %s", o.Lead, leads[0], leads[(len(leads)-1)/2], leads[len(leads)-1])
	}
}

// everyTick decides at every tick of a history without force-pushes.
func everyTick(h backtest.History) (promotions int, leads []time.Duration) {
	commits := map[rollout.SHA]rollout.Commit{}
	for _, c := range h.Commits {
		commits[c.SHA] = c
	}
	rows := slices.Clone(h.Movements)
	slices.Reverse(rows)
	out := rows[0].After
	arrival := map[rollout.SHA]time.Time{}
	for at := rows[0].At.Truncate(time.Hour).Add(43 * time.Minute); !at.After(h.Until); at = at.Add(time.Hour) {
		head := out
		for _, row := range rows[1:] {
			if row.At.After(at) {
				break
			}
			head = row.After
			arrival[head] = row.At
		}
		d := rollout.Decide(at, apps, rollout.Snapshot{
			At: at, PushLog: true, Repository: h.Repository, Movements: h.Movements,
			Upstream: rollout.Head{Branch: "main", SHA: head}, Target: rollout.Head{Branch: "release", SHA: out},
			Tree: commits[out].Tree, Pending: between(commits, out, head),
		})
		if d.Action != rollout.Promote {
			continue
		}
		promotions++
		for _, c := range d.GoesOut {
			if t, ok := arrival[c.SHA]; ok {
				leads = append(leads, at.Sub(t))
			}
		}
		out = d.Revision.SHA
	}
	return promotions, leads
}

// between lists what one commit reaches and another does not.
func between(commits map[rollout.SHA]rollout.Commit, have, want rollout.SHA) []rollout.Commit {
	left := reach(commits, have, nil)
	var found []rollout.Commit
	for s := range reach(commits, want, left) {
		found = append(found, commits[s])
	}
	return found
}

func reach(commits map[rollout.SHA]rollout.Commit, from rollout.SHA, but map[rollout.SHA]bool) map[rollout.SHA]bool {
	reached := map[rollout.SHA]bool{}
	todo := []rollout.SHA{from}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if !reached[next] && !but[next] {
			reached[next] = true
			todo = append(todo, commits[next].Parents...)
		}
	}
	return reached
}
