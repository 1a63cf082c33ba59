package rollout

import (
	"context"
	"fmt"
	"slices"
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
	return e.mark(ctx, request, EntryTaint, func(s State, mark *Mark) (State, error) {
		if slices.ContainsFunc(s.Taints, mark.sameCommit) {
			return s, &Problem{Kind: ErrRefused, What: mark.Commit.Short() + " is tainted already"}
		}
		if err := e.refuseOut(ctx, mark.Commit); err != nil {
			return s, err
		}
		s.Cleared = without(s.Cleared, mark.Commit)
		s.Taints = append(slices.Clone(s.Taints), *mark)
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

// Clear takes a taint back. Of a commit that is not tainted but reverted it
// sets aside the reverts that there are now: it is not bad. A revert that comes
// later counts, and so does one of a commit whose taint is taken back: that is
// somebody else's word. Of one on which a cluster failed it also says that what
// comes after need not be good where it was not; what fails later counts.
func (e *Engine) Clear(ctx context.Context, request MarkRequest) (Receipt, error) {
	return e.mark(ctx, request, EntryClear, func(s State, mark *Mark) (State, error) {
		reverts, err := e.revertsOf(ctx, mark.Commit)
		if err != nil {
			return s, err
		}
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
			s.Taints = without(s.Taints, mark.Commit)
			return s, nil
		}
		mark.Reverts = reverts
		s.Cleared = append(without(s.Cleared, mark.Commit), *mark)
		return s, nil
	})
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
		return &Problem{Kind: ErrRefused, What: commit.Short() + " is cleared already"}
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
func (e *Engine) mark(ctx context.Context, request MarkRequest, kind EntryKind, change func(State, *Mark) (State, error)) (Receipt, error) {
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
		mark := Mark{Commit: commit, By: entry.By, Reason: reason, At: entry.At}
		s, err := change(s, &mark)
		entry.Reverts = mark.Reverts
		return entry, s, err
	})
}

// resolve finds the commit that is meant. One that is named in full need not
// be pending: it can be tainted before anybody merges it.
func (e *Engine) resolve(ctx context.Context, wanted Prefix) (SHA, error) {
	found := map[SHA]bool{}
	for _, stage := range e.Plan.Downstream() {
		s, _, err := e.survey(ctx, stage)
		if err != nil && len(wanted) == shaLength {
			continue // named in full, it need not be found
		}
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
