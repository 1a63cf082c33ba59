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

// A HoldRequest asks that a stage takes nothing new.
type HoldRequest struct {
	// Stage is the name of a stage that something is promoted into. Default
	// is all of them.
	Stage string
	// Reason is required, and recorded.
	Reason string
	// Until is when the hold runs out by itself, and For in how long it does,
	// counted from when the forge says that it is written. At most one of them
	// is given. Default is never.
	Until time.Time
	For   time.Duration
}

// end is when the hold runs out by itself.
func (r HoldRequest) end(now time.Time) (time.Time, error) {
	switch {
	case r.For < 0 || (r.For > 0 && !r.Until.IsZero()):
		return time.Time{}, usagef("a hold runs out at a time, or after a while from now: one of them, and not in the past")
	case r.For > 0:
		return roundUp(now.Add(r.For)), nil
	case r.Until.IsZero():
		return time.Time{}, nil
	}
	until := r.Until.UTC().Truncate(time.Second)
	if !until.After(now) {
		return until, usagef("a hold until %s would be over already: it is %s", FormatTime(until), FormatTime(now))
	}
	return until, nil
}

// A ResumeRequest asks that holds are lifted.
type ResumeRequest struct {
	// Stage limits it to the holds of one stage. Default is every hold; one
	// of all stages is not lifted for a single stage.
	Stage string
	// By is whose holds are lifted. Default is the caller's own.
	By string
	// All lifts everybody's.
	All bool
	// Reason is recorded. Default is [NoReason].
	Reason string
}

// A MarkRequest speaks of one commit.
type MarkRequest struct {
	// Commit is pending somewhere, or named in full.
	Commit Prefix
	// Reason is required, and recorded.
	Reason string
}

// Hold makes a stage take nothing new, until [Engine.Resume] or until it runs
// out. Several holds stand beside each other.
func (e *Engine) Hold(ctx context.Context, request HoldRequest) (Receipt, error) {
	reason, err := required(request.Reason)
	if err == nil {
		err = e.downstream(request.Stage)
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		until, err := request.end(o.At)
		if err != nil {
			return Entry{}, s, err
		}
		entry := e.sign(Entry{Kind: EntryHold, Stage: request.Stage, Reason: reason, Until: until}, o)
		s.Holds = append(slices.Clone(s.Holds), Hold{Stage: entry.Stage, By: entry.By, Reason: reason, At: entry.At, Until: until})
		return entry, s, nil
	})
}

// Resume lifts holds. The stage moves when the last one is lifted or has run
// out. Where there is nothing to lift it is refused, with whoever else holds.
func (e *Engine) Resume(ctx context.Context, request ResumeRequest) (Receipt, error) {
	reason, err := optional(request.Reason)
	if err == nil {
		err = e.downstream(request.Stage)
	}
	if err == nil && request.All && request.By != "" {
		err = usagef("lift everybody's holds, or those of %s: not both", Printable(request.By, 60))
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		entry := e.sign(Entry{Kind: EntryResume, Stage: request.Stage, Reason: reason}, o)
		whose := request.By
		if whose == "" {
			whose = entry.By
		}
		var left []Hold
		for _, h := range s.Holds {
			if (request.All || h.By == whose) && (request.Stage == "" || h.Stage == request.Stage) {
				entry.Holds = append(entry.Holds, h)
			} else {
				left = append(left, h)
			}
		}
		if len(entry.Holds) == 0 {
			return entry, s, nothingToLift(s, request, whose, o.At)
		}
		s.Holds = left
		return entry, s, nil
	})
}

func nothingToLift(s State, request ResumeRequest, whose string, now time.Time) error {
	p := &Problem{Kind: ErrRefused, What: "there is no hold to lift"}
	var others []string
	for _, h := range s.Holds {
		if h.Until.IsZero() || now.Before(h.Until) {
			others = append(others, describeHold(h))
		}
	}
	if len(others) == 0 {
		return p
	}
	p.What = fmt.Sprintf("%s has no such hold; %s", Printable(whose, 60), strings.Join(others, "; "))
	if request.Stage != "" {
		p.What = fmt.Sprintf("%s has no hold of %s alone; %s", Printable(whose, 60), request.Stage, strings.Join(others, "; "))
		p.Ways = append(p.Ways, "a hold of all stages is lifted for all of them: leave the stage out")
	}
	p.Ways = append(p.Ways, "ask them; or lift somebody else's: mage release:resume -by=<name>, or everybody's: -all")
	return p
}

// Taint says that a commit is bad: nothing that contains it is promoted,
// unless it also contains its revert.
func (e *Engine) Taint(ctx context.Context, request MarkRequest) (Receipt, error) {
	return e.mark(ctx, request, EntryTaint, func(s State, mark Mark) (State, error) {
		if slices.ContainsFunc(s.Taints, func(m Mark) bool { return m.Commit == mark.Commit }) {
			return s, &Problem{Kind: ErrRefused, What: mark.Commit.Short() + " is tainted already"}
		}
		if err := e.refuseOut(ctx, mark.Commit); err != nil {
			return s, err
		}
		s.Cleared = without(s.Cleared, mark.Commit)
		s.Taints = append(slices.Clone(s.Taints), mark)
		return s, nil
	})
}

// refuseOut refuses a taint that would keep nothing in, so that nobody relies
// on it. What is not known to be out is perhaps not merged yet.
func (e *Engine) refuseOut(ctx context.Context, commit SHA) error {
	last := e.Plan.Stages[len(e.Plan.Stages)-1]
	o, err := e.Remote.Observe(ctx, Query{Branches: []string{last.Branch}, Ledger: e.Plan.Ledger})
	if err != nil {
		return fmt.Errorf("observe %s: %w", last.Name, err)
	}
	missing, err := e.History.Between(ctx, o.Heads[last.Branch], commit)
	if err != nil || len(missing) > 0 {
		return nil
	}
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is on every stage already, so a taint would keep it from none", commit.Short()),
		Ways: []string{fmt.Sprintf("revert it on %s, and override to the revert", e.Plan.Stages[0].Branch)},
	}
}

// Clear takes a taint back, or says of a commit that was reverted that it is
// not bad.
func (e *Engine) Clear(ctx context.Context, request MarkRequest) (Receipt, error) {
	return e.mark(ctx, request, EntryClear, func(s State, mark Mark) (State, error) {
		if slices.ContainsFunc(s.Cleared, func(m Mark) bool { return m.Commit == mark.Commit }) {
			return s, &Problem{Kind: ErrRefused, What: mark.Commit.Short() + " is cleared already"}
		}
		tainted := slices.ContainsFunc(s.Taints, func(m Mark) bool { return m.Commit == mark.Commit })
		s.Taints = without(s.Taints, mark.Commit)
		reverted, err := e.reverted(ctx, mark.Commit)
		switch {
		case err != nil:
			return s, err
		case reverted:
			// Kept only where something would taint it again at once: a later
			// revert shall count.
			s.Cleared = append(slices.Clone(s.Cleared), mark)
		case !tainted:
			return s, &Problem{Kind: ErrRefused, What: mark.Commit.Short() + " is neither tainted nor reverted, so there is nothing to clear"}
		}
		return s, nil
	})
}

func without(marks []Mark, commit SHA) []Mark {
	return slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Commit == commit })
}

// mark writes an operator's word on a commit.
func (e *Engine) mark(ctx context.Context, request MarkRequest, kind EntryKind, change func(State, Mark) (State, error)) (Receipt, error) {
	reason, err := required(request.Reason)
	if err != nil {
		return Receipt{}, err
	}
	commit, err := e.resolve(ctx, request.Commit)
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		entry := e.sign(Entry{Kind: kind, Commit: commit, Reason: reason}, o)
		s, err := change(s, Mark{Commit: commit, By: entry.By, Reason: reason, At: entry.At})
		return entry, s, err
	})
}

// resolve finds the commit that is meant. One that is named in full need not
// be pending: it can be tainted before anybody merges it.
func (e *Engine) resolve(ctx context.Context, wanted Prefix) (SHA, error) {
	found := map[SHA]bool{}
	for _, stage := range e.Plan.Downstream() {
		s, err := e.Observe(ctx, stage)
		if err != nil {
			return "", err
		}
		for _, c := range s.Pending {
			if wanted.Of(c.SHA) {
				found[c.SHA] = true
			}
		}
	}
	switch {
	case len(found) == 1:
		for sha := range found {
			return sha, nil
		}
	case len(found) > 1:
		return "", usagef("%s is the beginning of %d pending commits; give more digits", wanted, len(found))
	case len(wanted) == shaLength:
		return SHA(wanted), nil
	}
	return "", &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is no commit that waits for any stage", wanted),
		Ways: []string{
			"if every stage has it already, revert it, and override to the revert",
			"to taint what is not merged yet, give all 40 digits",
		},
	}
}

// reverted tells whether some stage takes a commit for bad because a later one
// reverts it.
func (e *Engine) reverted(ctx context.Context, commit SHA) (bool, error) {
	for _, stage := range e.Plan.Downstream() {
		s, err := e.Observe(ctx, stage)
		if err != nil {
			return false, err
		}
		s.State.Taints, s.State.Cleared = nil, nil
		for _, t := range Decide(s.At, stage, s).Taints {
			if t.Commit.SHA == commit {
				return true, nil
			}
		}
	}
	return false, nil
}

// downstream checks the name of a stage that holds can be put on.
func (e *Engine) downstream(name string) error {
	if name == "" {
		return nil
	}
	if _, err := e.Plan.Stage(name); err != nil {
		return err
	}
	if _, ok := e.Plan.Upstream(name); !ok {
		return usagef("stage %s is the first: it takes every change at once, and cannot be held", name)
	}
	return nil
}

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

func (e *Engine) tryWrite(ctx context.Context, decide func(State, Observation) (Entry, State, error)) (Receipt, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger})
	if err != nil {
		return Receipt{}, fmt.Errorf("observe %s: %w", e.Plan.Ledger, err)
	}
	ledger := Head{e.Plan.Ledger, o.Ledger}
	if o.Ledger == "" {
		return Receipt{}, e.exist(Snapshot{Upstream: Head{SHA: "-"}, Target: Head{SHA: "-"}, Ledger: ledger})
	}
	state, err := e.state(ctx, o)
	if err != nil {
		return Receipt{}, err
	}
	entry, after, err := decide(state.current(o.At), o)
	if err != nil {
		return Receipt{}, err
	}
	draft, err := e.Ledger.Draft(entry, after)
	if err != nil {
		return Receipt{}, fmt.Errorf("write ledger entry: %w", err)
	}
	r := Receipt{Entry: &entry, Snapshot: Snapshot{At: o.At, Ledger: ledger, State: after}}
	if r.Commit, err = e.commit(ctx, Transaction{Ledger: ledger, Draft: draft}); err != nil {
		return Receipt{}, fmt.Errorf("%s: %w", entry.Kind, err)
	}
	return r, nil
}

// current is the state without holds that have run out.
func (s State) current(now time.Time) State {
	s.Holds = slices.DeleteFunc(slices.Clone(s.Holds), func(h Hold) bool { return !h.Until.IsZero() && !now.Before(h.Until) })
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
