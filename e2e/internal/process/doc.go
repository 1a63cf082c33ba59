// Package process runs the programs that a cluster consists of, and leaves none
// of them behind.
//
// # Model
//
// A [Run] is one run of the suite: a directory of its own, the processes that were
// started in it, and their logs. [Run.Start] starts a [Process], whose output goes
// to a file that is named after it; [Run.Close] ends all of them.
//
// # Invariants
//
// No process outlives the one that started it. Close kills each with its process
// group; a signal and the end of the parent close the run ([Run.CloseOnSignal]); and
// where even that cannot happen, since this process was killed, Linux kills the
// children (PR_SET_PDEATHSIG).
//
// No directory outlives its run for long. Each holds a lock that the kernel takes
// away with the process; [Open] removes the directories whose lock is free.
//
// # Concurrency
//
// Everything exported is safe for concurrent use.
//
// # Not handled
//
// Elsewhere than on Linux, the children of a process that is killed with SIGKILL
// stay. What a process starts in a session of its own ends with that session's
// terminal, and stays where it has none.
package process
