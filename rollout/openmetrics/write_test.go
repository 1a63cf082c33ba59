package openmetrics_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/openmetrics"
	"github.com/monosense/k8s-ops/rollout/rollouttest/hostile"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, time.March, 9, 9, 0, 0, 0, time.UTC)

const (
	head    = rollout.SHA("1a2b3c41a2b3c41a2b3c41a2b3c41a2b3c41a2b3")
	pending = rollout.SHA("5e6f7a85e6f7a85e6f7a85e6f7a85e6f7a85e6f7")
)

// standing is a status in which there is something of each kind.
func standing(stage, branch string) rollout.Status {
	apps := rollout.Stage{Name: stage, Branch: branch, Soak: 24 * time.Hour}
	s := rollout.Snapshot{
		At: now, Upstream: rollout.Head{Branch: "main", SHA: pending}, Target: rollout.Head{Branch: branch, SHA: head}, PushLog: true,
		Pending:   []rollout.Commit{{SHA: pending, Parents: []rollout.SHA{head}, Message: "Upgrade"}},
		Movements: []rollout.Movement{{Before: head, After: pending, At: now.Add(-time.Hour)}},
	}
	d := rollout.Decide(now, apps, s)
	return rollout.Status{
		At: now, Plan: rollout.Plan{Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Owner: "you", Name: "fleet"}},
		Taints: []rollout.Mark{{Commit: pending}},
		Stages: []rollout.StageStatus{
			{Stage: rollout.Stage{Name: "infra", Branch: "main"}, Head: rollout.Head{Branch: "main", SHA: pending}, Since: now.Add(-time.Hour)},
			{Stage: apps, Head: rollout.Head{Branch: branch, SHA: head}, Since: now.Add(-7 * 24 * time.Hour), Decision: &d, Holds: []rollout.Hold{{By: "ada"}}},
			{Stage: rollout.Stage{Name: "shops", Branch: "stable"}, Err: errors.New("the forge is down")},
		},
	}
}

func measured(stage string) []measure.Stage {
	return []measure.Stage{{
		Stage: rollout.Stage{Name: stage},
		Tally: measure.Tally{
			Promotions: 5, Overrides: 2, Commits: 9, Unarrived: 3, Unsoaked: 1, Failed: 2, Unrestored: 1,
			LeadTime: measure.Sample{time.Minute, 24 * time.Hour, 25 * time.Hour, 200 * 24 * time.Hour},
			Soak:     measure.Sample{0, 24 * time.Hour, 25 * time.Hour, 30 * time.Hour},
			Restore:  measure.Sample{90 * time.Minute},
		},
	}}
}

func written(t *testing.T, s rollout.Status, m []measure.Stage) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := openmetrics.Write(&b, s, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWrite(t *testing.T) {
	got := written(t, standing("apps", "release"), measured("apps"))
	path := filepath.Join("testdata", "rollout.prom")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// ofItsOwn are names by which one could write into the format itself.
var ofItsOwn = []string{
	`a"} 1` + "\n" + `k8s_ops_rollout_holds{stage="b`, "a\\", "# EOF", `a",x="y`, "{{stage}}", "apps",
}

// names are those, and all that people can write.
func names() []string {
	all := slices.Clone(ofItsOwn)
	for _, text := range hostile.Texts() {
		all = append(all, text.Text)
	}
	return all
}

// What Prometheus itself reads of it is what was written, whatever the names are.
func TestPrometheusReadsIt(t *testing.T) {
	for _, name := range names() {
		text := written(t, standing(name, name), measured(name))
		want := strings.ToValidUTF8(name, "\uFFFD")
		seen := map[string]bool{}
		p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
		units := 0
		for {
			entry, err := p.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v in:\n%s", name, err, text)
			}
			switch entry {
			case textparse.EntryUnit:
				units++
			case textparse.EntrySeries:
				var l labels.Labels
				p.Labels(&l)
				seen[l.Get(labels.MetricName)] = true
				if stage := l.Get("stage"); stage != "infra" && stage != "shops" && l.Has("stage") && stage != want {
					t.Errorf("%q: a sample is of the stage %q", name, stage)
				}
			}
		}
		if units == 0 {
			t.Errorf("%q: no metric has a unit", name)
		}
		for _, metric := range openmetrics.Names() {
			if !seen[metric] && !seen[metric+"_bucket"] {
				t.Errorf("%q: there is no sample of %s", name, metric)
			}
		}
	}
}

// A node-exporter and a Pushgateway read an older format
// (https://github.com/prometheus/node_exporter#textfile-collector), and refuse a
// sample that has a time of its own.
func TestCollectorsReadIt(t *testing.T) {
	for _, name := range names() {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(written(t, standing(name, name), measured(name))))
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		for _, metric := range openmetrics.Names() {
			family := families[metric]
			if family == nil {
				t.Errorf("%q: there is no %s", name, metric)
				continue
			}
			for _, m := range family.GetMetric() {
				if m.TimestampMs != nil {
					t.Errorf("%s has a time of its own", metric)
				}
			}
		}
	}
}

func TestWhatIsNotKnownHasNoSample(t *testing.T) {
	s := standing("apps", "release")
	s.Stages[1].Since = time.Time{}
	s.Stages[1].Decision = &rollout.Decision{Action: rollout.Diverged}
	text := string(written(t, s, nil))
	for _, not := range []string{
		`head_timestamp_seconds{repository="you/fleet",stage="apps"}`, `pending_revisions{`, `oldest_pending_timestamp_seconds{`,
		`next_promotion_timestamp_seconds{`, `promotions_total`, `holds{repository="you/fleet",stage="shops"}`,
	} {
		if strings.Contains(text, not) {
			t.Errorf("it has %s in:\n%s", not, text)
		}
	}
	for _, has := range []string{
		`action{repository="you/fleet",stage="apps",action="diverged"} 1.0`, `observed{repository="you/fleet",stage="shops"} 0.0`,
	} {
		if !strings.Contains(text, has) {
			t.Errorf("it has no %s in:\n%s", has, text)
		}
	}
}

func TestWhatMayGoOutIsDueNow(t *testing.T) {
	s := standing("apps", "release")
	s.Stages[1].Decision.Action = rollout.Promote
	const want = `next_promotion_timestamp_seconds{repository="you/fleet",stage="apps"} 1.773046` // now
	if text := string(written(t, s, nil)); !strings.Contains(text, want) {
		t.Errorf("it has no %s in:\n%s", want, text)
	}
}

// A write that fails is not the end of the metrics.
func TestAFailingWriter(t *testing.T) {
	if err := openmetrics.Write(failing{}, standing("apps", "release"), nil); err == nil {
		t.Error("nobody noticed")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
