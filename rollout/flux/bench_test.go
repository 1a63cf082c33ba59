package flux

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/largetree"
)

// planted is a verifier of a large tree.
func planted(tb testing.TB, shape largetree.Shape) *verifier {
	tb.Helper()
	dir := tb.TempDir()
	if err := shape.Write(dir); err != nil {
		tb.Fatal(err)
	}
	plan := rollout.Plan{
		Repository: rollout.Repository{URL: "https://github.com/monosense/k8s-ops.git", Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "monosense", Name: "k8s-ops"},
		Source:     rollout.Source{Name: "k8s-ops", Namespace: "flux-system"},
		Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{largetree.Cluster(0)}},
			{Name: "apps", Branch: "release"},
		},
	}
	for i := 1; i < shape.Clusters; i++ {
		plan.Stages[1].Clusters = append(plan.Stages[1].Clusters, largetree.Cluster(i))
	}
	v, err := newVerifier(Options{Root: dir, Plan: plan})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(v.close)
	return v
}

func TestLargeTreeIsClean(t *testing.T) {
	v := planted(t, largetree.Shape{Clusters: 3, Files: 50})
	if err := v.each(t.Context(), v.verify); err != nil {
		t.Fatal(err)
	}
	got := v.finish()
	if len(got.Findings) > 0 || got.Clusters != 3 || got.Kustomizations != 9 || got.Objects != 3*(50+5) {
		t.Errorf("verification = %+v, want 3 clusters, 9 Kustomizations, 165 objects and no findings", got)
	}
}

// BenchmarkChecks is what the rules cost beside rendering, of ten clusters of 500
// manifests.
func BenchmarkChecks(b *testing.B) {
	rendering, checking := time.Duration(0), time.Duration(0)
	for b.Loop() {
		v := planted(b, largetree.Shape{Clusters: 10, Files: 500})
		before := cpuTime(b)
		var reaches []*reach
		for _, c := range v.clusters() {
			r, ok := v.reach(c)
			if !ok {
				b.Fatal("a cluster without an entry point")
			}
			reaches = append(reaches, r)
		}
		between := cpuTime(b)
		for _, r := range reaches {
			if found := check(r, v.Plan, r.cluster.stage); len(found) > 0 {
				b.Fatalf("findings: %+v", found)
			}
		}
		rendering += between - before
		checking += cpuTime(b) - between
	}
	ratio := checking.Seconds() / rendering.Seconds()
	b.ReportMetric(100*ratio, "%-of-rendering")
	if os.Getenv("BENCH_LIMITS") != "" && ratio > 0.1 {
		b.Errorf("the checks cost %.1f %% of rendering, at most 10 %% are allowed", 100*ratio)
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
