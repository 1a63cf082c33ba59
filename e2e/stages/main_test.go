package stages

import (
	"context"
	"os"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
)

// shared is the fleet of this package.
var shared *fleet

func TestMain(m *testing.M) {
	os.Exit(suite.Play(m, func(ctx context.Context, run *process.Run, parts cluster.Parts) (_ suite.Fleet, err error) {
		shared, err = startFleet(ctx, run, parts)
		return shared, err
	}))
}
