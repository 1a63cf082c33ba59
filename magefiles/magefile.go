//go:build mage

// Staged rollout for Flux GitOps repositories: main reaches infra at once, and
// apps after it has soaked.
package main

import (
	//mage:import
	_ "github.com/monosense/k8s-ops/magefiles/develop"
	//mage:import flux
	_ "github.com/monosense/k8s-ops/magefiles/flux"
	//mage:import release
	_ "github.com/monosense/k8s-ops/magefiles/release"
	//mage:import verify
	_ "github.com/monosense/k8s-ops/magefiles/verify"
)
