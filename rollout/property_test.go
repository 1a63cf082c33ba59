package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// trueArrival replays every push that really took place, and finds since when
// a branch has contained a commit without interruption. It is as naive as can
// be, and shares nothing with the code under test.
func trueArrival(w *world, pushes []rollout.Movement, commit rollout.SHA) (since time.Time, there bool) {
	for _, push := range pushes {
		contained := push.After != "" && w.reach(push.After)[commit]
		if contained && !there {
			since = push.At
		}
		there = contained
	}
	return since, there
}

// provenArrival is the same as far as a complete log proves it to somebody who
// has only what main contains now: what else it pointed at contains what an
// ordinary push put it on top of, and nobody knows what more.
func provenArrival(w *world, pushes []rollout.Movement, commit rollout.SHA) (since time.Time) {
	now, proven, there := w.reach(w.branches["main"]), map[rollout.SHA]bool{}, false
	for _, push := range pushes {
		after := push.After
		proven[after] = proven[after] || (now[after] && w.reach(after)[commit]) || (!push.Forced && proven[push.Before])
		if proven[after] && !there {
			since = push.At
		}
		there = proven[after]
	}
	return since
}

// A mover makes generated histories.
type mover struct {
	*world
	made int
	at   time.Time
}

func (m *mover) name() string {
	m.made++
	return fmt.Sprintf("c%d", m.made)
}

// wait lets up to two days go by.
func (m *mover) wait(t *rapid.T) {
	m.at = m.at.Add(time.Duration(rapid.IntRange(0, 48*60).Draw(t, "minutes")) * time.Minute)
}

// ahead makes a few commits on top of a commit: plain ones, and merges of a
// side branch that begins anywhere below it.
func (m *mover) ahead(t *rapid.T, on rollout.SHA) rollout.SHA {
	for range rapid.IntRange(1, 4).Draw(t, "commits") {
		if rapid.IntRange(0, 3).Draw(t, "merge") > 0 {
			on = m.commit(m.name(), on)
			continue
		}
		side := m.commit(m.name(), m.any(t, on))
		parents := []rollout.SHA{on, side}
		if rapid.Bool().Draw(t, "swapped") {
			slices.Reverse(parents)
		}
		on = m.commit(m.name(), parents...)
	}
	return on
}

// any is one of the commits that a commit contains.
func (m *mover) any(t *rapid.T, of rollout.SHA) rollout.SHA {
	var all []rollout.SHA
	for sha := range m.reach(of) {
		all = append(all, sha)
	}
	slices.Sort(all)
	return rapid.SampledFrom(all).Draw(t, "commit")
}

// history makes a main with pushes, of which some are forced, and a release
// that stands somewhere on it.
func history(t *rapid.T, forced int) *mover {
	m := &mover{world: newWorld(), at: epoch}
	m.move("main", m.commit(m.name()), m.at)
	for range rapid.IntRange(1, 25).Draw(t, "pushes") {
		m.wait(t)
		head := m.branches["main"]
		if rapid.IntRange(1, 100).Draw(t, "kind") > forced {
			m.move("main", m.ahead(t, head), m.at)
			continue
		}
		target := m.any(t, head)
		if rapid.Bool().Draw(t, "brought back") {
			target = rapid.SampledFrom(m.log["main"]).Draw(t, "row").After
		}
		if rapid.Bool().Draw(t, "and on") {
			target = m.ahead(t, target)
		}
		if target != head {
			m.move("main", target, m.at)
		}
	}
	m.branches["release"] = m.any(t, m.branches["main"])
	m.wait(t)
	return m
}

// sound checks what holds of every decision, whatever happened before it.
func sound(t *rapid.T, m *mover, s rollout.Snapshot, d rollout.Decision) {
	consistent(t, s, d)
	if d.Action == rollout.Diverged {
		t.Fatalf("release is on main, and yet: %s", d.Reason)
	}
	for _, v := range d.Verdicts {
		arrived, there := trueArrival(m.world, m.log["main"], v.Revision.SHA)
		if !there || v.Revision.Arrival.Before(arrived) {
			t.Errorf("%s arrived at %s (%t), and is said to have at %s", name(v.Revision.SHA), arrived, there, v.Revision.Arrival)
		}
	}
	if d.Action != rollout.Promote {
		return
	}
	to := d.Revision.SHA
	if !m.reach(to)[s.Target.SHA] || !m.reach(s.Upstream.SHA)[to] {
		t.Errorf("%s is not between %s and %s", name(to), name(s.Target.SHA), name(s.Upstream.SHA))
	}
	for _, c := range d.GoesOut {
		if arrived, there := trueArrival(m.world, m.log["main"], c.SHA); !there || arrived.Add(apps.Soak).After(s.At) {
			t.Errorf("%s goes out at %s, and arrived at %s (%t)", name(c.SHA), s.At, arrived, there)
		}
	}
	out := m.between(s.Target.SHA, to)
	if len(out) != len(d.GoesOut) {
		t.Errorf("%d commits are said to go out: %s; they are %s", len(d.GoesOut), names(d.GoesOut), names(out))
	}
}

// same checks that neither the order of what was observed nor a second look
// changes a decision, and that there is nothing to do once it is carried out.
func same(t *rapid.T, m *mover, s rollout.Snapshot, d rollout.Decision) {
	shuffled := s
	shuffled.Pending = slices.Clone(s.Pending)
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	random.Shuffle(len(shuffled.Pending), func(i, j int) {
		shuffled.Pending[i], shuffled.Pending[j] = shuffled.Pending[j], shuffled.Pending[i]
	})
	if diff := cmp.Diff(d, decide(shuffled)); diff != "" {
		t.Errorf("another order decides otherwise (-want +got):\n%s", diff)
	}
	if d.Action != rollout.Promote {
		return
	}
	after := s
	after.Target.SHA = d.Revision.SHA
	after.Pending = m.between(after.Target.SHA, after.Upstream.SHA)
	if again := decide(after); again.Action != rollout.Nothing && again.Action != rollout.Wait {
		t.Errorf("once it is carried out: %s\nbefore: %s", describe(again), describe(d))
	}
}

// Whatever was pushed and forced, a complete log never lets anything out
// before its time.
func TestNothingGoesOutBeforeItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := history(t, 30)
		s := m.snapshot(m.at)
		d := decide(s)
		sound(t, m, s, d)
		same(t, m, s, d)
	})
}

// And nothing soaks for longer than it has to: a force-push starts anew what it
// took away, and what nothing proves that it left there.
func TestAForcePushLeavesTheRestInPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := history(t, 50)
		for _, v := range decide(m.snapshot(m.at)).Verdicts {
			if proven := provenArrival(m.world, m.log["main"], v.Revision.SHA); v.Revision.Arrival.After(proven) {
				t.Errorf("%s has been on main since %s, as the log proves, and is said to have arrived at %s",
					name(v.Revision.SHA), hours(proven), hours(v.Revision.Arrival))
			}
		}
	})
}

// Nor does a log that has lost rows of ordinary pushes, with or without
// arrivals in the ledger.
func TestNothingGoesOutBeforeItsTimeWhereRowsAreMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := history(t, 20)
		s := m.snapshot(m.at)
		s.Movements = slices.DeleteFunc(s.Movements, func(row rollout.Movement) bool {
			return !row.Forced && rapid.IntRange(0, 2).Draw(t, "lost") == 0
		})
		s.State.Arrivals = map[string][]rollout.Arrival{"main": notes(t, m)}
		d := decide(s)
		sound(t, m, s, d)
		same(t, m, s, d)
	})
}

// notes are what somebody recorded who looked now and then.
func notes(t *rapid.T, m *mover) []rollout.Arrival {
	var all []rollout.Arrival
	for _, row := range m.log["main"] {
		if rapid.IntRange(0, 3).Draw(t, "looked") == 0 {
			all = append(all, rollout.Arrival{Revision: row.After, At: row.At})
		}
	}
	return all
}

// A busy branch never starves its stage: with a complete log and no
// force-push it is the newest revision whose soak is over that is promoted.
func TestNothingStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := history(t, 0)
		s := m.snapshot(m.at)
		d := decide(s)
		sound(t, m, s, d)
		released := m.reach(s.Target.SHA)
		var newest rollout.SHA
		var next time.Time
		for _, push := range m.log["main"] {
			// A revision that the stage has passed by on another line of a
			// merge cannot be promoted.
			if released[push.After] || !m.reach(push.After)[s.Target.SHA] {
				continue
			}
			ready := push.At.Add(apps.Soak)
			switch {
			case !ready.After(m.at):
				newest = push.After
			case next.IsZero():
				next = ready
			}
		}
		switch {
		case newest != "" && (d.Action != rollout.Promote || d.Revision.SHA != newest):
			t.Errorf("%s; want %s promoted", describe(d), name(newest))
		case newest == "" && !d.RetryAt.Equal(next):
			t.Errorf("%s; want to look again at %s", describe(d), next)
		}
		for _, v := range d.Verdicts {
			if arrived, _ := trueArrival(m.world, m.log["main"], v.Revision.SHA); !v.Revision.Arrival.Equal(arrived) {
				t.Errorf("%s arrived at %s, and is said to have at %s", name(v.Revision.SHA), arrived, v.Revision.Arrival)
			}
		}
	})
}

// A whole rollout over three stages, with and without a push log: every
// promotion leaves its branch at a revision that was on the branch before it
// for as long as its stage asks, and every one is in the ledger.
func TestRolloutsKeepTheirWord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRemote(t, "main", "release", "edge")
		r.pushLog = rapid.Bool().Draw(rt, "push log")
		m := &mover{world: r.world, at: epoch}
		e := r.engine(threeStages)
		promotions := 0
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			m.wait(rt)
			r.now = m.at
			if rapid.Bool().Draw(rt, "push") {
				m.move("main", m.ahead(rt, m.branches["main"]), m.at)
			}
			for _, stage := range threeStages.Downstream() {
				if rapid.IntRange(0, 3).Draw(rt, "skipped") == 0 {
					continue
				}
				promotions += keepsItsWord(rt, r, e, stage)
			}
		}
		recorded := 0
		for _, entry := range r.entries() {
			if entry.Kind == rollout.EntryPromotion {
				recorded++
			}
		}
		if recorded != promotions {
			rt.Errorf("%d promotions, and %d in the ledger", promotions, recorded)
		}
	})
}

// Where the clock of whoever looks is the only one, it may be wrong by another
// bit each time: a soak is short by as much as it went ahead between the look
// that recorded the arrival and the one that promoted, and no more. Nor is an
// arrival recorded as before the entry that was there.
func TestAClockThatJumps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRemote(t, "main", "release")
		r.pushLog = false
		m := &mover{world: r.world, at: epoch}
		e := r.engine(twoStages)
		recorded := map[rollout.SHA]time.Duration{}
		for range rapid.IntRange(1, 30).Draw(rt, "looks") {
			m.wait(rt)
			if rapid.Bool().Draw(rt, "push") {
				m.move("main", m.ahead(rt, m.branches["main"]), m.at)
			}
			wrong := time.Duration(rapid.IntRange(-72, 72).Draw(rt, "hours wrong")) * time.Hour
			r.now = m.at.Add(wrong)
			if _, seen := recorded[m.branches["main"]]; !seen {
				recorded[m.branches["main"]] = wrong
			}
			entries := r.entries()
			receipt, err := e.Promote(t.Context(), apps)
			if err != nil {
				rt.Fatal(err)
			}
			switch entry := receipt.Entry; {
			case entry == nil:
			case entry.Kind == rollout.EntryArrival:
				for _, a := range receipt.Snapshot.State.Arrivals["main"] {
					if n := len(entries); n > 0 && a.Revision == entry.To && a.At.Before(entries[n-1].At) {
						rt.Errorf("%s is recorded as of %s, before the entry of %s", name(a.Revision), hours(a.At), hours(entries[n-1].At))
					}
				}
			case entry.Kind == rollout.EntryPromotion:
				arrived, _ := trueArrival(m.world, m.log["main"], entry.To)
				if soaked, ahead := m.at.Sub(arrived), wrong-recorded[entry.To]; soaked < apps.Soak-ahead {
					rt.Errorf("%s went out after %s, and the clock had gone ahead by %s", name(entry.To), soaked, ahead)
				}
			}
		}
	})
}

func keepsItsWord(t *rapid.T, r *remote, e *rollout.Engine, stage rollout.Stage) (promoted int) {
	before := r.branches[stage.Branch]
	receipt, err := e.Promote(t.Context(), stage)
	if err != nil {
		t.Fatalf("promote %s: %v", stage.Name, err)
	}
	after := r.branches[stage.Branch]
	if before == after {
		return 0
	}
	upstream, _ := e.Plan.Upstream(stage.Name)
	arrived, there := trueArrival(r.world, r.log[upstream.Branch], after)
	if !there || arrived.Add(stage.Soak).After(r.now) {
		t.Errorf("%s was promoted into %s at %s, and arrived on %s at %s (%t)", name(after), stage.Name, hours(r.now), upstream.Branch, hours(arrived), there)
	}
	if receipt.Entry == nil || receipt.Entry.To != after || receipt.Commit != r.ledgerHead() {
		t.Errorf("receipt %+v of a promotion to %s", receipt.Entry, name(after))
	}
	return 1
}
