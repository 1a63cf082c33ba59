// Package progress shows what long work is at to whoever waits for it: on a terminal
// in one line that is alive, elsewhere in a line now and then.
//
// # Model
//
// A [Display] looks ten times a second at what a [rollout.Progress] says; the work
// itself calls nobody. What it is at is drawn once it has lasted for half a second. What
// the command prints goes through [Display.Over], which takes the line away first.
//
// # Invariants
//
// Where work is short, nothing is written. A line never stands beside what is
// printed, is never wider than the terminal, and is gone when [Display.Close] returns,
// or somebody interrupts. The cursor is where it would be without the line. Where it
// is no terminal, nothing is written but text. What others named is text.
//
// # Concurrency
//
// A display has a goroutine of its own, until it is closed. Its methods, and the
// writers that it gives, may be used from anywhere.
//
// # Not handled
//
// What other processes write to the same terminal, and a process that is stopped in
// the middle of a line: the line stays until it goes on.
package progress
