// Package planfile reads the plan, clusters/rollout.yaml, into a rollout.Plan.
//
//	repository: https://github.com/monosense/k8s-ops
//	source:
//	  name: k8s-ops
//	  namespace: flux-system
//	ledger: rollout/ledger
//	stages:
//	  - name: infra
//	    branch: main
//	    clusters: [infra]
//	  - name: apps
//	    branch: release
//	    clusters: [apps]
//	    soak: 24h
//
// # Model
//
// A file is read in three passes, each over what the one before it left:
//
//   - [Parse] turns bytes into YAML nodes and refuses what could hide
//     something from a reader: anchors, aliases, tags, a second document.
//   - bind (bind.go) lays the nodes over the Go types of the format
//     (format.go): unknown, duplicate and missing keys, wrong kinds of value.
//   - check (check.go) judges the values: names, branches, durations, the
//     order of the stages, the address of the repository, what a stage asks of a
//     revision (policy.go), when it takes one (window.go, opens.go), and what
//     verification has to know (entries.go, rules.go). When a window is open is
//     known to the package internal/schedule.
//
// The JSON schema beside this file, rollout.schema.json, is generated from the
// same Go types and patterns, for editors. The schema knows less than this
// package: a file that it accepts can still be refused here, never the other
// way round.
//
// # Invariants
//
//   - A plan without an error is complete: it has at least two stages, every
//     stage but the first has a soak that was written down, no branch and no
//     cluster is in two stages, and the ledger is no stage's branch.
//   - A policy that contradicts itself is no plan: what rests on health has
//     health, health is asked of clusters of the upstream stage, every window
//     comes, and together they leave a moment open.
//   - An entry point is that of a cluster of the plan, and a clean path below the
//     repository's root. A rule is turned off with a reason, and none without
//     which the others would mean nothing.
//   - The order of the stages is the order of the list. There is no other way
//     to express one.
//   - Every error says file, line, what is wrong and what to do; all errors of
//     a file are reported together, in the order of their lines. Where it is no
//     YAML there is one error only, and the parser may not know the line.
//   - The value of repository appears in no error, because somebody may have
//     written a token into it.
//
// # Concurrency
//
// The functions keep no state and may be called from several goroutines. A
// [File] is not changed after it was returned.
//
// # Not handled
//
// Whether the clusters' directories, the branches and the repository exist is
// not looked at: the same plan is read in places that have only the file. The
// same goes for entry points. Nor
// is whether anybody has ever reported a context that a stage asks for. Windows
// paths are not understood.
package planfile
