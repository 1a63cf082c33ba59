// Package backtest replays the history of an upstream branch, under the plan's
// policy and under those that people use without it, and measures what would
// have gone out, when, and at what price.
//
// # Model
//
// A [History] is what is known of the branch. [Run] makes of it a line of
// revisions, each of which contains the one before it, and lets every [Policy]
// promote along it:
//
//	arrivals → tick, hourly at :43 → the policy's choice → what went out, and what of it was bad
//
// The stage begins at a revision, the first one or the last before Since, and
// what came after it is measured. The plan's policy is [rollout.Decide] itself,
// asked of what is pending at a tick and of nothing else. A policy is asked only
// at ticks at which its answer can be another one: the first after an arrival,
// and the first after the moment that it named itself. The plan's is asked of
// even less, so that a replay costs about as much as the history is long,
// whatever soak, windows and trailers keep in.
//
// # Invariants
//
// The same arguments give the same result. All policies see the same arrivals
// and the same ticks, and are measured alike. The plan lets out what
// [rollout.Decide] would let out, were it asked of all that is pending at every
// tick.
//
// # Concurrency
//
// Everything here is a function of its arguments, but that a [rollout.Progress]
// among them is told how far it is.
//
// # Not handled
//
// What no history keeps: what clusters reported, holds, taints and overrides; and
// exposure, which would cost a rendering for each revision.
// [Result.Notes] says what of the stage's policy is left out for that reason.
// An override that is counted is not carried out. What a force-push took away is
// replayed as if it had never been pushed; and of a stage whose upstream is not
// the first, reverts are seen when they reach its upstream.
package backtest
