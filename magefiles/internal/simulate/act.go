package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// An act is one run of the engine: a tick, or something that an operator does.
type act struct {
	kind rollout.EntryKind
	// stage is empty for what is about all stages, or about a commit.
	stage *stage
	by    string
	// reason is unique to the act, but for promotions.
	reason string
	// target is the commit that an operator speaks of, nil for none.
	target *change
	// scope is the stage that a hold is about, until when it runs out, and
	// length in how long it does.
	scope  string
	until  time.Time
	length time.Duration
	// lifts tells which holds a resume is for.
	lifts func(hold) bool
	// through says that an override goes through holds, dry that an act only
	// looks.
	through, dry bool

	// at is the time of the observation that it decided on, by a clock that was
	// wrong by so much, and picture what was true then.
	at      time.Time
	wrong   time.Duration
	picture *picture
	// calls counts those that it has made, and meddling is what happens at
	// one of them.
	calls    int
	meddling []meddling
	// ruffled says that somebody else did something since the observation,
	// raced that somebody did at any time.
	ruffled, raced bool
	// faults counts the calls that failed, and lost those among them of which
	// the engine can find out what became of them.
	faults, lost int
	// blind: evidence could not be read, which does not stop an override.
	blind  bool
	cancel context.CancelFunc

	// killed, receipt and err are how it ended, effects the ledger's commits
	// that it made.
	killed  bool
	receipt rollout.Receipt
	err     error
	effects []rollout.SHA
	// wrote is the entry that was last taken for its own.
	wrote entry
}

func (a *act) String() string {
	text := string(a.kind)
	if a.stage != nil {
		text += " " + a.stage.Name
	}
	if a.target != nil {
		text += " " + a.target.sha.Short()
	}
	if a.by != "" {
		text += " by " + a.by
	}
	return text
}

// do has an engine act, checks what came of it, and tells whether it succeeded
// as far as whoever started it knows.
func (y *year) do(a *act, run func(context.Context, *rollout.Engine) (rollout.Receipt, error)) bool {
	y.audit(nil)
	if y.err != nil {
		return false
	}
	y.meddle(a)
	y.stack = append(y.stack, a)
	y.perform(a, run)
	y.stack = y.stack[:len(y.stack)-1]
	if y.err != nil {
		return false
	}
	if a.picture == nil && a.stage != nil && !a.at.IsZero() {
		a.picture = y.look(a.stage, a.at)
	}
	y.note("%s: %s", a, a.outcome())
	y.audit(a)
	y.conclude(a)
	return a.err == nil && !a.killed
}

// perform runs the engine. A call whose caller is killed ends it at once, as
// it would end the process.
func (y *year) perform(a *act, run func(context.Context, *rollout.Engine) (rollout.Receipt, error)) {
	ctx, cancel := context.WithCancel(y.ctx)
	defer cancel()
	a.cancel = cancel
	defer func() {
		switch p := recover().(type) {
		case nil:
		case memory.Killed:
			a.killed = true
		default:
			y.fail(invSound, "%s panicked: %v\n%s", a, p, debug.Stack())
		}
	}()
	remote, history := y.ground.ports()
	a.receipt, a.err = run(ctx, &rollout.Engine{
		Plan: y.plan, Remote: remote, History: history, Ledger: ledger.Ledger{}, Exposer: renderer{y}, By: a.by,
	})
	a.killed = a.killed || ctx.Err() != nil
}

// outcome is what came of an act, for people.
func (a *act) outcome() string {
	text := "nothing to write"
	switch {
	case a.killed:
		text = "killed"
	case a.err != nil:
		text = "error: " + a.err.Error()
	case a.receipt.Entry != nil:
		text = fmt.Sprintf("wrote %s %s", a.receipt.Entry.Kind, a.receipt.Entry.To.Short())
	case a.receipt.Decision.Action != "":
		text = string(a.receipt.Decision.Action)
	}
	for _, m := range a.meddling {
		if m.done {
			text += fmt.Sprintf(" [%s]", m)
		}
	}
	return text
}

// mostFlying is how many acts of which nobody knows the end can still take
// effect. One may be late by weeks, with many behind it that never come.
const mostFlying = 100

// conclude compares what an act says that it did with what it did.
func (y *year) conclude(a *act) {
	unclear := errors.Is(a.err, rollout.ErrUncertain) || errors.Is(a.err, rollout.ErrUnavailable)
	switch {
	case y.err != nil:
		return
	case unclear && a.faults == 1 && a.lost == 1:
		y.fail(invSound, "%s lost one answer, and did not look: %v", a, a.err)
	case len(a.effects) > 1:
		y.fail(invLedger, "%s took place %d times", a, len(a.effects))
	case a.killed || (unclear && a.faults > 0):
		if len(a.effects) == 0 {
			// It can still be on its way.
			y.flying = append([]*act{a}, y.flying[:min(len(y.flying), mostFlying)]...)
		}
	case a.err != nil && len(a.effects) > 0:
		y.fail(invLedger, "%s took place, and says: %v", a, a.err)
	case a.err == nil && a.kind == rollout.EntryInit: // it has no receipt
	case a.err == nil && a.receipt.Commit == "" && len(a.effects) > 0 && y.handOver(a):
		y.expect(a)
	case a.err == nil && a.receipt.Commit == "" && len(a.effects) > 0:
		y.fail(invLedger, "%s took place, and says that there was nothing to do", a)
	case a.err == nil && a.receipt.Commit != "" && !slices.Contains(a.effects, a.receipt.Commit):
		// Two that write the same in the same second write the same commit.
		if !a.raced || !y.entries[a.receipt.Commit] {
			y.fail(invLedger, "%s says that it wrote %s, which the ledger has not", a, a.receipt.Commit)
		}
	case errors.Is(a.err, rollout.ErrMoved) && (a.raced || a.faults > 0):
	default:
		y.expect(a)
	}
}

// handOver gives what an act did not write to one of which nobody knows the end
// and that decided the same in the same second. It is false where there is none.
func (y *year) handOver(a *act) bool {
	for _, other := range y.flying {
		if len(other.effects) == 0 && !other.dry && other.entered(a.wrote) {
			other.effects, a.effects = a.effects, nil
			a.ruffled, a.raced = true, true
			return true
		}
	}
	return false
}

// seen notes what an engine was told of the branches: what it decides on.
func (y *year) seen(q rollout.Query, o rollout.Observation) {
	if len(y.stack) == 0 {
		return
	}
	a := y.stack[len(y.stack)-1]
	if a.stage != nil && len(q.Branches) < 2 {
		return // it looks what became of a transaction
	}
	a.at, a.wrong, a.picture, a.ruffled = o.At, y.watch.wrong, nil, false
}
