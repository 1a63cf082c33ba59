package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// settings is a forge on which both settings are as they should be, or can be
// made so, or cannot.
type settings struct {
	apply   func(context.Context) error
	instead string
	asked   rollout.Protection
}

func (s *settings) change(what string) rollout.Change {
	c := rollout.Change{What: what, Found: "as it should be", Instead: s.instead}
	if s.apply != nil {
		c.Found, c.Intent, c.Apply = "missing", "create it", s.apply
	}
	return c
}

func (s *settings) Environment(_ context.Context, e rollout.Environment) (rollout.Change, error) {
	return s.change(fmt.Sprintf("environment %s, %s", e.Name, rollout.FormatDuration(e.Wait))), nil
}

func (s *settings) Protection(_ context.Context, p rollout.Protection) (rollout.Change, error) {
	s.asked = p
	return s.change("ruleset " + p.Name), nil
}

// bare is a remote with nothing but main.
func bare(t *testing.T) *remote {
	r := newRemote(t, "main")
	r.ledger, r.files = nil, nil
	return r
}

func setUp(t *testing.T, e *rollout.Engine, s rollout.Settings) ([]string, error) {
	t.Helper()
	changes, err := e.Survey(t.Context(), s, rollout.InitRequest{})
	if err != nil {
		return nil, err
	}
	var steps []string
	err = rollout.Apply(t.Context(), changes, func(s rollout.Step) { steps = append(steps, s.What+" | "+s.Found+" | "+s.Done) })
	return steps, err
}

func TestInit(t *testing.T) {
	r := bare(t)
	e := r.engine(threeStages)
	made := 0
	s := &settings{apply: func(context.Context) error { made++; return nil }}
	got, err := setUp(t, e, s)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ledger rollout/ledger | missing | done: create it",
		"branch release | missing | done: create it at 4100000, the head of main",
		"branch edge | missing | done: create it at 4100000, the head of release",
		"environment staged-rollout, 24h | missing | done: create it",
		"ruleset staged rollout | missing | done: create it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"rollout/ledger", "release", "edge"}, s.asked.Branches); diff != "" || made != 2 {
		t.Errorf("%d settings made; protected (-want +got):\n%s", made, diff)
	}
	r.recorded(t,
		rollout.Entry{Kind: rollout.EntryInit, Stage: "apps", Branch: "release", To: sha("A"), At: epoch, By: "viewer", Reason: "release begins at 4100000"},
		rollout.Entry{Kind: rollout.EntryInit, Stage: "edge", Branch: "edge", To: sha("A"), At: epoch, By: "viewer", Reason: "edge begins at 4100000"},
	)
	for _, branch := range []string{"release", "edge"} {
		if r.branches[branch] != sha("A") {
			t.Errorf("%s stands at %s", branch, name(r.branches[branch]))
		}
	}

	writes := r.writes
	got, err = setUp(t, e, &settings{})
	if err != nil || r.writes != writes {
		t.Fatalf("again: %v, %d writes", err, r.writes-writes)
	}
	for _, step := range got {
		if !strings.HasSuffix(step, " | nothing to do") {
			t.Errorf("again: %s", step)
		}
	}
	if receipt, err := e.Promote(t.Context(), apps); err != nil || receipt.Decision.Action != rollout.Nothing {
		t.Errorf("a promotion after it: %s, %v", receipt.Decision.Action, err)
	}
}

// A branch that was deleted is put back where the ledger last saw it, whatever
// its stage was called then and whatever else the ledger says of the branch.
func TestInitPutsBack(t *testing.T) {
	renamed := twoStages
	renamed.Stages = slices.Clone(twoStages.Stages)
	renamed.Stages[1].Name = "workloads"
	cases := []struct {
		name  string
		plan  rollout.Plan
		since rollout.Entry
		want  string
	}{
		{"as it was", twoStages, rollout.Entry{}, "B"},
		{"after the stage was renamed", renamed, rollout.Entry{}, "B"},
		{"after an override", renamed, rollout.Entry{Kind: rollout.EntryOverride, Stage: "apps", Branch: "release", From: sha("B"), To: sha("C")}, "C"},
		{"after it was put back before", renamed, rollout.Entry{Kind: rollout.EntryInit, Stage: "apps", Branch: "release", To: sha("C")}, "C"},
		{"after an arrival on it", twoStages, rollout.Entry{Kind: rollout.EntryArrival, Stage: "edge", Branch: "release", To: sha("C")}, "B"},
		{"after a departure from it", renamed, rollout.Entry{Kind: rollout.EntryDeparture, Stage: "edge", Branch: "release", To: sha("C")}, "B"},
		{"after another branch moved", twoStages, rollout.Entry{Kind: rollout.EntryPromotion, Stage: "apps", Branch: "production", From: sha("A"), To: sha("C")}, "B"},
		{"after a hold", renamed, rollout.Entry{Kind: rollout.EntryHold, Stage: "apps"}, "B"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRemote(t, "main", "release")
			r.push("main", 0, "B")
			r.now = hour(24)
			if _, err := r.engine(twoStages).Promote(t.Context(), apps); err != nil || r.branches["release"] != sha("B") {
				t.Fatalf("release stands at %s: %v", name(r.branches["release"]), err)
			}
			r.push("main", 24, "C")
			r.push("main", 24, "D")
			if c.since.Kind != "" {
				r.write(t, c.since)
			}
			delete(r.branches, "release")
			steps, err := setUp(t, r.engine(c.plan), &settings{})
			if err != nil {
				t.Fatal(err)
			}
			want := "branch release | missing, and was there before | done: put it back at " + sha(c.want).Short() + ", where the ledger last saw it"
			if steps[1] != want || r.branches["release"] != sha(c.want) {
				t.Errorf("release stands at %s: %s", name(r.branches["release"]), steps[1])
			}
		})
	}
}

// write adds an entry to the ledger, and changes nothing else.
func (r *remote) write(t *testing.T, e rollout.Entry) {
	t.Helper()
	s, err := ledger.Ledger{}.State(r.files)
	if err != nil {
		t.Fatal(err)
	}
	e.At = r.now
	draft, err := ledger.Ledger{}.Draft(e, s)
	if err != nil {
		t.Fatal(err)
	}
	r.append(draft)
}

func TestInitOutlined(t *testing.T) {
	r := bare(t)
	s := &settings{apply: func(context.Context) error { t.Error("applied"); return nil }}
	changes, err := r.engine(twoStages).Survey(t.Context(), s, rollout.InitRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	rollout.Outline(changes, func(s rollout.Step) { done = append(done, s.Done) })
	want := []string{"would: create it", "would: create it at 4100000, the head of main", "would: create it", "would: create it"}
	if diff := cmp.Diff(want, done); diff != "" || r.writes != 0 {
		t.Errorf("%d writes, steps (-want +got):\n%s", r.writes, diff)
	}
}

func TestInitManyTimesAtOnce(t *testing.T) {
	r := bare(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := setUp(t, r.engine(threeStages), &settings{}); err != nil {
				t.Errorf("init %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if r.writes != 3 {
		t.Errorf("%d writes, want one for the ledger and one for each branch", r.writes)
	}
}

func TestInitWithLostAnswers(t *testing.T) {
	for i := range 3 {
		for _, what := range []fault{lostAnswer, lostRequest, late} {
			r := bare(t)
			r.faults = make([]fault, i+1)
			r.faults[i] = what
			if _, err := setUp(t, r.engine(threeStages), &settings{}); err != nil || r.writes != 3 {
				t.Errorf("transaction %d, fault %d: %v, %d writes", i, what, err, r.writes)
			}
		}
	}
}

func TestInitRefuses(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(r *remote)
		kind  error
		says  string
	}{
		{"without main", func(r *remote) { delete(r.branches, "main") }, rollout.ErrNoBranch, "has no branch main, or nothing has been pushed to it yet"},
		{"with a release that main has not", func(r *remote) { r.branches["release"] = r.commit("X", sha("A")) }, rollout.ErrDiverged, "5800000 Change X (Ada)"},
		{"with a ledger that cannot be read", func(r *remote) { r.append(rollout.Draft{}) }, rollout.ErrLedger, "state.json cannot be relied on"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := bare(t)
			c.spoil(r)
			_, err := setUp(t, r.engine(twoStages), &settings{})
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || r.writes != 0 {
				t.Errorf("%v, %d writes", err, r.writes)
			}
		})
	}
}

// What the account or the token does not allow is said and is no failure;
// anything else is.
func TestInitWithoutPermission(t *testing.T) {
	denied := &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "the token has no `administration` permission"}
	s := &settings{apply: func(context.Context) error { return denied }, instead: "the schedule promotes"}
	steps, err := setUp(t, bare(t).engine(twoStages), s)
	if err != nil || len(steps) != 4 || !strings.HasSuffix(steps[3], "not possible (the token has no `administration` permission); instead: the schedule promotes") {
		t.Errorf("%q, %v", steps, err)
	}

	steps, err = setUp(t, bare(t).engine(twoStages), &settings{instead: "the schedule promotes"})
	if err != nil || !strings.HasSuffix(steps[3], "not possible; instead: the schedule promotes") {
		t.Errorf("where it cannot be had at all: %q, %v", steps, err)
	}

	s.apply = func(context.Context) error {
		return &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the forge is down"}
	}
	steps, err = setUp(t, bare(t).engine(twoStages), s)
	if !errors.Is(err, rollout.ErrUnavailable) || len(steps) != 2 {
		t.Errorf("where the forge is down: %q, %v", steps, err)
	}

	r := bare(t)
	r.faults = []fault{refused}
	if steps, err = setUp(t, r.engine(twoStages), &settings{}); !errors.Is(err, rollout.ErrRefused) || len(steps) != 0 {
		t.Errorf("where the ledger is refused: %q, %v", steps, err)
	}
}
