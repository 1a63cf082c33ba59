package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// explained is about every pending revision, or about those that are wanted.
func explained(stage rollout.Stage, s rollout.Snapshot, wanted ...rollout.SHA) rollout.Explanation {
	x := rollout.Explanation{Stage: stage, At: s.At, Decision: rollout.Decide(s.At, stage, s)}
	var newer []rollout.SHA
	for _, v := range x.Decision.Verdicts {
		for i, c := range v.Revision.Brings {
			if len(wanted) == 0 && i > 0 || len(wanted) > 0 && c.SHA != wanted[0] {
				continue
			}
			in := newer
			if i > 0 {
				in = append([]rollout.SHA{v.Revision.SHA}, newer...)
			}
			x.Subjects = append(x.Subjects, rollout.Subject{Commit: c, Verdict: v, In: in[:min(len(in), 5)], Containers: len(in)})
		}
		newer = append([]rollout.SHA{v.Revision.SHA}, newer...)
	}
	return x
}

// together is a push of several commits at once: only the last is a revision.
func together(hoursAgo float64) rollout.Snapshot {
	s := line(30, hoursAgo, hoursAgo, hoursAgo)
	s.Movements = append(s.Movements[3:], rollout.Movement{})
	s.Movements[1], s.Movements[0] = s.Movements[0], rollout.Movement{Before: sha(2), After: sha(5), At: in(-hoursAgo)}
	return s
}

func TestExplainDocuments(t *testing.T) {
	unrecorded := line(3)
	unrecorded.Movements = nil
	for name, x := range map[string][]rollout.Explanation{
		"explain":           {explained(unfrozen(), troubled(3))},
		"explain-blocked":   {explained(guarded, held(troubled(3), adaHolds, bobHolds))},
		"explain-ready":     {explained(unfrozen(), troubled(25))},
		"explain-soaking":   {explained(apps, line(20, 3), sha(3))},
		"explain-tainted":   {explained(unfrozen(), troubled(3), sha(4))},
		"explain-unhealthy": {explained(unfrozen(), troubled(3), sha(3))},
		"explain-settling":  {explained(unfrozen(), held(settling()), sha(2))},
		"explain-held":      {explained(guarded, held(troubled(3), adaHolds, bobHolds), sha(2))},
		"explain-middle":    {explained(apps, together(3), sha(3))},
		"explain-of-many":   {explained(apps, line(many()...))},
		"explain-arrival":   {explained(apps, unrecorded)},
		"explain-nothing":   {explained(apps, line())},
		"explain-elsewhere": {
			{Stage: apps, At: now, Decision: rollout.Decide(now, apps, line()), Instead: "release has it since 2026-03-01 10:00 UTC, by a promotion of ada"},
			{Stage: edge, At: now, Decision: rollout.Decide(now, edge, line(3))},
		},
		"explain-broken": {
			{Stage: apps, Err: &rollout.Problem{Kind: rollout.ErrUnavailable, What: "observe apps: no answer in time", Ways: []string{"try again later"}}},
			{Stage: edge, At: now, Decision: rollout.Decide(now, edge, diverged())},
		},
	} {
		t.Run(name, func(t *testing.T) {
			drawn(t, name, report.Explain(x))
			var b bytes.Buffer
			if err := report.WriteExplainJSON(&b, x); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", b.String())
		})
	}
}

// settling is a success that has not stood for long enough.
func settling() rollout.Snapshot {
	s := line(30)
	s.Evidence = map[rollout.SHA][]rollout.Evidence{sha(2): {{Context: "flux/infra/podinfo", State: rollout.EvidenceSuccess, At: in(-0.1)}}}
	return s
}

func many() []float64 {
	hours := make([]float64, 30)
	for i := range hours {
		hours[i] = float64(30-i) / 2
	}
	return hours
}

// An explanation fits a terminal of 100 columns, however long its texts are.
func TestExplainIsNarrow(t *testing.T) {
	var b bytes.Buffer
	d := report.Explain([]rollout.Explanation{explained(guarded, held(troubled(3), adaHolds, bobHolds))})
	if err := d.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(line)) - 1; n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// Nobody's text makes a line that looks like one of the document's own: what
// does not begin with a blank is a heading, and what stands under a label is
// indented further.
func TestHostileFacts(t *testing.T) {
	wrote := func(text string) map[string]report.Document {
		s := held(troubled(3), rollout.Hold{By: text, Reason: text, At: now})
		for i := range s.Pending {
			s.Pending[i].Message, s.Pending[i].Author = text, text
		}
		s.State.Taints[0].By, s.State.Taints[0].Reason = text, text
		for sha := range s.Evidence {
			s.Evidence[sha][0].Description = text
		}
		hold := s.State.Holds[0]
		return map[string]report.Document{
			"explain":  report.Explain([]rollout.Explanation{explained(guarded, s)}),
			"one":      report.Explain([]rollout.Explanation{explained(guarded, s, sha(3))}),
			"blocked":  report.Promotion(decidedFor(guarded, s)),
			"override": report.OverridePreview(overriddenThrough(t, s, sha(6))),
			"hold":     report.Marked(marked(rollout.EntryHold, func(e *rollout.Entry) { e.By, e.Reason = text, text })),
			"resume":   report.Marked(marked(rollout.EntryResume, func(e *rollout.Entry) { e.By, e.Reason, e.Holds = text, text, []rollout.Hold{hold} })),
			"history":  report.History([]rollout.Record{{Entry: rollout.Entry{Kind: rollout.EntryResume, By: text, Reason: text, Holds: []rollout.Hold{hold}}}}),
		}
	}
	plain, hostile := wrote("plain"), wrote(evil+strings.Repeat(" Earliest  now ::error::forged", 20))
	for name, d := range hostile {
		t.Run(name, func(t *testing.T) {
			want, wantMarkdown := labels(t, plain[name])
			got, markdown := labels(t, d)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("lines begin with\n%v, want\n%v", got, want)
			}
			if got, want := strings.Count(markdown, "\n"), strings.Count(wantMarkdown, "\n"); got != want {
				t.Errorf("%d lines of Markdown, want %d:\n%s", got, want, markdown)
			}
			for _, markup := range []string{"<img", "<!--", "@everyone", "[link](", "\x1b", "\u202e"} {
				if strings.Contains(markdown, markup) {
					t.Errorf("%q is markup:\n%s", markup, markdown)
				}
			}
		})
	}
}

// labels are the first words of all lines but those under a label, together
// with the document as Markdown.
func labels(t *testing.T, d report.Document) (words []string, markdown string) {
	t.Helper()
	var text, marked bytes.Buffer
	if err := errors.Join(d.WriteText(&text), d.WriteMarkdown(&marked)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if !strings.HasPrefix(line, strings.Repeat(" ", 14)) {
			word, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
			words = append(words, word)
		}
	}
	return words, marked.String()
}

// No wrapped line begins with what a workflow's runner takes for an order.
func TestWrappedOrders(t *testing.T) {
	var d report.Document
	d.Fact("Why", "%s", strings.Repeat("::error::forged ", 20))
	var b bytes.Buffer
	if err := d.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") < 2 {
		t.Errorf("not wrapped: %s", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%q is an order", line)
		}
	}
}

// What the ledger recorded is rounded up to a second, and can lie ahead.
func TestAnArrivalIsNotAhead(t *testing.T) {
	s := line(3)
	s.Movements = nil
	s.State.Arrivals = map[string][]rollout.Arrival{"main": {{Revision: sha(2), At: s.At.Add(time.Second / 2)}}}
	var b bytes.Buffer
	if err := report.Explain([]rollout.Explanation{explained(apps, s)}).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), ", 0s ago") {
		t.Errorf("it says:\n%s", b.String())
	}
}
