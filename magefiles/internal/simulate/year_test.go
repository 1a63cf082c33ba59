package simulate

import (
	"errors"
	"flag"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

var first = flag.Uint64("seed", 0, "the seed to begin with, of years and of weeks. Default is 1, and after that seeds that nobody has played yet")

// fresh is a seed that no run before this one began with, and none after it
// will.
var fresh = sync.OnceValue(func() uint64 { return uint64(time.Now().Unix()) * 1000 })

// Two hundred years, or five where time is short.
func TestYears(t *testing.T) {
	years := 200
	if testing.Short() || racing {
		years = 5
	}
	tally := play(t, max(*first, 1), years)
	if years < 200 {
		return
	}
	// Whatever can happen did.
	for _, port := range []string{"Observe", "Movements", "Between", "Commit", "Evidence", "EvidenceLog", "Log", "Expose", "Changes"} {
		for _, fate := range faults {
			if kind := port + ", " + fate.String(); tally.Faults[kind] == 0 {
				t.Errorf("it never happened: %s", kind)
			}
		}
	}
	for _, said := range manners {
		if tally.Said[said] == 0 {
			t.Errorf("nobody ever reverted like this: %s", said)
		}
	}
	if min(tally.Overrides, tally.Holds, tally.Words, tally.Races, tally.Divergences, tally.Jumps, tally.Unexercised) == 0 {
		t.Errorf("something never happened: %s", tally)
	}
}

// Years that nobody has played yet: two hundred are soon known by heart.
func TestYearsThatNobodyHasPlayed(t *testing.T) {
	years := 60
	switch {
	case *first > 0:
		t.Skip("a seed was given")
	case testing.Short() || racing:
		years = 1
	}
	play(t, fresh(), years)
}

// Years in which something was wrong once.
func TestYearsThatFailedOnce(t *testing.T) {
	if testing.Short() || racing {
		t.Skip("without -short and -race they are played")
	}
	for what, seed := range map[string]uint64{
		"a soak on healthy time ends too early after a report from a moment ago":   50068,
		"two force-pushes in a row start the soak of what they left in place anew": 100121,
		"a head that the log has lost proves nothing of what lay under it":         300119,
		"a transaction takes effect two weeks late, after many that never did":     700119,
		"two acts decide the same in the same second, and one of them was killed":  500073,
	} {
		t.Run(what, func(t *testing.T) { play(t, seed, 1) })
	}
}

// play plays years.
func play(t *testing.T, seed uint64, years int) Tally {
	t.Helper()
	// Most of what a year needs is gone when it is over.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	tally, err := Run(t.Context(), Options{Years: years, Seed: seed})
	t.Logf("from seed %d: %s", seed, tally)
	if err != nil {
		t.Fatal(err)
	}
	if tally.Years != years {
		t.Errorf("%d years were played, want %d", tally.Years, years)
	}
	return tally
}

// The same seed is the same year, to the last commit of its ledger.
func TestSeedsReplay(t *testing.T) {
	ends := map[uint64][]rollout.SHA{}
	for _, seed := range []uint64{3, 4, 3, 4} {
		y := newYear(t.Context(), seed)
		y.on(newInMemory(y))
		if err := y.live(yearLength / 4); err != nil {
			t.Fatal(err)
		}
		ends[seed] = append(ends[seed], y.ground.head(ledgerBranch), y.ground.head("main"))
	}
	for seed, heads := range ends {
		if diff := cmp.Diff(heads[:2], heads[2:]); diff != "" {
			t.Errorf("seed %d ends otherwise (-first +second):\n%s", seed, diff)
		}
	}
	if slices.Equal(ends[3], ends[4]) {
		t.Error("two seeds are one year")
	}
}

// What the oracle finds wrong is told with all that is needed to see it again.
func TestFailuresSayHowToReplay(t *testing.T) {
	y := newYear(t.Context(), 9)
	y.replay = "go tool mage simulate -years=1 -seed=9"
	y.on(newInMemory(y))
	y.begin()
	// A branch moves behind the ledger's back.
	if err := y.ground.push(y.last.own.branch, y.plain(y.first.head)); err != nil {
		t.Fatal(err)
	}
	y.hold(y.last)
	var failed *Failure
	if !errors.As(y.err, &failed) || !strings.HasPrefix(failed.Invariant, "9,") {
		t.Fatalf("ended as %v", y.err)
	}
	for _, part := range []string{"stands at", "the last steps:\n  01-01", "hold by", "play it again: go tool mage simulate -years=1 -seed=9"} {
		if !strings.Contains(failed.Error(), part) {
			t.Errorf("it does not say %q:\n%s", part, failed)
		}
	}
}
