// Package axe has a script that finds what of a page is not accessible. Only tests use
// it.
//
// # Model
//
// [Script] is axe-core as Deque ships it (npm axe-core). It is kept in the user's cache
// directory, so that only the first run needs npm and the network.
//
// # Invariants
//
// It is the pinned version, or there is an error.
//
// # Concurrency
//
// Script may be called from anywhere.
//
// # Not handled
//
// A browser to run it in.
package axe

import (
	"context"

	"github.com/monosense/k8s-ops/rollout/rollouttest/internal/npm"
)

// Script is the text of the script.
func Script(ctx context.Context) ([]byte, error) { return npm.Axe.File(ctx, "axe.min.js") }
