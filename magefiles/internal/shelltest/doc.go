// Package shelltest proves what stands outside of the Go code: the tasks, the
// workflows and CI's entry script.
//
// # Model
//
// Each of them is a thin shell over Mage targets, so there are two questions.
// Does it say only what is so: call targets and flags that exist, ask for no
// more permissions than it needs, pin what it runs? And does it pass on what it
// was given, byte for byte, and bring back the exit code? The first is read off
// the parsed files. For the second they are run: Task itself with a recorder in
// Mage's place, and the workflow's script under bash with a recorder in Go's.
//
// # Invariants
//
// Nothing here runs a real target, needs a token, or writes outside of a
// temporary directory.
//
// # Concurrency
//
// Task is built once for all tests.
//
// # Not handled
//
// What only GitHub can show: environments, wait timers and concurrency groups
// are checked as they are written, not as they behave.
package shelltest
