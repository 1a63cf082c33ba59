package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A MarkRequest speaks of one commit.
type MarkRequest struct {
	// Commit is pending somewhere, or named in full.
	Commit Prefix
	// Reason is required, and recorded.
	Reason string
}

// Taint says that a commit is bad: nothing that contains it is promoted,
// unless it also contains its revert.
func (e *Engine) Taint(ctx context.Context, request MarkRequest) (Receipt, error) {
	found, err := e.toMark(ctx, request, taintWays)
	if err == nil && !found.waits {
		err = e.refuseOut(ctx, found.SHA)
	}
	if err != nil {
		return Receipt{}, err
	}
	r, err := e.mark(ctx, request, EntryTaint, found.SHA, func(s State, mark *Mark) (State, error) {
		if i := slices.IndexFunc(s.Taints, mark.sameCommit); i >= 0 {
			return s, &Problem{Kind: ErrRefused, What: mark.Commit.Short() + " is tainted already, " + describeMark(s.Taints[i])}
		}
		s.Cleared = without(s.Cleared, mark.Commit)
		s.Taints = append(slices.Clone(s.Taints), *mark)
		return s, nil
	})
	r.Unmerged = err == nil && !found.waits && found.everywhere
	return r, err
}

// describeMark says whose word it is, since when and why.
func describeMark(m Mark) string {
	return fmt.Sprintf("by %s, since %s: %s", Printable(m.By, 60), FormatTime(m.At), OneLine(m.Reason, 200))
}

// refuseOut refuses a taint that would keep nothing in, so that nobody relies
// on it. What is not known to be out is perhaps not merged yet.
func (e *Engine) refuseOut(ctx context.Context, commit SHA) error {
	last := e.Plan.Stages[len(e.Plan.Stages)-1]
	o, err := e.Remote.Observe(ctx, Query{Branches: []string{last.Branch}, Ledger: e.Plan.Ledger})
	if err != nil {
		return fmt.Errorf("observe %s: %w", last.Name, err)
	}
	seen, err := e.sight(ctx, o.Heads[last.Branch], commit)
	switch {
	case err != nil:
		return fmt.Errorf("look for %s on %s: %w", commit.Short(), last.Branch, err)
	case seen.other:
		return &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s is no commit, but something else in the repository, so a taint of it would keep nothing in", commit.Short()),
			Ways: []string{"name the commit, as git log prints it"},
		}
	case seen.out:
		return &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s is on every stage already, so a taint would keep it from none", commit.Short()),
			Ways: []string{fmt.Sprintf("revert it on %s, and override to the revert", e.Plan.Stages[0].Branch)},
		}
	}
	return nil
}

// Clear takes a taint back. Of a commit that is not tainted but reverted it
// sets aside the reverts that there are now: it is not bad. A revert that comes
// later counts, and so does one of a commit whose taint is taken back: that is
// somebody else's word, and the receipt names it. Of one on which a cluster failed
// it also says that what comes after need not be good where it was not; what fails
// later counts.
func (e *Engine) Clear(ctx context.Context, request MarkRequest) (Receipt, error) {
	found, err := e.toMark(ctx, request, clearWays)
	if err != nil {
		return Receipt{}, err
	}
	var remaining []SHA
	r, err := e.mark(ctx, request, EntryClear, found.SHA, func(s State, mark *Mark) (State, error) {
		reverts, err := e.revertsOf(ctx, mark.Commit)
		if err != nil {
			return s, err
		}
		remaining = nil
		tainted := slices.ContainsFunc(s.Taints, mark.sameCommit)
		var before Mark
		if i := slices.IndexFunc(s.Cleared, mark.sameCommit); i >= 0 {
			before = s.Cleared[i]
		}
		if !tainted && subset(reverts, before.Reverts) {
			if err := e.refuseWell(ctx, mark.Commit, before); err != nil {
				return s, err
			}
		}
		if tainted {
			s.Taints, remaining = without(s.Taints, mark.Commit), reverts
			return s, nil
		}
		mark.Reverts = reverts
		s.Cleared = append(without(s.Cleared, mark.Commit), *mark)
		return s, nil
	})
	if err == nil {
		r.Remaining = remaining
	}
	return r, err
}

// refuseWell refuses to clear a commit of which nothing is known that an
// operator has not cleared before.
func (e *Engine) refuseWell(ctx context.Context, commit SHA, before Mark) error {
	failed, err := e.failedSince(ctx, commit, before)
	switch {
	case err != nil:
		return err
	case failed:
		return nil
	case before.Commit != "":
		return &Problem{Kind: ErrRefused, What: commit.Short() + " is cleared already, " + describeMark(before)}
	default:
		return &Problem{Kind: ErrRefused, What: commit.Short() + " is neither tainted nor reverted, and no cluster failed on it, so there is nothing to clear"}
	}
}

func (m Mark) sameCommit(other Mark) bool { return m.Commit == other.Commit }

func without(marks []Mark, commit SHA) []Mark {
	return slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Commit == commit })
}

// subset tells whether all of some are among others.
func subset(some, others []SHA) bool {
	return !slices.ContainsFunc(some, func(sha SHA) bool { return !slices.Contains(others, sha) })
}

// mark writes an operator's word on a commit.
func (e *Engine) mark(ctx context.Context, request MarkRequest, kind EntryKind, commit SHA, change func(State, *Mark) (State, error)) (Receipt, error) {
	reason, err := required(request.Reason)
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		entry := e.sign(Entry{Kind: kind, Commit: commit, Reason: reason}, o)
		mark := Mark{Commit: commit, By: entry.By, Reason: reason, At: entry.At}
		s, err := change(s, &mark)
		entry.Reverts = mark.Reverts
		return entry, s, err
	})
}

// A meant commit is what an operator means by a few digits.
type meant struct {
	SHA
	// waits tells that it is pending for some stage, and everywhere that every
	// stage could be asked.
	waits, everywhere bool
}

var (
	taintWays = []string{
		"if every stage has it already, revert it, and override to the revert",
		"to taint what is not merged yet, give all 40 digits",
	}
	clearWays = []string{"look which commits are known to be bad, and why: mage release:status"}
)

// toMark checks what is asked before anything is written, and finds the commit
// that is meant. Ways are what can be done where there is none.
func (e *Engine) toMark(ctx context.Context, request MarkRequest, ways []string) (meant, error) {
	if _, err := required(request.Reason); err != nil {
		return meant{}, err
	}
	if request.Commit == noCommit {
		return meant{}, usagef("%s is the name of no commit: it is what Git writes where there is none", noCommit)
	}
	return e.resolve(ctx, request.Commit, ways)
}

// noCommit is what Git writes in the place of a commit where there is none.
var noCommit = Prefix(strings.Repeat("0", shaLength))

// resolve finds the commit that is meant. One that is named in full need not
// be pending: it can be tainted before anybody merges it, and cleared then.
func (e *Engine) resolve(ctx context.Context, wanted Prefix, ways []string) (meant, error) {
	found := map[SHA]bool{} // and whether it waits, or is only tainted
	everywhere := true
	for _, stage := range e.Plan.Downstream() {
		s, _, err := e.survey(ctx, stage)
		if err != nil && len(wanted) == shaLength {
			everywhere = false
			continue // named in full, it need not be found
		}
		if err != nil {
			return meant{}, err
		}
		for _, c := range s.Pending {
			if wanted.Of(c.SHA) {
				found[c.SHA] = true
			}
		}
		for _, m := range s.State.Taints {
			if waits := found[m.Commit]; wanted.Of(m.Commit) {
				found[m.Commit] = waits
			}
		}
	}
	switch {
	case len(found) == 1:
		for sha, waits := range found {
			return meant{sha, waits, everywhere}, nil
		}
	case len(found) > 1:
		return meant{}, usagef("%s is the beginning of %d pending commits; give more digits", wanted, len(found))
	case len(wanted) == shaLength:
		return meant{SHA(wanted), false, everywhere}, nil
	}
	return meant{}, &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is no commit that waits for any stage", wanted),
		Ways: ways,
	}
}

// revertsOf lists the commits by which a commit is reverted, in the eyes of any
// stage for which it is pending.
func (e *Engine) revertsOf(ctx context.Context, commit SHA) ([]SHA, error) {
	var all []SHA
	for _, stage := range e.Plan.Downstream() {
		s, _, err := e.survey(ctx, stage)
		if err != nil {
			return nil, err
		}
		for _, sha := range revertsIn(newGraph(s.Upstream.SHA, s.Pending), s, commit) {
			if !slices.Contains(all, sha) {
				all = append(all, sha)
			}
		}
	}
	return all, nil
}
