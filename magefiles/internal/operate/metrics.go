package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/openmetrics"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Metrics are the arguments of `release:metrics`.
type Metrics struct {
	// File is where to write, in the place of standard output.
	File string
	// Since is a date.
	Since string
	JSON  bool
}

// Metrics writes where the rollout stands, and how well it does. What is known of one
// stage is written, too, where another cannot be observed.
func (o *Operator) Metrics(ctx context.Context, args Metrics) error {
	since, err := dateSince(args.Since)
	if err != nil {
		return err
	}
	return o.measured(ctx, rollout.StatusQuery{}, since, func(s rollout.Status, stages []measure.Stage) error {
		write := func(w io.Writer) error { return openmetrics.Write(w, s, stages) }
		if args.JSON {
			write = func(w io.Writer) error { return report.WriteMeasuresJSON(w, s.Plan.Repository, s.At, stages) }
		}
		return o.deliver(args.File, write)
	})
}

// measured hands on a status, and how well its stages do since a moment. What is known
// of one stage is handed on, too, where another cannot be observed; that is the error
// then. A query for measures asks for the whole ledger.
func (o *Operator) measured(ctx context.Context, q rollout.StatusQuery, since time.Time, then func(rollout.Status, []measure.Stage) error) error {
	s, failed := o.Engine.Status(ctx, q)
	if s.At.IsZero() {
		return failed
	}
	past, err := o.past(ctx, s, since)
	if err == nil {
		err = then(s, measure.Run(past))
	}
	return errors.Join(failed, err)
}

// dateSince reads the flag -since, which is a date or not given.
func dateSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	since, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return since, &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("-since=%s is no date", rollout.Printable(text, 40)), Ways: []string{"write year, month and day in UTC: -since=2026-01-31"},
		}
	}
	return since, nil
}

// past reads what the measures are made of, of a status that has the whole ledger.
func (o *Operator) past(ctx context.Context, s rollout.Status, since time.Time) (measure.Past, error) {
	first := s.Stages[0].Head
	p := measure.Past{Plan: s.Plan, At: s.At, Since: since, Records: s.Records, Head: first.SHA}
	if first.SHA == "" {
		return p, nil
	}
	is := map[rollout.SHA]bool{}
	for _, stage := range s.Plan.Downstream() {
		promotions := p.Promotions(stage.Branch)
		if len(promotions) == 0 || is[promotions[0].From] {
			continue // what came since then is known
		}
		commits, err := o.Engine.History.Between(ctx, promotions[0].From, first.SHA)
		if err != nil {
			return p, fmt.Errorf("read what went out into %s: %w", stage.Name, err)
		}
		for _, c := range commits {
			if !is[c.SHA] {
				is[c.SHA] = true
				p.Commits = append(p.Commits, c)
			}
		}
	}
	if len(p.Commits) == 0 {
		return p, nil
	}
	var err error
	p.Movements, err = o.Engine.Remote.Movements(ctx, first.Branch, arrivedAll(is))
	return p, err
}

// arrivedAll tells when the push log has been read far enough: at an ordinary push
// from something that is none of the commits to one of them, since what came before
// it brought none. After twice as many rows as there are commits it gives up, so that
// no history of force-pushes can make it read without end; what arrived before is
// left out then.
func arrivedAll(is map[rollout.SHA]bool) func(rollout.Movement) bool {
	left := 2*len(is) + 100
	return func(m rollout.Movement) bool {
		left--
		return left == 0 || !m.Forced && is[m.After] && !is[m.Before]
	}
}

// deliver writes to a file, or to standard output where none is named.
func (o *Operator) deliver(file string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if file != "" {
		return replaceFile(file, b.Bytes())
	}
	if _, err := o.Out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// replaceFile gives a file another content at once: whoever reads it, as a collector
// does at any time, finds the old one or the new one whole. Others may read it; the
// name that it has in between ends in no way that a collector looks for.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", rollout.Printable(path, 300), err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", rollout.Printable(path, 300), err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
