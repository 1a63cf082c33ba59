// Package manifests holds what the reference clusters apply against what the API
// servers of the pinned versions know of each kind, without an API server.
//
// # Model
//
// The schemas are made of the definitions that the clusters of package e2e have,
// and of Kubernetes' own description (package schemas). kubeconform checks what
// each cluster would apply, as package flux renders it, and the files as they are
// written. Nothing is fetched but what the tools are made of, once.
//
// # Invariants
//
// Every object is checked: a kind without a schema is an error, and so are more or
// fewer objects than were rendered. A key that a kind does not have is refused.
//
// # Concurrency
//
// What the tests share is only read.
//
// # Not handled
//
// What an API server checks beyond the schema. Package e2e has real ones.
package manifests
