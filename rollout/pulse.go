package rollout

import (
	"context"
	"fmt"
	"time"
)

// A Pulse is where the branches and the ledger stand: the least that tells whether a
// status is out of date.
type Pulse struct {
	heads  map[string]SHA
	ledger SHA
}

// Pulse feels the pulse of a repository. It is one request.
func (e *Engine) Pulse(ctx context.Context) (Pulse, error) {
	o, err := e.Remote.Observe(ctx, e.Plan.everything())
	if err != nil {
		return Pulse{}, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	return Pulse{heads: o.Heads, ledger: o.Ledger}, nil
}

// Outdates tells whether something stands elsewhere than a status has it.
func (p Pulse) Outdates(s Status) bool {
	for _, stage := range s.Stages {
		if p.heads[stage.Stage.Branch] != stage.Head.SHA {
			return true
		}
	}
	return len(s.Records) > 0 && s.Records[0].Commit != p.ledger || len(s.Records) == 0 && p.ledger != ""
}

// Due is when time alone changes what the policy says next, by the forge's clock. It
// is zero where time alone changes nothing.
func (s Status) Due() (due time.Time) {
	for _, stage := range s.Stages {
		if stage.Decision == nil || !stage.Decision.RetryAt.After(s.At) {
			continue
		}
		if due.IsZero() || stage.Decision.RetryAt.Before(due) {
			due = stage.Decision.RetryAt
		}
	}
	return due
}
