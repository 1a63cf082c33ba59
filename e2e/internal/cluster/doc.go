// Package cluster runs Kubernetes clusters with Flux on this machine: real API
// servers over a real etcd, real controllers, and no nodes.
//
// # Model
//
// A [Site] is what the clusters of a run have in common: the binaries, the ports,
// and one etcd, in which each cluster has a prefix. [Site.Start] starts a
// [Cluster] of a [Kind]: an API server and Flux, and where pods are to run, a
// controller manager. A cluster is reached
// as any other: by a context of [Site.Kubeconfig], with kubectl or client-go.
//
// No kubelet runs. [Cluster.runPods] stands in for the nodes: it says of every
// pod that it runs and is ready, unless its image comes from [Unreachable].
//
// A [Journal] is what an API server's own watch streams told of the sources and
// the Kustomizations of a cluster, from the beginning on.
//
// # Invariants
//
// Everything listens on 127.0.0.1. Each cluster has an authority of its own:
// nothing that belongs to one is let in by another.
//
// Readiness is asked for, again and again; nothing waits for a time to pass.
//
// # Concurrency
//
// A Site and a Cluster are safe for concurrent use.
//
// # Not handled
//
// Networks: a Service has an address that nothing listens on, and a NetworkPolicy
// keeps nobody out.
package cluster
