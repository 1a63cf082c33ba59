package rollout

import (
	"context"
	"errors"
	"fmt"
)

// mostCompared is how many commits are looked at for ones that make the same changes as
// others: of each, what it changes has to be worked out.
const mostCompared = 2000

var errNotCompared = errors.New("nothing here compares changes")

// equivalents finds, for commits that only one branch has, those of another that make
// the same changes. Among are all that the other has and the first has not. The error
// says why nobody knows.
func (e *Engine) equivalents(ctx context.Context, some, among []Commit, first, other string) (map[SHA]SHA, error) {
	history, ok := e.History.(Equivalents)
	switch {
	case !ok:
		return nil, errNotCompared
	case len(among) > mostCompared:
		return nil, fmt.Errorf("%s has %d commits that %s has not, which are too many to compare", other, len(among), first)
	default:
		return history.Equivalents(ctx, some, among)
	}
}
