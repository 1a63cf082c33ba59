package report

import (
	"io"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// The JSON of `release:metrics`. docs/metrics.md has the definitions.
type (
	// MeasuresJSON is how well a rollout does.
	MeasuresJSON struct {
		At         time.Time           `json:"at"`
		Repository string              `json:"repository"`
		Stages     []StageMeasuresJSON `json:"stages"`
	}
	// StageMeasuresJSON is how well the rollout into one stage does.
	StageMeasuresJSON struct {
		Name string     `json:"name"`
		From *time.Time `json:"from,omitempty"`
		// PromotionsPerDay is left out where less than a day was measured.
		PromotionsPerDay *float64 `json:"promotionsPerDay,omitempty"`
		TallyJSON
		Failures []FailedJSON `json:"failures"`
		Weeks    []WeekJSON   `json:"weeks"`
	}
	// WeekJSON is what went out in the seven days from a Monday on.
	WeekJSON struct {
		From time.Time `json:"from"`
		TallyJSON
	}
	// TallyJSON is what a number of promotions come to.
	TallyJSON struct {
		Promotions int `json:"promotions"`
		Overrides  int `json:"overrides"`
		Commits    int `json:"commits"`
		// LeadTime is of commits; UnknownArrivals is how many are left out.
		LeadTime        *SampleJSON `json:"leadTime,omitempty"`
		UnknownArrivals int         `json:"unknownArrivals"`
		// Soak is of promotions; UnknownSoaks is how many are left out.
		Soak         *SampleJSON `json:"soak,omitempty"`
		UnknownSoaks int         `json:"unknownSoaks"`
		Failed       int         `json:"failed"`
		// FailureRate is left out where nothing went out.
		FailureRate *float64    `json:"failureRate,omitempty"`
		Restore     *SampleJSON `json:"restore,omitempty"`
		Unrestored  int         `json:"unrestored"`
	}
	// SampleJSON is how a number of lengths of time are distributed.
	SampleJSON struct {
		Count      int     `json:"count"`
		P50Seconds float64 `json:"p50Seconds"`
		P90Seconds float64 `json:"p90Seconds"`
		P99Seconds float64 `json:"p99Seconds"`
		MaxSeconds float64 `json:"maxSeconds"`
	}
	// FailedJSON is a promotion that brought something bad.
	FailedJSON struct {
		Revision   rollout.SHA   `json:"revision"`
		At         time.Time     `json:"at"`
		RestoredAt *time.Time    `json:"restoredAt,omitempty"`
		Commits    []FailureJSON `json:"commits"`
	}
	// FailureJSON is a commit that was bad, and what shows that.
	FailureJSON struct {
		Commit rollout.SHA `json:"commit"`
		Causes []CauseJSON `json:"causes"`
	}
	// CauseJSON is what shows that a commit was bad.
	CauseJSON struct {
		Kind measure.CauseKind `json:"kind"`
		By   rollout.SHA       `json:"by,omitempty"`
	}
)

// WriteMeasuresJSON writes measures as [MeasuresJSON].
func WriteMeasuresJSON(w io.Writer, of rollout.Repository, at time.Time, stages []measure.Stage) error {
	out := MeasuresJSON{At: at.UTC().Truncate(time.Second), Repository: of.Slug(), Stages: []StageMeasuresJSON{}}
	for _, s := range stages {
		out.Stages = append(out.Stages, stageMeasuresJSON(s))
	}
	return write(w, out)
}

func stageMeasuresJSON(s measure.Stage) StageMeasuresJSON {
	out := StageMeasuresJSON{
		Name: s.Stage.Name, From: known(s.From), PromotionsPerDay: some(s.Frequency()),
		TallyJSON: tallyJSON(s.Tally), Failures: []FailedJSON{}, Weeks: []WeekJSON{},
	}
	for _, p := range s.Each {
		if len(p.Failures) > 0 {
			out.Failures = append(out.Failures, failedJSON(p))
		}
	}
	for _, week := range s.Weeks {
		out.Weeks = append(out.Weeks, WeekJSON{week.From, tallyJSON(week.Tally)})
	}
	return out
}

func tallyJSON(t measure.Tally) TallyJSON {
	return TallyJSON{
		Promotions: t.Promotions, Overrides: t.Overrides, Commits: t.Commits,
		LeadTime: sampleJSON(t.LeadTime), UnknownArrivals: t.Unarrived,
		Soak: sampleJSON(t.Soak), UnknownSoaks: t.Unsoaked,
		Failed: t.Failed, FailureRate: some(t.FailureRate()), Restore: sampleJSON(t.Restore), Unrestored: t.Unrestored,
	}
}

// sampleJSON is nothing of an empty sample.
func sampleJSON(s measure.Sample) *SampleJSON {
	if len(s) == 0 {
		return nil
	}
	at := func(part float64) float64 { return s.Quantile(part).Truncate(time.Second).Seconds() }
	return &SampleJSON{Count: len(s), P50Seconds: at(0.5), P90Seconds: at(0.9), P99Seconds: at(0.99), MaxSeconds: at(1)}
}

func failedJSON(p measure.Promotion) FailedJSON {
	out := FailedJSON{Revision: p.Record.To, At: p.Record.At.UTC(), RestoredAt: known(p.Restored)}
	for _, f := range p.Failures {
		one := FailureJSON{Commit: f.Commit}
		for _, c := range f.Causes {
			one.Causes = append(one.Causes, CauseJSON{c.Kind, c.By})
		}
		out.Commits = append(out.Commits, one)
	}
	return out
}

// some is a number, or nothing where there is none to tell.
func some(n float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &n
}
