package planfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	pathHint = "write a path below the repository's root, such as clusters/edge/flux, with slashes and without .."
	ruleHow  = "write each rule on an indented line of its own, and below it off: with the reason"
	ruleWhy  = "write a line on why what it finds is meant"
)

const contextHint = "write a name as `kubectl config get-contexts` prints it"

// Each has lines that follow a good plan, from line 7 on, and everything that is
// said of them.
var badVerifications = []struct{ name, lines, want string }{
	// Contexts.
	{
		name:  "no contexts",
		lines: "contexts: []\n",
		want: "file:7:11: contexts has to be a mapping, not a list\n" +
			"  hint: write each cluster on an indented line of its own, and the name of its context behind it",
	},
	{
		name:  "contexts that nobody could name",
		lines: "contexts:\n  apps: -v\n  infra: ' x'\n  edge: e\n",
		want: `file:8:9: the context of "apps", "-v", is none that kubectl could be given` + "\n  hint: " + contextHint + "\n" +
			`file:9:10: the context of "infra" is empty, or has blanks around it` + "\n  hint: " + contextHint + "\n" +
			`file:10:3: contexts names "edge", which is no cluster of the plan` + "\n  hint: write one of infra, apps",
	},
	{
		name:  "a context that is too long",
		lines: "contexts: {apps: " + strings.Repeat("x", 254) + "}\n",
		want:  `file:7:18: the context of "apps" is longer than 253 bytes` + "\n  hint: " + contextHint,
	},
	// Entry points.
	{
		name:  "no mapping",
		lines: "entries: clusters/apps\n",
		want: "file:7:10: entries has to be a mapping, not one value\n" +
			"  hint: write each cluster on an indented line of its own, and the path of its entry point behind it",
	},
	{
		name:  "no entry point",
		lines: "entries: {}\n",
		want: "file:7:10: entries is an empty mapping\n" +
			"  hint: write each cluster on an indented line of its own, and the path of its entry point behind it",
	},
	{
		name:  "clusters that no stage has",
		lines: "entries:\n  app: clusters/apps\n  edge-of-the-world: clusters/edge\n",
		want: `file:8:3: entries names "app", which is no cluster of the plan` + "\n" +
			"  hint: did you mean apps?\n" +
			`file:9:3: entries names "edge-of-the-world", which is no cluster of the plan` + "\n" +
			"  hint: write one of infra, apps",
	},
	{
		name:  "a cluster twice",
		lines: "entries:\n  apps: clusters/apps\n  apps: clusters/other\n",
		want:  `file:9:3: entries has "apps" twice; the first is on line 8` + "\n  hint: remove one of the two",
	},
	{
		name:  "nothing",
		lines: "entries:\n  apps:\n  infra: ''\n",
		want: "file:8:8: entries.apps is empty\n  hint: write a value, or remove the line\n" +
			`file:9:10: the entry point of "infra" is empty` + "\n  hint: " + pathHint,
	},
	{
		name:  "an absolute path",
		lines: "entries: {apps: /etc/flux}\n",
		want:  `file:7:17: the entry point of "apps", "/etc/flux" is no local path` + "\n  hint: " + pathHint,
	},
	{
		name:  "paths that leave the repository, or pretend to",
		lines: "entries: {apps: ../flux, infra: clusters/../flux}\n",
		want: `file:7:17: the entry point of "apps", "../flux" is no local path` + "\n  hint: " + pathHint + "\n" +
			`file:7:33: the entry point of "infra", "clusters/../flux" is no local path` + "\n  hint: " + pathHint,
	},
	{
		name:  "a path as Windows writes it",
		lines: `entries: {apps: clusters\apps, infra: "clusters//infra"}` + "\n",
		want: `file:7:17: the entry point of "apps", "clusters\\apps" is no local path` + "\n  hint: " + pathHint + "\n" +
			`file:7:39: the entry point of "infra", "clusters//infra" is no local path` + "\n  hint: " + pathHint,
	},
	{
		name:  "a path that hides something",
		lines: `entries: {apps: "clusters/\u202eapps"}` + "\n",
		want:  `file:7:17: the entry point of "apps", "clusters/\u202eapps" has a character that nobody can see` + "\n  hint: " + pathHint,
	},

	// Rules.
	{
		name:  "rules that are no mapping",
		lines: "rules: [variables-unknown]\n",
		want:  "file:7:8: rules has to be a mapping, not a list\n  hint: " + ruleHow,
	},
	{
		name:  "no rule",
		lines: "rules: {}\n",
		want:  "file:7:8: rules is an empty mapping\n  hint: " + ruleHow,
	},
	{
		name:  "a reason alone",
		lines: "rules:\n  variables-unknown: made by hand\n",
		want: "file:8:22: rules.variables-unknown has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: off",
	},
	{
		name:  "a misspelt rule",
		lines: "rules:\n  variable-unknown: {off: made by hand}\n",
		want:  `file:8:3: there is no rule "variable-unknown"` + "\n  hint: did you mean variables-unknown?",
	},
	{
		name:  "a rule that there is not",
		lines: "rules:\n  everything: {off: I know}\n",
		want: `file:8:3: there is no rule "everything"` + "\n" +
			"  hint: write one of " + strings.Join(canBeOff(), ", "),
	},
	{
		name:  "rules without which the others mean nothing",
		lines: "rules:\n  build-failed: {off: x}\n  cluster-missing: {off: x}\n  source-missing: {off: x}\n  branch-differs: {off: x}\n",
		want: "file:8:3: the rule build-failed cannot be turned off: what cannot be built is checked by no rule at all\n" +
			"  hint: remove it; those that can be are " + strings.Join(canBeOff(), ", ") + "\n" +
			"file:9:3: the rule cluster-missing cannot be turned off: of a cluster without an entry point nothing is checked\n" +
			"  hint: remove it; those that can be are " + strings.Join(canBeOff(), ", ") + "\n" +
			"file:10:3: the rule source-missing cannot be turned off: without the source no branch decides what the cluster applies\n" +
			"  hint: remove it; those that can be are " + strings.Join(canBeOff(), ", ") + "\n" +
			"file:11:3: the rule branch-differs cannot be turned off: a cluster that follows another branch than its stage's passes by the rollout\n" +
			"  hint: remove it; those that can be are " + strings.Join(canBeOff(), ", "),
	},
	{
		name:  "reasons that say nothing",
		lines: "rules:\n  url-differs: {off: }\n  other-cluster: {off: ' '}\n  source-suspended: {off: true}\n  secret-encrypted: {}\n",
		want: "file:8:22: rules.url-differs.off is empty\n  hint: write a value, or remove the line\n" +
			`file:9:24: the reason why "other-cluster" is off is empty` + "\n  hint: " + ruleWhy + "\n" +
			"file:10:27: rules.source-suspended.off is true or false to YAML, and has to be text\n  hint: put the value in quotes\n" +
			"file:11:21: rules.secret-encrypted has no off\n  hint: add the key off",
	},
	{
		name:  "a reason that is a page",
		lines: "rules: {other-cluster: {off: " + strings.Repeat("x", maxMotive+1) + "}}\n",
		want: `file:7:30: the reason why "other-cluster" is off is longer than 200 characters` + "\n" +
			"  hint: " + ruleWhy + ", and the rest as a comment",
	},
	{
		name:  "another setting",
		lines: "rules: {other-cluster: {off: it is ours, severity: error}}\n",
		want:  `file:7:42: rules.other-cluster has no key "severity"` + "\n  hint: its keys are off",
	},
}

func TestVerificationIsRefused(t *testing.T) {
	for _, test := range badVerifications {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("file", []byte(head+stages+test.lines), Options{})
			if err == nil {
				t.Fatal("Parse accepts it")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
