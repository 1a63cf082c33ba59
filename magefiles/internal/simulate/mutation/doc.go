// Package mutation shows that the simulation would find a bug if there was one.
//
// # Model
//
// A list of bugs, one of each kind, each as a change of one place in the
// source. Every one is built into a binary of its own, without touching the
// source, and the simulation has to fail there within a few years, with the
// invariant that the list names. docs/simulation.md shows the list.
//
// # Invariants
//
// A bug whose place is not in the source any more, or is there twice, fails the
// test: the list cannot rot.
//
// # Concurrency
//
// Bugs are built and run side by side, as many as there are processors.
//
// # Not handled
//
// Bugs that two places make together, and bugs in adapters: those have their
// own tests.
package mutation
