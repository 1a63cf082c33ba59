// Package tools builds the programs that the clusters consist of, and the one that
// runs workflows.
//
// # Model
//
// Each directory below e2e/tools is a module that pins programs by `tool` lines:
// one module per age of the libraries that they share. [Cache.Build] builds a
// program into the user's cache, under a key of all that decides how it comes
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
// Two runs may build the same at once; the later one wins, and both are right.
//
// # Not handled
//
// Nothing removes what an older go.sum has left: delete the directory.
package tools
