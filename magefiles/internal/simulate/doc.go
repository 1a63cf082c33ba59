// Package simulate plays whole years of a repository's life in seconds, to see
// whether the rollout keeps its word.
//
// # Model
//
// A year comes from a seed: what kind of repository it is, and everything that
// happens in it. People push, merge, revert and force-push; Flux applies and
// reports; operators hold, taint and override; a schedule ticks late, twice or
// not at all. All of it goes through the real engine and the real ledger, on a
// forge in memory that fails at any call, and at any step somebody else acts
// first or the process dies.
//
// The simulation chronicles what it does. After every step an oracle reckons
// from that chronicle, and from nothing that the code under test says, what
// the policy demands; it shares no code with package rollout and is as plain
// as can be. docs/simulation.md lists what it checks.
//
// # Invariants
//
// The same seed gives the same year. A failure names its seed, the invariant
// that does not hold, and the steps that led there.
//
// # Concurrency
//
// A year is one goroutine; several years may run at once. Two engines that act
// at the same time are interleaved at the calls that they make to the forge,
// where alone they can meet.
//
// # Not handled
//
// Ledgers that somebody edits by hand, branches that somebody deletes, and
// settings of forges: those have their own tests.
package simulate
