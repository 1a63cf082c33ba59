package rollout

import (
	"context"
	"fmt"
	"slices"
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
	// Exposure is what a look at that revision told, where there was one.
	Exposure *Look
}

// containersShown is how many revisions are named that contain a commit.
const containersShown = 5

// Subjects are all pending revisions of a stage, newest first, as
// [Engine.Explain] tells of them.
func Subjects(stage Stage, s Snapshot) []Subject {
	d, v := decide(s.At, stage, s)
	return v.everything(d.Verdicts)
}

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
	if len(wanted) == shaLength {
		return &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s is no commit that waits for any stage, nor one that any stage has", wanted),
			Ways: []string{
				"push it to " + e.Plan.Stages[0].Branch + " first, if it is not there yet",
				"make sure that it is a commit's name, as git log prints it",
			},
		}
	}
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
	d, v, _ := e.decide(ctx, stage, &s) // the decision says what could not be seen
	if v != nil {
		d, v = e.lookFor(ctx, &s, d, v, wanted)
	}
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

// lookFor looks at the exposure of the revision that is asked about, or else of
// the newest, which has what all the others have, and decides again.
func (e *Engine) lookFor(ctx context.Context, s *Snapshot, d Decision, v *survey, wanted Prefix) (Decision, *survey) {
	if d.Stage.Exposure == ExposureIgnored {
		return d, v
	}
	for _, one := range d.Verdicts {
		asked := wanted == "" || slices.ContainsFunc(one.Revision.Brings, func(c Commit) bool { return wanted.Of(c.SHA) })
		if asked && v.toLookAt(one.Revision) {
			_ = e.lookAt(ctx, s, v, one.Revision.SHA) // the look says so
			return decide(s.At, d.Stage, *s)
		}
		if asked {
			break
		}
	}
	return d, v
}

// everything is about each pending revision.
func (v *survey) everything(verdicts []Verdict) []Subject {
	if v == nil {
		return nil
	}
	subjects, line := make([]Subject, len(verdicts)), v.line()
	for i, one := range verdicts {
		subjects[i] = Subject{Commit: one.Revision.Commit, Verdict: one, Exposure: v.looked(one.Revision)}
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
				subject := Subject{Commit: c, Verdict: one, Exposure: v.looked(one.Revision)}
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
	for _, c := range s.Pending {
		if wanted.Of(c.SHA) { // and yet nothing is: the branches have diverged
			return fmt.Sprintf("%s has it, but nothing can go from there to %s, which has diverged", s.Upstream.Branch, s.Target.Branch), nil
		}
	}
	records, err := e.Records(ctx, s.Ledger.SHA, 0)
	if err != nil {
		return "", err
	}
	commit, ok := released(s.Target, records, wanted)
	if !ok {
		return "", nil
	}
	seen, err := e.sight(ctx, s.Target.SHA, commit)
	if err != nil || seen.other {
		return "", err
	}
	var text string
	mark, tainted := lastTaint(records, commit)
	switch {
	case seen.out:
		text = e.wentOut(ctx, s, records, commit, seen.newer)
	case seen.elsewhere:
		text = fmt.Sprintf("%s does not have it yet, so it does not wait for %s", s.Upstream.Branch, s.Target.Branch)
	case tainted:
		text = "nobody knows such a commit"
	}
	if tainted {
		text += "; it was tainted " + describeMark(mark)
	}
	return text, nil
}

// released is the commit that is meant by a name in full, or by the beginning
// of the name of something that a promotion went to.
func released(target Head, records []Record, wanted Prefix) (SHA, bool) {
	if len(wanted) == shaLength {
		return SHA(wanted), true
	}
	if wanted.Of(target.SHA) {
		return target.SHA, true
	}
	for _, r := range records {
		if r.promotes(target.Branch) && wanted.Of(r.To) {
			return r.To, true
		}
	}
	return "", false
}

// promotes tells whether an entry is of something that went out on a branch.
func (r Record) promotes(branch string) bool {
	return r.Damaged == "" && r.Branch == branch && r.To != "" && (r.Kind == EntryPromotion || r.Kind == EntryOverride)
}

// wentOut says of a commit that a stage has since when it does, by whom, and
// whether it has been reverted. Newer is what the stage has besides it.
func (e *Engine) wentOut(ctx context.Context, s Snapshot, records []Record, commit SHA, newer []Commit) string {
	text := s.Target.Branch + " has it"
	if commit == s.Target.SHA {
		text += ": it is the head"
	}
	r, recorded := broughtBy(records, s.Target, commit, newer)
	if recorded {
		text += " since " + FormatTime(r.At)
		if r.To != commit {
			text += ", with " + r.To.Short()
		}
		text += fmt.Sprintf(", by %s of %s", article(r.Kind), Printable(r.By, 60))
	}
	if by, ok := e.revertedBy(ctx, s, r, commit, newer); ok {
		text += fmt.Sprintf("; it is reverted by %s (%s)", by.SHA.Short(), Printable(by.Author, 60))
		if set(s.Pending)[by.SHA] {
			text += ", which waits"
		}
	}
	return text
}

// broughtBy is the promotion with which a branch got a commit: the oldest that
// went to something that contains it, if it did not go from such a thing.
func broughtBy(records []Record, target Head, commit SHA, newer []Commit) (Record, bool) {
	contains := map[SHA]bool{commit: true}
	g := newGraph(target.SHA, newer)
	for position, does := range g.containing(commit) {
		contains[g.commits[position].SHA] = does
	}
	for _, r := range slices.Backward(records) {
		if r.promotes(target.Branch) && contains[r.To] {
			return r, !contains[r.From]
		}
	}
	return Record{}, false
}

// revertedBy is the newest commit that reverts one that is out, as far as the
// messages of what came after it say so. Brought is the promotion with which it
// went out: its own message, which some reverts are told by, is read from
// there, where there is one.
func (e *Engine) revertedBy(ctx context.Context, s Snapshot, brought Record, commit SHA, newer []Commit) (Commit, bool) {
	itself := Commit{SHA: commit}
	if brought.From != "" {
		with, _ := e.History.Between(ctx, brought.From, commit) // without it, names alone count
		for _, c := range with {
			if c.SHA == commit {
				itself = c
			}
		}
	}
	itself.Parents = nil
	g := newGraph(s.Upstream.SHA, slices.Concat(s.Pending, newer, []Commit{itself}))
	x, ok := g.place(commit)
	if !ok {
		return Commit{}, false
	}
	r := readReverts(g.commits, g.place, s.Repository)
	y, doubtful, ok := r.effective(x, nil)
	if !ok || doubtful {
		return Commit{}, false
	}
	return r.commits[y], true
}

// lastTaint is what somebody said of a commit who tainted it, if it was not
// taken back. The state forgets a taint with which a commit went out.
func lastTaint(records []Record, commit SHA) (Mark, bool) {
	for _, r := range records {
		if r.Damaged == "" && r.Entry.Commit == commit && (r.Kind == EntryTaint || r.Kind == EntryClear) {
			return Mark{Commit: commit, By: r.By, Reason: r.Reason, At: r.At}, r.Kind == EntryTaint
		}
	}
	return Mark{}, false
}

func article(kind EntryKind) string {
	if kind == EntryOverride {
		return "an override"
	}
	return "a promotion"
}
