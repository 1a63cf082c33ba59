// Package suite begins and ends the run of a package of scenarios.
//
// # Model
//
// [Play] opens a run, builds what is not built yet, starts a fleet, and runs the
// tests on it; [InRun] opens a run alone, for suites without a fleet. [Root] is the
// repository that is tested, [Compile] makes a binary of its targets, and [Cache] has
// the programs that it pins.
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
