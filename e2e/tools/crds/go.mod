module github.com/monosense/k8s-ops/e2e/tools/crds

go 1.26.7

// Only its CustomResourceDefinitions are used: not all that it is built from can
// be had.
require github.com/fluxcd/source-controller v1.9.6
