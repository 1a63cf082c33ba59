package memory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// A shelf is a forge with main and release at one commit, and a ledger.
type shelf struct {
	*memory.Forge
	t      *testing.T
	now    time.Time
	first  rollout.SHA
	ledger rollout.SHA
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, now: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}
	s.Forge = memory.New(memory.Options{Clock: func() time.Time { return s.now }, PushLog: true})
	s.first = s.add("first")
	check(t, s.Push("main", s.first))
	var err error
	s.ledger, err = s.Commit(t.Context(), rollout.Transaction{Branch: "release", To: s.first, Ledger: rollout.Head{Branch: "ledger"}, Draft: draft("begin")})
	check(t, err)
	return s
}

func (s *shelf) add(message string, parents ...rollout.SHA) rollout.SHA {
	s.t.Helper()
	sha, err := s.Add(rollout.Commit{Message: message, Author: "Ada", Parents: parents})
	check(s.t, err)
	return sha
}

func draft(text string) rollout.Draft {
	return rollout.Draft{Message: text, Files: map[string][]byte{"state.json": []byte(text)}}
}

// promotion moves release to a new commit of main.
func (s *shelf) promotion() rollout.Transaction {
	s.t.Helper()
	next := s.add("next", s.first)
	check(s.t, s.Push("main", next))
	return rollout.Transaction{
		Branch: "release", From: s.first, To: next,
		Ledger: rollout.Head{Branch: "ledger", SHA: s.ledger}, Draft: draft("promote"),
	}
}

// once gives the next transaction a fate.
func (s *shelf) once(fate memory.Fate) {
	s.Intercept(func(c memory.Call) memory.Fate {
		if c.Port != "Commit" {
			return memory.Served
		}
		s.Intercept(nil)
		return fate
	})
}

// try is what comes of a call; "killed" where its caller dies.
func try(do func() error) (outcome string) {
	defer func() {
		if dead, ok := recover().(memory.Killed); ok {
			outcome = "killed at " + dead.Port
		}
	}()
	err := do()
	for kind, name := range map[error]string{
		rollout.ErrMoved: "moved", rollout.ErrUncertain: "uncertain", rollout.ErrUnavailable: "unavailable", rollout.ErrRefused: "refused",
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	if err != nil {
		return err.Error()
	}
	return "done"
}

func TestFatesOfATransaction(t *testing.T) {
	for _, test := range []struct {
		fate    memory.Fate
		outcome string
		// at once, and once another transaction has come in
		moved, movedLater bool
	}{
		{memory.Served, "done", true, true},
		{memory.Unavailable, "unavailable", false, false},
		{memory.LostRequest, "uncertain", false, false},
		{memory.LostAnswer, "uncertain", true, true},
		{memory.Late, "uncertain", false, true},
		{memory.KilledBefore, "killed at Commit", false, false},
		{memory.KilledAfter, "killed at Commit", true, true},
		{memory.KilledLate, "killed at Commit", false, true},
	} {
		t.Run(test.fate.String(), func(t *testing.T) {
			s := newShelf(t)
			var effects []memory.Effect
			s.Watch(func(e memory.Effect) { effects = append(effects, e) })
			p := s.promotion()
			s.once(test.fate)
			if outcome := try(func() error { _, err := s.Commit(t.Context(), p); return err }); outcome != test.outcome {
				t.Errorf("ended as %q, want %q", outcome, test.outcome)
			}
			s.stands(p, test.moved, effects)
			// Whatever comes next brings along what is late, and loses against it.
			outcome := try(func() error { _, err := s.Commit(t.Context(), p); return err })
			if want := map[bool]string{true: "moved", false: "done"}[test.movedLater]; outcome != want {
				t.Errorf("the next one ended as %q, want %q", outcome, want)
			}
			s.stands(p, true, effects)
		})
	}
}

func (s *shelf) stands(p rollout.Transaction, moved bool, effects []memory.Effect) {
	s.t.Helper()
	want, ledgerMoved := p.From, s.Head("ledger") != s.ledger
	if moved {
		want = p.To
	}
	if s.Head("release") != want || ledgerMoved != moved {
		s.t.Errorf("release stands at %s, want %s; the ledger moved: %t", s.Head("release").Short(), want.Short(), ledgerMoved)
	}
	if moved != (len(effects) == 1) || (moved && effects[0].Made != s.Head("ledger")) {
		s.t.Errorf("effects: %v", effects)
	}
}

func TestFatesOfReading(t *testing.T) {
	ports := map[string]func(s *shelf) error{
		"Observe": func(s *shelf) error {
			_, err := s.Observe(s.t.Context(), rollout.Query{Branches: []string{"main"}, Ledger: "ledger"})
			return err
		},
		"Movements": func(s *shelf) error {
			_, err := s.Movements(s.t.Context(), "main", func(rollout.Movement) bool { return false })
			return err
		},
		"Log": func(s *shelf) error {
			_, err := s.Log(s.t.Context(), rollout.Head{Branch: "ledger", SHA: s.ledger}, 0)
			return err
		},
		"Between": func(s *shelf) error {
			_, err := s.Between(s.t.Context(), "", s.first)
			return err
		},
		"Evidence": func(s *shelf) error {
			_, err := s.Evidence(s.t.Context(), []rollout.SHA{s.first})
			return err
		},
		"EvidenceLog": func(s *shelf) error {
			_, err := s.EvidenceLog(s.t.Context(), []rollout.SHA{s.first})
			return err
		},
	}
	for port, call := range ports {
		for fate, want := range map[memory.Fate]string{
			memory.Served: "done", memory.Unavailable: "unavailable", memory.LostRequest: "unavailable",
			memory.LostAnswer: "unavailable", memory.Late: "unavailable",
			memory.KilledBefore: "killed at " + port, memory.KilledAfter: "killed at " + port, memory.KilledLate: "killed at " + port,
		} {
			s := newShelf(t)
			s.Intercept(func(c memory.Call) memory.Fate {
				if c.Port != port || c.Transaction != nil {
					t.Errorf("%s comes in as %s with %v", port, c.Port, c.Transaction)
				}
				return fate
			})
			if outcome := try(func() error { return call(s) }); outcome != want {
				t.Errorf("%s, %s: ended as %q, want %q", port, fate, outcome, want)
			}
		}
	}
}

// Somebody who is quicker acts when a call comes in, and the call loses.
func TestSomebodyIsQuicker(t *testing.T) {
	s := newShelf(t)
	p := s.promotion()
	s.Intercept(func(memory.Call) memory.Fate {
		s.Intercept(nil)
		_, err := s.Commit(t.Context(), p)
		check(t, err)
		return memory.Served
	})
	if outcome := try(func() error { _, err := s.Commit(t.Context(), p); return err }); outcome != "moved" {
		t.Errorf("ended as %q", outcome)
	}
}

func TestOnlyFastForwards(t *testing.T) {
	s := newShelf(t)
	p := s.promotion()
	p.To = s.add("elsewhere")
	if outcome := try(func() error { _, err := s.Commit(t.Context(), p); return err }); outcome != "refused" {
		t.Errorf("ended as %q", outcome)
	}
	s.stands(p, false, nil)
}

// Against an answer that walks everything, over histories that go apart and
// together in every way.
func TestBetweenIsRight(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := newShelf(t)
		commits := []rollout.SHA{s.first}
		parents := map[rollout.SHA][]rollout.SHA{}
		for i := range 3 + random.IntN(40) {
			var on []rollout.SHA
			for range 1 + random.IntN(3) {
				on = append(on, commits[max(0, len(commits)-1-random.IntN(8))])
			}
			slices.Sort(on)
			on = slices.Compact(on)
			made := s.add(fmt.Sprintf("commit %d", i), on...)
			commits, parents[made] = append(commits, made), on
		}
		for range 10 {
			have, want := commits[random.IntN(len(commits))], commits[random.IntN(len(commits))]
			found, err := s.Between(t.Context(), have, want)
			check(t, err)
			got := map[rollout.SHA]bool{}
			for _, c := range found {
				got[c.SHA] = true
			}
			expected, had := reach(parents, want), reach(parents, have)
			for sha := range had {
				delete(expected, sha)
			}
			if diff := cmp.Diff(expected, got); diff != "" || len(found) != len(got) {
				t.Fatalf("%d of %s without %s (-want +got):\n%s", len(found), want.Short(), have.Short(), diff)
			}
		}
	}
}

func reach(parents map[rollout.SHA][]rollout.SHA, from rollout.SHA) map[rollout.SHA]bool {
	reached := map[rollout.SHA]bool{}
	todo := []rollout.SHA{from}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if !reached[next] {
			reached[next] = true
			todo = append(todo, parents[next]...)
		}
	}
	return reached
}

// What lies behind two heads costs nothing: twenty thousand commits of history
// need no more memory than a thousand.
func TestBetweenIsBounded(t *testing.T) {
	costs := map[int]float64{}
	for _, length := range []int{1_000, 20_000} {
		s := newShelf(t)
		line := []rollout.SHA{s.first}
		for i := range length {
			line = append(line, s.add(fmt.Sprint(i), line[i]))
		}
		have, want := line[length-10], line[length]
		costs[length] = testing.AllocsPerRun(10, func() {
			if found, err := s.Between(context.Background(), have, want); err != nil || len(found) != 10 {
				t.Fatalf("%d commits, %v", len(found), err)
			}
		})
	}
	if costs[20_000] > costs[1_000] {
		t.Errorf("allocations by the history's length: %v", costs)
	}
}

func TestPushLogLosesARow(t *testing.T) {
	s := newShelf(t)
	next := s.add("next", s.first)
	check(t, s.Push("main", next))
	check(t, s.Push("main", next)) // moves nothing, so it is no row
	if row, ok := s.Last("main"); !ok || row.After != next {
		t.Errorf("the newest row is %v, %t", row, ok)
	}
	s.Lose("main")
	rows, err := s.Movements(t.Context(), "main", func(rollout.Movement) bool { return false })
	check(t, err)
	if diff := cmp.Diff([]rollout.Movement{{After: s.first, At: s.now}}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if s.Head("main") != next {
		t.Error("the branch moved with its row")
	}
}

func TestWhatNobodyHas(t *testing.T) {
	s := newShelf(t)
	const nobody = rollout.SHA("0123456789abcdef0123456789abcdef01234567")
	for what, err := range map[string]error{
		"a push":   s.Push("main", nobody),
		"a report": s.Report(nobody, rollout.Evidence{}),
		"a child": func() error {
			_, err := s.Add(rollout.Commit{Parents: []rollout.SHA{nobody}})
			return err
		}(),
		"half a commit": func() error {
			_, err := s.Store([]byte("tree x"))
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

func TestEvidence(t *testing.T) {
	s := newShelf(t)
	other := s.add("other", s.first)
	report := func(context string, state rollout.EvidenceState) rollout.Evidence {
		s.now = s.now.Add(time.Minute)
		e := rollout.Evidence{Context: context, State: state, Description: "said so"}
		check(t, s.Report(s.first, e))
		e.At = s.now
		return e
	}
	failed, passed, core := report("apps", rollout.EvidenceFailure), report("apps", rollout.EvidenceSuccess), report("core", rollout.EvidenceSuccess)
	both := []rollout.SHA{s.first, other}
	newest, err := s.Evidence(t.Context(), both)
	check(t, err)
	if diff := cmp.Diff(map[rollout.SHA][]rollout.Evidence{s.first: {core, passed}}, newest); diff != "" {
		t.Errorf("newest (-want +got):\n%s", diff)
	}
	all, err := s.EvidenceLog(t.Context(), both)
	check(t, err)
	if diff := cmp.Diff(map[rollout.SHA][]rollout.Evidence{s.first: {core, passed, failed}}, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}
