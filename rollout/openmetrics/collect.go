package openmetrics

import (
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/report"
)

const day = 24 * time.Hour

// bounds are those of the buckets: from the hour in which a tick comes to a quarter of
// a year.
var bounds = []time.Duration{
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 26 * time.Hour, 30 * time.Hour, 36 * time.Hour,
	2 * day, 3 * day, 5 * day, 7 * day, 14 * day, 30 * day, 90 * day,
}

var families = []family{
	{"collected_timestamp_seconds", dto.MetricType_GAUGE, "When these metrics were collected, by the forge's clock."},
	{"observed", dto.MetricType_GAUGE, "Whether the stage could be observed: 1, or 0 where nothing is known of it now."},
	{"action", dto.MetricType_GAUGE, "What the policy says of the stage now: 1 for that action, 0 for the others."},
	{"head_info", dto.MetricType_GAUGE, "Where the stage's branch stands. The value is 1."},
	{"head_timestamp_seconds", dto.MetricType_GAUGE, "Since when the stage's branch stands there."},
	{"pending_revisions", dto.MetricType_GAUGE, "Revisions that wait for the stage."},
	{"pending_commits", dto.MetricType_GAUGE, "Commits that wait for the stage."},
	{"oldest_pending_timestamp_seconds", dto.MetricType_GAUGE, "When the oldest pending revision arrived upstream. There is none where nothing waits, or that is not known."},
	{"next_promotion_timestamp_seconds", dto.MetricType_GAUGE, "When the next promotion can be, if time alone brings it; for what may go out now, when the metrics were collected."},
	{"tainted_commits", dto.MetricType_GAUGE, "Pending commits that are known to be bad."},
	{"holds", dto.MetricType_GAUGE, "Holds that keep the stage from taking anything."},
	{"taints", dto.MetricType_GAUGE, "Commits that operators tainted and nobody cleared, pending or not."},
	{"promotions_total", dto.MetricType_COUNTER, "Promotions into the stage, by kind: promotion or override."},
	{"promoted_commits_total", dto.MetricType_COUNTER, "Commits that promotions brought to the stage."},
	{"failed_promotions_total", dto.MetricType_COUNTER, "Promotions that brought something bad, as it turned out once it was out."},
	{"unrestored_promotions", dto.MetricType_GAUGE, "Failed promotions for which the stage has not got what mends them."},
	{"lead_time_seconds", dto.MetricType_HISTOGRAM, "From a commit's arrival on the first stage's branch to the promotion with which it went out."},
	{"unknown_arrivals_total", dto.MetricType_COUNTER, "Commits that went out and are not in the lead times, since nothing tells when they arrived."},
	{"soak_seconds", dto.MetricType_HISTOGRAM, "How long a promoted revision had been upstream."},
	{"unknown_soaks_total", dto.MetricType_COUNTER, "Promotions that are not in the soaks, since nothing tells when their revision arrived."},
	{"restore_seconds", dto.MetricType_HISTOGRAM, "From a failed promotion to the one with which the stage got what mends it."},
}

// actions are all that a decision can be.
var actions = []rollout.Action{rollout.Promote, rollout.Wait, rollout.Blocked, rollout.Nothing, rollout.Diverged}

// present adds where every stage stands.
func (c collection) present(s rollout.Status) {
	c.moment("collected_timestamp_seconds", s.At)
	c.gauge("taints", float64(len(s.Taints)))
	for _, stage := range s.Stages {
		name := label{"stage", stage.Stage.Name}
		c.gauge("observed", truth(stage.Err == nil), name)
		c.head(stage, name)
		if stage.Decision != nil {
			c.decision(s.At, stage, name)
		}
	}
}

func (c collection) head(stage rollout.StageStatus, name label) {
	if stage.Head.SHA == "" {
		return
	}
	c.gauge("head_info", 1, name, label{"branch", stage.Head.Branch}, label{"revision", string(stage.Head.SHA)})
	c.moment("head_timestamp_seconds", stage.Since, name)
}

func (c collection) decision(now time.Time, stage rollout.StageStatus, name label) {
	d := stage.Decision
	for _, action := range actions {
		c.gauge("action", truth(d.Action == action), name, label{"action", string(action)})
	}
	commits := 0
	var oldest time.Time
	for _, v := range d.Verdicts {
		commits += len(v.Revision.Brings)
		if v.Revision.Recorded && (oldest.IsZero() || v.Revision.Arrival.Before(oldest)) {
			oldest = v.Revision.Arrival
		}
	}
	c.gauge("holds", float64(len(stage.Holds)), name)
	if d.Action == rollout.Diverged {
		return // nothing that waits was looked at
	}
	c.gauge("pending_revisions", float64(len(d.Verdicts)), name)
	c.gauge("pending_commits", float64(commits), name)
	c.gauge("tainted_commits", float64(len(d.Taints)), name)
	c.moment("oldest_pending_timestamp_seconds", oldest, name)
	c.moment("next_promotion_timestamp_seconds", next(now, *d), name)
}

// next is when the next promotion can be, and the zero time where time alone does not
// bring one.
func next(now time.Time, d rollout.Decision) time.Time {
	if d.Action == rollout.Promote {
		return now
	}
	v, _ := report.Next(d)
	return v.RetryAt
}

// measures adds how well the rollout into a stage does.
func (c collection) measures(s measure.Stage) {
	name := label{"stage", s.Stage.Name}
	c.counter("promotions_total", s.Promotions-s.Overrides, name, label{"kind", string(rollout.EntryPromotion)})
	c.counter("promotions_total", s.Overrides, name, label{"kind", string(rollout.EntryOverride)})
	c.counter("promoted_commits_total", s.Commits, name)
	c.counter("failed_promotions_total", s.Failed, name)
	c.gauge("unrestored_promotions", float64(s.Unrestored), name)
	c.histogram("lead_time_seconds", s.LeadTime, name)
	c.counter("unknown_arrivals_total", s.Unarrived, name)
	c.histogram("soak_seconds", s.Soak, name)
	c.counter("unknown_soaks_total", s.Unsoaked, name)
	c.histogram("restore_seconds", s.Restore, name)
}

// moment adds when something was or will be, if that is known.
func (c collection) moment(name string, t time.Time, labels ...label) {
	if !t.IsZero() {
		c.gauge(name, float64(t.UTC().Truncate(time.Second).Unix()), labels...)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
