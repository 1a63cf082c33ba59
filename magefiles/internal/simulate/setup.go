package simulate

import (
	"context"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// setUp does what `release:init` does, again and again until it is done: it
// may be killed and fail like everything else.
func (y *year) setUp() {
	for range 50 {
		var changes []rollout.Change
		looked := y.do(&act{kind: rollout.EntryInit}, func(ctx context.Context, e *rollout.Engine) (r rollout.Receipt, err error) {
			changes, err = e.Survey(ctx, bare{}, rollout.InitRequest{})
			return r, err
		})
		if y.err != nil || (looked && y.applied(changes)) {
			return
		}
	}
	y.fail(invSound, "the rollout could not be set up")
}

// applied carries out what there is to do, and tells whether all is done.
func (y *year) applied(changes []rollout.Change) bool {
	for _, c := range changes {
		if c.Apply == nil {
			continue
		}
		if !y.do(&act{kind: rollout.EntryInit}, func(ctx context.Context, _ *rollout.Engine) (rollout.Receipt, error) {
			return rollout.Receipt{}, c.Apply(ctx)
		}) {
			return false
		}
	}
	return true
}

// bare is a forge that has nothing to set up.
type bare struct{}

// Environment implements [rollout.Settings].
func (bare) Environment(context.Context, rollout.Environment) (rollout.Change, error) {
	return rollout.Change{What: "environment"}, nil
}

// Protection implements [rollout.Settings].
func (bare) Protection(context.Context, rollout.Protection) (rollout.Change, error) {
	return rollout.Change{What: "ruleset"}, nil
}

// preview looks what there is to do, and does nothing.
func (y *year) preview(s *stage) {
	a := &act{kind: rollout.EntryPromotion, stage: s, dry: true}
	y.do(a, func(ctx context.Context, e *rollout.Engine) (rollout.Receipt, error) { return e.Preview(ctx, s.Stage) })
}

// review reads the whole trail when the year is over: every move is in it,
// once, and every entry can be read.
func (y *year) review() {
	y.audit(nil)
	remote, history := y.ground.ports()
	e := rollout.Engine{Plan: y.plan, Remote: remote, History: history, Ledger: ledger.Ledger{}}
	records, err := e.Trail(y.ctx, 0)
	if err != nil {
		y.fail(invLedger, "read the trail: %v", err)
		return
	}
	moves := 0
	for _, r := range records {
		if r.Damaged != "" {
			y.fail(invLedger, "%s is damaged: %s", r.Commit, r.Damaged)
		}
		if r.Kind == rollout.EntryPromotion || r.Kind == rollout.EntryOverride {
			moves++
		}
	}
	if told := y.tally.Promotions + y.tally.Overrides; moves != told {
		y.fail(invLedger, "the trail has %d moves; there were %d", moves, told)
	}
}
