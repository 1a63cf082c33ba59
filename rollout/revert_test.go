package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

var fleet = rollout.Repository{Forge: rollout.ForgeGitHub, Owner: "octo", Name: "fleet"}

// reverted tells which of the commits A, B, … Y is taken to revert, in a line
// of commits with these messages; Y is the last. A? is one that Y may revert.
func reverted(t *testing.T, of rollout.Repository, messages ...string) string {
	t.Helper()
	var commits []rollout.Commit
	for i, message := range messages {
		c := rollout.Commit{SHA: sha(string(rune('A' + i))), Message: message}
		if i > 0 {
			c.Parents = []rollout.SHA{commits[i-1].SHA}
		}
		commits = append(commits, c)
	}
	last := commits[len(commits)-1].SHA
	var found []string
	for x, by := range rollout.Reverts(last, commits, of) {
		for _, r := range by {
			switch r {
			case rollout.Revert{By: last}:
				found = append(found, name(x))
			case rollout.Revert{By: last, Doubtful: true}:
				found = append(found, name(x)+"?")
			}
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func TestRevertsAreRecognised(t *testing.T) {
	a, b := string(sha("A")), string(sha("B"))
	earlier := []string{
		"Upgrade the proxy (#12)\n\n* Upgrade\n\n* Fix a typo\n",
		"Merge pull request #13 from octo/limits\n\nRaise the limits\n",
		"Tune the scheduler\n",
	}
	for what, c := range map[string]struct{ message, want string }{
		"git revert":                      {"Revert \"Upgrade the proxy (#12)\"\n\nThis reverts commit " + a + ".\n", "A"},
		"abbreviated":                     {"Revert \"x\"\n\nThis reverts commit " + a[:7] + ".\n", "A"},
		"without a full stop":             {"Revert \"x\"\n\nThis reverts commit " + a + "\n", "A"},
		"with --reference":                {"Back out the proxy\n\nThis reverts commit " + a[:9] + " (Upgrade the proxy (#12), 2026-03-02).\n", "A"},
		"with the subject, as kernels":    {"Back out the proxy\n\nThis reverts commit " + a[:12] + ` ("Upgrade the proxy").` + "\n", "A"},
		"of a merge":                      {"Revert \"Merge pull request #13\"\n\nThis reverts commit " + b + ", reversing\nchanges made to " + a + ".\n", "B"},
		"a subject of one's own":          {"The proxy breaks logins\n\nThis reverts commit " + a + ".\n", "A"},
		"a reason behind it":              {"revert: the proxy\n\nThis reverts commit " + a + ".\nIt breaks logins.\n", "A"},
		"a reason before it":              {"Revert the proxy\n\nIt breaks logins.\n\nThis reverts commit " + a + ".\n", "A"},
		"several, a line each":            {"Revert two\n\nThis reverts commit " + a + ".\nThis reverts commit " + b + ".\n", "A B"},
		"several, a paragraph each":       {"Revert two\n\nThis reverts commit " + a + ".\n\nThis reverts commit " + b + ".\n", "A B"},
		"several in one line":             {"Revert two\n\nThis reverts commits " + a[:8] + " and " + b[:8] + ".\n", "A B"},
		"in the subject":                  {"This reverts commit " + a + ".\n", "A"},
		"CRLF":                            {"Revert \"x\"\r\n\r\nThis reverts commit " + a + ".\r\n", "A"},
		"trailers behind it":              {"Revert \"x\"\n\nThis reverts commit " + a + ".\n\nSigned-off-by: Ada <ada@example.com>\n", "A"},
		"cherry-picked":                   {"Revert \"x\"\n\nThis reverts commit " + a + ".\n\n(cherry picked from commit " + b + ")\n", "A"},
		"a squash of several":             {"Calm down (#20)\n\n* Revert \"Upgrade the proxy\"\n\nThis reverts commit " + a + ".\n\n* Document it\n", "A"},
		"GitHub, squash of a squash":      {"Revert \"Upgrade the proxy (#12)\" (#15)\n\nReverts octo/fleet#12\n", "A"},
		"GitHub, merge of a revert":       {"Merge pull request #15 from octo/revert-12-proxy\n\nReverts octo/fleet#12\n", "A"},
		"GitHub, other case":              {"Revert \"x\" (#15)\n\nReverts Octo/Fleet#12\n", "A"},
		"GitHub, the short form":          {"Revert \"x\" (#15)\n\nReverts #12\n", "A"},
		"GitHub, of a merge commit":       {"Revert \"Raise the limits\" (#16)\n\nReverts octo/fleet#13\n", "B"},
		"title and number":                {"Revert \"Upgrade the proxy (#12)\" (#15)\n", "A"},
		"title without its number":        {"Revert \"Upgrade the proxy\" (#15)\n", "A"},
		"title of a merged pull request":  {"Revert \"Raise the limits\" (#15)\n", "B"},
		"code within a line before it":    {"Revert \"x\"\n\n```kubectl undo``` did not help.\n\nThis reverts commit " + a + ".\n", "A"},
		"a fence that is none":            {"Revert \"x\"\n\n    ```\n\nThis reverts commit " + a + ".\n\n    ```\n", "A"},
		"a comment that does not end":     {"Revert \"x\"\n\n<!--\n\nThis reverts commit " + a + ".\n", "A"},
		"a comment before it":             {"Revert \"x\"\n\n<!-- why\nso -->\n\nThis reverts commit " + a + ".\n", "A"},
		"with commit before each":         {"Revert two\n\nThis reverts commit " + a + " and commit " + b + ".\n", "A B"},
		"several without a space":         {"Revert two\n\nThis reverts commits " + a + "," + b + ".\n", "A B"},
		"upper case":                      {"Revert \"x\"\n\nThis reverts commit " + strings.ToUpper(a) + ".\n", "A"},
		"several pull requests":           {"Revert two (#20)\n\nReverts #12, octo/fleet#13\n", "A B"},
		"the last words":                  {"The proxy breaks logins\n\nSince Monday.\n\nThis reverts commit " + a + ".\n\nSigned-off-by: Ada <a@example.com>\n", "A"},
		"a title with a note":             {"Revert \"Tune the scheduler\" [skip ci]\n", "C"},
		"a title, and a commit rebased":   {"Revert \"Tune the scheduler\"\n\nThis reverts commit " + strings.Repeat("9", 40) + ".\n", "C?"},
		"a title, and another number":     {"Revert \"Tune the scheduler\" (#21)\n\nReverts octo/fleet#19\n", "C?"},
		"a title, and another repository": {"Revert \"Tune the scheduler\" (#21)\n\nReverts octo/other#19\n", "C?"},
		"a title, and a mention":          {"Revert \"Tune the scheduler\" (#21)\n\nIt breaks what #19 brought.\n", "C?"},
		"a title, and what it reverts":    {"Revert \"Tune the scheduler\" (#21)\n\nThis reverts commit " + a + ".\n", "A"},
		"a title, and a reason":           {"Revert \"Tune the scheduler\" (#21)\n\nIt breaks logins.\n", "C"},
		"of a merge, with --reference":    {"Revert \"Raise the limits\"\n\nThis reverts commit " + b[:7] + " (Raise the limits, 2026-11-28), reversing\nchanges made to " + a[:7] + " (base, 2026-11-28).\n", "B"},
		"the same, in words of one's own": {"Lower the limits\n\nThis reverts commit " + b[:7] + " (Raise the limits, 2026-11-28), reversing\nchanges made to " + a[:7] + " (base, 2026-11-28).\n", "B"},
		"of a merge, in one line":         {"Lower the limits\n\nThis reverts commit " + b + ", reversing changes made to " + a + ".\n", "B"},
		"before a closing reference":      {"Restore the old proxy\n\nThe new one breaks logins.\n\nThis reverts commit " + a + ".\n\nFixes #34\n", "A"},
		"right before one":                {"Restore the old proxy\n\nThis reverts commit " + a + ".\nCloses #1\n", "A"},
		"before a hint":                   {"Restore the old proxy\n\nThe new one breaks logins.\n\nThis reverts commit " + a + ".\n\nSee INC-12 for details.\n", "A"},
		"between paragraphs":              {"Restore the old proxy\n\nThe new one breaks logins\n\nThis reverts commit " + a + ".\n\nWe try again next week.\n", "A"},
		"after who said what":             {"Restore the old proxy\n\nBen wrote the new one. It breaks logins, as Ada said.\n\nThis reverts commit " + a + ".\n", "A"},
		"below what Ada said":             {"Undo what Ada said\n\nThis reverts commit " + a + ".\n", "A"},
		"an item of a squash":             {"Calm down (#20)\n\n* Restore the old proxy\n\nThis reverts commit " + a + ".\n\n* Document it\n", "A"},
		"two items of a squash":           {"Calm down (#20)\n\n* Document it\n\nAs agreed.\n\n* Restore the old proxy\n\nIt breaks logins.\n\nThis reverts commit " + a + ".\n\n* revert: raise the limits\n\nThis reverts commit " + b + ", which\nbreak logins.\n", "A B"},
		"a squash below a revert":         {"Revert \"x\" (#20)\n\n* Restore the old proxy\n\nThis reverts commit " + a + ": it breaks logins\n", "A"},
		"a merge of a revert, in words":   {"Merge pull request #15 from octo/revert-12-proxy\n\nRevert \"Upgrade the proxy\"\n\nReverts octo/fleet#12. It breaks logins.\n", "A"},
		"commitlint":                      {"revert(proxy)!: upgrade\n\nThis reverts commit " + a + " because it breaks logins.\n", "A"},
		"a clause behind it":              {"Revert \"x\"\n\nThis reverts commit " + a + ", which broke logins.\n", "A"},
		"a sentence behind it":            {"Revert \"x\"\n\nThis reverts commit " + a + ". It broke logins.\n", "A"},
		"a title behind it":               {"Revert \"x\"\n\nThis reverts commit " + a + ": Upgrade\n", "A"},
		"in two lines":                    {"Revert \"x\"\n\nThis reverts commits " + a + " and\n" + b + ".\n", "A B"},
		"in two lines, in words":          {"Restore both\n\nThis reverts commits " + a + ",\nand " + b + ".\n", "A B"},
		"a sentence before it":            {"revert: upgrade the proxy\n\nIt breaks logins.\nThis reverts commit " + a + ".\n", "A"},
		"without an empty line":           {"Revert \"x\"\nThis reverts commit " + a + ".\n", "A"},
		"GitHub, and a sentence":          {"Revert \"x\" (#15)\n\nReverts octo/fleet#12. It breaks logins.\n", "A"},
		"GitHub, and a reason":            {"Revert \"x\" (#15)\n\nReverts octo/fleet#12 because it breaks logins.\n", "A"},
		"by name in the subject":          {"Revert " + a[:8] + "\n\nIt breaks logins.\n", "A"},
		"behind somebody's quote":         {"Talk about the outage\n\nThe bot wrote the following, which is wrong.\n\nThis reverts commit " + a + ".\n", "A"},
		"title alone":                     {"Revert \"Tune the scheduler\"\n", "C"},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(c.want, reverted(t, fleet, append(slices.Clone(earlier), c.message)...)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.message, diff)
			}
		})
	}
}

func TestNothingIsRevertedByQuotingIt(t *testing.T) {
	a := string(sha("A"))
	earlier := []string{"Upgrade the proxy (#12)\n", "Tune the scheduler\n"}
	for what, message := range map[string]string{
		"indented":                      "Explain the outage\n\n    This reverts commit " + a + ".\n",
		"a tab before it":               "Explain the outage\n\n\tThis reverts commit " + a + ".\n",
		"a mail's quote":                "Explain the outage\n\n> This reverts commit " + a + ".\n",
		"in quotation marks":            "Explain the outage\n\n\"This reverts commit " + a + ".\"\n",
		"code":                          "Explain the outage\n\n`This reverts commit " + a + ".`\n",
		"a block of code":               "Explain the outage\n\n```\n\nThis reverts commit " + a + ".\n\n```\n",
		"another block of code":         "Explain the outage\n\n~~~text\nThis reverts commit " + a + ".\n~~~\n",
		"a longer fence":                "Explain\n\n````\n```\n\nThis reverts commit " + a + ".\n\n```\n````\n",
		"what does not end a fence":     "Explain\n\n```\n```go\n\nThis reverts commit " + a + ".\n\n```\n",
		"a comment":                     "Explain\n\n<!--\n\nThis reverts commit " + a + ".\n\n-->\n",
		"a list":                        "Explain the outage\n\n- This reverts commit " + a + ".\n",
		"within a sentence":             "Explain the outage\n\nSomebody wrote: This reverts commit " + a + ".\n",
		"a sentence that goes on":       "Document reverts\n\nThis reverts commit " + a + ".\nis what git writes into a message.\n",
		"the end of a paragraph":        "Document reverts\n\nGit writes:\nThis reverts commit " + a + ".\n",
		"a sentence in one line":        "Explain the outage\n\nThis reverts commit " + a + " in spirit only.\n",
		"in the future":                 "Plan\n\nThis will revert commit " + a + ".\n",
		"in the middle, after a colon":  "Revert detection: document it\n\nA revert looks like this:\n\nThis reverts commit " + a + ".\n\nNothing else counts.\n",
		"two, after a colon":            "Revert detection: document it\n\nReverts look like this:\n\nThis reverts commit " + a + ".\n\nReverts #12\n",
		"a revert, after a colon":       "Revert \"x\"\n\nIt was no revert of this:\n\nThis reverts commit " + a + ".\n",
		"a subject with a colon":        "What git writes:\n\nThis reverts commit " + a + ".\n",
		"between halves of a sentence":  "Revert detection: read squash commits\n\nGit writes\n\nThis reverts commit " + a + ".\nand GitHub writes Reverts #12.\n",
		"contradicted at once":          "Revert nothing\n\nThis reverts commit " + a + ".\nNo, it does not.\n",
		"a paragraph that goes on":      "Explain the log\n\nThis reverts commit " + a + ".\n\nis what the bot wrote, wrongly.\n",
		"a fence that does not end":     "Revert \"x\"\n\n```\n\nThis reverts commit " + a + ".\n\n~~~\n",
		"preformatted":                  "Talk\n\n<pre>\n\nThis reverts commit " + a + ".\n\n</PRE>\n",
		"a quote that goes on":          "Revert \"x\"\n\n> Ben wrote this.\nThis reverts commit " + a + ".\n",
		"an item that quotes":           "Calm down (#20)\n\n* Document what git writes:\n\nThis reverts commit " + a + ".\n",
		"an item":                       "Calm down (#20)\n\n* This reverts commit " + a + ".\n",
		"in the subject, and on":        "This reverts commit " + a + ".\nis what git writes\n",
		"a subject in words of its own": "Revert the proxy\n\nThis reverts commit " + a + " because it breaks logins.\n",
		"six digits":                    "Revert \"x\"\n\nThis reverts commit " + a[:6] + ".\n",
		"a commit that is not there":    "Revert \"another\"\n\nThis reverts commit " + strings.Repeat("9", 40) + ".\n",
		"another repository":            "Revert \"another\" (#15)\n\nReverts octo/other#12\n",
		"between paragraphs":            "Talk\n\nBen wrote.\n\nThis reverts commit " + a + ".\n\nI disagree.\n",
		"after a colon":                 "Talk\n\nFor example:\n\nThis reverts commit " + a + ".\n",
		"a block of HTML":               "Talk\n\n<blockquote>\n\nThis reverts commit " + a + ".\n\n</blockquote>\n",
		"a subject about undoing":       "Undo-tree: explain it\n\nThis reverts commit " + a + ".\nis what git writes.\n",
		"an indented title":             "    Revert \"Upgrade the proxy (#12)\"\n",
		"a pull request in a text":      "Follow up\n\nReverts octo/fleet#12 partly.\n",
		"a pull request, quoted":        "Follow up\n\n> Reverts octo/fleet#12\n",
		"a title within a subject":      "Do not Revert \"Upgrade the proxy (#12)\"\n",
		"a title that goes on":          "Revert \"Upgrade the proxy (#12)\" in staging only\n",
		"a title in the body":           "Talk\n\nRevert \"Upgrade the proxy (#12)\"\n",
		"a title that nobody has":       "Revert \"Upgrade the\" (#15)\n",
		"its own title":                 "Revert \"\"\n",
	} {
		t.Run(what, func(t *testing.T) {
			if found := reverted(t, fleet, append(slices.Clone(earlier), message)...); found != "" {
				t.Errorf("it is taken to revert %s:\n%s", found, message)
			}
		})
	}
}

// What a revert names counts, and not what it speaks of beside.
func TestARevertSpeaksOfAnother(t *testing.T) {
	a, c := string(sha("A")), string(sha("C"))
	for _, beside := range []string{
		"Compare with the revert of the proxy, which said\n\nThis reverts commit " + a + ".\n",
		"The proxy was another matter:\n\nThis reverts commit " + a + ".\n",
		"It looks like this reverts commit " + a + ".\nBut it does not.\n",
	} {
		message := "Revert \"Tune the scheduler\"\n\nThis reverts commit " + c + ".\n\n" + beside
		if found := reverted(t, fleet, "Upgrade the proxy\n", "Raise the limits\n", "Tune the scheduler\n", message); found != "C" {
			t.Errorf("it is taken to revert %q:\n%s", found, message)
		}
	}
}

func TestAReapplicationRevertsTheRevert(t *testing.T) {
	for _, message := range []string{"Reapply \"Upgrade\"\n", "\nReapply \"Upgrade\" (#9)\n"} {
		if found := reverted(t, fleet, "Upgrade\n", "Revert \"Upgrade\"\n", message); found != "B" {
			t.Errorf("%q reverts %q, want B", message, found)
		}
	}
}

// What a revert names has to be one commit, and older.
func TestRevertsNameOneOlderCommit(t *testing.T) {
	if found := reverted(t, fleet, "Bump\n", "Bump\n", "Revert \"Bump\"\n"); found != "B?" {
		t.Errorf("of two commits of one title %q is reverted, want the newest, perhaps", found)
	}
	if found := reverted(t, fleet, "Bump\n", "Bump\n", "Revert \"Bump\"\n\nThis reverts commit "+string(sha("A"))+".\n"); found != "A" {
		t.Errorf("of two commits of one title %q is reverted, want the one that is named", found)
	}
	commits := []rollout.Commit{
		{SHA: "1111111aa0000000000000000000000000000000", Message: "One\n"},
		{SHA: "1111111bb0000000000000000000000000000000", Message: "Two\n", Parents: []rollout.SHA{"1111111aa0000000000000000000000000000000"}},
		{SHA: sha("Y"), Message: "Revert \"x\"\n\nThis reverts commit 1111111.\n", Parents: []rollout.SHA{"1111111bb0000000000000000000000000000000"}},
	}
	if found := rollout.Reverts(sha("Y"), commits, fleet); len(found) > 0 {
		t.Errorf("an ambiguous name reverts %v", found)
	}
	commits[2].Message = "Revert \"x\"\n\nThis reverts commit 1111111a.\n"
	if found := rollout.Reverts(sha("Y"), commits, fleet); len(found) != 1 {
		t.Errorf("a name that is not ambiguous reverts %v", found)
	}
	older := []rollout.Commit{
		{SHA: sha("Y"), Message: fmt.Sprintf("Revert \"x\"\n\nThis reverts commit %s.\n", sha("Z"))},
		{SHA: sha("Z"), Message: "x\n", Parents: []rollout.SHA{sha("Y")}},
	}
	if found := rollout.Reverts(sha("Z"), older, fleet); len(found) > 0 {
		t.Errorf("a commit reverts one that came after it: %v", found)
	}
}

// Elsewhere than on GitHub the repository is known by its address.
func TestRevertsOfOtherForges(t *testing.T) {
	message := "Revert \"x\" (#15)\n\nReverts octo/fleet#12\n"
	for url, want := range map[string]string{
		"https://git.example.com/octo/fleet.git": "A",
		"ssh://git@git.example.com/octo/fleet":   "A",
		"/srv/git/octo/fleet.git":                "A",
		"https://git.example.com/rocto/fleet":    "",
		"https://git.example.com/octo/fleets":    "",
	} {
		of := rollout.Repository{Forge: rollout.ForgeGit, URL: url}
		if found := reverted(t, of, "Upgrade (#12)\n", message); found != want {
			t.Errorf("%s: reverts %q, want %q", url, found, want)
		}
	}
}
