package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
	"github.com/monosense/k8s-ops/rollout/report"
)

// replayed is a result in which everything is different from everything else.
func replayed() backtest.Result {
	const h, d = time.Hour, 24 * time.Hour
	return backtest.Result{
		Stage:  rollout.Stage{Name: "apps", Branch: "release", Soak: d},
		Branch: "main", Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		First: time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC), Last: time.Date(2026, 2, 27, 17, 0, 0, 0, time.UTC),
		Until: time.Date(2026, 3, 3, 10, 0, 0, 500, time.UTC), Revisions: 412, Commits: 633, Reverted: 17, Guessed: true,
		Notes: []string{"Nothing says when revisions arrived.", "1 push is left out."},
		Outcomes: []backtest.Outcome{
			{
				Policy: backtest.Plan, Promotions: 231, NeverOut: 2, Soaking: 3, BlockedDays: 6, UnknownBad: 4, Overrides: 5,
				Lead: backtest.Lead{Count: 407, Shortest: 13 * time.Minute, LowerQuartile: 24*h + 14*time.Minute, Median: 24*h + 29*time.Minute, UpperQuartile: 25 * h, P95: 41 * h, Longest: 70 * h},
			},
			{
				Policy: backtest.Tip, Promotions: 57, Soaking: 1, Unsoaked: 311, KnownBad: 1, UnknownBad: 9, Overrides: 8,
				Lead: backtest.Lead{Count: 411, Shortest: 0, LowerQuartile: 5 * h, Median: 18 * h, UpperQuartile: 23 * h, P95: 24 * h, Longest: 25 * h},
			},
			{Policy: backtest.Quiet, NeverOut: 408, Soaking: 4, BlockedDays: 58},
		},
	}
}

// untouched is a replay in which nothing arrived.
func untouched(since time.Time) backtest.Result {
	return backtest.Result{
		Stage: rollout.Stage{Name: "apps", Branch: "release", Soak: 24 * time.Hour}, Branch: "main", Since: since, Until: now,
		Outcomes: []backtest.Outcome{{Policy: backtest.Plan}, {Policy: backtest.Age}},
	}
}

func TestBacktest(t *testing.T) {
	for name, r := range map[string]backtest.Result{
		"backtest":          replayed(),
		"backtest-nothing":  untouched(time.Time{}),
		"backtest-too-late": untouched(now.Add(-time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			var text, markdown, object, picture bytes.Buffer
			d := report.Backtest(r)
			if err := errors.Join(d.WriteText(&text), d.WriteMarkdown(&markdown), report.WriteBacktestJSON(&object, r), report.WriteBacktestSVG(&picture, r)); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", text.String())
			golden(t, name+".md", markdown.String())
			golden(t, name+".json", object.String())
			golden(t, name+".svg", picture.String())
			wellFormed(t, picture.String())
		})
	}
}

// Every number of the JSON is one of the result.
func TestBacktestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteBacktestJSON(&b, replayed()); err != nil {
		t.Fatal(err)
	}
	var back report.BacktestJSON
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	plan := back.Policies[0]
	want := report.BacktestOutcomeJSON{
		Policy: backtest.Plan, Promotions: 231, Out: 407, NeverOut: 2, Soaking: 3, BlockedDays: 6, UnknownBadCommits: 4, OverridesNecessary: 5,
		Lead: &report.BacktestLeadJSON{ShortestSeconds: 780, LowerQuartileSeconds: 87240, MedianSeconds: 88140, UpperQuartileSeconds: 90000, P95Seconds: 147600, LongestSeconds: 252000},
	}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if quiet := back.Policies[2]; quiet.Lead != nil {
		t.Errorf("nothing went out, and the lead time is %+v", quiet.Lead)
	}
}

// wellFormed reads a picture as a browser would, and looks whether everything
// is on it.
func wellFormed(t *testing.T, picture string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(picture))
	var titles []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if name := element.Name.Local; name == "title" || name == "desc" {
			titles = append(titles, name)
		}
		for _, a := range element.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
				t.Errorf("<%s %s=%q> is not for a picture", element.Name.Local, a.Name.Local, a.Value)
			}
			if x, err := strconv.ParseFloat(a.Value, 64); strings.HasPrefix(a.Name.Local, "x") && err == nil && (x < 0 || x > 900) {
				t.Errorf("<%s %s=%q> is beside the picture", element.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	if strings.Join(titles, " ") != "title desc" || !strings.Contains(picture, `role="img"`) {
		t.Errorf("whoever cannot see the picture is told nothing: %v", titles)
	}
	for _, active := range []string{"<script", "<image", "<foreignObject", "@import", "url("} {
		if strings.Contains(picture, active) {
			t.Errorf("the picture has %s", active)
		}
	}
}

// What somebody else wrote is text, and stays within its place.
func TestHostileBacktest(t *testing.T) {
	for _, text := range []string{
		evil, `</title><script>alert(1)</script>`, `" onload="alert(1)`, strings.Repeat("m", 300), strings.Repeat("漢", 300),
		"\ufffe\uffff\x00\x1b[2J", "]]>&amp;&#x1b;", string([]byte{0xff, 0xfe}),
	} {
		r := replayed()
		r.Branch = text
		var plain, got, object, picture bytes.Buffer
		if err := errors.Join(report.Backtest(replayed()).WriteText(&plain), report.Backtest(r).WriteText(&got),
			report.WriteBacktestJSON(&object, r), report.WriteBacktestSVG(&picture, r)); err != nil {
			t.Fatal(err)
		}
		if strings.Count(got.String(), "\n") != strings.Count(plain.String(), "\n") {
			t.Errorf("%q makes a line:\n%s", text, got.String())
		}
		if strings.ContainsAny(got.String()+picture.String(), "\x1b\u202e\x00") || strings.ContainsAny(object.String(), "\x1b\x00") {
			t.Errorf("%q tells the terminal what to do", text)
		}
		wellFormed(t, picture.String())
		for _, match := range regexp.MustCompile(`<text [^>]*>([^<]*)</text>`).FindAllStringSubmatch(picture.String(), -1) {
			if len([]rune(match[1])) > 200 {
				t.Errorf("%q makes a text of %d characters", text, len([]rune(match[1])))
			}
		}
	}
}

// However long or short lead times are, they are on the picture.
func TestBacktestAxis(t *testing.T) {
	for _, longest := range []time.Duration{0, time.Second, 90 * time.Minute, 400 * 24 * time.Hour, 1<<63 - 1} {
		for _, soak := range []time.Duration{0, time.Minute, rollout.MaxSoak} {
			r := replayed()
			r.Stage.Soak = soak
			for i := range r.Outcomes {
				r.Outcomes[i].Lead = backtest.Lead{Count: 1, Median: longest, P95: longest, Longest: longest}
			}
			var picture bytes.Buffer
			if err := report.WriteBacktestSVG(&picture, r); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, picture.String())
			if strings.Contains(picture.String(), "NaN") || strings.Contains(picture.String(), "Inf") {
				t.Errorf("longest %s, soak %s: a place is no number", longest, soak)
			}
		}
	}
}

func TestBacktestWritersThatFail(t *testing.T) {
	for name, err := range map[string]error{
		"JSON": report.WriteBacktestJSON(brokenWriter{}, replayed()), "SVG": report.WriteBacktestSVG(brokenWriter{}, replayed()),
	} {
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
