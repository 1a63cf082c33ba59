package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// The picture's measures, in pixels. It is as wide as what GitHub shows of a
// page.
const (
	svgWidth     = 900
	svgMargin    = 28
	svgChartEnd  = 556 // the axis goes from the margin to here
	svgRowsBegin = 124
	svgRowHeight = 86
	svgTitleFits = 78 // characters
	svgLineFits  = 120
)

// svgStyle has the colours of both schemes. The picture brings its own
// background, since a page that shows it as an image can be of the other scheme
// than the system.
const svgStyle = `
    .paper { fill: #ffffff; stroke: #d1d9e0; }
    text { font-family: system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2328; }
    .title { font-size: 19px; font-weight: 600; }
    .name { font-size: 15px; font-weight: 600; }
    .quiet, .none { fill: #59636e; }
    .small { font-size: 12px; }
    .number { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
    .none { font-weight: 400; }
    .bad { fill: #b42318; }
    .dear { fill: #8a5a00; }
    .grid, .rule, .soak { shape-rendering: crispEdges; }
    .grid { stroke: #e4e8ec; }
    .rule { stroke: #d1d9e0; }
    .soak { stroke: #59636e; stroke-dasharray: 3 3; }
    .range { stroke: #0757b8; stroke-width: 2; fill: none; }
    .box { fill: #a8cbf5; stroke: #0757b8; }
    .median { stroke: #0b3a78; stroke-width: 3; }
    .longest { fill: #ffffff; stroke: #0757b8; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d; }
      text { fill: #f0f6fc; }
      .quiet, .none { fill: #9aa4af; }
      .bad { fill: #ff8f85; }
      .dear { fill: #e3b341; }
      .grid { stroke: #232a33; }
      .rule { stroke: #3d444d; }
      .soak { stroke: #9aa4af; }
      .range { stroke: #6cb0ff; }
      .box { fill: #17427a; stroke: #6cb0ff; }
      .median { stroke: #d6e8ff; }
      .longest { fill: #0d1117; stroke: #6cb0ff; }
    }
`

// svgColumns are the numbers beside each policy: what should never happen, and
// what costs people their time.
var svgColumns = []struct {
	head  [2]string
	x     int
	class string
	of    func(backtest.Outcome) int
}{
	{[2]string{"un-soaked", "revisions"}, 642, "bad", func(o backtest.Outcome) int { return o.Unsoaked }},
	{[2]string{"known bad", "commits"}, 720, "bad", func(o backtest.Outcome) int { return o.KnownBad }},
	{[2]string{"blocked", "days"}, 794, "dear", func(o backtest.Outcome) int { return o.BlockedDays }},
	{[2]string{"overrides", "needed"}, svgWidth - svgMargin, "dear", func(o backtest.Outcome) int { return o.Overrides }},
}

// WriteBacktestSVG draws what each policy would have done: how lead times are
// distributed, and the numbers that matter most. It is a document of its own,
// with the colours for light and dark, and is to be shown by an img.
func WriteBacktestSVG(w io.Writer, r backtest.Result) error {
	s := svg{axis: newTimeAxis(r)}
	if r.Revisions == 0 {
		s.begin(r, 92)
		s.text(svgMargin, 40, "title", fit(svgTitle(r), svgTitleFits))
		s.text(svgMargin, 66, "quiet", "There is nothing to replay.")
	} else {
		s.chart(r)
	}
	s.line("</svg>")
	_, err := io.WriteString(w, s.String())
	return err
}

// chart draws the policies one below the other, over one axis.
func (s *svg) chart(r backtest.Result) {
	bottom := svgRowsBegin + len(r.Outcomes)*svgRowHeight
	s.begin(r, bottom+74)
	s.head(r)
	for i, o := range r.Outcomes {
		s.row(svgRowsBegin+i*svgRowHeight, o, r.Stage.Soak)
	}
	for _, mark := range s.axis.marks {
		s.textMiddle(s.axis.x(mark.at), bottom+18, "quiet small", mark.name)
	}
	s.legend(bottom + 54)
}

// svg is a picture while it is drawn.
type svg struct {
	strings.Builder
	axis timeAxis
}

func (s *svg) line(format string, args ...any) { fmt.Fprintf(&s.Builder, format+"\n", args...) }

// text writes a text that begins at x. A class can be several.
func (s *svg) text(x, y int, class, text string) {
	s.line(`  <text x="%d" y="%d" class="%s">%s</text>`, x, y, class, escapeXML(text))
}

// textEnd writes a text that ends at x, and textMiddle one around it.
func (s *svg) textEnd(x, y int, class, text string) {
	s.line(`  <text x="%d" y="%d" class="%s" text-anchor="end">%s</text>`, x, y, class, escapeXML(text))
}

func (s *svg) textMiddle(x float64, y int, class, text string) {
	s.line(`  <text x="%.1f" y="%d" class="%s" text-anchor="middle">%s</text>`, x, y, class, escapeXML(text))
}

func (s *svg) begin(r backtest.Result, height int) {
	s.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="title description">`, svgWidth, height, svgWidth, height)
	s.line(`  <title id="title">%s</title>`, escapeXML(svgTitle(r)))
	s.line(`  <desc id="description">%s</desc>`, escapeXML(svgDescription(r)))
	s.line("  <style>%s  </style>", svgStyle)
	s.line(`  <rect class="paper" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`, svgWidth-1, height-1)
}

func svgTitle(r backtest.Result) string {
	return "Backtest of " + r.Stage.Name + ": " + backtestPeriod(r)
}

// svgDescription says in words what the picture shows.
func svgDescription(r backtest.Result) string {
	if r.Revisions == 0 {
		return "There is nothing to replay."
	}
	parts := append([]string{backtestScope(r)}, r.Notes...)
	for _, o := range r.Outcomes {
		parts = append(parts, fmt.Sprintf("%s, %s: %s; %d un-soaked revisions, %d known-bad commits, %s, %s needed.",
			o.Policy, o.Policy.Means(), svgLead(o), o.Unsoaked, o.KnownBad, Count(o.BlockedDays, "blocked day"), Count(o.Overrides, "override")))
	}
	return strings.Join(parts, " ")
}

// svgLead is the lead time in words.
func svgLead(o backtest.Outcome) string {
	if o.Lead.Count == 0 {
		return "nothing went out"
	}
	return fmt.Sprintf("median %s · 95%% within %s · longest %s",
		rollout.FormatDuration(o.Lead.Median), rollout.FormatDuration(o.Lead.P95), rollout.FormatDuration(o.Lead.Longest))
}

func (s *svg) head(r backtest.Result) {
	s.text(svgMargin, 40, "title", fit(svgTitle(r), svgTitleFits))
	scope := backtestScope(r)
	if r.Guessed {
		scope += " Arrivals are guessed from commit dates."
	}
	s.text(svgMargin, 63, "quiet", fit(scope, svgLineFits))
	s.text(svgMargin, 102, "quiet small", "lead time: from the arrival on "+fit(r.Branch, 18)+" until it was out")
	for _, c := range svgColumns {
		s.textEnd(c.x, 88, "quiet small", c.head[0])
		s.textEnd(c.x, 102, "quiet small", c.head[1])
	}
}

// row draws one policy.
func (s *svg) row(y int, o backtest.Outcome, soak time.Duration) {
	s.line(`  <line class="rule" x1="%d" y1="%d" x2="%d" y2="%d"/>`, svgMargin, y, svgWidth-svgMargin, y)
	s.line(`  <text x="%d" y="%d"><tspan class="name">%s</tspan><tspan class="quiet" dx="10">%s</tspan></text>`,
		svgMargin, y+24, escapeXML(string(o.Policy)), escapeXML(o.Policy.Means()))
	s.scale(y+32, y+56, soak)
	if o.Lead.Count > 0 {
		s.box(y+44, o.Lead)
	}
	words := svgLead(o)
	if o.NeverOut > 0 {
		words += fmt.Sprintf(" · %d never", o.NeverOut)
	}
	s.text(svgMargin, y+74, "quiet small", words)
	for _, c := range svgColumns {
		class := "number " + c.class
		if c.of(o) == 0 {
			class = "number none"
		}
		s.textEnd(c.x, y+50, class, fmt.Sprint(c.of(o)))
	}
}

// scale draws the axis behind a distribution, and the soak on it. It leaves the
// words above and below alone.
func (s *svg) scale(top, bottom int, soak time.Duration) {
	for _, mark := range s.axis.marks {
		s.upright("grid", s.axis.x(mark.at), top, bottom)
	}
	s.upright("soak", s.axis.x(soak), top, bottom)
}

func (s *svg) upright(class string, x float64, top, bottom int) {
	s.line(`  <line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, class, x, top, x, bottom)
}

// box draws a distribution: a line from the shortest to 95%, a box around the
// half in the middle, the median, and a dot at the longest.
func (s *svg) box(y int, l backtest.Lead) {
	at := s.axis.x
	s.line(`  <path class="range" d="M%.1f %d H%.1f M%.1f %d v8 M%.1f %d v8"/>`, at(l.Shortest), y, at(l.P95), at(l.Shortest), y-4, at(l.P95), y-4)
	s.line(`  <rect class="box" x="%.1f" y="%d" width="%.1f" height="16" rx="2"/>`, at(l.LowerQuartile), y-8, max(2, at(l.UpperQuartile)-at(l.LowerQuartile)))
	s.upright("median", at(l.Median), y-10, y+10)
	s.line(`  <circle class="longest" cx="%.1f" cy="%d" r="4"/>`, at(l.Longest), y)
}

// legend explains the boxes.
func (s *svg) legend(y int) {
	s.line(`  <path class="range" d="M%d %d h88 m-88 -4 v8 m88 -8 v8"/>`, svgMargin+1, y-4)
	s.line(`  <rect class="box" x="%d" y="%d" width="34" height="16" rx="2"/>`, svgMargin+26, y-12)
	s.upright("median", svgMargin+42, y-14, y+6)
	s.line(`  <circle class="longest" cx="%d" cy="%d" r="4"/>`, svgMargin+112, y-4)
	s.text(svgMargin+124, y, "quiet small", "shortest to 95%, the half in the middle, the median, the longest")
	s.upright("soak", svgMargin+528, y-14, y+6)
	s.text(svgMargin+538, y, "quiet small", "the soak")
}

// fit cuts what is wider than so many letters. Those of East Asia are counted
// twice, as wide as they are.
func fit(text string, letters int) string {
	text = rollout.Printable(text, longestLine)
	for i, r := range text {
		if letters--; r >= 0x1100 {
			letters--
		}
		if letters < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// escapeXML makes somebody else's text part of a document. What XML cannot
// have becomes U+FFFD.
func escapeXML(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(rollout.Printable(text, longestLine))); err != nil {
		return "" // a Builder takes everything
	}
	return b.String()
}

// A timeAxis is logarithmic, since lead times are minutes and weeks.
type timeAxis struct {
	from, to time.Duration
	marks    []axisMark
}

type axisMark struct {
	at   time.Duration
	name string
}

// axisMarks are where the axis can have a mark. It begins at the first.
var axisMarks = []axisMark{
	{time.Hour, "≤ 1 h"},
	{3 * time.Hour, "3 h"},
	{6 * time.Hour, "6 h"},
	{12 * time.Hour, "12 h"},
	{24 * time.Hour, "1 d"},
	{2 * 24 * time.Hour, "2 d"},
	{4 * 24 * time.Hour, "4 d"},
	{7 * 24 * time.Hour, "1 w"},
	{14 * 24 * time.Hour, "2 w"},
	{28 * 24 * time.Hour, "4 w"},
	{56 * 24 * time.Hour, "8 w"},
	{112 * 24 * time.Hour, "16 w"},
	{365 * 24 * time.Hour, "1 y"},
	{3 * 365 * 24 * time.Hour, "3 y"},
	{10 * 365 * 24 * time.Hour, "≥ 10 y"},
}

// newTimeAxis is long enough for every lead time and the soak.
func newTimeAxis(r backtest.Result) timeAxis {
	longest := max(r.Stage.Soak, 24*time.Hour)
	for _, o := range r.Outcomes {
		longest = max(longest, o.Lead.Longest)
	}
	a := timeAxis{from: axisMarks[0].at}
	for _, mark := range axisMarks {
		a.marks, a.to = append(a.marks, mark), mark.at
		if mark.at >= longest {
			break
		}
	}
	return a
}

// x is where a time is on the axis.
func (a timeAxis) x(d time.Duration) float64 {
	d = min(max(d, a.from), a.to)
	begin, end := float64(svgMargin+14), float64(svgChartEnd)
	return begin + (end-begin)*math.Log(float64(d)/float64(a.from))/math.Log(float64(a.to)/float64(a.from))
}
