// Package memory is a Git forge in memory: branches, a commit graph, a log of
// pushes, commit statuses and a ledger, behind the ports of the domain. A year
// of a repository's life takes it less than a second.
//
// # Model
//
// A [Forge] implements [rollout.Remote], [rollout.History] and
// [rollout.Witness]. What happens behind the engine's back, pushes and reports,
// is done through its other methods. Objects have the names that Git gives
// them, so that a history can be carried over from a real repository and back.
//
// Every call of a port passes an interceptor, if there is one ([Forge.Intercept]):
// it may do anything with the forge, as somebody who is quicker than the
// caller would, and says what becomes of the call ([Fate]).
//
// # Invariants
//
//   - A transaction moves its branch and the ledger, or neither; it is refused
//     where a head is not what it names, and where it is no fast-forward.
//   - An observation is one picture: heads, ledger and time belong together.
//   - All times come from [Options.Clock]. The forge reads it once for each
//     picture, each push and each report.
//   - Between costs what two heads do not share, whatever the length of the
//     history: it walks in the order of generation numbers, as Git does, and
//     stops where nothing is left that only one of them has.
//
// # Concurrency
//
// Everything exported is safe for concurrent use. The interceptor and the
// clock are called without the lock held; the interceptor may call the forge.
//
// # Not handled
//
// Permissions, protections, limits and workflows: package rollouttest has
// those. Of trees only flat ones are stored, which is what a ledger has; any
// other tree is a name and no more. Objects are never collected.
package memory
