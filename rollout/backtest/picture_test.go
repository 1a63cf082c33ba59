package backtest_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/monosense/k8s-ops/rollout/backtest"
	"github.com/monosense/k8s-ops/rollout/report"
)

var update = flag.Bool("update", false, "draw the picture anew")

// The picture in the documentation is what a backtest draws of a generated half
// year. To draw it anew: go test ./rollout/backtest -run TestPicture -update
func TestPicture(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "img", "backtest.svg")
	var drawn bytes.Buffer
	if err := report.WriteBacktestSVG(&drawn, run(t, generate(1400), backtest.Options{})); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, drawn.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, drawn.Bytes()) {
		t.Errorf("%s is not what a backtest draws now: run this test with -update, and look at it", path)
	}
}
