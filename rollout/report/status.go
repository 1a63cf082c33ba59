package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Status says where every stage stands, in so many records of the ledger. Moments
// that somebody waits for are said in a zone, too.
func Status(s rollout.Status, records int, zone *time.Location) Document {
	d := Document{zone: zone}
	for _, stage := range s.Stages {
		stageStatus(&d, s.At, stage)
	}
	standingTaints(&d, s)
	d.Heading("ledger %s", s.Plan.Ledger)
	if len(s.Records) == 0 {
		d.Line("no entries")
	}
	trail(&d, s.Records[:min(records, len(s.Records))])
	return d
}

func stageStatus(d *Document, now time.Time, s rollout.StageStatus) {
	d.Heading("%s: %s %s", s.Stage.Name, s.Stage.Branch, head(now, s))
	running(d, s.Clusters)
	if r := s.Restoration; r != nil {
		d.Fact("Goes back", "to %s, since %s: what has all its files need not soak", r.To.Short(), rollout.FormatTime(r.At))
	}
	switch {
	case s.Err != nil:
		d.Line("%s", s.Err)
	case s.Decision == nil:
		d.Line("takes every change at once")
	case s.Decision.Action == rollout.Promote:
		d.Line("ready: %s", s.Decision.Reason)
		goesOut(d, s.Decision.GoesOut)
		pending(d, now, *s.Decision, s.Subjects)
	case s.Decision.Action == rollout.Diverged:
		d.Line("diverged: %s", s.Decision.Reason)
		waysBack(d, *s.Decision)
	default:
		standing(d, *s.Decision)
		pending(d, now, *s.Decision, s.Subjects)
	}
}

// waysBack says what a stage has that its upstream has not, and what can be
// done.
func waysBack(d *Document, decision rollout.Decision) {
	goesOut(d, decision.Foreign)
	for _, way := range decision.Ways {
		d.Line("→ %s", way)
	}
}

// head is where a stage's branch stands, and since when.
func head(now time.Time, s rollout.StageStatus) string {
	switch {
	case s.Head.SHA == "" && s.Err != nil && !errors.Is(s.Err, rollout.ErrNoBranch):
		return "was not observed"
	case s.Head.SHA == "":
		return "is missing"
	case s.Since.IsZero():
		return "at " + s.Head.SHA.Short()
	default:
		return fmt.Sprintf("at %s for %s, since %s", s.Head.SHA.Short(), rollout.FormatDuration(max(0, now.Sub(s.Since))), rollout.FormatTime(s.Since))
	}
}

// running says what the clusters of a stage have.
func running(d *Document, clusters []rollout.LiveStanding) {
	var rows [][]string
	var unasked []string
	for _, c := range clusters {
		has, state, _ := Running(c)
		if !c.Asked() {
			unasked = append(unasked, oneLine(c.Cluster))
			continue
		}
		rows = append(rows, []string{oneLine(c.Cluster), has, applied(c), state})
	}
	if len(unasked) > 0 {
		d.Fact("Not asked", "%s", strings.Join(unasked, ", "))
	}
	d.Table([]string{"CLUSTER", "HAS", "APPLIED", stateColumn}, rows)
}

// away is said of a cluster that has not what its branch has.
const away = "apart"

// Running is what a cluster has, how it is doing, and what that is to whoever reads it.
func Running(c rollout.LiveStanding) (commit, state string, tone Tone) {
	if !c.Asked() {
		return "", "not asked", usual
	}
	state = doing(c)
	if c.Err == nil && c.Live.Source != nil && c.Has() != c.Branch.SHA {
		state = away + ", " + state
	}
	return has(c), state, toneOf(state)
}
