package wire

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
)

// mostSummary is how many bytes of a step's summary GitHub takes; of a longer one
// it shows nothing at all
// (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits).
const mostSummary = 1 << 20

// tooLong stands where something was left out.
const tooLong = "\nWhat comes next is too long for a summary; the step's log has it.\n\n"

// A summary is the job's, which ends before it gets too long.
type summary struct {
	file *os.File
	left int64
	full bool
}

func newSummary(f *os.File) (*summary, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at the job's summary: %w", err), f.Close())
	}
	return &summary{file: f, left: mostSummary - info.Size() - int64(len(tooLong))}, nil
}

// Write implements [io.Writer]. What is left out is taken for written.
func (s *summary) Write(p []byte) (int, error) {
	if s.left -= int64(len(p)); s.left >= 0 {
		return s.file.Write(p)
	}
	if !s.full {
		s.full = true
		if _, err := s.file.WriteString(tooLong); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close closes the file.
func (s *summary) Close() error { return s.file.Close() }

// notePromotions tells the next jobs of a workflow what was promoted: a line for
// each stage, with where its branch was and is. It is done, whether they are told
// or not.
func notePromotions(path string, moved []operate.Promotion, errs io.Writer) {
	var lines strings.Builder
	for _, m := range moved {
		fmt.Fprintf(&lines, "%s %s %s\n", m.Stage, m.From, m.To)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintf(f, "promoted<<end-of-promoted\n%send-of-promoted\n", lines.String())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintf(errs, "What was promoted cannot be told to the next job: %v\n", err) //nolint:errcheck // nobody is left to be told
	}
}
