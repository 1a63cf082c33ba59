package wire

import (
	"context"

	"github.com/monosense/k8s-ops/rollout"
)

// absent stands where a repository would that cannot be asked, for want of a
// token. It says so when it is asked, and not before: an argument that is wrong
// is worth saying first.
type absent struct{ why error }

// Observe implements [rollout.Remote].
func (a absent) Observe(context.Context, rollout.Query) (rollout.Observation, error) {
	return rollout.Observation{}, a.why
}

// Movements implements [rollout.Remote].
func (a absent) Movements(context.Context, string, func(rollout.Movement) bool) ([]rollout.Movement, error) {
	return nil, a.why
}

// Log implements [rollout.Remote].
func (a absent) Log(context.Context, rollout.Head, int) ([]rollout.LedgerCommit, error) {
	return nil, a.why
}

// Commit implements [rollout.Remote].
func (a absent) Commit(context.Context, rollout.Transaction) (rollout.SHA, error) {
	return "", a.why
}
