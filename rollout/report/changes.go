package report

import (
	"fmt"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
)

// Changes says in lines what a status has that the one before it had not. Nothing in
// them is relative to the time at which they are read.
func Changes(before, after rollout.Status) []string {
	var lines []string
	said := map[string]bool{}
	for _, stage := range before.Stages {
		for _, line := range briefly(stage) {
			said[line] = true
		}
	}
	for _, stage := range after.Stages {
		for _, line := range briefly(stage) {
			if !said[line] {
				lines = append(lines, line)
			}
		}
	}
	return append(lines, recorded(before, after)...)
}

// briefly is where a stage stands, and what each of its clusters has.
func briefly(s rollout.StageStatus) []string {
	lines := []string{fmt.Sprintf("%s: %s", oneLine(s.Stage.Name), oneLine(stands(s)))}
	for _, c := range s.Clusters {
		has, state, _ := Running(c)
		switch {
		case !c.Asked():
		case has == "":
			lines = append(lines, fmt.Sprintf("cluster %s: %s", oneLine(c.Cluster), state))
		default:
			lines = append(lines, fmt.Sprintf("cluster %s: has %s, %s applied, %s", oneLine(c.Cluster), has, applied(c), state))
		}
	}
	return lines
}

func stands(s rollout.StageStatus) string {
	where := s.Stage.Branch + " at " + short(s.Head.SHA)
	switch {
	case s.Err != nil:
		return s.Err.Error()
	case s.Decision == nil:
		return where
	case s.Decision.Action == rollout.Promote:
		return fmt.Sprintf("%s, ready for %s", where, s.Decision.Revision.SHA.Short())
	}
	text := fmt.Sprintf("%s, %s", where, called(s.Decision.Action))
	for _, b := range s.Decision.Blocks {
		text += "; " + blocked(b)
	}
	if v, ok := Next(*s.Decision); ok {
		text += fmt.Sprintf("; takes %s at %s", v.Revision.SHA.Short(), rollout.FormatTime(v.RetryAt))
	}
	if n := len(s.Subjects); n > 0 {
		text += fmt.Sprintf("; %d pending", n)
	}
	return text
}

// recorded are the entries of the ledger that came since, oldest first. Of those that
// were there when somebody began to look nothing is said.
func recorded(before, after rollout.Status) []string {
	if before.At.IsZero() {
		return nil
	}
	known := map[rollout.SHA]bool{}
	for _, r := range before.Records {
		known[r.Commit] = true
	}
	var lines []string
	for _, r := range slices.Backward(after.Records) {
		if !known[r.Commit] {
			lines = append(lines, entry(r))
		}
	}
	return lines
}

// entry is one of the ledger on one line.
func entry(r rollout.Record) string {
	e := Told(r)
	if r.Damaged != "" {
		return fmt.Sprintf("ledger: %s is damaged: %s", e.Moved, e.Why)
	}
	text := "ledger: " + e.What
	for _, part := range []string{e.Stage, e.Moved} {
		if part != "" {
			text += ", " + part
		}
	}
	return fmt.Sprintf("%s, by %s: %s", text, e.By, e.Why)
}
