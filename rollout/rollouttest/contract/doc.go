// Package contract tests what every adapter of a port has to do, whatever it
// speaks to.
//
// # Model
//
// An adapter's own test calls [TestRemote], [TestHistory], [TestBranches] or
// [TestWitness] with a function that opens a [Fixture]: an empty repository, and the adapter that
// speaks to it. The contract then makes a history with the git binary, pushes
// it behind the adapter's back, and compares what the adapter says and does
// with what `git ls-remote` says. What is no part of Git, such as statuses, the
// fixture sets out itself.
//
// # Invariants
//
// Every case has a repository of its own. What a refused transaction left
// behind is looked at with git, never through the adapter.
//
// # Concurrency
//
// Cases run one after the other; each may use its adapter from several
// goroutines.
//
// # Not handled
//
// Failures of the network, and everything that one forge alone knows:
// permissions, protections, workflows. Those are the adapter's own tests.
package contract
