package planfile

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// head and stages together are a good plan.
const (
	head = "repository: https://github.com/monosense/k8s-ops\n" +
		"source: {name: k8s-ops, namespace: flux-system}\n" +
		"ledger: rollout/ledger\n"
	infra  = "  - {name: infra, branch: main, clusters: [infra]}\n"
	apps   = "  - {name: apps, branch: release, clusters: [apps], soak: 24h}\n"
	stages = "stages:\n" + infra + apps
)

// Each plan has one or a few mistakes; want is all that is said of it.
var badPlans = []struct {
	name, plan, want string
}{
	// What is not a plan at all.
	{
		name: "empty",
		plan: "",
		want: "file:1:1: the plan is empty\n" +
			"  hint: write down repository, source, ledger and stages",
	},
	{
		name: "only a comment",
		plan: "# later\n",
		want: "file:1:1: the plan is empty\n" +
			"  hint: write down repository, source, ledger and stages",
	},
	{
		name: "only a marker",
		plan: "---\n",
		want: "file:2:1: the plan is empty\n" +
			"  hint: write down repository, source, ledger and stages",
	},
	{
		name: "text",
		plan: "hello\n",
		want: "file:1:1: the plan has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: repository, forge, source, ledger, stages, override, entries, contexts, rules",
	},
	{
		name: "a list",
		plan: "- infra\n- apps\n",
		want: "file:1:1: the plan has to be a mapping, not a list\n" +
			"  hint: write its keys on indented lines of their own: repository, forge, source, ledger, stages, override, entries, contexts, rules",
	},
	{
		name: "two documents",
		plan: head + stages + "---\nledger: x\n",
		want: "file:7:1: a second YAML document begins here\n" +
			"  hint: keep one plan in the file, and remove the others with their ---",
	},
	{
		name: "a broken second document",
		plan: head + stages + "---\n]\n",
		want: "file:7: not valid YAML: did not find expected node content\n" +
			"  hint: look at this line and the one before it: indentation, a missing colon, an open quote or bracket",
	},
	{
		name: "no YAML",
		plan: head + "stages: [\n",
		want: "file:4: not valid YAML: did not find expected node content\n" +
			"  hint: look at this line and the one before it: indentation, a missing colon, an open quote or bracket",
	},
	{
		name: "a missing colon",
		plan: "repository https://github.com/monosense/k8s-ops\nledger: x\n",
		want: "file:2: not valid YAML: mapping values are not allowed in this context\n" +
			"  hint: look at this line and the one before it: indentation, a missing colon, an open quote or bracket",
	},
	{
		name: "an unknown alias",
		plan: head + "stages: *nowhere\n",
		want: "file: not valid YAML: unknown anchor 'nowhere' referenced\n" +
			"  hint: look at this line and the one before it: indentation, a missing colon, an open quote or bracket",
	},
	{
		name: "a control character",
		plan: head + "forge: \x00\n",
		want: "file:4:8: a control character\n" +
			"  hint: remove it; an editor may not show it",
	},
	{
		name: "tabs",
		plan: head + "stages:\n\t- name: infra\n  \t- name: apps\n",
		want: "file:5:1: a tab in the indentation, which YAML does not allow\n" +
			"  hint: indent with spaces, two for each level\n" +
			"file:6:3: a tab in the indentation, which YAML does not allow\n" +
			"  hint: indent with spaces, two for each level",
	},
	{
		name: "not UTF-8",
		plan: head + "# caf\xe9\n" + stages,
		want: "file:4:6: not UTF-8\n" +
			"  hint: save the file as UTF-8",
	},
	{
		name: "UTF-16",
		plan: "\xff\xfel\x00e\x00d\x00g\x00e\x00r\x00",
		want: "file:1:1: not UTF-8\n" +
			"  hint: save the file as UTF-8",
	},
	{
		name: "too deep",
		plan: strings.Repeat("[", 20000),
		want: "file: not valid YAML: exceeded max depth of 10000\n" +
			"  hint: look at this line and the one before it: indentation, a missing colon, an open quote or bracket",
	},

	// What hides something from a reader.
	{
		name: "an anchor and its alias",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: &b release, clusters: [apps], soak: 24h}\n  - {name: edge, branch: *b, clusters: [edge], soak: 24h}\n",
		want: "file:6:26: the anchor &b: a plan has no anchors and aliases\n" +
			"  hint: write the value out wherever it is meant\n" +
			"file:7:26: the alias *b: a plan has no anchors and aliases\n" +
			"  hint: write the value out",
	},
	{
		name: "a merge key",
		plan: head + "stages:\n" + infra + "  - {<<: {branch: release}, name: apps, clusters: [apps], soak: 24h}\n",
		want: "file:6:5: stages[1] has no branch\n" +
			"  hint: add the key branch\n" +
			`file:6:6: stages[1] has no key "<<"` + "\n" +
			"  hint: a plan has no merge keys; write the keys out",
	},
	{
		name: "a tag",
		plan: head + "stages:\n" + infra + "  - {name: !!str apps, branch: !!binary cmVsZWFzZQ==, clusters: [apps], soak: 24h}\n",
		want: `file:6:12: the tag "!!str": a plan has no YAML tags` + "\n" +
			"  hint: leave the tag out; quote the value if it has to be text\n" +
			`file:6:32: the tag "!!binary": a plan has no YAML tags` + "\n" +
			"  hint: leave the tag out; quote the value if it has to be text",
	},

	// Keys.
	{
		name: "nothing but a key",
		plan: "forge: github\n",
		want: "file:1:1: the plan has no repository\n" +
			"  hint: add the key repository\n" +
			"file:1:1: the plan has no source\n" +
			"  hint: add the key source\n" +
			"file:1:1: the plan has no ledger\n" +
			"  hint: add the key ledger\n" +
			"file:1:1: the plan has no stages\n" +
			"  hint: add stages: and its items below",
	},
	{
		name: "an unknown key",
		plan: head + "strategy: fast\n" + stages,
		want: `file:4:1: the plan has no key "strategy"` + "\n" +
			"  hint: its keys are repository, forge, source, ledger, stages, override, entries, contexts, rules",
	},
	{
		name: "a misspelt key",
		plan: head + "ovveride: {reason: required}\n" + stages,
		want: `file:4:1: the plan has no key "ovveride"` + "\n" +
			"  hint: did you mean override?",
	},
	{
		name: "a key in the wrong case",
		plan: head + "Forge: git\n" + stages,
		want: `file:4:1: the plan has no key "Forge"` + "\n" +
			"  hint: did you mean forge?",
	},
	{
		name: "a very long key",
		plan: head + strings.Repeat("k", 100) + ": 1\n" + stages,
		want: `file:4:1: the plan has no key "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…"` + "\n" +
			"  hint: its keys are repository, forge, source, ledger, stages, override, entries, contexts, rules",
	},
	{
		name: "a key twice",
		plan: head + "ledger: other\n" + stages,
		want: `file:4:1: the plan has "ledger" twice; the first is on line 3` + "\n" +
			"  hint: remove one of the two",
	},
	{
		name: "an unknown key twice",
		plan: head + "a: 1\na: 2\n" + stages,
		want: `file:4:1: the plan has no key "a"` + "\n" +
			"  hint: its keys are repository, forge, source, ledger, stages, override, entries, contexts, rules\n" +
			`file:5:1: the plan has "a" twice; the first is on line 4` + "\n" +
			"  hint: remove one of the two",
	},
	{
		name: "a key that is a list",
		plan: head + "? [a]\n: b\n" + stages,
		want: "file:4:3: a key of the plan is not a word\n" +
			"  hint: write a plain word before the colon",
	},
	{
		name: "a graph",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: release, clusters: [apps], soak: 24h, dependsOn: [infra]}\n  - {name: edge, branch: edge, clusters: [edge], soak: 24h, upstream: infra}\n",
		want: `file:6:64: stages[1] has no key "dependsOn"` + "\n" +
			"  hint: the stages are a line: the upstream of a stage is the one before it in the list; put the stages in order and remove this key\n" +
			`file:7:61: stages[2] has no key "upstream"` + "\n" +
			"  hint: the stages are a line: the upstream of a stage is the one before it in the list; put the stages in order and remove this key",
	},
	{
		name: "a graph of lists",
		plan: head + "stages:\n" + infra + "  - [{name: apps}, {name: edge}]\n",
		want: "file:6:5: stages[1] has to be a mapping, not a list\n" +
			"  hint: the stages are a line: the upstream of a stage is the one before it in the list; write every stage as an item of the one list, in order",
	},
	{
		name: "a graph beside the stages",
		plan: head + "edges: {apps: infra}\n" + stages,
		want: `file:4:1: the plan has no key "edges"` + "\n" +
			"  hint: the stages are a line: the upstream of a stage is the one before it in the list; put the stages in order and remove this key",
	},
	{
		name: "no graph",
		plan: strings.Replace(head, "namespace: flux-system", "namespace: flux-system, from: x", 1) + stages,
		want: `file:2:49: source has no key "from"` + "\n" +
			"  hint: its keys are name, namespace",
	},
	{
		name: "a source without a namespace",
		plan: strings.Replace(head, ", namespace: flux-system", "", 1) + stages,
		want: "file:2:9: source has no namespace\n" +
			"  hint: add the key namespace",
	},

	// Kinds of value.
	{
		name: "an empty value",
		plan: strings.Replace(head, "rollout/ledger", "", 1) + stages,
		want: "file:3:8: ledger is empty\n" +
			"  hint: write a value, or remove the line",
	},
	{
		name: "a number for text",
		plan: head + "stages:\n" + infra + "  - {name: 7, branch: 1.5, clusters: [true], soak: 24h}\n",
		want: "file:6:12: stages[1].name is a number to YAML, and has to be text\n" +
			"  hint: put the value in quotes\n" +
			"file:6:23: stages[1].branch is a number to YAML, and has to be text\n" +
			"  hint: put the value in quotes\n" +
			"file:6:39: stages[1].clusters[0] is true or false to YAML, and has to be text\n" +
			"  hint: put the value in quotes",
	},
	{
		name: "a date for text",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: 2026-01-01, clusters: [apps], soak: 24h}\n",
		want: "file:6:26: stages[1].branch is a date to YAML, and has to be text\n" +
			"  hint: put the value in quotes",
	},
	{
		name: "a mapping for text",
		plan: strings.Replace(head, "rollout/ledger", "{branch: x}", 1) + stages,
		want: "file:3:9: ledger has to be one value, not a mapping\n" +
			"  hint: write the value behind the colon",
	},
	{
		name: "a list for text",
		plan: head + "forge: [github]\n" + stages,
		want: "file:4:8: forge has to be one value, not a list\n" +
			"  hint: write the value behind the colon",
	},
	{
		name: "a mapping for a list",
		plan: head + "stages: {}\n",
		want: "file:4:9: stages has to be a list, not a mapping\n" +
			"  hint: begin every item with a dash on a line of its own",
	},
	{
		name: "text for a list",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: release, clusters: apps, soak: 24h}\n",
		want: "file:6:45: stages[1].clusters has to be a list, not one value\n" +
			"  hint: begin every item with a dash on a line of its own",
	},
	{
		name: "text for a mapping",
		plan: head + "stages:\n" + infra + "  - apps\n",
		want: "file:6:5: stages[1] has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: name, branch, clusters, soak, soakOn, unhealthy, require, health, exposure, windows",
	},
	{
		name: "nothing for a mapping",
		plan: head + "override:\n" + stages,
		want: "file:4:10: override has to be a mapping, not empty\n" +
			"  hint: write its keys on indented lines of their own: reason",
	},
	{
		name: "nothing for a list",
		plan: head + "stages:\n",
		want: "file:4:8: stages has to be a list, not empty\n" +
			"  hint: begin every item with a dash on a line of its own",
	},

	// Names.
	{
		name: "unsafe names",
		plan: head + "stages:\n  - {name: ../infra, branch: main, clusters: [../../etc, .., infra/flux, -x, Infra, \"in fra\", \"\"]}\n" + apps,
		want: `file:5:12: the stage name "../infra" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:47: the cluster name "../../etc" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:58: the cluster name ".." is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:62: the cluster name "infra/flux" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:74: the cluster name "-x" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:78: the cluster name "Infra" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:85: the cluster name "in fra" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends\n" +
			`file:5:95: the cluster name "" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends",
	},
	{
		name: "a name of 64 characters",
		plan: head + "stages:\n  - {name: " + strings.Repeat("a", 64) + ", branch: main, clusters: [infra]}\n" + apps,
		want: `file:5:12: the stage name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends",
	},
	{
		name: "a name that paints the terminal",
		plan: head + "stages:\n  - {name: \"\\e[31m\", branch: main, clusters: [infra]}\n" + apps,
		want: "file:5:12: the stage name \"\\x1b[31m\" is no valid name\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends",
	},
	{
		name: "an unsafe source",
		plan: strings.Replace(head, "{name: k8s-ops, namespace: flux-system}", "{name: K8s_ops, namespace: flux.system}", 1) + stages,
		want: `file:2:16: source.name "K8s_ops" is no name of a Kubernetes object` + "\n" +
			"  hint: use the GitRepository's metadata.name: lower-case letters, digits, - and .\n" +
			`file:2:36: source.namespace "flux.system" is no valid name` + "\n" +
			"  hint: use lower-case letters, digits and -, at most 63, with a letter or digit at both ends",
	},
	{
		name: "a stage twice",
		plan: head + stages + "  - {name: apps, branch: edge, clusters: [edge], soak: 24h}\n",
		want: `file:7:12: the stage "apps" is already on line 6` + "\n" +
			"  hint: give each stage a name of its own",
	},
	{
		name: "a cluster twice",
		plan: head + "stages:\n  - {name: infra, branch: main, clusters: [infra, infra]}\n  - {name: apps, branch: release, clusters: [apps, infra], soak: 24h}\n",
		want: `file:5:51: the cluster "infra" is already on line 5` + "\n" +
			"  hint: keep it in the one stage whose branch it follows\n" +
			`file:6:52: the cluster "infra" is already on line 5` + "\n" +
			"  hint: keep it in the one stage whose branch it follows",
	},

	// Stages.
	{
		name: "no stages",
		plan: head + "stages: []\n",
		want: "file:4:9: stages is an empty list\n" +
			"  hint: write at least one item",
	},
	{
		name: "one stage",
		plan: head + "stages:\n" + infra,
		want: "file:5:12: the plan has one stage, and needs at least two\n" +
			"  hint: add the stage that takes what this one has proved, with a branch, clusters and a soak",
	},
	{
		name: "no clusters",
		plan: head + "stages:\n  - {name: infra, branch: main, clusters: []}\n" + apps,
		want: "file:5:43: stages[0].clusters is an empty list\n" +
			"  hint: write at least one item",
	},
	{
		name: "no soak",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: release, clusters: [apps]}\n",
		want: `file:6:12: the stage "apps" has no soak` + "\n" +
			"  hint: add how long a revision stays upstream first, such as soak: 24h (soak: 0s promotes at once)",
	},
	{
		name: "a soak for the first",
		plan: head + "stages:\n  - {name: infra, branch: main, clusters: [infra], soak: 1h}\n" + apps,
		want: `file:5:58: the stage "infra" is the first and cannot have a soak` + "\n" +
			"  hint: remove it: the first stage has no upstream and takes everything at once",
	},
	{
		name: "an unknown reason",
		plan: head + stages + "override: {reason: always}\n",
		want: `file:7:20: override.reason is "always"` + "\n" +
			"  hint: write optional or required",
	},

	// Branches.
	{
		name: "a branch twice",
		plan: head + stages + "  - {name: edge, branch: release, clusters: [edge], soak: 24h}\n",
		want: `file:7:26: the branch "release" of the stage "edge" is already the branch of the stage "apps", on line 6` + "\n" +
			"  hint: give each stage and the ledger a branch of its own",
	},
	{
		name: "the ledger is a stage's branch",
		plan: strings.Replace(head, "rollout/ledger", "main", 1) + stages,
		want: `file:3:9: the ledger "main" is already the branch of the stage "infra", on line 5` + "\n" +
			"  hint: give each stage and the ledger a branch of its own",
	},
	{
		name: "a branch below another",
		plan: head + "stages:\n" + infra + "  - {name: apps, branch: rollout, clusters: [apps], soak: 24h}\n",
		want: `file:3:9: the ledger "rollout/ledger" cannot exist beside the branch "rollout" of the stage "apps"` + "\n" +
			"  hint: rename one of the two: Git keeps no branch below another one",
	},
	{
		name: "a full ref name",
		plan: head + "stages:\n  - {name: infra, branch: refs/heads/main, clusters: [infra]}\n" + apps,
		want: `file:5:27: the branch "refs/heads/main" of the stage "infra" is a full ref name` + "\n" +
			"  hint: leave refs/heads/ out",
	},
}

// What is said of several values, each time.
const (
	rename = "rename the branch"
	units  = "write a number and a unit: 45s, 90m, 24h, 1h30m, 7d, 1w"

	tooLong   = "nothing in a plan is worth waiting for that long; is the unit right?"
	leaked    = "remove it and revoke it: whoever reads the repository has it; give it to the toolkit through GH_TOKEN or a Git credential helper"
	notGitHub = "write https://host/owner/name, or forge: git if the host is not GitHub"
)

// The branches are tried as the ledger; a stage's branch is judged alike.
var badBranches = []struct{ branch, message, hint string }{
	{"refs/tags/v1", `the ledger "refs/tags/v1" is a ref, and no branch`, "name a branch, without refs/"},
	{"HEAD", `the ledger "HEAD" is a name that Git keeps for itself`, rename},
	{"@", `the ledger "@" is a name that Git keeps for itself`, rename},
	{"0123456789abcdef0123456789abcdef01234567", `the ledger "0123456789abcdef0123456789abcdef01234567" reads as the id of a commit`, rename},
	{"-force", `the ledger "-force" begins with -, which commands take for an option`, rename},
	{"/main", `the ledger "/main" has an empty part between slashes`, "put one slash between two words, and none at the ends"},
	{"main/", `the ledger "main/" has an empty part between slashes`, "put one slash between two words, and none at the ends"},
	{"a//b", `the ledger "a//b" has an empty part between slashes`, "put one slash between two words, and none at the ends"},
	{"a..b", `the ledger "a..b" contains "..", "@{" or a dot at its end, which Git does not allow`, rename},
	{"main.", `the ledger "main." contains "..", "@{" or a dot at its end, which Git does not allow`, rename},
	{"a@{1}", `the ledger "a@{1}" contains "..", "@{" or a dot at its end, which Git does not allow`, rename},
	{"a b", "the ledger \"a b\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a~1", "the ledger \"a~1\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a^", "the ledger \"a^\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a:b", "the ledger \"a:b\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a*", "the ledger \"a*\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a?", "the ledger \"a?\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a[b", "the ledger \"a[b\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{`a\b`, "the ledger \"a\\\\b\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a\x7fb", "the ledger \"a\\x7fb\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{"a\u202eb", "the ledger \"a\\u202eb\" contains a space, a control character or one of ~^:?*[\\, which Git does not allow", rename},
	{".hidden", `the ledger ".hidden" has a part that begins with a dot or ends in .lock, which Git does not allow`, rename},
	{"a/.b", `the ledger "a/.b" has a part that begins with a dot or ends in .lock, which Git does not allow`, rename},
	{"a.lock", `the ledger "a.lock" has a part that begins with a dot or ends in .lock, which Git does not allow`, rename},
	{"a.lock/b", `the ledger "a.lock/b" has a part that begins with a dot or ends in .lock, which Git does not allow`, rename},
	{strings.Repeat("a", 245), `the ledger "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is longer than 244 bytes`, rename},
	{"", `the ledger "" is empty`, "name a branch"},
}

var badSoaks = []struct{ soak, message, hint string }{
	{"24", `the stage "apps": the soak "24" is no duration`, units},
	{"0", `the stage "apps": the soak "0" is no duration`, units},
	{"soon", `the stage "apps": the soak "soon" is no duration`, units},
	{"-1h", `the stage "apps": the soak "-1h" is negative`, "write how long, 0s at least"},
	{"1h-30m", `the stage "apps": the soak "1h-30m" is no duration`, units},
	{"+1h", `the stage "apps": the soak "+1h" is no duration`, units},
	{"24 h", `the stage "apps": the soak "24 h" is no duration`, units},
	{"1M", `the stage "apps": the soak "1M" is no duration`, units},
	{"1y", `the stage "apps": the soak "1y" is no duration`, units},
	{"100ms", `the stage "apps": the soak "100ms" is no duration`, units},
	{"1.2.3h", `the stage "apps": the soak "1.2.3h" is no duration`, units},
	{"366d", `the stage "apps": the soak "366d" is longer than 365d`, tooLong},
	{"52w2d", `the stage "apps": the soak "52w2d" is longer than 365d`, tooLong},
	{"999999999h", `the stage "apps": the soak "999999999h" is longer than 365d`, tooLong},
	{"999999999w", `the stage "apps": the soak "999999999w" is longer than 365d`, tooLong},
	{"9999999999w", `the stage "apps": the soak "9999999999w" is no duration`, units},
}

var badAddresses = []struct{ address, message, hint string }{
	{"https://monosense:s3cr3t@github.com/monosense/k8s-ops", "repository has a password or token in it", leaked},
	{"https://s3cr3t@github.com/monosense/k8s-ops", "repository has a password or token in it", leaked},
	{"ssh://git:s3cr3t@github.com/monosense/k8s-ops", "repository has a password or token in it", leaked},
	{"monosense:s3cr3t@github.com:monosense/k8s-ops", "repository has a password or token in it", leaked},
	{"https://monosense:s3cr3t%zz@github.com/monosense/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"https://github.com/monosense/k8s-ops?token=s3cr3t", "repository has a query or a fragment", "end it where ? or # begins"},
	{"https://github.com/monosense/k8s-ops#readme", "repository has a query or a fragment", "end it where ? or # begins"},
	{"https://github.com", "repository does not say which repository", spellings},
	{"https://github.com/monosense", "repository is no repository on GitHub", notGitHub},
	{"https://github.com/monosense/k8s-ops/tree/main", "repository is no repository on GitHub", notGitHub},
	{"https://github.com/monosense/..", "repository is no repository on GitHub", notGitHub},
	{"https://github.com/-o/k8s-ops", "repository is no repository on GitHub", notGitHub},
	{"http://github.com/monosense/k8s-ops", "repository is not encrypted", "write https instead of http"},
	{"git://github.com/monosense/k8s-ops", "repository uses a protocol that the toolkit does not speak", spellings},
	{"ftp://example.com/k8s-ops", "repository uses a protocol that the toolkit does not speak", spellings},
	{"HTTPS://github.com/monosense/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"ext::sh -c true", "repository is no address that the toolkit understands", spellings},
	{"ext::true", "repository is no address that the toolkit understands", spellings},
	{"ssh://-oProxyCommand=true/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"ssh://-l@example.com/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"-oProxyCommand=true@example.com:k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"git@-oProxyCommand=true:k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"git@example.com:-k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"https://example.com:99999/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"https:///k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"https://exa mple.com/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"file://example.com/srv/k8s-ops.git", "repository is a file on another host", "write file:/// with three slashes, and the path"},
	{"file:///", "repository does not say which repository", spellings},
	{"k8s-ops.git", "repository is no address that the toolkit understands", spellings},
	{"github.com/monosense/k8s-ops", "repository is no address that the toolkit understands", spellings},
	{"~/k8s-ops.git", "repository is no address that the toolkit understands", spellings},
	{`C:\k8s-ops`, "repository is no address that the toolkit understands", spellings},
	{"", "repository is no address that the toolkit understands", spellings},
	{"./k8s\x1b[31m.git", "repository is no address that the toolkit understands", spellings},
}

func TestParseRefuses(t *testing.T) {
	for _, test := range badPlans {
		t.Run(test.name, func(t *testing.T) {
			file, err := Parse("file", []byte(test.plan), Options{})
			if err == nil {
				t.Fatalf("Parse accepts it as %+v", file.Plan)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// However the edges of a graph are called, the plan says that there are none.
func TestGraphs(t *testing.T) {
	for _, key := range []string{
		"from", "parent", "parents", "dependencies", "depends", "previous", "promotesFrom", "promotes_from", "upstream", "upstreams",
		"after", "needs", "dependsOn", "depends_on", "depends-on", "DependsOn", "requires", "downstream", "next", "before", "stages",
	} {
		t.Run(key, func(t *testing.T) {
			for _, value := range []string{"infra", "[infra]", "{stage: infra}"} {
				plan := head + "stages:\n" + infra + "  - name: apps\n    branch: release\n    clusters: [apps]\n    " + key + ": " + value + "\n    soak: 24h\n"
				wantOne(t, plan, Error{
					File: "file", Line: 9, Column: 5, Message: "stages[1] has no key " + strconv.Quote(key),
					Hint: "the stages are a line: the upstream of a stage is the one before it in the list; put the stages in order and remove this key",
				})
			}
		})
	}
}

func TestBranches(t *testing.T) {
	for _, test := range badBranches {
		t.Run(test.branch, func(t *testing.T) {
			plan := strings.Replace(head, "rollout/ledger", strconv.Quote(test.branch), 1) + stages
			wantOne(t, plan, Error{File: "file", Line: 3, Column: 9, Message: test.message, Hint: test.hint})
		})
	}
}

func TestSoaks(t *testing.T) {
	for _, test := range badSoaks {
		t.Run(test.soak, func(t *testing.T) {
			plan := strings.Replace(head+stages, "24h", test.soak, 1)
			wantOne(t, plan, Error{File: "file", Line: 6, Column: 59, Message: test.message, Hint: test.hint})
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, test := range badAddresses {
		t.Run(test.address, func(t *testing.T) {
			plan := strings.Replace(head, "https://github.com/monosense/k8s-ops", strconv.Quote(test.address), 1) + stages
			wantOne(t, plan, Error{File: "file", Line: 1, Column: 13, Message: test.message, Hint: test.hint})
		})
	}
}

// wantOne demands that the plan has exactly this one error.
func wantOne(t *testing.T, plan string, want Error) {
	t.Helper()
	_, err := Parse("file", []byte(plan), Options{})
	var first *Error
	if !errors.As(err, &first) {
		t.Fatalf("Parse accepts it: %v", err)
	}
	if diff := cmp.Diff(want.Error(), err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first.Line != want.Line || first.Column != want.Column {
		t.Errorf("at %d:%d, want %d:%d", first.Line, first.Column, want.Line, want.Column)
	}
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Error("the error repeats a secret")
	}
}
