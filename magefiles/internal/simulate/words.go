package simulate

import (
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// A wording is the message of a revert.
type wording struct{ manner, subject, body string }

// The manners in which somebody reverts.
const (
	byName      = "git's own, by the full name"
	byPrefix    = "by an abbreviated name"
	after       = "by a name in a paragraph of its own, without a full stop"
	inBrackets  = "by a name, with the subject in brackets"
	severalOf   = "several in one sentence"
	oneEach     = "several, a line for each"
	reversing   = "git's own, of a merge"
	reapplying  = "git's own, of a revert"
	byReference = "git's own, of a merge, with --reference"
	reasoned    = "git's own, with a reason in the same line"
	between     = "by a name between two paragraphs"
	squashing   = "in a message that a squash commit lists"
	byPull      = "GitHub's, by the pull request"
	byPullSo    = "GitHub's, with a reason in the same line"
	byPullLate  = "GitHub's, in a paragraph of its own and in capitals"
	byNumber    = "by the number of the pull request alone"
	byTitle     = "GitHub's, by the title alone"
	byPlain     = "by the title alone, without a pull request"
)

// manners are all of them.
var manners = []string{
	byName, byPrefix, after, inBrackets, severalOf, oneEach, reversing, reapplying,
	byReference, reasoned, between, squashing, byPull, byPullSo, byPullLate, byNumber, byTitle, byPlain,
}

// wordings are the ways to say that a commit is reverted that fit it. Pull is
// the number of the revert's own pull request, where it has one.
func (y *year) wordings(of *change, pull int) []wording {
	numbered := fmt.Sprintf("Revert %s (#%d)", quoted(of.title), pull)
	all := []wording{
		y.gits(of),
		{byPrefix, "Revert " + quoted(of.subject), fmt.Sprintf("This reverts commit %s.\n\nIt broke the %s.\n", y.short(of), y.noun())},
		{after, y.backOut(), fmt.Sprintf("Nobody knows why.\n\nThis reverts commit %s\n", y.short(of))},
		{inBrackets, y.backOut(), fmt.Sprintf("This reverts commit %s (%s).\n", of.sha, of.subject)},
		{reasoned, "Revert " + quoted(of.subject), fmt.Sprintf("This reverts commit %s because it broke the %s.\n", y.short(of), y.noun())},
		{between, y.backOut(), fmt.Sprintf("It broke the %s.\n\nThis reverts commit %s.\n\nFixes #3\n\nMore of it tomorrow.\n", y.noun(), of.sha)},
		{squashing, y.backOut(), fmt.Sprintf("* Restore the %s\n\nThis reverts commit %s.\n\n* Document it\n", y.noun(), of.sha)},
		// The title has to be that of no other commit.
		{byTitle, numbered, ""},
		{byPlain, "Revert " + quoted(of.title), ""},
	}
	if of.pull > 0 {
		all = append(
			all,
			wording{byPull, numbered, fmt.Sprintf("Reverts %s#%d\n", y.plan.Repository.Slug(), of.pull)},
			wording{byPullSo, numbered, fmt.Sprintf("Reverts %s#%d. It broke the %s.\n", y.plan.Repository.Slug(), of.pull, y.noun())},
			wording{byPullLate, numbered, fmt.Sprintf("It broke the %s.\n\nReverts %s#%d\n", y.noun(), strings.ToUpper(y.plan.Repository.Slug()), of.pull)},
			wording{byNumber, y.backOut(), fmt.Sprintf("Reverts #%d\n", of.pull)},
		)
	}
	return all
}

// gits is what `git revert` writes.
func (y *year) gits(of *change) wording {
	w := wording{byName, "Revert " + quoted(of.subject), fmt.Sprintf("This reverts commit %s.\n", of.sha)}
	switch {
	case len(of.parents) > 1 && y.random.IntN(2) == 0:
		w.manner = byReference
		w.body = fmt.Sprintf(
			"This reverts commit %s (%s, 2026-03-02), reversing\nchanges made to %s (%s, 2026-03-01).\n",
			y.short(of), of.subject, y.short(of.parents[0]), of.parents[0].subject,
		)
	case len(of.parents) > 1:
		w.manner = reversing
		w.body = fmt.Sprintf("This reverts commit %s, reversing\nchanges made to %s.\n", of.sha, of.parents[0].sha)
	case strings.HasPrefix(of.subject, `Revert "`) && y.random.IntN(3) > 0: // since Git 2.43
		w.manner = reapplying
		w.subject = "Reapply " + strings.TrimPrefix(of.subject, "Revert ")
	}
	return w
}

// several is the message of a revert of several commits.
func (y *year) several(of []*change) wording {
	names := make([]string, len(of))
	for i, c := range of {
		names[i] = string(y.short(c))
	}
	if y.random.IntN(2) == 0 {
		return wording{oneEach, y.backOut(), "This reverts commit " + strings.Join(names, ".\nThis reverts commit ") + ".\n"}
	}
	last := len(names) - 1
	return wording{severalOf, y.backOut(), fmt.Sprintf("This reverts commits %s and %s.\n", strings.Join(names[:last], ", "), names[last])}
}

func quoted(title string) string { return `"` + title + `"` }

// short is the beginning of a commit's name that no other commit has.
func (y *year) short(of *change) rollout.SHA {
	length := 7 + y.random.IntN(8)
	for _, other := range y.made {
		for other != of && strings.HasPrefix(string(other.sha), string(of.sha[:length])) {
			length++
		}
	}
	return of.sha[:length]
}

// decoy is text that names a commit as a revert would, and is none.
func (y *year) decoy(of *change) string {
	line := fmt.Sprintf("This reverts commit %s.", of.sha)
	decoys := []string{
		"> " + line,
		"```\n" + line + "\n```",
		"~~~\n" + line + "\n~~~",
		"    " + line,
		"The message was once: " + line,
		"Somebody wrote\n" + line + "\nand was wrong.",
		"A revert looks like this:\n\n" + line + "\n\nNothing else counts.",
		line + "\n\nis what the bot wrote, wrongly.",
		line + "\nNo, it does not.",
		"```\n" + line + "\n",
		"Do not take it for a revert.\n" + line,
		fmt.Sprintf("This reverts commit %s.", strings.Repeat("0", 40)),
		fmt.Sprintf("> Reverts #%d", of.pull),
		fmt.Sprintf("Reverts somebody/else#%d", of.pull),
		fmt.Sprintf("See %s#%d, which Reverts #%d", y.plan.Repository.Slug(), of.pull, of.pull),
		"Revert " + quoted(of.title),
	}
	return decoys[y.random.IntN(len(decoys))] + "\n"
}

var (
	verbs = []string{"Upgrade", "Tune", "Scale", "Move", "Harden", "Rename"}
	nouns = []string{"ingress", "database", "cache", "queue", "dashboards", "certificates", "backups"}
)

func (y *year) noun() string { return nouns[y.random.IntN(len(nouns))] }

// backOut is a title that says nothing of what is reverted.
func (y *year) backOut() string {
	return fmt.Sprintf("Back out what came with the %s, %d", y.noun(), len(y.made))
}

// heading is a title that no other commit has.
func (y *year) heading() string {
	return fmt.Sprintf("%s the %s, %d", verbs[y.random.IntN(len(verbs))], y.noun(), len(y.made))
}
