// Package measure works out how well a rollout does: how often something goes out,
// how long a change takes, how long it really soaked, how often it fails, and how
// long that lasts.
//
// # Model
//
// A [Past] is what is known: the ledger, the push log of the first stage's branch,
// and the commits. [Run] makes a [Stage] of measures of each stage that something
// is promoted into: every promotion with what came of it, and of all of them, and
// of those of each week, a [Tally]. docs/metrics.md has the definitions.
//
// # Invariants
//
// What the past does not tell is left out and counted as left out; nothing is
// guessed. The cost is linear in entries, pushes and commits, but for sorting.
//
// # Concurrency
//
// Everything here is a function of its arguments.
//
// # Not handled
//
// A failure that neither a revert, nor a taint, nor a `Fixes:` of an override
// speaks of is not known here. A history that was rewritten since no longer has
// what went out before; such commits are counted as left out.
package measure
