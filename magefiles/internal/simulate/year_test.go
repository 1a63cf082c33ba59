package simulate

import (
	"errors"
	"flag"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

var first = flag.Uint64("seed", 1, "the seed of the first year")

// Two hundred years, or five where time is short.
func TestYears(t *testing.T) {
	years := 200
	if testing.Short() || racing {
		years = 5
	}
	// Most of what a year needs is gone when it is over.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	tally, err := Run(t.Context(), Options{Years: years, Seed: *first})
	t.Log(tally)
	if err != nil {
		t.Fatal(err)
	}
	if tally.Years != years {
		t.Errorf("%d years were played, want %d", tally.Years, years)
	}
	if years < 200 {
		return
	}
	// Whatever can happen did.
	for _, port := range []string{"Observe", "Movements", "Between", "Commit", "Evidence", "EvidenceLog", "Log"} {
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
	if min(tally.Overrides, tally.Holds, tally.Words, tally.Races, tally.Divergences) == 0 {
		t.Errorf("something never happened: %s", tally)
	}
}

// The same seed is the same year, to the last commit of its ledger.
func TestSeedsReplay(t *testing.T) {
	ends := map[uint64][]rollout.SHA{}
	for _, seed := range []uint64{3, 4, 3, 4} {
		y := newYear(t.Context(), seed)
		y.on(newInMemory(y.clock, y.character.pushLog, y.seen))
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
	y.on(newInMemory(y.clock, y.character.pushLog, y.seen))
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
