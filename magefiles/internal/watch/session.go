package watch

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Options say what is watched, and how.
type Options struct {
	// Name is what is watched: a repository.
	Name string
	// Status looks at everything, and Pulse only whether something moved. Each is
	// asked for so long at the most.
	Status   func(context.Context) (rollout.Status, error)
	Pulse    func(context.Context) (rollout.Pulse, error)
	Patience time.Duration
	// Runs are those of the workflow that go on. Default is that there is none.
	Runs func(context.Context) ([]rollout.Run, error)
	// Draw is a status as a document.
	Draw func(rollout.Status) report.Document
	// Now is the clock of this machine, and Zone where whoever watches is.
	Now  func() time.Time
	Zone *time.Location
	Out  io.Writer

	// The rest is for a terminal. In is where keys come from, and Page what is drawn
	// on, so many columns wide.
	In   io.Reader
	Page func(columns int) report.Page
	// Views are what keys show in the status's place.
	Views []View
	// Open opens the repository in a browser.
	Open func() error
}

// A View is something that a key shows.
type View struct {
	Key, Name string
	Write     func(ctx context.Context, page report.Page, w io.Writer) error
}

// An answer is what came of an errand.
type answer struct {
	to       errand
	status   rollout.Status
	outdated bool
	err      error
	// runs say how far each run has come, or that nobody may know.
	runs []string
}

// A session is what is known so far.
type session struct {
	Options
	pace
	status rollout.Status
	// trouble is why the last question has no answer, and since when there is none.
	trouble error
	since   time.Time
	runs    []string
}

// ask runs an errand.
func (s *session) ask(ctx context.Context, what errand) answer {
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	a := s.look(ctx, what)
	if a.err == nil && s.Runs != nil {
		a.runs = s.going(ctx)
	}
	return a
}

// going says how far each run has come. Not to know that is no trouble.
func (s *session) going(ctx context.Context) []string {
	runs, err := s.Runs(ctx)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return []string{"which runs go on is not known: " + rollout.OneLine(first, 200)}
	}
	lines := make([]string, len(runs))
	for i, run := range runs {
		lines[i] = report.Going(run)
	}
	return lines
}

func (s *session) look(ctx context.Context, what errand) answer {
	if what == forPulse {
		pulse, err := s.Pulse(ctx)
		return answer{to: what, outdated: pulse.Outdates(s.status), err: err}
	}
	status, err := s.Status(ctx)
	if !status.At.IsZero() {
		err = nil // what could not be seen stands in the status
	}
	return answer{to: what, status: status, err: err}
}

// take takes an answer in, and says what is new.
func (s *session) take(now time.Time, a answer) []string {
	if a.err != nil {
		s.failed(now)
		if s.trouble == nil {
			s.since = now
		}
		s.trouble = a.err
		return nil
	}
	s.trouble = nil
	changes := slices.DeleteFunc(slices.Clone(a.runs), func(line string) bool { return slices.Contains(s.runs, line) })
	if len(changes) > 0 {
		s.livelyUntil = now.Add(livelyFor)
	}
	s.runs = a.runs
	if a.to == forPulse {
		s.felt(now, a.outdated)
		return changes
	}
	changes = append(changes, report.Changes(s.status, a.status)...)
	if !s.looked.IsZero() && len(changes) > 0 {
		s.livelyUntil = now.Add(livelyFor)
	}
	s.status = a.status
	s.saw(now, a.status)
	return changes
}

// now is the status as it is by now: what was seen, and the time since.
func (s *session) current(now time.Time) rollout.Status {
	status := s.status
	status.At = status.At.Add(now.Sub(s.looked))
	return status
}
