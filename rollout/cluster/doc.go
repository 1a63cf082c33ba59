// Package cluster asks live clusters what they follow and what they applied, and
// has their Flux hurry, stop and go on.
//
// # Model
//
// A cluster of the plan is reached through a context of the kubeconfig: the one
// that the plan names for it, or the one of its own name. KUBECONFIG is honoured
// as kubectl honours it. What is read are Flux's objects, in whatever version the
// cluster serves, through client-go's dynamic client: so no type of Flux has to be
// compiled in, and an older Flux is no other program.
//
// # Invariants
//
// Nothing is written by a look. What is written is one annotation, by which Flux is
// asked to reconcile an object, and spec.suspend, and nothing else. Each cluster has its own time, so that one that
// does not answer costs the others nothing. Whatever a cluster says is somebody
// else's text.
//
// # Concurrency
//
// [Clusters] may be used by several goroutines.
//
// # Not handled
//
// A kubeconfig that gets its credentials from a program has that program run by
// client-go, with the environment of this process, as kubectl does. Whoever calls
// takes out of it what that program must not see.
package cluster
