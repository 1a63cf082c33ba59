// Package desk is where somebody works on a repository: a checkout, git, kubectl,
// the compiled targets, and the stand-in of GitHub that all of it talks to.
//
// # Model
//
// [Open] starts GitHub with one private repository, and a clock that only the tests
// move. Each cluster has a token that reads and no more, as a deploy key would.
// [Desk.Begin] pushes what is in the checkout and has the targets set up the rest.
//
// # Invariants
//
// Programs run with the environment of nobody: what they know of GitHub and of who
// works here, they are given.
//
// # Concurrency
//
// A Desk is safe for concurrent use once it is open; the checkout is one.
//
// # Not handled
//
// What clusters are and do: package cluster.
package desk
