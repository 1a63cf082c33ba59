package board

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A lane is a stage: where it stands, what its clusters have, and what is on its way.
type lane struct {
	Name, Branch, Head, Since string
	// State is a word or two, and Tone what it is.
	State, Tone string
	Reason      string
	Ways        []string
	Next        string
	Holds       []hold
	Clusters    []cluster
	Axis        axis
	Pending     []pending
}

type (
	hold    struct{ By, Since, Until, Reason string }
	cluster struct{ Name, Has, State, Tone string }
	pending struct {
		report.Row
		Bar bar
	}
)

// A bar is a revision's soak on the axis, in percent of its length: From its arrival,
// Wide until its soak ends, of which Done is over.
type bar struct{ From, Wide, Done string }

func newLane(now time.Time, s rollout.StageStatus) lane {
	l := lane{
		Name: rollout.Printable(s.Stage.Name, 80), Branch: rollout.Printable(s.Stage.Branch, 200), Head: "is missing",
	}
	if s.Head.SHA != "" {
		l.Head = s.Head.SHA.Short()
	}
	if !s.Since.IsZero() {
		l.Since = rollout.FormatTime(s.Since)
	}
	for _, h := range s.Holds {
		l.Holds = append(l.Holds, newHold(h))
	}
	for _, c := range s.Clusters {
		l.Clusters = append(l.Clusters, newCluster(c))
	}
	switch {
	case s.Err != nil:
		l.State, l.Tone, l.Reason = "not observed", "bad", rollout.OneLine(s.Err.Error(), 600)
	case s.Decision == nil:
		l.State, l.Tone = "takes every change at once", "good"
	default:
		l.decided(now, s)
	}
	return l
}

func newHold(h rollout.Hold) hold {
	until := "until it is lifted"
	if !h.Until.IsZero() {
		until = "until " + rollout.FormatTime(h.Until)
	}
	return hold{rollout.Printable(h.By, 60), rollout.FormatTime(h.At), until, rollout.OneLine(h.Reason, 300)}
}

func newCluster(c rollout.LiveStanding) cluster {
	has, state, tone := report.Running(c)
	return cluster{rollout.Printable(c.Cluster, 100), has, state, string(tone)}
}

// decided fills in what the policy says.
func (l *lane) decided(now time.Time, s rollout.StageStatus) {
	d := *s.Decision
	state, tone := report.Called(d.Action)
	l.State, l.Tone = state, string(tone)
	l.Reason = rollout.OneLine(d.Reason, 600)
	for _, way := range d.Ways {
		l.Ways = append(l.Ways, rollout.OneLine(way, 300))
	}
	if v, ok := report.Next(d); ok {
		l.Next = fmt.Sprintf("%s at %s, in %s", v.Revision.SHA.Short(), rollout.FormatTime(v.RetryAt), rollout.FormatDuration(v.RetryAt.Sub(now)))
	}
	l.Axis = newAxis(now, s)
	for i, row := range report.Rows(now, d, s.Subjects) {
		l.Pending = append(l.Pending, pending{Row: row, Bar: l.Axis.bar(now, s.Stage, s.Subjects[i].Verdict)})
	}
}

// An axis is the time in which what is pending soaks. Places on it are in percent.
type axis struct {
	from, to time.Time
	// From and To are its ends, Now is where now is on it, and Shades are holds.
	From, To, Now string
	Shades        []shade
}

type shade struct{ From, Wide, By string }

// newAxis begins where the oldest pending revision arrived, and ends where the last of
// the soaks does; around now there is a bit of it in any case.
func newAxis(now time.Time, s rollout.StageStatus) axis {
	around := max(s.Stage.Soak/20, time.Minute)
	a := axis{from: now.Add(-around), to: now.Add(around)}
	for _, subject := range s.Subjects {
		from, to := soak(s.Stage, subject.Verdict)
		if from.Before(a.from) && !from.IsZero() {
			a.from = from
		}
		if to.After(a.to) {
			a.to = to
		}
	}
	a.From, a.To, a.Now = rollout.FormatTime(a.from), rollout.FormatTime(a.to), a.place(now)
	for _, h := range s.Holds {
		until := a.to
		if !h.Until.IsZero() {
			until = h.Until
		}
		a.Shades = append(a.Shades, shade{a.place(h.At), a.length(h.At, until), rollout.Printable(h.By, 60)})
	}
	return a
}

// soak is when a revision began to soak, and when that ends as far as one can tell.
// Both are zero where its arrival is not known.
func soak(stage rollout.Stage, v rollout.Verdict) (from, to time.Time) {
	if !v.Revision.Recorded {
		return time.Time{}, time.Time{}
	}
	to = v.Revision.Arrival.Add(stage.Soak)
	for _, b := range v.Blocks {
		if b.Gate == rollout.GateSoak && b.Until.After(to) {
			to = b.Until
		}
	}
	return v.Revision.Arrival, to
}

// share is where a moment is on the axis, from 0 to 1.
func (a axis) share(t time.Time) float64 {
	return min(max(t.Sub(a.from).Seconds()/a.to.Sub(a.from).Seconds(), 0), 1)
}

func (a axis) place(t time.Time) string { return percent(a.share(t)) }

func (a axis) length(from, to time.Time) string { return percent(max(a.share(to)-a.share(from), 0)) }

func percent(share float64) string { return fmt.Sprintf("%.2f%%", share*100) }

// bar is a revision's soak on the axis.
func (a axis) bar(now time.Time, stage rollout.Stage, v rollout.Verdict) bar {
	from, to := soak(stage, v)
	if from.IsZero() {
		return bar{}
	}
	return bar{From: a.place(from), Wide: a.length(from, to), Done: a.length(from, earlier(now, to))}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
