package board

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A measured stage has its four measures, and two plots.
type measured struct {
	Name, From, To string
	Four           []figure
	Plots          []plot
}

// A figure is one of DORA's four, in words. It has no value where the data do not tell.
type figure struct{ Name, Value, Detail, Means string }

// What the four mean is DORA's (https://dora.dev/guides/dora-metrics); how they are
// worked out here is in docs/metrics.md.
const (
	meansFrequency = "How often something goes out to the stage: promotions and overrides in a day, on average."
	meansLeadTime  = "How long a commit takes from its arrival on the first stage's branch to its promotion into this one. The soak is part of it."
	meansFailures  = "The part of the promotions that brought a commit which was reverted, tainted or fixed by an override after it was out."
	meansRestore   = "How long it took from such a promotion to the one that had all of it mended."
)

// unknown is said where the data do not tell.
const unknown = "not known"

func newMeasured(s measure.Stage) measured {
	return measured{
		Name: rollout.Printable(s.Stage.Name, 80), From: rollout.FormatTime(s.From), To: rollout.FormatTime(s.To),
		Four:  []figure{frequency(s), leadTime(s.Tally), failures(s.Tally), restore(s.Tally)},
		Plots: []plot{newPlot("Lead time", "commits", s.LeadTime, weeks(s, leadTimes)), newPlot("Soak", "promotions", s.Soak, weeks(s, soaks))},
	}
}

func leadTimes(t measure.Tally) measure.Sample { return t.LeadTime }

func soaks(t measure.Tally) measure.Sample { return t.Soak }

func frequency(s measure.Stage) figure {
	f := figure{Name: "Deployment frequency", Value: unknown, Means: meansFrequency}
	if perDay, ok := s.Frequency(); ok {
		f.Value = fmt.Sprintf("%.2g a day", perDay)
	}
	f.Detail = fmt.Sprintf("%s, %s among them; %s", report.Count(s.Promotions, "promotion"), report.Count(s.Overrides, "override"), report.Count(s.Commits, "commit"))
	return f
}

func leadTime(t measure.Tally) figure {
	f := figure{Name: "Lead time for changes", Value: unknown, Means: meansLeadTime}
	if len(t.LeadTime) > 0 {
		f.Value = rollout.FormatDuration(t.LeadTime.Quantile(0.5)) + " median"
		f.Detail = fmt.Sprintf("nine of ten within %s; %s", rollout.FormatDuration(t.LeadTime.Quantile(0.9)), report.Count(len(t.LeadTime), "commit"))
	}
	if t.Unarrived > 0 {
		f.Detail += fmt.Sprintf("; %d left out, since nothing tells when they arrived", t.Unarrived)
	}
	return f
}

func failures(t measure.Tally) figure {
	f := figure{Name: "Change failure rate", Value: unknown, Means: meansFailures}
	if rate, ok := t.FailureRate(); ok {
		f.Value = fmt.Sprintf("%.1f%%", rate*100)
		f.Detail = fmt.Sprintf("%d of %s", t.Failed, report.Count(t.Promotions, "promotion"))
	}
	return f
}

func restore(t measure.Tally) figure {
	f := figure{Name: "Time to restore", Value: unknown, Means: meansRestore}
	if len(t.Restore) > 0 {
		f.Value = rollout.FormatDuration(t.Restore.Quantile(0.5)) + " median"
		f.Detail = fmt.Sprintf("%d mended", len(t.Restore))
	}
	if t.Unrestored > 0 {
		f.Detail += fmt.Sprintf("; %d not mended yet", t.Unrestored)
	}
	return f
}

// A plot shows how a sample is distributed, and how its median moves from week to
// week.
type plot struct {
	Name, Of string
	// Bins are the columns of the distribution, and Most what the highest stands for.
	Bins []bin
	Most int
	// Ends are the axis of the distribution: nothing, and the longest.
	Longest string
	// Weeks are the trend, Line and Top its drawing.
	Weeks []week
	Line  string
	Top   string
}

type (
	bin struct {
		X, Y, Width, Height string
		Label               string
		Count               int
	}
	week struct{ From, Median, P90, Count string }
)

// binned is how many columns a distribution has.
const binned = 20

func newPlot(name, of string, sample measure.Sample, trend []point) plot {
	p := plot{Name: name, Of: of}
	if len(sample) == 0 {
		return p
	}
	p.Longest = rollout.FormatDuration(sample[len(sample)-1])
	p.Bins, p.Most = bins(sample)
	p.trend(trend)
	return p
}

// bins counts a sample in columns of the same width.
func bins(sample measure.Sample) (drawn []bin, most int) {
	width := max(sample[len(sample)-1]/binned, 1)
	counts := make([]int, binned)
	below := 0
	for i := range counts {
		upTo := sample.AtMost(width * time.Duration(i+1))
		if i == binned-1 {
			upTo = len(sample)
		}
		counts[i], below = upTo-below, upTo
		most = max(most, counts[i])
	}
	for i, n := range counts {
		height := float64(n) / float64(most)
		from, to := rollout.FormatDuration(width*time.Duration(i)), rollout.FormatDuration(width*time.Duration(i+1))
		drawn = append(drawn, bin{
			X: percent(float64(i) / binned), Width: percent(0.9 / binned), Y: percent(1 - height), Height: percent(height),
			Label: from + " to " + to, Count: n,
		})
	}
	return drawn, most
}

// A point is a sample of a week.
type point struct {
	from   time.Time
	sample measure.Sample
}

// weeksShown is how many weeks a trend has at the most.
const weeksShown = 52

func weeks(s measure.Stage, of func(measure.Tally) measure.Sample) []point {
	var points []point
	for _, w := range s.Weeks {
		if sample := of(w.Tally); len(sample) > 0 {
			points = append(points, point{w.From, sample})
		}
	}
	return points[max(0, len(points)-weeksShown):]
}

// The trend's drawing, in units of its own.
const (
	trendWidth  = 600
	trendHeight = 120
)

// trend draws the medians as a line, at the weeks' own distances. Of one week there is
// no line.
func (p *plot) trend(points []point) {
	if len(points) == 0 {
		return
	}
	first, last := points[0].from, points[len(points)-1].from
	span := max(last.Sub(first).Seconds(), 1)
	var top time.Duration
	for _, w := range points {
		top = max(top, w.sample.Quantile(0.5))
	}
	for _, w := range points {
		median := w.sample.Quantile(0.5)
		x := w.from.Sub(first).Seconds() / span * trendWidth
		y := trendHeight * (1 - median.Seconds()/max(top.Seconds(), 1))
		if len(points) > 1 {
			p.Line += fmt.Sprintf("%.1f,%.1f ", x, y)
		}
		p.Weeks = append(p.Weeks, week{
			w.from.UTC().Format(time.DateOnly), rollout.FormatDuration(median), rollout.FormatDuration(w.sample.Quantile(0.9)), fmt.Sprint(len(w.sample)),
		})
	}
	p.Top = rollout.FormatDuration(top)
}
