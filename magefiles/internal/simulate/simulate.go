package simulate

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// An invariant is something that holds after every step.
type invariant string

// The invariants, as docs/simulation.md explains them.
const (
	invAncestor invariant = "1, a stage stands on its upstream"
	invForward  invariant = "2, only fast-forwards"
	invSoak     invariant = "3, the soak"
	invTaint    invariant = "4, known bad stays in"
	invHold     invariant = "5, a hold holds"
	invWindow   invariant = "6, windows"
	invHealth   invariant = "7, health"
	invStarved  invariant = "8, nothing starves"
	invLedger   invariant = "9, the ledger tells what happened"
	invVerdict  invariant = "10, decision and verdicts agree"
	invOverride invariant = "11, an override does what it is asked"
	invSound    invariant = "12, nothing fails for no reason"
	invExposure invariant = "13, nothing soaks for nothing"
)

// guards are the invariants that a gate stands for.
var guards = map[rollout.Gate]invariant{
	rollout.GateFastForward: invForward, rollout.GateTaint: invTaint,
	rollout.GateHealth: invHealth, rollout.GateObserved: invHealth, rollout.GateSoak: invSoak, rollout.GateExposure: invExposure,
	rollout.GateHold: invHold, rollout.GateWindow: invWindow,
}

// A Failure is an invariant that does not hold.
type Failure struct {
	// Replay is the command that plays the year again.
	Replay    string
	Invariant string
	Text      string
	// Character and Stages are what kind of year it was, and Steps the last
	// ones that led there.
	Character     string
	Stages, Steps []string
}

// Error tells what does not hold, what led there, and how to see it again.
func (f *Failure) Error() string {
	return fmt.Sprintf("invariant %s: %s\n%s\n%s\nthe last steps:\n  %s\n  → play it again: %s",
		f.Invariant, f.Text, f.Character, strings.Join(f.Stages, "\n"), strings.Join(f.Steps, "\n  "), f.Replay)
}

// A Tally counts what happened.
type Tally struct {
	Years, Pushes, Ticks, Reports, Promotions, Overrides, Holds, Words, Races, Divergences, Jumps, Unexercised int
	// Faults are those injected, by call and kind.
	Faults map[string]int
	// Said are the wordings of reverts.
	Said map[string]int
}

func newTally() Tally { return Tally{Faults: map[string]int{}, Said: map[string]int{}} }

// count counts an entry of the ledger.
func (t *Tally) count(kind rollout.EntryKind) {
	switch kind {
	case rollout.EntryPromotion:
		t.Promotions++
	case rollout.EntryOverride:
		t.Overrides++
	case rollout.EntryHold:
		t.Holds++
	case rollout.EntryResume, rollout.EntryTaint, rollout.EntryClear:
		t.Words++
	}
}

// add adds up.
func (t *Tally) add(other Tally) {
	t.Years += other.Years
	t.Pushes += other.Pushes
	t.Ticks += other.Ticks
	t.Reports += other.Reports
	t.Promotions += other.Promotions
	t.Overrides += other.Overrides
	t.Holds += other.Holds
	t.Words += other.Words
	t.Races += other.Races
	t.Divergences += other.Divergences
	t.Jumps += other.Jumps
	t.Unexercised += other.Unexercised
	for name, n := range other.Faults {
		t.Faults[name] += n
	}
	for name, n := range other.Said {
		t.Said[name] += n
	}
}

// String is the summary.
func (t Tally) String() string {
	faults := 0
	for _, n := range t.Faults {
		faults += n
	}
	return fmt.Sprintf("%d years: %d pushes, %d ticks, %d reports, %d promotions, %d overrides, %d holds, %d other words, %d races, %d injected faults of %d kinds, %d divergences, %d jumps of a clock, %d revisions kept in that soaked for nothing",
		t.Years, t.Pushes, t.Ticks, t.Reports, t.Promotions, t.Overrides, t.Holds, t.Words, t.Races, faults, len(t.Faults), t.Divergences, t.Jumps, t.Unexercised)
}

// Options say which years to simulate.
type Options struct {
	// Years is how many.
	Years int
	// Seed is that of the first year; each further one has the next number.
	Seed uint64
	// Workers is how many years to play at once. Default is one for each
	// processor.
	Workers int
}

// yearLength is a year without the day that some have.
const yearLength = 365 * 24 * time.Hour

// Run plays years, and returns what happened in all of them and the first
// failure by seed, if there is one.
func Run(ctx context.Context, o Options) (Tally, error) {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	phase := rollout.Begin(ctx, rollout.Effort{What: "playing", Parts: "years", Total: o.Years})
	defer phase.End()
	// What the engines of a year are at is nobody's business.
	ctx, cancel := context.WithCancel(rollout.WithProgress(ctx, nil))
	defer cancel()
	seeds := make(chan uint64)
	var mu sync.Mutex
	total := newTally()
	failures := map[uint64]error{}
	var all sync.WaitGroup
	for range o.Workers {
		all.Go(func() {
			for seed := range seeds {
				tally, err := One(ctx, seed)
				phase.Add(1)
				mu.Lock()
				if total.add(tally); err != nil {
					failures[seed] = err
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for i := range o.Years {
		if ctx.Err() != nil {
			break
		}
		seeds <- o.Seed + uint64(i)
	}
	close(seeds)
	all.Wait()
	for _, seed := range slices.Sorted(maps.Keys(failures)) {
		return total, failures[seed]
	}
	return total, context.Cause(ctx)
}

// One plays one year.
func One(ctx context.Context, seed uint64) (Tally, error) {
	y := newYear(ctx, seed)
	y.replay = fmt.Sprintf("go tool mage simulate -years=1 -seed=%d", seed)
	y.on(newInMemory(y))
	err := y.live(yearLength)
	y.tally.Years = 1
	return y.tally, err
}

// Asked are the options of whoever gives flags, or leaves them out.
func Asked(years, seed *int) Options {
	o := Options{Years: 20, Seed: 1}
	if years != nil {
		o.Years = *years
	}
	if seed != nil {
		o.Seed = uint64(*seed)
	}
	return o
}

// mostYears is more than anybody waits for.
const mostYears = 1_000_000

// Report plays years and writes the summary.
func Report(ctx context.Context, o Options, out io.Writer) error {
	if o.Years < 1 || o.Years > mostYears || o.Seed > math.MaxInt64 {
		return &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("%d years from seed %d cannot be played", o.Years, int64(o.Seed)),
			Ways: []string{fmt.Sprintf("give -years from 1 to %d, and a -seed of 0 or more", mostYears)},
		}
	}
	tally, err := Run(ctx, o)
	if _, writeErr := fmt.Fprintf(out, "%s\n", tally); writeErr != nil {
		return writeErr
	}
	return err
}
