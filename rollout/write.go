package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// write gives the ledger one entry and a new state, and nothing else. Whoever
// else writes at the same time loses nothing: it is decided anew on what they
// wrote. The receipt's snapshot has the state afterwards.
func (e *Engine) write(ctx context.Context, decide func(State, Observation) (Entry, State, error)) (Receipt, error) {
	var err error
	for range writeAttempts {
		var r Receipt
		if r, err = e.tryWrite(ctx, decide); !errors.Is(err, ErrMoved) {
			return r, err
		}
	}
	return Receipt{}, &Problem{
		Kind: ErrMoved, What: fmt.Sprintf("gave up after %d attempts, in each of which somebody else wrote to %s first", writeAttempts, e.Plan.Ledger),
		Cause: err, Ways: []string{"run it again"},
	}
}

// writeAttempts is more than a decision gets: nobody may be kept from holding
// a stage by others who are busy.
const writeAttempts = 20

// readState observes the ledger alone.
func (e *Engine) readState(ctx context.Context) (State, Observation, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger})
	if err != nil {
		return State{}, o, fmt.Errorf("observe %s: %w", e.Plan.Ledger, err)
	}
	if o.Ledger == "" {
		return State{}, o, e.exist(Snapshot{Upstream: Head{SHA: "-"}, Target: Head{SHA: "-"}, Ledger: Head{e.Plan.Ledger, o.Ledger}})
	}
	state, err := e.state(ctx, o)
	return state, o, err
}

func (e *Engine) tryWrite(ctx context.Context, decide func(State, Observation) (Entry, State, error)) (Receipt, error) {
	state, o, err := e.readState(ctx)
	if err != nil {
		return Receipt{}, err
	}
	ledger := Head{e.Plan.Ledger, o.Ledger}
	entry, after, err := decide(state.lasting(o.At), o)
	if err != nil {
		return Receipt{}, err
	}
	draft, err := e.Ledger.Draft(entry, after)
	if err != nil {
		return Receipt{}, fmt.Errorf("write ledger entry: %w", err)
	}
	r := Receipt{Entry: &entry, Snapshot: Snapshot{At: o.At, Ledger: ledger, State: after.current(o.At)}}
	if r.Commit, err = e.commit(ctx, Transaction{Ledger: ledger, Draft: draft}); err != nil {
		return Receipt{}, fmt.Errorf("%s: %w", entry.Kind, err)
	}
	return r, nil
}

// current is the state without holds that have run out.
func (s State) current(now time.Time) State {
	s.Holds = slices.DeleteFunc(slices.Clone(s.Holds), func(h Hold) bool { return !h.Holds(h.Stage, now) })
	return s
}

// holdsKept is for how long the ledger keeps a hold that has run out. Now can be
// the clock of a machine that is some days ahead: it lets through what it must
// not, but it does not take the hold away for everybody who comes after it.
const holdsKept = 30 * 24 * time.Hour

// lasting is the state without holds that ran out so long ago that no clock is
// to blame.
func (s State) lasting(now time.Time) State {
	return s.current(now.Add(-holdsKept)).withoutOldSuspensions(now)
}

// restoration is what a stage goes back to from its head, if it does.
func (s State) restoration(stage string, head SHA) (Restoration, bool) {
	i := slices.IndexFunc(s.Restorations, func(r Restoration) bool { return r.Stage == stage && r.From == head })
	if i < 0 {
		return Restoration{}, false
	}
	return s.Restorations[i], true
}

// withoutRestorations is the state without those of a stage.
func (s State) withoutRestorations(stage string) State {
	s.Restorations = slices.DeleteFunc(slices.Clone(s.Restorations), func(r Restoration) bool { return r.Stage == stage })
	return s
}

// required checks a reason that has to be given.
func required(given string) (string, error) {
	if strings.TrimSpace(given) == "" {
		return "", &Problem{Kind: ErrUsage, What: "a reason is required, and none was given", Ways: []string{"say why: whoever is called at night will read it"}}
	}
	return optional(given)
}

// optional checks a reason that can be missing, and is what will be recorded.
func optional(given string) (string, error) {
	reason := strings.TrimSpace(given)
	switch {
	case reason == "":
		return NoReason, nil
	case !utf8.ValidString(reason):
		return "", usagef("the reason is not UTF-8, and could not be recorded as it was given")
	case len(reason) > longestReason:
		return "", usagef("the reason is %d bytes long, and at most %d are recorded", len(reason), longestReason)
	}
	return reason, nil
}
