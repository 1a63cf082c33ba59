package rollout_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// FuzzReverts lets somebody write what they like between an older commit, @A,
// and a newer one, @C: it reverts the older one at most, and nothing at all
// when it is quoted.
func FuzzReverts(f *testing.F) {
	for _, seed := range []string{
		"",
		"\n\n",
		"Tune the scheduler\n",
		"Revert \"Upgrade the proxy (#12)\"\n\nThis reverts commit @A.\n",
		"Revert \"Upgrade the proxy\" (#15)\n\nReverts octo/fleet#12\n",
		"Revert \"Upgrade the proxy\"\r\n\r\nIt broke.\r\n",
		"\nReapply \"Upgrade the proxy\"\n",
		"Back out both\n\nThis reverts commits @A and @C.\n",
		"Back out\n\nThis reverts commit @A, reversing\nchanges made to @C.\n",
		"This reverts commit @A (Upgrade the proxy, 2026-03-02).\n",
		"Calm down (#20)\n\n* Revert \"x\"\n\nThis reverts commit @A.\n\n* Document it\n",
		"Calm down (#20)\n\n* Restore it\n\nThis reverts commit @A.\n\n* revert: tune it\n\nReverts #14. It broke.\n",
		"Merge pull request #15 from octo/x\n\nRevert \"x\"\n\nReverts octo/fleet#12 because it broke.\n",
		"Restore it\n\nIt broke.\n\nThis reverts commit @A.\n\nFixes #34\n",
		"revert(proxy)!: upgrade\nThis reverts commits @A,\nand @C: both broke.\n",
		"Revert @A (#15)\n\nBen wrote this.\n\nThis reverts commit @C (x, 2026-11-28), reversing changes made to @A (y).\n",
		"Explain it\n\nIt looks like this:\n\nThis reverts commit @A.\n\nReverts #12\n\nis what it says.\n",
		"Explain it\n\n<blockquote>\n<pre>\n\nThis reverts commit @A.\n</blockquote>\n\nReverts #12\n",
		"Explain it\n\n```\n\nThis reverts commit @A.\n\n```\n",
		"Explain it\n\n````\n```\nThis reverts commit @A.\n```\n````\n",
		"Explain it\n\n~~~ text\nThis reverts commit @A.\n",
		"Explain it\n\n<!--\nThis reverts commit @A.\n-->\nReverts #12\n",
		"Explain it\n\n> This reverts commit @A.\n\n    Reverts #12\n\n\tReverts #14\n",
		"Revert \"Tune it (#14)\"\n\nReverts #14\nReverts #999999999\nReverts octo/other#12.\n",
		"Revert \"x\"\x00\n\nThis reverts commit 0000000.\n\xff\u2028Reverts #12\n",
	} {
		f.Add(seed)
	}
	a, y, c := sha("A"), sha("Y"), sha("C")
	f.Fuzz(func(t *testing.T, message string) {
		message = strings.NewReplacer("@A", string(a), "@C", string(c)).Replace(message)
		reverts := func(message string) map[rollout.SHA][]rollout.Revert {
			return rollout.Reverts(c, []rollout.Commit{
				{SHA: y, Parents: []rollout.SHA{a}, Message: message},
				{SHA: c, Parents: []rollout.SHA{y}, Message: "Tune it (#14)\n"},
				{SHA: a, Message: "Upgrade the proxy (#12)\n"},
			}, fleet)
		}
		for x, by := range reverts(message) {
			if x != a || len(by) != 1 || by[0].By != y {
				t.Errorf("%s is reverted by %v, in %q", name(x), by, message)
			}
		}
		if diff := cmp.Diff(reverts(message), reverts(message)); diff != "" {
			t.Errorf("%q is read in two ways:\n%s", message, diff)
		}
		for _, quote := range []string{"> ", "    "} {
			quoted := quote + strings.ReplaceAll(message, "\n", "\n"+quote)
			for _, text := range []string{quoted, "Explain it\n\n" + quoted} {
				if found := reverts(text); len(found) > 0 {
					t.Errorf("a quote reverts %v: %q", found, text)
				}
			}
		}
	})
}
