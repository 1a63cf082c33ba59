package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	now   = time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	infra = rollout.Stage{Name: "infra", Branch: "main", Clusters: []string{"infra"}}
	apps  = rollout.Stage{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour}
	edge  = rollout.Stage{Name: "edge", Branch: "edge", Clusters: []string{"edge-1", "edge-2"}, Soak: 72 * time.Hour}
	plan  = rollout.Plan{
		Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Owner: "monosense", Name: "k8s-ops"},
		Ledger:     "rollout/ledger", Stages: []rollout.Stage{infra, apps, edge},
	}
)

// sha is a SHA that begins with a digit.
func sha(digit int) rollout.SHA {
	return rollout.SHA(strings.Repeat(fmt.Sprintf("%xa1b2c3d4e", digit), 4))
}

var subjects = []string{"docs: say how", "chore: begin", "feat(cilium): upgrade to 1.18.2", "fix(payments): more memory for the workers that run out of it every night", "feat: add a PodDisruptionBudget", "Revert \"feat: add a PodDisruptionBudget\""}

// line has release at commit 1, and commits 2 to n on top of it, which arrived
// so many hours ago.
func line(hoursAgo ...float64) rollout.Snapshot {
	s := rollout.Snapshot{
		At: now, PushLog: true,
		Upstream: rollout.Head{Branch: "main", SHA: sha(1 + len(hoursAgo))},
		Target:   rollout.Head{Branch: "release", SHA: sha(1)},
	}
	for i, ago := range hoursAgo {
		c := rollout.Commit{SHA: sha(i + 2), Parents: []rollout.SHA{sha(i + 1)}, Author: []string{"Ada Lovelace", "Grace"}[i%2], Message: subjects[(i+2)%len(subjects)] + "\n\nBody.\n"}
		s.Pending = append(s.Pending, c)
		row := rollout.Movement{Before: sha(i + 1), After: c.SHA, At: now.Add(-time.Duration(ago * float64(time.Hour)))}
		s.Movements = append([]rollout.Movement{row}, s.Movements...)
	}
	return s
}

func decided(s rollout.Snapshot) rollout.Receipt {
	return rollout.Receipt{Decision: rollout.Decide(s.At, apps, s), Snapshot: s}
}

func promoted(s rollout.Snapshot) rollout.Receipt {
	r := decided(s)
	r.Commit, r.Entry = sha(14), &rollout.Entry{Kind: rollout.EntryPromotion}
	return r
}

func overridden(t *testing.T, s rollout.Snapshot, reason string) rollout.Receipt {
	t.Helper()
	d, err := rollout.DecideOverride(s.At, apps, s, rollout.OverrideRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return rollout.Receipt{Decision: d, Snapshot: s, Commit: sha(14), Entry: &rollout.Entry{
		Kind: rollout.EntryOverride, By: "ada", Reason: reason, Unsoaked: d.Unsoaked,
	}}
}

func diverged() rollout.Snapshot {
	s := line()
	s.Target.SHA = sha(12)
	s.Foreign = []rollout.Commit{{SHA: sha(12), Parents: []rollout.SHA{sha(1)}, Author: "Eve", Message: "hotfix: by hand"}}
	return s
}

var trail = []rollout.Record{
	{Commit: sha(14), Damaged: "the commit was not made by the rollout"},
	{Commit: sha(13), Entry: rollout.Entry{
		Kind: rollout.EntryOverride, Stage: "apps", Branch: "release", From: sha(1), To: sha(3), At: now.Add(-time.Hour), By: "ada",
		Reason: "The payment workers\nrun out of memory.", Commits: 2, Skipped: []rollout.Gate{rollout.GateSoak},
		Unsoaked: []rollout.Unsoaked{{Commit: sha(3), Remaining: time.Hour}},
	}},
	{Commit: sha(12), Entry: rollout.Entry{
		Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: sha(0), To: sha(1), At: now.Add(-30 * time.Hour), By: "github-actions[bot]",
		Reason: "1a1b2c3 is the newest revision of main that may go out", Commits: 1,
	}},
	{Commit: sha(11), Entry: rollout.Entry{Kind: rollout.EntryArrival, Stage: "apps", Branch: "main", To: sha(1), At: now.Add(-60 * time.Hour), By: "ada", Reason: "nothing says when 1a1b2c3 arrived, so its soak starts now"}},
	{Commit: sha(10), Entry: rollout.Entry{Kind: rollout.EntryInit, Stage: "apps", Branch: "release", To: sha(0), At: now.Add(-61 * time.Hour), By: "ada", Reason: "release begins at 0a1b2c3"}},
	{Commit: sha(9), Entry: rollout.Entry{Kind: rollout.EntryInit, At: now.Add(-61 * time.Hour), By: "ada", Reason: "the ledger begins"}},
}

func status() rollout.Status {
	waiting := rollout.Decide(now, apps, line(20, 3, 0.5))
	return rollout.Status{
		At: now, Plan: plan, Records: trail,
		Taints: []rollout.Mark{{Commit: sha(15), By: "ada", Reason: "not before the backup is tested", At: now.Add(-time.Hour)}},
		Stages: []rollout.StageStatus{
			{Stage: infra, Head: rollout.Head{Branch: "main", SHA: sha(4)}, Since: now.Add(-30 * time.Minute)},
			{Stage: apps, Head: rollout.Head{Branch: "release", SHA: sha(1)}, Since: now.Add(-30 * time.Hour), Decision: &waiting, Subjects: rollout.Subjects(apps, line(20, 3, 0.5))},
			{Stage: edge, Head: rollout.Head{Branch: "edge"}, Err: &rollout.Problem{
				Kind: rollout.ErrNoBranch, What: "monosense/k8s-ops has no branch edge",
				Ways: []string{"run `mage release:init`, which creates what is missing", "if it was there before, find out who deleted it first"},
			}},
		},
	}
}

func TestDocuments(t *testing.T) {
	many := make([]float64, 30)
	for i := range many {
		many[i] = float64(30-i) / 2
	}
	ready := rollout.Decide(now, apps, line(30, 3))
	broken := status()
	broken.Stages[1].Decision, broken.Stages[1].Subjects = &ready, rollout.Subjects(apps, line(30, 3))
	broken.Stages[2].Err = &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the forge is down", Ways: []string{"try again later"}}
	apart := rollout.Decide(now, apps, diverged())
	broken.Stages = append(broken.Stages, rollout.StageStatus{Stage: edge, Head: rollout.Head{Branch: "edge", SHA: sha(12)}, Decision: &apart})
	broken.Records = nil
	for name, d := range map[string]report.Document{
		"promotion":             report.Promotion(promoted(line(30, 26, 3, 0.5))),
		"promotion-of-all":      report.Promotion(promoted(line(30))),
		"promotion-preview":     report.Preview(decided(line(30, 26, 3, 0.5))),
		"not-yet":               report.Promotion(decided(line(20, 3))),
		"not-yet-of-one":        report.Promotion(decided(line(20))),
		"not-yet-of-many":       report.Promotion(decided(line(many...))),
		"nothing":               report.Promotion(decided(line())),
		"diverged":              report.Preview(decided(diverged())),
		"override-preview":      report.OverridePreview(overridden(t, line(30, 20, 3, 0.5), "")),
		"override-preview-none": report.OverridePreview(overridden(t, line(), "")),
		"override-preview-old":  report.OverridePreview(overridden(t, line(30), "")),
		"override":              report.Override(overridden(t, line(3), "The payment workers\nrun out of memory.")),
		"override-nothing":      report.Override(overridden(t, line(), "")),
		"status":                report.Status(status(), 5, nil),
		"status-broken":         report.Status(broken, 5, nil),
		"history":               report.History(trail),
		"history-empty":         report.History(nil),
		"setup": report.Setup([]rollout.Step{
			{What: "ledger rollout/ledger", Found: "missing", Done: "done: create it"},
			{What: "environment staged-rollout", Found: "missing", Done: "not possible (the token may not:\n  → ask for more); instead: the schedule promotes"},
		}),
		"failure": report.Failure("release:promote", &rollout.Problem{
			Kind: rollout.ErrUnavailable, What: "observe apps", Cause: errors.New("no answer in time"), Ways: []string{"try again later"},
		}),
		"hostile": hostile(t),
	} {
		t.Run(name, func(t *testing.T) { drawn(t, name, d) })
	}
}

// drawn compares both drawings of a document with the golden ones.
func drawn(t *testing.T, name string, d report.Document) {
	t.Helper()
	var text, markdown bytes.Buffer
	if err := errors.Join(d.WriteText(&text), d.WriteMarkdown(&markdown)); err != nil {
		t.Fatal(err)
	}
	golden(t, name+".txt", text.String())
	golden(t, name+".md", markdown.String())
	for line := range strings.Lines(text.String()) {
		if strings.TrimRight(line, " ") != line {
			t.Errorf("%q ends with a blank", line)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, -update to accept):\n%s", path, diff)
	}
}

// evil is what somebody can write into a subject, a name or a reason.
const evil = "a\x1b[2J\u202eb\r\n| x | y |\n\n### forged\n- list\n1. list\n=== `code` <img src=x onerror=1> @everyone [link](https://evil) ![i](x) \\| $x$ &lt; ~~s~~ **b** <!-- "

func hostile(t *testing.T) report.Document {
	t.Helper()
	s := line(30, 3)
	for i := range s.Pending {
		s.Pending[i].Message, s.Pending[i].Author = strings.ReplaceAll(evil, "\n", " "), evil
	}
	return report.Override(overridden(t, s, evil))
}

// Nothing that somebody else wrote makes a line, a cell or markup.
func TestHostileText(t *testing.T) {
	hostileTrail := []rollout.Record{{Entry: rollout.Entry{Kind: rollout.EntryOverride, Stage: "apps", At: now, By: evil, Reason: evil}}, {Damaged: evil}}
	s := line(30, 3)
	for i := range s.Pending {
		s.Pending[i].Message, s.Pending[i].Author = evil, evil
	}
	evilStatus := status()
	evilDecision := rollout.Decide(now, apps, s)
	evilStatus.Stages[1].Decision, evilStatus.Stages[1].Subjects = &evilDecision, rollout.Subjects(apps, s)
	evilStatus.Records = hostileTrail
	for name, pair := range map[string][2]report.Document{
		"promotion": {report.Promotion(promoted(s)), report.Promotion(promoted(line(30, 3)))},
		"override":  {report.Override(overridden(t, s, evil)), report.Override(overridden(t, line(30, 3), "plain"))},
		"preview":   {report.OverridePreview(overridden(t, s, evil)), report.OverridePreview(overridden(t, line(30, 3), "plain"))},
		"history":   {report.History(hostileTrail), report.History(trail[:2])},
		"failure":   {report.Failure("x", errors.New(strings.ReplaceAll(evil, "\n", " "))), report.Failure("x", errors.New("plain"))},
		"setup":     {report.Setup([]rollout.Step{{What: evil, Found: evil, Done: evil}}), report.Setup([]rollout.Step{{What: "x", Found: "x", Done: "x"}})},
	} {
		t.Run(name, func(t *testing.T) {
			var text, markdown, plainText, plainMarkdown bytes.Buffer
			if err := errors.Join(pair[0].WriteText(&text), pair[0].WriteMarkdown(&markdown), pair[1].WriteText(&plainText), pair[1].WriteMarkdown(&plainMarkdown)); err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Count(text.String(), "\n"), strings.Count(plainText.String(), "\n"); got != want {
				t.Errorf("%d lines of text, want %d:\n%s", got, want, text.String())
			}
			if got, want := strings.Count(markdown.String(), "\n"), strings.Count(plainMarkdown.String(), "\n"); got != want {
				t.Errorf("%d lines of Markdown, want %d:\n%s", got, want, markdown.String())
			}
			if got, want := strings.Count(markdown.String(), "|"), strings.Count(plainMarkdown.String(), "|"); got != want {
				t.Errorf("%d pipes, want %d:\n%s", got, want, markdown.String())
			}
			if strings.ContainsAny(text.String()+markdown.String(), "\x1b\u202e\r") {
				t.Error("the terminal is told what to do")
			}
			for _, markup := range []string{"<img", "<!--", "@everyone", "[link](", "**b**", "~~s~~", " `code`", " $x$"} {
				if strings.Contains(markdown.String(), markup) {
					t.Errorf("%s is markup:\n%s", markup, markdown.String())
				}
			}
		})
	}
}

// A line of an error cannot become a list, a rule or a heading either.
func TestBeginningsOfLines(t *testing.T) {
	for text, want := range map[string]string{
		"a\n- b":      "a<br>\n\\- b\n\n",
		"a\n---":      "a<br>\n\\---\n\n",
		"a\n===":      "a<br>\n\\===\n\n",
		"a\n1. b":     "a<br>\n1\\. b\n\n",
		"a\n1) b":     "a<br>\n1\\) b\n\n",
		"a\n+ b":      "a<br>\n\\+ b\n\n",
		"a\n* b":      "a<br>\n\\* b\n\n",
		"a\n# b":      "a<br>\n\\# b\n\n",
		"a\n> b":      "a<br>\n&gt; b\n\n",
		"a\n     b":   "a<br>\nb\n\n",
		"    a":       "a\n\n",
		"a\n```\nb":   "a<br>\n\\`\\`\\`<br>\nb\n\n",
		"a - b = 1.5": "a - b = 1.5\n\n",
	} {
		var d report.Document
		d.Line("%s", text)
		var b strings.Builder
		if err := d.WriteMarkdown(&b); err != nil || b.String() != want {
			t.Errorf("%q is %q, want %q", text, b.String(), want)
		}
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteStatusJSON(&b, status()); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", b.String())
	b.Reset()
	if err := report.WriteHistoryJSON(&b, trail); err != nil {
		t.Fatal(err)
	}
	golden(t, "history.json", b.String())
	b.Reset()
	if err := report.WriteHistoryJSON(&b, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("no history is %q, %v", b.String(), err)
	}
}

// Somebody else's text reads back from JSON as it was.
func TestHostileJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteHistoryJSON(&b, []rollout.Record{{Entry: rollout.Entry{Reason: evil}}}); err != nil {
		t.Fatal(err)
	}
	var back []report.EntryJSON
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[0].Reason != evil {
		t.Errorf("%+v, %v", back, err)
	}
	if strings.ContainsAny(b.String(), "\x1b\r") {
		t.Errorf("a terminal that shows it is told what to do: %q", b.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWritersThatFail(t *testing.T) {
	d := report.History(trail)
	for name, err := range map[string]error{
		"text": d.WriteText(brokenWriter{}), "terminal": d.Draw(brokenWriter{}, report.Terminal(80)), "pipe": d.Draw(brokenWriter{}, report.Pipe()), "Markdown": d.WriteMarkdown(brokenWriter{}),
		"status": report.WriteStatusJSON(brokenWriter{}, status()), "history": report.WriteHistoryJSON(brokenWriter{}, trail),
	} {
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
