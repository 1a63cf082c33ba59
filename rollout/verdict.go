package rollout

import (
	"slices"
	"time"
)

// A Verdict is what the policy says of one revision.
type Verdict struct {
	Revision Revision
	Outcome  Outcome
	// RetryAt is when the verdict can become [Promotable] by itself: when all
	// blocks are lifted, or an older revision with the same tree has soaked. It
	// is zero where time alone does not do it.
	RetryAt time.Time
	// Blocks are all that keeps the revision in. Outcome is that of the first.
	Blocks []Block
	// Unblocks is the oldest newer revision that is free of what time alone
	// does not lift from this one, by which it goes out. It is empty where
	// there is none yet.
	Unblocks SHA
	// same says that it has the tree of the stage, or of what has soaked, so
	// that it needs no soak.
	same bool
	// unlooked says that nothing keeps it in but that nobody has looked at its
	// exposure yet.
	unlooked bool
	// why is the reason of a verdict that nothing blocks.
	why func() string
}

// Reason is one sentence for people. It is made when it is asked for: of
// thousands of verdicts, people read a few.
func (v Verdict) Reason() string {
	switch {
	case len(v.Blocks) > 0:
	case v.why == nil:
		return ""
	default:
		return v.why()
	}
	// One for each gate.
	text := v.Blocks[0].Reason()
	for i, b := range v.Blocks[1:] {
		if b.Gate != v.Blocks[i].Gate {
			text += "; " + b.Reason()
		}
	}
	return text
}

// Equal tells whether two verdicts say the same.
func (v Verdict) Equal(other Verdict) bool {
	return v.Revision.Equal(other.Revision) && v.Outcome == other.Outcome && v.RetryAt.Equal(other.RetryAt) &&
		v.Unblocks == other.Unblocks && slices.EqualFunc(v.Blocks, other.Blocks, Block.Equal) && v.Reason() == other.Reason()
}

// A Block is one thing that keeps a revision in, or a stage where it stands.
type Block struct {
	Gate    Gate
	Outcome Outcome
	// By is who put it there: an operator, the author of a revert, a cluster.
	// It is empty where the plan did.
	By string
	// Commit is what it is about, if it is about one.
	Commit SHA
	// Since is when an operator put it there. It is zero for everything else.
	Since time.Time
	// Until is when it is lifted by itself. It is zero where time alone does
	// not lift it.
	Until time.Time
	why   func() string
}

// Reason is one sentence for people.
func (b Block) Reason() string {
	if b.why == nil {
		return ""
	}
	return b.why()
}

// Equal tells whether two blocks say the same.
func (b Block) Equal(other Block) bool {
	return b.Gate == other.Gate && b.Outcome == other.Outcome && b.By == other.By && b.Commit == other.Commit &&
		b.Since.Equal(other.Since) && b.Until.Equal(other.Until) && b.Reason() == other.Reason()
}

// Outcome is the kind of a verdict.
type Outcome string

// The outcomes of a verdict.
const (
	// Promotable: the policy allows it now.
	Promotable Outcome = "promotable"
	// NotFastForward: it does not contain the stage's head, so the branch
	// could not be fast-forwarded to it. A later revision that merges it can.
	NotFastForward Outcome = "not-fast-forward"
	// Tainted: it contains a commit that is known to be bad, without its
	// revert.
	Tainted Outcome = "tainted"
	// Unhealthy: an upstream cluster reported a failure of it.
	Unhealthy Outcome = "unhealthy"
	// Unproven: what has to be reported of it was not, or not for long enough; or
	// nobody can tell what its changes were exercised by.
	Unproven Outcome = "unproven"
	// Unobserved: no upstream cluster reported to have applied it.
	Unobserved Outcome = "unobserved"
	// Soaking: it has not been upstream for long enough.
	Soaking Outcome = "soaking"
	// Unexercised: what it changes on the stage's clusters, no cluster of a stage
	// before has met.
	Unexercised Outcome = "unexercised"
	// Held: somebody holds the stage.
	Held Outcome = "held"
	// Closed: the plan's windows are.
	Closed Outcome = "closed"
)

// lasting tells whether a block is one of the revision itself that time alone
// does not lift. A newer revision can be without it.
func (b Block) lasting() bool {
	switch b.Gate {
	case GateFastForward, GateTaint, GateHealth, GateObserved, GateExposure:
		return b.Until.IsZero()
	default:
		return false
	}
}

// has tells whether a gate is closed to a revision.
func (v Verdict) has(gate Gate) bool {
	for _, b := range v.Blocks {
		if b.Gate == gate {
			return true
		}
	}
	return false
}
