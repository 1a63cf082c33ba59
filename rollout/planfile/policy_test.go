package planfile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// policyPlan is a plan whose second stage has the given lines, from line 9 on.
func policyPlan(repository, lines string) string {
	return strings.Replace(head, "https://github.com/monosense/k8s-ops", repository, 1) +
		"stages:\n" + infra + "  - name: apps\n    branch: release\n    clusters: [apps]\n" +
		"    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n"
}

// now is when the windows of the tests are looked at.
var now = time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)

// A badPolicy has the lines of its second stage, from line 9 on, and everything
// that is said of them.
type badPolicy struct {
	name, lines, want string
	// git makes the repository a plain remote.
	git bool
}

func (c badPolicy) plan() string {
	if c.git {
		return policyPlan("./k8s-ops.git", c.lines)
	}
	return policyPlan("https://github.com/monosense/k8s-ops", c.lines)
}

const (
	patternHint = "write a context, such as flux/apps, or a pattern: * stands for any characters but a slash, ** for any"
	manyHint    = "write one window for several days, such as Mon,Wed-Fri 09:00-17:00"
	weeklyHint  = `write days and times, such as "Mon-Fri 09:00-17:00", "Sat,Sun 00:00-24:00" or "daily 22:00-06:00"`
	dateHint    = `write 2026-12-20, "2026-12-20 15:04" or 2026-12-20T15:04:00+01:00`
)

var badPolicies = []badPolicy{
	// Health.
	{
		name:  "a clock that nobody has",
		lines: "soak: 1h\nsoakOn: moon\nunhealthy: cry\nrequire: luck\nexposure: maybe",
		want: `file:10:13: soakOn is "moon"` + "\n" +
			"  hint: write wall or healthy\n" +
			`file:11:16: unhealthy is "cry"` + "\n" +
			"  hint: write pause or restart\n" +
			`file:12:14: require is "luck"` + "\n" +
			"  hint: write observed, or leave the key out\n" +
			`file:13:15: exposure is "maybe"` + "\n" +
			"  hint: write warn or require",
	},
	{
		name:  "what rests on health, without health",
		lines: "soak: 1h\nsoakOn: healthy\nrequire: observed",
		want: `file:10:13: the stage "apps" soaks on healthy time, and nothing says what healthy is` + "\n" +
			"  hint: add health: with the contexts that have to be good, or write soakOn: wall\n" +
			`file:11:14: the stage "apps" requires what was observed, and nothing says who observed` + "\n" +
			"  hint: add health: with the contexts of the upstream stage's clusters",
	},
	{
		name:  "unhealthy without a clock",
		lines: "soak: 1h\nunhealthy: pause",
		want: `file:10:16: the stage "apps" says what an unhealthy time does, and soaks on the wall clock` + "\n" +
			"  hint: add soakOn: healthy, or remove the line",
	},
	{
		name:  "unhealthy on the wall clock",
		lines: "soak: 1h\nsoakOn: wall\nunhealthy: restart\nhealth: {clusters: {infra: [ci]}}",
		want: `file:11:16: the stage "apps" says what an unhealthy time does, and soaks on the wall clock` + "\n" +
			"  hint: add soakOn: healthy, or remove the line",
	},
	{
		name:  "a plain remote",
		git:   true,
		lines: "soak: 1h\nsoakOn: healthy\nrequire: observed\nhealth: {clusters: {infra: [ci]}}",
		want: `file:10:13: the stage "apps" soaks on healthy time, and a plain Git remote has no commit statuses` + "\n" +
			"  hint: remove it, or keep the repository on GitHub\n" +
			`file:11:14: the stage "apps" requires what was observed, and a plain Git remote has no commit statuses` + "\n" +
			"  hint: remove it, or keep the repository on GitHub\n" +
			`file:12:5: the stage "apps" asks for health, and a plain Git remote has no commit statuses` + "\n" +
			"  hint: remove it, or keep the repository on GitHub",
	},
	{
		name:  "health of nobody",
		lines: "soak: 1h\nhealth: {settle: 5m}",
		want: "file:10:13: stages[1].health has no clusters\n" +
			"  hint: add clusters: and its items below",
	},
	{
		name:  "health of no cluster",
		lines: "soak: 1h\nhealth: {clusters: {}}",
		want: "file:10:24: stages[1].health.clusters is an empty mapping\n" +
			"  hint: write at least one cluster of the upstream stage, and its contexts",
	},
	{
		name:  "other kinds of value",
		lines: "soak: 1h\nhealth:\n  settle: -5m\n  clusters: [infra]",
		want: `file:11:15: the stage "apps": health.settle "-5m" is negative` + "\n" +
			"  hint: write how long, 0s at least\n" +
			"file:12:17: stages[1].health.clusters has to be a mapping, not a list\n" +
			"  hint: write each cluster of the upstream stage on an indented line of its own, and its contexts behind it",
	},
	{
		name:  "no mappings",
		lines: "soak: 1h\nhealth: good\nwindows: none",
		want: "file:10:13: stages[1].health has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: settle, clusters\n" +
			"file:11:14: stages[1].windows has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: allow, deny",
	},
	{
		name:  "clusters that are not upstream",
		lines: "soak: 1h\nhealth:\n  clusters:\n    apps: [ci]\n    infa: [cd]\n    \"\\e[31m\": []",
		want: `file:12:9: the stage "apps" asks for the health of "apps", which is no cluster of its upstream, the stage "infra"` + "\n" +
			"  hint: its upstream has infra\n" +
			`file:13:9: the stage "apps" asks for the health of "infa", which is no cluster of its upstream, the stage "infra"` + "\n" +
			"  hint: did you mean infra?\n" +
			`file:14:9: the stage "apps" asks for the health of "\x1b[31m", which is no cluster of its upstream, the stage "infra"` + "\n" +
			"  hint: its upstream has infra\n" +
			`file:14:19: stages[1].health.clusters.\x1b[31m is an empty list` + "\n" +
			"  hint: write at least one item",
	},
	{
		name:  "a cluster twice",
		lines: "soak: 1h\nhealth:\n  clusters:\n    infra: [ci]\n    infra: [flux]",
		want: `file:13:9: stages[1].health.clusters has "infra" twice; the first is on line 12` + "\n" +
			"  hint: remove one of the two",
	},
	{
		name:  "a context of two clusters",
		lines: "soak: 1h\nhealth:\n  clusters:\n    infra: [ci]\n    edge: [ci]",
		want: `file:13:9: the stage "apps" asks for the health of "edge", which is no cluster of its upstream, the stage "infra"` + "\n" +
			"  hint: its upstream has infra\n" +
			`file:13:16: the context "ci" is already on line 12` + "\n" +
			"  hint: remove one of the two; a status says of which cluster it is by its context alone, so give each cluster contexts of its own",
	},
	{
		name:  "contexts that are none",
		lines: "soak: 1h\nhealth:\n  clusters:\n    infra:\n      - ''\n      - ci / build\n      - ci / build\n      - \"a\\u202eb\"\n      - 7\n      - " + strings.Repeat("x", 256),
		want: `file:13:13: the context "" is empty` + "\n" +
			"  hint: write a context, such as flux/apps, or remove the line\n" +
			`file:15:13: the context "ci / build" is already on line 14` + "\n" +
			"  hint: remove one of the two; a status says of which cluster it is by its context alone, so give each cluster contexts of its own\n" +
			`file:16:13: the context "a\u202eb" has a character that nobody can see` + "\n" +
			"  hint: write the context as the forge shows it\n" +
			"file:17:13: stages[1].health.clusters.infra[4] is a number to YAML, and has to be text\n" +
			"  hint: put the value in quotes\n" +
			`file:18:13: "` + strings.Repeat("x", 80) + `…" is no pattern: expected 1 to 255 characters` + "\n" +
			"  hint: " + patternHint,
	},
	{
		name: "patterns of other globs",
		lines: "soak: 1h\nhealth:\n  clusters:\n    infra:\n      - flux/{apps,infra}\n      - flux/[ab]*\n      - \"!flux/x\"\n" +
			"      - \" flux/x \"\n      - \"  \"\n      - flux/\\*",
		want: `file:13:13: the context "flux/{apps,infra}" has braces, which stand for nothing but themselves here` + "\n" +
			"  hint: write a line for each, such as flux/apps and flux/infra; for a bracket in a name write ?\n" +
			`file:14:13: the context "flux/[ab]*" has square brackets, which stand for nothing but themselves here` + "\n" +
			"  hint: write a line for each, or ? for any one character; for a bracket in a name write ?\n" +
			`file:15:13: the context "!flux/x" begins with !, and there is nothing to take something out with` + "\n" +
			"  hint: write only the contexts that have to be good\n" +
			`file:16:13: the context " flux/x " begins or ends with a space` + "\n" +
			`  hint: write "flux/x"` + "\n" +
			`file:17:13: the context "  " is empty` + "\n" +
			"  hint: write a context, such as flux/apps, or remove the line\n" +
			`file:18:13: the context "flux/\\*" has a \, which takes away the meaning of nothing here` + "\n" +
			"  hint: write ? for a character that is a * or a ?",
	},
	{
		name:  "a hundred and one contexts",
		lines: "soak: 1h\nhealth: {clusters: {infra: [" + strings.Repeat("a, ", 101) + "]}}",
		want: `file:10:333: the cluster "infra" has more than 100 contexts` + "\n" +
			"  hint: write a pattern: * stands for any characters but a slash, ** for any",
	},

	// Windows.
	{
		name:  "no windows",
		lines: "soak: 1h\nwindows: {}",
		want: `file:10:5: the stage "apps" has windows, and none is written down` + "\n" +
			"  hint: write allow or deny below it, or remove it",
	},
	{
		name:  "empty lists of windows",
		lines: "soak: 1h\nwindows: {allow: [], deny: nights}",
		want: "file:10:22: stages[1].windows.allow is an empty list\n" +
			"  hint: write at least one item\n" +
			"file:10:32: stages[1].windows.deny has to be a list, not one value\n" +
			"  hint: begin every item with a dash on a line of its own",
	},
	{
		name: "windows that say too much, or too little",
		lines: "soak: 1h\nwindows:\n  deny:\n" +
			"    - {cron: '@daily', for: 1h, span: daily 09:00-17:00}\n" +
			"    - {cron: '@daily'}\n" +
			"    - {for: 1h}\n" +
			"    - {reason: because}\n" +
			"    - {for: 1h, span: daily 09:00-17:00}\n" +
			"    - nights\n" +
			"    - {until: }",
		want: `file:12:43: the stage "apps": windows.deny[0] has both cron and span` + "\n" +
			"  hint: write cron and for, or span, or until and from alone\n" +
			`file:13:18: the stage "apps": windows.deny[1] has cron, and no for` + "\n" +
			"  hint: add how long it stays open, such as for: 8h\n" +
			`file:14:17: the stage "apps": windows.deny[2] has for, and no cron` + "\n" +
			"  hint: add cron, which says when it opens, or remove the line\n" +
			`file:15:11: the stage "apps": windows.deny[3] does not say when` + "\n" +
			"  hint: write cron and for, or span, or until and from alone\n" +
			`file:16:17: the stage "apps": windows.deny[4] has for, and no cron` + "\n" +
			"  hint: add cron, which says when it opens, or remove the line\n" +
			"file:17:11: stages[1].windows.deny[5] has to be a mapping, not one value\n" +
			"  hint: write its keys on indented lines of their own: cron, for, span, from, until, zone, reason\n" +
			"file:18:19: stages[1].windows.deny[6].until is empty\n" +
			"  hint: write a value, or remove the line",
	},
	{
		name: "windows that are not understood",
		lines: "soak: 1h\nwindows:\n  allow:\n" +
			"    - {cron: 0 0 9 * * 1, for: 8, zone: Zurich}\n" +
			"    - {cron: 0 0 30 2 *, for: 0h}\n" +
			"    - {span: Mo-Fr 09:00-17:00, from: 2026-13-01, until: 2027}\n" +
			"    - {until: tomorrow, zone: Mars, reason: " + strings.Repeat("é", 201) + "}\n" +
			"    - {until: true, zone: Local, reason: " + strings.Repeat("é", 200) + "}",
		want: `file:12:18: the stage "apps": windows.allow[0]: cron "0 0 9 * * 1" has 6 fields, and not five` + "\n" +
			`  hint: write five fields, such as "0 9 * * MON-FRI": minute, hour, day of the month, month, day of the week` + "\n" +
			`file:12:36: the stage "apps": windows.allow[0]: for "8" is no duration` + "\n" +
			"  hint: write a number and a unit: 45s, 90m, 24h, 1h30m, 7d, 1w\n" +
			`file:12:45: the stage "apps": windows.allow[0]: the zone "Zurich" is no time zone` + "\n" +
			"  hint: did you mean Europe/Zurich?\n" +
			`file:13:18: the stage "apps": windows.allow[1]: cron "0 0 30 2 *" never fires` + "\n" +
			"  hint: look at the day and the month: no such day comes\n" +
			`file:13:35: the stage "apps": windows.allow[1]: for "0h" never opens it` + "\n" +
			"  hint: write how long it stays open, such as 8h\n" +
			`file:14:18: the stage "apps": windows.allow[2]: span "Mo-Fr 09:00-17:00" is not understood: "Mo-Fr" is no day of the week` + "\n" +
			"  hint: " + weeklyHint + "\n" +
			`file:14:43: the stage "apps": windows.allow[2]: from "2026-13-01" is no date in the calendar from 1970 to 9998` + "\n" +
			"  hint: " + dateHint + "\n" +
			`file:14:62: the stage "apps": windows.allow[2]: until "2027" is no date` + "\n" +
			"  hint: " + dateHint + "\n" +
			`file:15:19: the stage "apps": windows.allow[3]: until "tomorrow" is no date` + "\n" +
			"  hint: " + dateHint + "\n" +
			`file:15:35: the stage "apps": windows.allow[3]: the zone "Mars" is no time zone` + "\n" +
			"  hint: write Area/City, such as Europe/Zurich or America/New_York, or UTC\n" +
			`file:15:49: the stage "apps": windows.allow[3]: the reason is longer than 200 characters` + "\n" +
			"  hint: write a line, and the rest as a comment\n" +
			`file:16:19: the stage "apps": windows.allow[4]: until "true" is no date` + "\n" +
			"  hint: " + dateHint + "\n" +
			`file:16:31: the stage "apps": windows.allow[4]: the zone "Local" is whatever zone the machine is in` + "\n" +
			"  hint: name a zone, such as Europe/Zurich or UTC",
	},
	{
		name: "windows that never come",
		lines: "soak: 1h\nwindows:\n  deny:\n" +
			"    - {from: 2027-01-01, until: 2027-01-01}\n" +
			"    - {from: 2027-01-01 12:00, until: '2027-01-01 13:00', zone: UTC}\n" +
			"    - {span: Mon 09:00-17:00, from: 2027-01-05, until: 2027-01-11 09:00}\n" +
			"    - {cron: 0 12 29 2 *, for: 1d, from: 2026-03-01, until: 2028-02-29}",
		want: `file:12:37: the stage "apps": windows.deny[0] ends before it begins` + "\n" +
			"  hint: write an until that is later than from\n" +
			`file:14:11: the stage "apps": windows.deny[2] never comes: nothing of it is between from and until` + "\n" +
			"  hint: move from and until apart, or look at the days\n" +
			`file:15:11: the stage "apps": windows.deny[3] never comes: nothing of it is between from and until` + "\n" +
			"  hint: move from and until apart, or look at the days",
	},
	{
		name:  "a hundred and one windows",
		lines: "soak: 1h\nwindows: {deny: [" + strings.Repeat("{until: 2027-01-01}, ", 101) + "]}",
		want: `file:10:2122: the stage "apps": windows.deny has more than 100 windows` + "\n" +
			"  hint: " + manyHint,
	},

	// Windows that leave no moment open.
	{
		name:  "closed always",
		lines: "soak: 1h\nwindows:\n  deny:\n    - {span: daily 00:00-12:00}\n    - {cron: 0 12 * * *, for: 12h}",
		want: `file:10:5: the stage "apps" never takes anything: within five years its windows leave no moment open` + "\n" +
			"  hint: leave some time that deny does not close",
	},
	{
		name:  "closed whenever it opens",
		lines: "soak: 1h\nwindows:\n  allow:\n    - {span: Mon-Fri 09:00-17:00, zone: Europe/Zurich}\n  deny:\n    - {span: daily 07:00-18:00, zone: UTC}",
		want: `file:10:5: the stage "apps" never takes anything: within five years its windows leave no moment open` + "\n" +
			"  hint: leave some time that deny does not close",
	},
	{
		name:  "closed for ever",
		lines: "soak: 1h\nwindows:\n  deny:\n    - {from: 2026-01-01}",
		want: `file:10:5: the stage "apps" never takes anything: within five years its windows leave no moment open` + "\n" +
			"  hint: leave some time that deny does not close",
	},
	{
		name:  "all over",
		lines: "soak: 1h\nwindows:\n  allow:\n    - {until: 2026-12-24T12:00:00Z}\n    - {span: daily 09:00-17:00, until: 2026-11-01}",
		want: `file:10:5: the stage "apps" never takes anything: all windows of allow are over, the last since 2026-12-24 12:00 UTC` + "\n" +
			"  hint: add a window to allow, or move the until of one",
	},
}

func TestPolicyRefuses(t *testing.T) {
	for _, test := range badPolicies {
		t.Run(test.name, func(t *testing.T) {
			file, err := Parse("file", []byte(test.plan()), Options{Now: now})
			if err == nil {
				t.Fatalf("Parse accepts it as %+v", file.Plan)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFirstStageHasNoPolicy(t *testing.T) {
	const hint = "\n  hint: remove it: the first stage has no upstream and takes everything at once"
	plan := head + "stages:\n  - name: infra\n    branch: main\n    clusters: [infra]\n" +
		"    soak: 1h\n    soakOn: wall\n    unhealthy: pause\n    require: observed\n" +
		"    health: {clusters: {infra: [ci]}}\n    exposure: warn\n    windows: {deny: [{until: 2027-01-01}]}\n" + apps
	_, err := Parse("file", []byte(plan), Options{})
	want := `file:8:11: the stage "infra" is the first and cannot have a soak` + hint + "\n" +
		`file:9:13: the stage "infra" is the first and cannot have soakOn` + hint + "\n" +
		`file:10:16: the stage "infra" is the first and cannot have unhealthy` + hint + "\n" +
		`file:11:14: the stage "infra" is the first and cannot have require` + hint + "\n" +
		`file:12:5: the stage "infra" is the first and cannot have health` + hint + "\n" +
		`file:13:15: the stage "infra" is the first and cannot have exposure` + hint + "\n" +
		`file:14:5: the stage "infra" is the first and cannot have windows` + hint
	if err == nil {
		t.Fatal("Parse accepts it")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSoakClocks(t *testing.T) {
	const health = "\nhealth: {clusters: {infra: [ci]}}"
	for lines, want := range map[string]rollout.SoakClock{
		"":                                      rollout.WallClock,
		"\nsoakOn: wall":                        rollout.WallClock,
		"\nsoakOn: healthy":                     rollout.PausingClock,
		"\nsoakOn: healthy\nunhealthy: pause":   rollout.PausingClock,
		"\nsoakOn: healthy\nunhealthy: restart": rollout.RestartingClock,
	} {
		t.Run(lines, func(t *testing.T) {
			file, err := Parse("file", []byte(policyPlan("https://github.com/monosense/k8s-ops", "soak: 1h"+lines+health)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := file.Plan.Stages[1].SoakClock; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func mustGlob(t *testing.T, pattern string) rollout.Glob {
	t.Helper()
	glob, err := rollout.ParseGlob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return glob
}
