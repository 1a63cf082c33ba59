// Package tools builds the programs that the clusters consist of, and the one that
// runs workflows.
//
// # Model
//
// Each directory below e2e/tools is a module that pins programs by `tool` lines:
// one module per age of the libraries that they share. [Cache.BuildAll] builds
// programs into the user's cache, each under a key of all that decides how it comes
// out, so a second run starts what the first has built. [Cache.Definitions] keeps
// the CustomResourceDefinitions there in the same way, and [Cache.Description] what
// Kubernetes says of its own kinds.
//
// # Invariants
//
// What is in the cache is complete: it is made beside its place and renamed.
// A go.sum that changes is a program that is built again.
//
// # Concurrency
//
// Programs are built by one process at a time; whoever waited finds them built.
//
// # Not handled
//
// Nothing removes what an older go.sum has left, nor what a build that was killed had
// begun: delete the directory.
package tools
