// Package rollout decides what a GitOps repository's clusters may run, and
// moves the branches that they follow.
//
// # Model
//
// A [Plan] lists stages in order. Every stage is a branch, and the clusters
// that follow it. The first stage takes every change at once; into every other
// a revision is promoted from the stage before it, its upstream, when every
// [Gate] lets it through. A rollout is three steps, each a type of its own:
//
//	observe → Snapshot    what is true now: heads, pending commits, arrivals, evidence, the ledger's state
//	decide  → Decision    pure: Decide(now, stage, snapshot)
//	commit  → Receipt     one transaction: the branch moves and the ledger gains its entry, or neither
//
// [Engine] runs the three over the ports [Remote] and [History], [Witness] where a
// stage asks for health, and [Exposer] where it asks for exposure: that costs a
// rendering, so it is asked of the revision alone that would go out, and decided
// again. Their adapters live in the packages below this one; that of an Exposer
// needs two of them, and is put together where everything is.
//
// A decision has a [Verdict] for each pending revision, and a verdict a [Block]
// for each thing that keeps it in. Everything that people are told is made of
// those. An override is decided from the same verdicts. What operators say,
// that they hold a stage or that a commit is bad, is an entry and a change of
// the ledger's state, in a transaction of its own. A stage that has diverged, or
// runs what is bad, is a [Mender]'s: it proposes what somebody merges, over
// [Branches], [Trees] and [Proposals], or resets the branch.
//
// # Invariants
//
// A stage's branch only ever moves by fast-forward, and only to a revision of
// its upstream; but for a reset of one that has diverged, which moves it to a commit of
// its upstream, and keeps the old head in the same transaction. Nothing that contains a commit which is known to be bad goes
// out without its revert, not by an override either; and but for an override, no
// tree that is new to the stage goes out before it has soaked or without the
// evidence that the plan asks for, and nothing while somebody holds the stage.
// Every write names the heads that were observed, of the branch and of the
// ledger, so that whoever decided on an older state, or before a hold, loses the
// race and decides again. A promotion without its record cannot exist, nor a
// record without its promotion. Where something cannot be known, nothing is
// promoted. docs/policy.md lists the invariants, and the test that guards each.
//
// # Concurrency
//
// [Decide] and everything else that is pure may be called from anywhere. An
// [Engine] has no state of its own: any number of them, in any number of
// processes, may work on one repository at the same time. A [Progress] that its
// context carries may be looked at meanwhile.
//
// # Not handled
//
// A branch that somebody moves by hand is not moved back by itself; a stage that has
// commits its upstream has not is refused until somebody has it mended. The upstream
// branch is not part of the transaction: a force-push or a revert between
// observation and commit is noticed at the next observation. A revert that its
// message does not speak of is not recognised, and whoever wrote a commit
// status is believed. A ledger that somebody rewinds by force to an earlier
// entry of its own is believed, too: the rules that `release:init` sets forbid
// it, and on a server without such rules nothing does.
package rollout
