package rollout

import (
	"context"
	"fmt"
	"time"
)

// An Explanation answers, for one stage, why revisions are where they are.
type Explanation struct {
	Stage Stage
	At    time.Time
	// Decision is what the policy says of the stage now.
	Decision Decision
	// Subjects are what was asked about: all pending revisions, newest first,
	// or one commit. There is none where the commit is not pending here; then
	// Instead says where it is.
	Subjects []Subject
	Instead  string
	// Err says why the stage could not be observed.
	Err error
}

// A Subject is a pending commit, and what the policy says of it.
type Subject struct {
	Commit Commit
	// Verdict is that of the revision with which the commit came: a commit
	// does not go out without it.
	Verdict Verdict
	// In are the pending revisions that contain it, oldest first, at most
	// [containersShown]; Containers is how many there are.
	In         []SHA
	Containers int
}

// containersShown is how many revisions are named that contain a commit.
const containersShown = 5

// Explain says of every pending revision what keeps it in, or of one commit,
// in every stage. A stage that cannot be observed does not hide the others;
// the error is that of the first such stage.
func (e *Engine) Explain(ctx context.Context, stages []Stage, wanted Prefix) ([]Explanation, error) {
	var all []Explanation
	var failed error
	found := false
	for _, stage := range stages {
		x, err := e.explain(ctx, stage, wanted)
		if err != nil && failed == nil {
			failed = err
		}
		found = found || len(x.Subjects) > 0 || x.Instead != ""
		all = append(all, x)
	}
	if failed == nil && wanted != "" && !found {
		return nil, e.unexplained(wanted)
	}
	return all, failed
}

func (e *Engine) unexplained(wanted Prefix) error {
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is no commit that waits for any stage, nor one that a promotion in the ledger went to", wanted),
		Ways: []string{
			"push it to " + e.Plan.Stages[0].Branch + " first, if it is not there yet",
			"to ask about a commit that is out already, give all 40 digits",
		},
	}
}

func (e *Engine) explain(ctx context.Context, stage Stage, wanted Prefix) (Explanation, error) {
	x := Explanation{Stage: stage}
	s, err := e.Observe(ctx, stage)
	if err != nil {
		x.Err = err
		return x, err
	}
	x.At = s.At
	d, v := decide(s.At, stage, s)
	x.Decision = d
	switch {
	case wanted == "":
		x.Subjects = v.everything(d.Verdicts)
	case v != nil:
		x.Subjects, err = v.about(d.Verdicts, wanted)
	}
	if err != nil || wanted == "" || len(x.Subjects) > 0 {
		x.Err = err
		return x, err
	}
	x.Instead, x.Err = e.elsewhere(ctx, s, wanted)
	return x, x.Err
}

// everything is about each pending revision.
func (v *survey) everything(verdicts []Verdict) []Subject {
	if v == nil {
		return nil
	}
	subjects, line := make([]Subject, len(verdicts)), v.line()
	for i, one := range verdicts {
		subjects[i] = Subject{Commit: one.Revision.Commit, Verdict: one}
		subjects[i].In, subjects[i].Containers = v.containers(i, v.brings[i][0], line)
	}
	return subjects
}

// about is about the one commit that is meant, if it is pending.
func (v *survey) about(verdicts []Verdict, wanted Prefix) ([]Subject, error) {
	var found []Subject
	line := v.line()
	for i, one := range verdicts {
		for n, c := range one.Revision.Brings {
			if wanted.Of(c.SHA) {
				subject := Subject{Commit: c, Verdict: one}
				subject.In, subject.Containers = v.containers(i, v.brings[i][n], line)
				found = append(found, subject)
			}
		}
	}
	if len(found) > 1 {
		return nil, usagef("%s is the beginning of %d pending commits; give more digits", wanted, len(found))
	}
	return found, nil
}

// containers names the revisions that contain a commit, which revision i brings,
// oldest first, and counts them. On a line that is every newer one; where a
// force-push broke the line it has to be looked for, one by one.
func (v *survey) containers(i, position int, line bool) (in []SHA, all int) {
	if v.brings[i][0] == position {
		i--
	}
	for ; i >= 0 && (!line || len(in) < containersShown); i-- {
		if !line && !v.g.reaches(v.brings[i][0], position) {
			continue
		}
		if all++; len(in) < containersShown {
			in = append(in, v.revisions[i].SHA)
		}
	}
	return in, all + i + 1
}

// line tells whether each pending revision contains the one before it.
func (v *survey) line() bool {
	for i := range len(v.brings) - 1 {
		if !v.g.follows(v.brings[i], v.brings[i+1][0]) {
			return false
		}
	}
	return true
}

// elsewhere says of a commit that does not wait for a stage where it is: on
// the stage already, or not upstream yet. It says nothing of what it does not
// know.
func (e *Engine) elsewhere(ctx context.Context, s Snapshot, wanted Prefix) (string, error) {
	has := fmt.Sprintf("%s has it", s.Target.Branch)
	if wanted.Of(s.Target.SHA) {
		return has + ": it is the head", nil
	}
	records, err := e.Records(ctx, s.Ledger.SHA, 0)
	if err != nil {
		return "", err
	}
	for _, r := range records {
		if r.Damaged == "" && r.Branch == s.Target.Branch && r.To != "" && wanted.Of(r.To) && (r.Kind == EntryPromotion || r.Kind == EntryOverride) {
			return fmt.Sprintf("%s since %s, by %s of %s", has, FormatTime(r.At), article(r.Kind), Printable(r.By, 60)), nil
		}
	}
	if len(wanted) != shaLength {
		return "", nil
	}
	missing, err := e.History.Between(ctx, s.Target.SHA, SHA(wanted))
	switch {
	case err != nil:
		return "", nil // nobody knows such a commit
	case len(missing) == 0:
		return has, nil
	default:
		return fmt.Sprintf("%s does not have it yet, so it does not wait for %s", s.Upstream.Branch, s.Target.Branch), nil
	}
}

func article(kind EntryKind) string {
	if kind == EntryOverride {
		return "an override"
	}
	return "a promotion"
}
