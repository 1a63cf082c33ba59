package operate

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/report/board"
)

// Board are the arguments of `release:board`.
type Board struct {
	// Dir is where the page is written. Default is [boardDir].
	Dir string
}

const (
	boardDir = "rollout-board"
	// boardFile is what servers of pages show of a directory.
	boardFile = "index.html"
)

// Board writes the rollout as a page, and says where. What is known of one stage is
// drawn, too, where another cannot be observed.
func (o *Operator) Board(ctx context.Context, args Board) error {
	dir := cmp.Or(args.Dir, boardDir)
	query := rollout.StatusQuery{Glance: o.glance(), Patience: glancePatience}
	return o.measured(ctx, query, time.Time{}, func(s rollout.Status, stages []measure.Stage) error {
		var page bytes.Buffer
		if err := board.Write(&page, board.Board{Status: s, Records: s.Records, Measures: stages}); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("write the board: %w", err)
		}
		path := filepath.Join(dir, boardFile)
		if err := replaceFile(path, page.Bytes()); err != nil {
			return err
		}
		return o.show(report.Written(path, len(s.Records)))
	})
}
