// Package oracle holds the rendering of package flux against what Flux's own
// packages make of the same repositories.
//
// # Model
//
// The tests are a kustomize-controller without a cluster: source-controller's
// rules say what it gets of a repository (fluxcd/pkg sourceignore), and then, in
// the order of kustomization_controller.go, fluxcd/pkg kustomize generates, builds
// and substitutes, and fluxcd/pkg ssa reads the objects and gives them the common
// metadata. What comes out is put into a fake API server, and all Flux
// Kustomizations in it are reconciled again and again, until nothing changes. Each
// application has to have the objects that [flux.Render] shows of it.
//
// The repositories are the fixtures of package flux, those in testdata, and random
// ones.
//
// # Not handled
//
// What the API server and kustomize-controller do to an object after that: the
// labels that tell which Flux Kustomization applied it, and the defaults of
// built-in kinds. Values that nobody knows offline may be anything. Where the
// rendering differs on purpose, the test names the fixture and the reason.
//
// It is a module of its own, so that controller-runtime and its likes stay out of
// the toolkit.
//
// [flux.Render]: https://pkg.go.dev/github.com/monosense/k8s-ops/rollout/flux#Render
package oracle
