package operate

import (
	"bytes"
	"context"
	"errors"
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
	dir := args.Dir
	if dir == "" {
		dir = boardDir
	}
	s, failed := o.Engine.Status(ctx, rollout.StatusQuery{Glance: o.glance(), Patience: glancePatience})
	if s.At.IsZero() {
		return failed
	}
	past, err := o.past(ctx, s, time.Time{})
	if err != nil {
		return errors.Join(failed, err)
	}
	var page bytes.Buffer
	if err := board.Write(&page, board.Board{Status: s, Records: s.Records, Measures: measure.Run(past)}); err != nil {
		return errors.Join(failed, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errors.Join(failed, fmt.Errorf("write the board: %w", err))
	}
	path := filepath.Join(dir, boardFile)
	if err := replaceFile(path, page.Bytes()); err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(o.show(report.Written(path, len(s.Records))), failed)
}
