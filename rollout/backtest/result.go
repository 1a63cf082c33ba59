package backtest

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Result is what came of a replay.
type Result struct {
	Stage rollout.Stage
	// Branch is the one whose history was replayed.
	Branch string
	// Since is where the replay was asked to begin. It is zero where it began
	// with the history.
	Since time.Time
	// First and Last are the arrivals of the first and of the last revision
	// that was measured, and Until is when everything was out under every
	// policy, or else when the history was read. They are zero where there was
	// none.
	First, Last, Until time.Time
	// Revisions is how many arrived, and Commits how many commits they
	// brought.
	Revisions, Commits int
	// Reverted is how many of the commits a later one reverts, all in all.
	Reverted int
	// Guessed tells that nothing says when revisions arrived, so that the
	// dates in the commits stand for it.
	Guessed bool
	// Notes say what is not as it would have been, one sentence each.
	Notes []string
	// Outcomes are one for each policy, in the order in which they were asked
	// for.
	Outcomes []Outcome
}

// An Outcome is what a policy would have done.
type Outcome struct {
	Policy     Policy
	Promotions int
	// Lead is how long revisions took from their arrival upstream until they
	// were out.
	Lead Lead
	// NeverOut are the revisions that were not out at the end although they
	// were as old as the soak; Soaking those that were younger.
	NeverOut, Soaking int
	// BlockedDays are the days in UTC after whose last tick a revision as old
	// as the soak was still not out.
	BlockedDays int
	// Unsoaked are the revisions that went out younger than the soak. Those
	// that went out together with a tree that had soaked, or that the stage
	// had already, are not counted: they change nothing that had not soaked.
	Unsoaked int
	// KnownBad are the commits that went out without their revert, although it
	// had arrived by then, and UnknownBad those whose revert arrived later.
	KnownBad, UnknownBad int
	// Overrides are the revisions that revert something that was out when they
	// arrived, and that did not go out at the next tick: somebody would not
	// have waited.
	Overrides int
}

// A Lead is how lead times are distributed. It is by the nearest rank, so each
// is the lead time of some revision.
type Lead struct {
	// Count is how many revisions went out. The rest is zero where none did.
	Count int

	Shortest, LowerQuartile, Median, UpperQuartile, P95, Longest time.Duration
}

func newLead(times []time.Duration) Lead {
	if len(times) == 0 {
		return Lead{}
	}
	slices.Sort(times)
	rank := func(percent int) time.Duration {
		return times[max(0, (len(times)*percent+99)/100-1)]
	}
	return Lead{
		Count: len(times), Shortest: times[0], LowerQuartile: rank(25), Median: rank(50),
		UpperQuartile: rank(75), P95: rank(95), Longest: times[len(times)-1],
	}
}
