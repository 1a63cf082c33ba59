// Package suite begins and ends the run of a package of scenarios.
//
// # Model
//
// [Play] builds what is not built yet, opens a run, starts a fleet, and runs the
// tests on it; [InRun] opens a run alone, for suites without a fleet. [Root] is the
// repository that is tested, and [Compile] makes a binary of its targets.
//
// # Invariants
//
// Nothing is left behind but, where something failed, what every process said.
//
// # Concurrency
//
// A process plays once.
//
// # Not handled
//
// What a fleet is: the scenarios say that.
package suite
