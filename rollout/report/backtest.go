package report

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// A backtestColumn is one measure, as the table and the legend below it say it.
type backtestColumn struct {
	name, means string
	cell        func(backtest.Outcome) string
}

// backtestColumns are the measures, in the order in which they are shown.
var backtestColumns = []backtestColumn{
	{"PROMOTED", "how often the stage was moved", func(o backtest.Outcome) string { return strconv.Itoa(o.Promotions) }},
	{"MEDIAN", "lead time, from a revision's arrival until it was out, of half of those that went out", func(o backtest.Outcome) string { return leadTime(o, o.Lead.Median) }},
	{"95%", "lead time of 95 in 100", func(o backtest.Outcome) string { return leadTime(o, o.Lead.P95) }},
	{"LONGEST", "the longest lead time", func(o backtest.Outcome) string { return leadTime(o, o.Lead.Longest) }},
	{"NEVER", "revisions as old as the soak that were not out at the end", func(o backtest.Outcome) string { return strconv.Itoa(o.NeverOut) }},
	{"BLOCKED", "days (UTC) at whose end something as old as the soak was not out", func(o backtest.Outcome) string { return strconv.Itoa(o.BlockedDays) }},
	{"UN-SOAKED", "revisions that went out younger than the soak, with a tree that had not soaked", func(o backtest.Outcome) string { return strconv.Itoa(o.Unsoaked) }},
	{"KNOWN BAD", "commits that went out without their revert, although it had arrived", func(o backtest.Outcome) string { return strconv.Itoa(o.KnownBad) }},
	{"BAD", "commits that went out before their revert arrived: nobody knew", func(o backtest.Outcome) string { return strconv.Itoa(o.UnknownBad) }},
	{"OVERRIDES", "reverts of what was out already that could not go out at once", func(o backtest.Outcome) string { return strconv.Itoa(o.Overrides) }},
}

// leadTime is a lead time, or nothing where nothing went out.
func leadTime(o backtest.Outcome, d time.Duration) string {
	if o.Lead.Count == 0 {
		return "-"
	}
	return rollout.FormatDuration(d)
}

// Backtest says what each policy would have done.
func Backtest(r backtest.Result) Document {
	var d Document
	d.Heading("backtest of %s: %s", r.Stage.Name, backtestPeriod(r))
	for _, note := range r.Notes {
		d.Line("Note: %s", note)
	}
	if r.Revisions == 0 {
		d.Line("There is nothing to replay.")
		return d
	}
	d.Line("%s", backtestScope(r))
	head, means := []string{"POLICY"}, [][]string{}
	for _, column := range backtestColumns {
		head = append(head, column.name)
		means = append(means, []string{column.name, column.means})
	}
	var rows, policies [][]string
	for _, o := range r.Outcomes {
		row := []string{string(o.Policy)}
		for _, column := range backtestColumns {
			row = append(row, column.cell(o))
		}
		rows = append(rows, row)
		policies = append(policies, []string{string(o.Policy), o.Policy.Means()})
	}
	d.Table(head, rows)
	d.Table([]string{"POLICY", "PROMOTES"}, policies)
	d.Table([]string{"COLUMN", "MEANS"}, means)
	return d
}

// backtestPeriod is what was replayed, in a few words.
func backtestPeriod(r backtest.Result) string {
	branch := rollout.Printable(r.Branch, 60)
	switch {
	case r.Revisions > 0:
		return fmt.Sprintf("%s of %s, %s to %s", Count(r.Revisions, "revision"), branch, day(r.First), day(r.Last))
	case !r.Since.IsZero():
		return fmt.Sprintf("nothing arrived on %s since %s", branch, day(r.Since))
	default:
		return fmt.Sprintf("nothing arrived on %s but what %s begins with", branch, r.Stage.Name)
	}
}

// backtestScope is what arrived, and how long it soaks.
func backtestScope(r backtest.Result) string {
	return fmt.Sprintf("%s arrived; reverted at some time: %d. %s asks for a soak of %s.",
		Count(r.Commits, "commit"), r.Reverted, r.Stage.Name, rollout.FormatDuration(r.Stage.Soak))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// The JSON of `release:backtest`. Times are RFC 3339 in UTC, durations are in
// seconds, and what is not known is left out.
type (
	// BacktestJSON is what came of a replay.
	BacktestJSON struct {
		Stage       string  `json:"stage"`
		Branch      string  `json:"branch"`
		SoakSeconds float64 `json:"soakSeconds"`
		// Since is what was asked for, First and Last are the arrivals of the
		// first and the last revision that was measured, and Until is when
		// everything was out, or else when the history was read.
		Since *time.Time `json:"since,omitempty"`
		First *time.Time `json:"first,omitempty"`
		Last  *time.Time `json:"last,omitempty"`
		Until *time.Time `json:"until,omitempty"`
		// Guessed tells that dates in commits stand for arrivals.
		Guessed   bool `json:"guessed"`
		Revisions int  `json:"revisions"`
		Commits   int  `json:"commits"`
		// Reverted is how many of the commits were reverted at some time.
		Reverted int                   `json:"reverted"`
		Notes    []string              `json:"notes"`
		Policies []BacktestOutcomeJSON `json:"policies"`
	}
	// BacktestOutcomeJSON is what a policy would have done.
	BacktestOutcomeJSON struct {
		Policy     backtest.Policy `json:"policy"`
		Promotions int             `json:"promotions"`
		// Out are the revisions that went out, NeverOut those that did not
		// although they were as old as the soak, and Soaking those that were
		// younger at the end.
		Out      int `json:"out"`
		NeverOut int `json:"neverOut"`
		Soaking  int `json:"soaking"`
		// Lead is left out where nothing went out.
		Lead               *BacktestLeadJSON `json:"lead,omitempty"`
		BlockedDays        int               `json:"blockedDays"`
		UnsoakedRevisions  int               `json:"unsoakedRevisions"`
		KnownBadCommits    int               `json:"knownBadCommits"`
		UnknownBadCommits  int               `json:"unknownBadCommits"`
		OverridesNecessary int               `json:"overridesNecessary"`
	}
	// BacktestLeadJSON is how lead times are distributed, by the nearest rank.
	BacktestLeadJSON struct {
		ShortestSeconds      float64 `json:"shortestSeconds"`
		LowerQuartileSeconds float64 `json:"lowerQuartileSeconds"`
		MedianSeconds        float64 `json:"medianSeconds"`
		UpperQuartileSeconds float64 `json:"upperQuartileSeconds"`
		P95Seconds           float64 `json:"p95Seconds"`
		LongestSeconds       float64 `json:"longestSeconds"`
	}
)

// WriteBacktestJSON writes what came of a replay as [BacktestJSON].
func WriteBacktestJSON(w io.Writer, r backtest.Result) error {
	out := BacktestJSON{
		Stage: r.Stage.Name, Branch: r.Branch, SoakSeconds: r.Stage.Soak.Seconds(),
		Since: known(r.Since), First: known(r.First), Last: known(r.Last), Until: known(r.Until),
		Guessed: r.Guessed, Revisions: r.Revisions, Commits: r.Commits, Reverted: r.Reverted,
		Notes: append([]string{}, r.Notes...), Policies: make([]BacktestOutcomeJSON, len(r.Outcomes)),
	}
	for i, o := range r.Outcomes {
		out.Policies[i] = BacktestOutcomeJSON{
			Policy: o.Policy, Promotions: o.Promotions, Out: o.Lead.Count, NeverOut: o.NeverOut, Soaking: o.Soaking,
			Lead: backtestLeadJSON(o.Lead), BlockedDays: o.BlockedDays, UnsoakedRevisions: o.Unsoaked,
			KnownBadCommits: o.KnownBad, UnknownBadCommits: o.UnknownBad, OverridesNecessary: o.Overrides,
		}
	}
	return write(w, out)
}

func backtestLeadJSON(l backtest.Lead) *BacktestLeadJSON {
	if l.Count == 0 {
		return nil
	}
	seconds := func(d time.Duration) float64 { return d.Round(time.Second).Seconds() }
	return &BacktestLeadJSON{
		ShortestSeconds: seconds(l.Shortest), LowerQuartileSeconds: seconds(l.LowerQuartile), MedianSeconds: seconds(l.Median),
		UpperQuartileSeconds: seconds(l.UpperQuartile), P95Seconds: seconds(l.P95), LongestSeconds: seconds(l.Longest),
	}
}
