package memory

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Call is one call of a port as it comes in.
type Call struct {
	// Port is the method's name: Observe, Movements, Log, Commit, Between,
	// Evidence or EvidenceLog.
	Port string
	// Transaction is what [Forge.Commit] was given, nil for any other call.
	Transaction *rollout.Transaction
}

// A Fate is what becomes of a call.
type Fate int

// The fates of a call. A call that changes nothing has no effect to lose, and
// where one says [rollout.ErrUncertain] of a transaction it says
// [rollout.ErrUnavailable] of any other call.
const (
	// Served: the call has its effect and its answer.
	Served Fate = iota
	// Unavailable: the forge says that it is down; no effect.
	Unavailable
	// LostRequest: no answer, and no effect.
	LostRequest
	// LostAnswer: no answer, although the effect took place.
	LostAnswer
	// Late: no answer, and the effect takes place when the next transaction
	// comes in, before it is looked at.
	Late
	// KilledBefore: the caller dies before the call is sent.
	KilledBefore
	// KilledAfter: the caller dies when the effect has taken place.
	KilledAfter
	// KilledLate: the caller dies, and the effect takes place when the next
	// transaction comes in.
	KilledLate
)

var fates = [...]string{
	"served", "unavailable", "request lost", "answer lost", "late",
	"killed before", "killed after", "killed, late",
}

// String is the fate for people.
func (f Fate) String() string {
	if f < 0 || int(f) >= len(fates) {
		return fmt.Sprintf("fate %d", int(f))
	}
	return fates[f]
}

// Killed is what a call panics with whose caller dies.
type Killed struct{ Port string }

// Intercept has a function asked about every call that comes in, before it
// has any effect. Nil ends that. The function may call the forge, which asks
// it again.
func (f *Forge) Intercept(ask func(Call) Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = ask
}

// An Effect is a transaction that was carried out.
type Effect struct {
	rollout.Transaction
	// Made is the ledger's new head.
	Made rollout.SHA
	// At is when it was carried out, by the forge's clock.
	At time.Time
}

// Watch has a function told of every transaction that is carried out, in
// order, and before its caller hears of it. Nil ends that.
func (f *Forge) Watch(tell func(Effect)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = tell
}

// ask is the fate of a call.
func (f *Forge) ask(c Call) Fate {
	f.mu.Lock()
	intercept := f.intercept
	f.mu.Unlock()
	if intercept == nil {
		return Served
	}
	return intercept(c)
}

// read carries out a call that changes nothing.
func (f *Forge) read(port string, do func() error) error {
	switch fate := f.ask(Call{Port: port}); fate {
	case Served:
		return do()
	case KilledBefore:
		panic(Killed{port})
	case KilledAfter, KilledLate:
		if err := do(); err != nil {
			return err
		}
		panic(Killed{port})
	default:
		return unavailable(port, fate)
	}
}

func unavailable(port string, fate Fate) error {
	return &rollout.Problem{
		Kind: rollout.ErrUnavailable,
		What: fmt.Sprintf("the forge in memory does not answer %s: %s", port, fate),
		Ways: []string{"try again"},
	}
}

func uncertain(fate Fate) error {
	return fmt.Errorf("%w: %s", rollout.ErrUncertain, fate)
}
