// Package schemas makes JSON schemas of what an API server knows of its kinds, so
// that manifests can be held against them without one.
//
// # Model
//
// [Write] takes Kubernetes' own description, the one that its API servers serve,
// and CustomResourceDefinitions, and writes a file for each version of a kind.
// [Location] says where, in the words of kubeconform.
//
// # Invariants
//
// A schema refuses every key that its kind does not name, where an API server
// would drop it, or refuse it as well. That holds in the metadata, too, of which a
// definition says nothing.
//
// # Concurrency
//
// Nothing is shared.
//
// # Not handled
//
// Rules that are more than a schema: those in CEL, and what Kubernetes checks in
// code.
package schemas
