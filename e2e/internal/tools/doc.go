// Package tools builds the programs that the clusters consist of, and the one that
// runs workflows.
//
// # Model
//
// Each directory below e2e/tools is a [Module] that pins programs by `tool` lines:
// one for those that share libraries. [Cache.Build] builds them into the user's cache,
// under a key of all that decides how they come out, so a second run starts what the
// first has built. [Cache.Definitions] keeps the CustomResourceDefinitions there in the
// same way, and [Cache.Description] what Kubernetes says of its own kinds.
//
// # Invariants
//
// What is in the cache is complete: it is made beside its place and renamed.
// A go.sum that changes is programs that are built again.
//
// # Concurrency
//
// One process makes something at a time; whoever waited for it finds it made.
//
// # Not handled
//
// Nothing removes what an older go.sum has left: delete the directory.
package tools
