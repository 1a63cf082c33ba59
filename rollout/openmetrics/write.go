package openmetrics

import (
	"fmt"
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// prefix is what every name begins with.
const prefix = "k8s_ops_rollout_"

// Write writes everything that is known now.
func Write(w io.Writer, s rollout.Status, measured []measure.Stage) error {
	c := collection{of: label{"repository", s.Plan.Repository.Slug()}, samples: map[string][]*dto.Metric{}}
	c.present(s)
	for _, stage := range measured {
		c.measures(stage)
	}
	for _, f := range families {
		if len(c.samples[f.name]) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, f.with(c.samples[f.name])); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(w); err != nil {
		return fmt.Errorf("write the end of the metrics: %w", err)
	}
	return nil
}

// Names are those of all metrics, as a query has them, in the order in which they are
// written.
func Names() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = prefix + f.name
	}
	return names
}

// A family is one kind of number.
type family struct {
	name string
	kind dto.MetricType
	help string
}

// with is the family with its samples.
func (f family) with(samples []*dto.Metric) *dto.MetricFamily {
	all := &dto.MetricFamily{Name: proto.String(prefix + f.name), Help: proto.String(f.help), Type: f.kind.Enum(), Metric: samples}
	if strings.HasSuffix(f.name, "_seconds") {
		all.Unit = proto.String("seconds")
	}
	return all
}

// A label is what a sample is of. Its value may be anything that somebody wrote.
type label struct{ name, value string }

// A collection has the samples of each family, by its name.
type collection struct {
	of      label
	samples map[string][]*dto.Metric
}

func (c collection) labels(labels []label) []*dto.LabelPair {
	var all []*dto.LabelPair
	for _, l := range append([]label{c.of}, labels...) {
		all = append(all, &dto.LabelPair{Name: proto.String(l.name), Value: proto.String(strings.ToValidUTF8(l.value, "\uFFFD"))})
	}
	return all
}

func (c collection) gauge(name string, value float64, labels ...label) {
	c.samples[name] = append(c.samples[name], &dto.Metric{Label: c.labels(labels), Gauge: &dto.Gauge{Value: &value}})
}

func (c collection) counter(name string, value int, labels ...label) {
	count := float64(value)
	c.samples[name] = append(c.samples[name], &dto.Metric{Label: c.labels(labels), Counter: &dto.Counter{Value: &count}})
}

func (c collection) histogram(name string, s measure.Sample, labels ...label) {
	h := &dto.Histogram{SampleCount: proto.Uint64(uint64(len(s))), SampleSum: proto.Float64(s.Sum())}
	for _, bound := range bounds {
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: proto.Float64(bound.Seconds()), CumulativeCount: proto.Uint64(uint64(s.AtMost(bound)))})
	}
	c.samples[name] = append(c.samples[name], &dto.Metric{Label: c.labels(labels), Histogram: h})
}
