package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Lines prints what changes, until ctx ends, which is no error.
func Lines(ctx context.Context, o Options) error {
	s := &session{Options: o}
	s.asked = o.Now()
	for {
		what, when := s.next()
		if !sleep(ctx, when.Sub(s.Now())) {
			return nil
		}
		lost := s.trouble
		changes := s.take(s.Now(), s.ask(ctx, what))
		if ctx.Err() != nil {
			return nil
		}
		if line := connection(lost, s.trouble); line != "" {
			changes = append([]string{line}, changes...)
		}
		if err := s.print(changes); err != nil {
			return err
		}
	}
}

// connection says that there is no answer any more, or one again.
func connection(before, now error) string {
	switch {
	case now != nil && before == nil:
		return "no answer: " + rollout.OneLine(now.Error(), 300)
	case now == nil && before != nil:
		return "there are answers again"
	default:
		return ""
	}
}

func (s *session) print(lines []string) error {
	stamp := rollout.FormatTime(s.Now())
	var failed error
	for _, line := range lines {
		_, err := fmt.Fprintf(s.Out, "%s  %s\n", stamp, line)
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return fmt.Errorf("print: %w", failed)
	}
	return nil
}

// sleep waits, and tells whether it was for the whole time.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
