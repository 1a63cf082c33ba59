// Package e2e proves the staged rollout on real clusters: etcd, API servers and
// Flux's controllers run as plain processes on loopback, follow this repository's
// own clusters/ over https, and are asked what they have applied.
//
// # Model
//
// The tests share one fleet: the clusters infra and apps, a stand-in of GitHub
// with real Git behind it, whose clock the tests move, and the compiled binary of
// the targets. A scenario begins with both clusters ready on the same revision,
// changes something as a person would (git push, kubectl, a target), and asks the
// clusters what came of it.
//
// # Invariants
//
// A cluster is believed only what its API server says: objects and their resource
// versions, and a journal of its watch streams. What our own programs print about
// clusters proves nothing here.
//
// No test waits for a time to pass. Where something must not happen, the clusters
// are asked after each has looked for a new revision so many times.
//
// # Concurrency
//
// One scenario after the other.
//
// # Not handled
//
// Nodes and networks: see package cluster.
package e2e
