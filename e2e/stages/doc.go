// Package stages proves the staged rollout where there are more stages and more
// clusters than this repository has: three stages, five clusters, and a main that
// somebody pushes to all the time.
//
// # Model
//
// The repository is made up, and small: below testdata there is a plan, one object
// that every change gives another word, and what a cluster needs to follow a branch.
// The clusters are lean ones. A story is played with git push and the targets, and
// afterwards the clusters' journals are held against what Git itself wrote down.
//
// # Invariants
//
// What may run where is worked out from a [chronicle] alone: Git's log of every
// branch, and the clock. Nothing that our own programs say is asked.
//
// # Concurrency
//
// One story. The clusters follow it while it goes on.
//
// # Not handled
//
// What has its place in package e2e: pods, health, what goes wrong.
package stages
