package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Explain says of pending commits, stage by stage, what keeps them in, who put
// that there, and when they can go out.
func Explain(explanations []rollout.Explanation) Document {
	var d Document
	for _, x := range explanations {
		explain(&d, x)
	}
	return d
}

func explain(d *Document, x rollout.Explanation) {
	name := x.Stage.Name
	switch {
	case x.Err != nil:
		d.Heading("%s: was not observed", name)
		d.Line("%s", x.Err)
	case x.Instead != "":
		d.Heading("%s: not pending", name)
		d.Line("%s", x.Instead)
	case len(x.Subjects) == 0 && len(x.Decision.Verdicts) > 0:
		// What was asked about has nothing to do with this stage.
	case x.Decision.Action == rollout.Diverged:
		d.Heading("%s: %s", name, called(x.Decision.Action))
		d.Line("%s", x.Decision.Reason)
		waysBack(d, x.Decision)
	default:
		d.Heading("%s: %s", name, called(x.Decision.Action))
		whole(d, x)
		subjects(d, x)
	}
}

// whole is about the stage. Of a single commit everything is said below.
func whole(d *Document, x rollout.Explanation) {
	if len(x.Subjects) != 1 || x.Decision.Action == rollout.Promote {
		standing(d, x.Decision)
	}
	next(d, x.At, x.Decision)
	complaints(d, x.Decision)
}

// subjects are about one commit each. Those in the middle of a long list are
// left out, as in tables.
func subjects(d *Document, x rollout.Explanation) {
	shown := x.Subjects
	gap := len(shown) - rowsShown
	for i, s := range shown {
		switch {
		case gap > 0 && i == rowsShown/2:
			d.Heading("… and %d more", gap)
		case gap > 0 && i > rowsShown/2 && i < rowsShown/2+gap:
		default:
			subject(d, x, s)
		}
	}
}

// subject says of a commit when it came, what keeps it in, the verdict first,
// and when it can go out.
func subject(d *Document, x rollout.Explanation, s rollout.Subject) {
	d.Heading("%s %s (%s)", s.Commit.SHA.Short(), rollout.Printable(s.Commit.Subject(), 72), rollout.Printable(s.Commit.Author, authorShown))
	d.Fact("Arrived", "%s", arrived(x.At, s))
	verdict(d, x, s.Verdict)
	d.Fact("Earliest", "%s", earliest(x, s))
	if s.Verdict.Unblocks != "" {
		d.Fact("Unblocks", "%s", unblocks(x, s))
	}
	if s.Containers > 0 {
		d.Fact("Is in", "%s", names(s.In, s.Containers))
	}
	exposed(d, s.Exposure)
}

// verdict says what keeps a revision in. What keeps the whole stage is said
// once, where there are several revisions.
func verdict(d *Document, x rollout.Explanation, v rollout.Verdict) {
	if len(v.Blocks) == 0 {
		d.Fact(title(v.Outcome), "%s", v.Reason())
	}
	said := map[rollout.Outcome]bool{}
	for _, b := range v.Blocks {
		switch above := len(x.Subjects) > 1 && slices.ContainsFunc(x.Decision.Blocks, b.Equal); {
		case !above:
			d.Fact(title(b.Outcome), "%s", blocked(b))
		case !said[b.Outcome]:
			d.Fact(title(b.Outcome), "see above")
			said[b.Outcome] = true
		}
	}
}

// arrived is since when the upstream branch has contained a commit, and with
// which revision it came, if it is not one.
func arrived(now time.Time, s rollout.Subject) string {
	r := s.Verdict.Revision
	text := "nothing says when"
	if r.Recorded {
		// What the ledger recorded is rounded up, so it can lie ahead.
		text = fmt.Sprintf("%s, %s ago", rollout.FormatTime(r.Arrival), rollout.FormatDuration(max(0, now.Sub(r.Arrival))))
	}
	if r.SHA != s.Commit.SHA {
		text += ", with " + r.SHA.Short()
	}
	return text
}

// blocked is the reason of a block. It does not say until when something has
// to settle, nor since when an operator's word stands.
func blocked(b rollout.Block) string {
	text := b.Reason()
	if b.Gate == rollout.GateHealth && !b.Until.IsZero() {
		text += ", until " + rollout.FormatTime(b.Until)
	}
	if !b.Since.IsZero() {
		text += fmt.Sprintf(" (since %s)", rollout.FormatTime(b.Since))
	}
	return text
}

// earliest is when a commit can go out by itself.
func earliest(x rollout.Explanation, s rollout.Subject) string {
	switch r := x.Decision.Revision; {
	case r != nil && r.SHA == s.Commit.SHA:
		return "now"
	case r != nil && goingOut(x.Decision)[s.Commit.SHA]:
		return "now, with " + r.SHA.Short()
	case !following(x.Decision)(s.Verdict.Revision.SHA):
		return "not by itself"
	default:
		return byItself(x.At, s.Verdict)
	}
}

// byItself is when a verdict becomes promotable by the passing of time alone.
func byItself(now time.Time, v rollout.Verdict) string {
	switch {
	case len(v.Blocks) == 0:
		return "now"
	case v.RetryAt.IsZero():
		return "not by itself"
	default:
		return fmt.Sprintf("%s, in %s", rollout.FormatTime(v.RetryAt), rollout.FormatDuration(v.RetryAt.Sub(now)))
	}
}

// unblocks names the revision by which a commit goes out that does not go out
// without it, says what that does to the commit, and when it can go out.
func unblocks(x rollout.Explanation, s rollout.Subject) string {
	by := s.Verdict.Unblocks
	text := fmt.Sprintf("it goes out with %s", by.Short())
	for _, v := range x.Decision.Verdicts {
		if v.Revision.SHA == by && !v.RetryAt.IsZero() {
			text += fmt.Sprintf(", at the earliest %s", byItself(x.At, v))
		}
	}
	for _, t := range x.Decision.Taints {
		if t.Revert != by || !keptInBy(s.Verdict, t.Commit.SHA) {
			continue
		}
		if t.Commit.SHA == s.Commit.SHA {
			return fmt.Sprintf("%s reverts it; %s", by.Short(), text)
		}
		return fmt.Sprintf("%s reverts %s; %s", by.Short(), t.Commit.SHA.Short(), text)
	}
	return text
}

// keptInBy tells whether a revision is kept in by a commit that is known to be
// bad.
func keptInBy(v rollout.Verdict, bad rollout.SHA) bool {
	return slices.ContainsFunc(v.Blocks, func(b rollout.Block) bool { return b.Gate == rollout.GateTaint && b.Commit == bad })
}
