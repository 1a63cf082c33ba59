package watch

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// How often what is asked. A pulse is one request, a status at most eight, and each
// asks with one more which runs go on: an hour without anything to see has fifteen
// pulses, and two statuses beside them.
const (
	// quiet is between two pulses where nothing happens, and lively where something
	// did within the last minutes.
	quiet, lively = 4 * time.Minute, 15 * time.Second
	// livelyFor is how long one thing makes another likely.
	livelyFor = 5 * time.Minute
	// stale is when a status is asked for although nothing moved: what clusters
	// report moves nothing.
	stale = 30 * time.Minute
	// After a question without an answer.
	firstRetry, longestRetry = 5 * time.Second, 2 * time.Minute
)

// An errand is a question.
type errand uint8

const (
	forPulse errand = iota
	forStatus
)

// A pace says what to ask next.
type pace struct {
	// looked is when a status came, and asked when anything was asked for, by the
	// clock of this machine.
	looked, asked time.Time
	// livelyUntil is until when something may happen at any moment.
	livelyUntil time.Time
	// failures are those since the last answer.
	failures int
	// outdated says that a status has to be asked for at once.
	outdated bool
	// due is when time changes what the policy says; zero where it does not.
	due time.Time
}

// next is what to ask, and when.
func (p pace) next() (errand, time.Time) {
	switch {
	case p.failures > 0:
		return forStatus, p.asked.Add(retry(p.failures))
	case p.outdated || p.looked.IsZero():
		return forStatus, p.asked
	}
	pause := quiet
	if p.asked.Before(p.livelyUntil) {
		pause = lively
	}
	what, when := forPulse, p.asked.Add(pause)
	for _, look := range []time.Time{p.looked.Add(stale), p.due} {
		if look.After(p.looked) && !look.After(when) {
			what, when = forStatus, look
		}
	}
	return what, when
}

// retry is how long to wait after so many failures.
func retry(failures int) time.Duration {
	pause := firstRetry
	for range failures - 1 {
		if pause *= 2; pause >= longestRetry {
			return longestRetry
		}
	}
	return pause
}

// felt takes in that a pulse said whether the status is out of date.
func (p *pace) felt(now time.Time, outdated bool) {
	p.asked, p.failures, p.outdated = now, 0, outdated
	if outdated {
		p.livelyUntil = now.Add(livelyFor)
	}
}

// saw takes in a status. What is due is told by the forge's clock.
func (p *pace) saw(now time.Time, s rollout.Status) {
	p.asked, p.looked, p.failures, p.outdated, p.due = now, now, 0, false, time.Time{}
	if due := s.Due(); !due.IsZero() {
		p.due = now.Add(due.Sub(s.At))
	}
}

// failed takes in that there was no answer.
func (p *pace) failed(now time.Time) {
	p.asked = now
	p.failures++
}
