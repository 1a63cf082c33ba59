module github.com/monosense/k8s-ops/e2e/tools/crds

go 1.26.7

// Only their CustomResourceDefinitions are used: not all that they are built from
// can be had.
require (
	github.com/fluxcd/notification-controller v1.9.2
	github.com/fluxcd/source-controller v1.9.6
)
