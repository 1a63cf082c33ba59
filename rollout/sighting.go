package rollout

import (
	"context"
	"errors"
)

// A sighting is what a branch shows of a commit that somebody names. Whoever
// names it may have the ID of something else, a tree for one, and a remote
// that is asked for the commits between a branch and a tree finds none, as it
// does for a commit that the branch has.
type sighting struct {
	// out tells that the branch has the commit, and newer what it has besides
	// the commit and what that contains.
	out   bool
	newer []Commit
	// elsewhere tells that there is such a commit, but not on the branch.
	elsewhere bool
	// other tells that the ID is that of something else than a commit. Where
	// nothing of all this is true, nobody knows the ID.
	other bool
}

// sight looks for a commit on a branch that stands at head.
func (e *Engine) sight(ctx context.Context, head, commit SHA) (sighting, error) {
	if head == commit {
		return sighting{out: true}, nil
	}
	missing, err := e.History.Between(ctx, head, commit)
	switch {
	case err != nil:
		return sighting{}, unlessUnknown(err)
	case len(missing) > 0:
		return sighting{elsewhere: true}, nil
	}
	newer, err := e.History.Between(ctx, commit, head)
	if err != nil {
		return sighting{}, unlessUnknown(err)
	}
	if !contains(newer, commit) {
		return sighting{other: true}, nil
	}
	return sighting{out: true, newer: newer}, nil
}

// unlessUnknown is an error that says more than that the remote does not know
// a commit, for which there is no kind: remotes put it in words of their own.
func unlessUnknown(err error) error {
	for _, kind := range []error{ErrUnavailable, ErrNotPermitted, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return err
		}
	}
	return nil
}
