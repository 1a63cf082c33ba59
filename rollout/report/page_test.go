package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// busy is a status in which there is something of everything, with a subject in
// wide characters and a long one.
func busy() rollout.Status {
	s := status()
	snapshot := line(30, 20, 3, 0.5)
	snapshot.Pending[1].Message = "决定性的修复：支付工作者的内存不足，每天晚上都会崩溃 🚀\n"
	snapshot.Pending[2].Message = strings.Repeat("a subject that never ends ", 12) + "\n"
	snapshot.State = rollout.State{Holds: []rollout.Hold{{Stage: "apps", By: "ada", Reason: "infra loses its nodes, and nobody knows which of them comes back, or when that is", At: now.Add(-time.Hour), Until: now.Add(2 * time.Hour)}}}
	decision := rollout.Decide(now, apps, snapshot)
	apps := &s.Stages[1]
	apps.Decision, apps.Subjects, apps.Holds = &decision, rollout.Subjects(apps.Stage, snapshot), snapshot.State.Holds
	s.Stages[0].Clusters = []rollout.LiveStanding{glanced("infra", s.Stages[0].Head, sha(3))}
	apps.Clusters = []rollout.LiveStanding{
		glanced("apps", apps.Head, sha(1)),
		{Cluster: "apps-east", Branch: apps.Head, Err: &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the cluster does not answer"}},
		{Cluster: "apps-west", Branch: apps.Head, Err: &rollout.Problem{Kind: rollout.ErrUsage, What: "the kubeconfig has no context"}},
	}
	return s
}

// glanced is a cluster whose source has a commit, which one of two applications has not
// applied.
func glanced(cluster string, head rollout.Head, has rollout.SHA) rollout.LiveStanding {
	revision := rollout.LiveRevision(head.Branch + "@sha1:" + string(has))
	ready := rollout.LiveCondition{Known: true, Ready: true}
	return rollout.LiveStanding{Cluster: cluster, Branch: head, Live: rollout.LiveCluster{
		Context: cluster,
		Source:  &rollout.LiveSource{Name: "flux-system/k8s-ops", Revision: revision, Ready: ready},
		Applications: []rollout.LiveApplication{
			{Namespace: "flux-system", Name: "cluster", FromSource: true, Applied: revision, Ready: ready},
			{Namespace: "flux-system", Name: "cluster-apps", FromSource: true, Ready: rollout.LiveCondition{Known: true}},
		},
	}}
}

// pages are what a status is drawn on.
var pages = map[string]report.Page{
	"80":      report.Terminal(80),
	"200":     report.Terminal(200),
	"spoken":  report.Terminal(80).Spoken(),
	"colours": report.Terminal(80).Coloured(),
	"pipe":    report.Pipe(),
}

// TestPages: what a page looks like, and that nothing stands beyond its edge.
func TestPages(t *testing.T) {
	d := report.Status(busy(), 5, time.FixedZone("CET", 3600))
	for name, page := range pages {
		t.Run(name, func(t *testing.T) { golden(t, "page-"+name+".txt", drawnOn(t, d, page)) })
	}
	for name, columns := range map[string]int{"80": 80, "spoken": 80, "colours": 80, "200": 200} {
		for line := range strings.Lines(drawnOn(t, d, pages[name])) {
			if wide := lipgloss.Width(strings.TrimRight(line, "\n")); wide > columns {
				t.Errorf("%s: a line takes %d columns: %s", name, wide, line)
			}
		}
	}
}

// escapes are what colours are made of.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestColoursSayNothingElse: without the colours it is the same text.
func TestColoursSayNothingElse(t *testing.T) {
	for name, d := range map[string]report.Document{
		"status": report.Status(busy(), 5, nil), "hostile": hostile(t), "clusters": report.Clusters(now, nil),
	} {
		coloured := drawnOn(t, d, report.Terminal(80).Coloured())
		if plain := drawnOn(t, d, report.Terminal(80)); escapes.ReplaceAllString(coloured, "") != plain {
			t.Errorf("%s: the coloured text is another than the plain one:\n%s", name, coloured)
		}
	}
}

// TestPagesOfEnemies: on no page can what somebody wrote move the cursor, add a row or
// a cell, or give an order to a workflow's runner.
func TestPagesOfEnemies(t *testing.T) {
	tame := strings.NewReplacer("\x1b", "", "\u202e", "")
	for name, page := range pages {
		text := escapes.ReplaceAllString(drawnOn(t, hostile(t), page), "")
		if tame.Replace(text) != text || strings.ContainsFunc(strings.NewReplacer("\n", "", "\t", "").Replace(text), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%s: %q", name, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.HasPrefix(line, "### forged") {
				t.Errorf("%s: somebody has forged %q", name, line)
			}
		}
	}
}

// TestPipeHasAllRows: programs get every row, with as many cells as the table has.
func TestPipeHasAllRows(t *testing.T) {
	hours := make([]float64, 50)
	for i := range hours {
		hours[i] = float64(50-i) / 4
	}
	text := drawnOn(t, report.Promotion(decided(line(hours...))), report.Pipe())
	_, table, found := strings.Cut(text, "PENDING\t")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if !found || len(rows) != 51 {
		t.Fatalf("%d rows of 50:\n%s", len(rows)-1, text)
	}
	for _, row := range rows[1:] {
		if tabs := strings.Count(row, "\t"); tabs != 7 {
			t.Errorf("a row has %d tabs: %q", tabs, row)
		}
	}
}

func drawnOn(t *testing.T, d report.Document, p report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Draw(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNarrowPages: a page that is narrower than anything still has every word.
func TestNarrowPages(t *testing.T) {
	d := report.Status(busy(), 5, nil)
	for _, columns := range []int{1, 20, 40} {
		text := drawnOn(t, d, report.Terminal(columns).Spoken())
		for word := range strings.FieldsSeq(drawnOn(t, d, report.Pipe())) {
			if strings.ToUpper(word) != word && !strings.Contains(text, word) {
				t.Errorf("%d columns do not have %q", columns, word)
			}
		}
	}
}

// TestPipeIsNoFormula: a spreadsheet that gets a table from a pipe works nothing out,
// and gets numbers and signs as they are. Nowhere else is anything changed.
func TestPipeIsNoFormula(t *testing.T) {
	for cell, piped := range map[string]string{
		"=cmd|'/C calc'!A0": "'=cmd|'/C calc'!A0", "+1+cmd": "'+1+cmd", "@SUM(1)": "'@SUM(1)", "-flag": "'-flag", "＝1": "'＝1", " =1": "'=1",
		"-3": "-3", "+4.5": "+4.5", "-": "-", "a=b": "a=b", "-1e3": "-1e3", "": "",
	} {
		var d report.Document
		d.Table([]string{"ONE", "TWO"}, [][]string{{"1", cell}})
		if want, got := "ONE\tTWO\n1\t"+piped+"\n", drawnOn(t, d, report.Pipe()); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
		if text := drawnOn(t, d, report.Terminal(80)); strings.Contains(text, "'=") || strings.Contains(text, "'-") {
			t.Errorf("on a terminal it is %q", text)
		}
	}
}
