package report_test

import (
	"bytes"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

func warned() rollout.Stage {
	stage := apps
	stage.Exposure = rollout.ExposureWarned
	return stage
}

func required() rollout.Stage {
	stage := apps
	stage.Exposure = rollout.ExposureRequired
	return stage
}

// looked is a snapshot in which somebody looked at its newest revision.
func looked(s rollout.Snapshot, look rollout.Look) rollout.Snapshot {
	look.Stage = "apps"
	s.Looks = map[rollout.SHA]rollout.Look{s.Upstream.SHA: look}
	return s
}

// half of the files were exercised. Whoever named the others, or gave a reason,
// did not mean well.
func half() rollout.Look {
	on := []string{"apps"}
	object := func(name string, met ...string) rollout.ExposedObject {
		return rollout.ExposedObject{Object: rollout.RenderedObject{Kind: "ConfigMap", Namespace: "shop", Name: name}, Kind: rollout.ObjectChanged, Clusters: on, Exercised: met}
	}
	return rollout.Look{
		StageExposure: rollout.StageExposure{
			Files: []rollout.ExposedFile{
				{Name: "apps/cart.yaml", Clusters: on},
				{Name: "apps/x|y\n\x1b[2J# fine.yaml", Clusters: on},
				{Name: "base/a.yaml", Clusters: on, Exercised: []string{"infra"}},
				{Name: "base/b.yaml", Clusters: on, Exercised: []string{"infra"}},
			},
			Objects: []rollout.ExposedObject{object("a", "infra"), object("b", "infra"), object("cart")},
		},
		Unexcused: []rollout.UnexcusedFile{{Name: "apps/x|y\n\x1b[2J# fine.yaml", Commits: []rollout.SHA{sha(3), sha(2)}}},
		Excused:   []rollout.ExcusedFile{{Name: "apps/cart.yaml", Commit: sha(2), Reason: "infra has no | cart\x07 <b>at all</b>"}},
	}
}

func TestExposureDocuments(t *testing.T) {
	s := looked(line(40, 30), half())
	override, err := rollout.DecideOverride(s.At, required(), s, rollout.OverrideRequest{})
	if err != nil {
		t.Fatal(err)
	}
	overridden := rollout.Receipt{Decision: override, Snapshot: s, Commit: sha(14), Entry: &rollout.Entry{Kind: rollout.EntryOverride, By: "ada", Reason: "prod is down"}}
	explain := func(stage rollout.Stage, s rollout.Snapshot) []rollout.Explanation {
		d := rollout.Decide(s.At, stage, s)
		return []rollout.Explanation{{Stage: stage, At: s.At, Decision: d, Subjects: rollout.Subjects(stage, s)}}
	}
	broken := rollout.Look{StageExposure: rollout.StageExposure{Broken: []string{"clusters/apps/flux: no such\ndirectory"}}}
	unseen := rollout.Look{StageExposure: rollout.StageExposure{
		Unknown: []string{"apps › shop: the variables DOMAIN, which Secret a/b\nmay set"},
		Idle:    []string{"infra › shop: it is\nsuspended"},
	}}
	for name, d := range map[string]report.Document{
		"exposure-promotion":        report.Promotion(decidedFor(warned(), s)),
		"exposure-required":         report.Promotion(decidedFor(required(), s)),
		"exposure-override-preview": report.OverridePreview(overridden),
		"exposure-override":         report.Override(overridden),
		"exposure-explain":          report.Explain(explain(required(), s)),
		"exposure-failed":           report.Explain(explain(warned(), looked(line(30), rollout.Look{Failed: "the server\nis down"}))),
		"exposure-broken":           report.Explain(explain(required(), looked(line(30), broken))),
		"exposure-nothing":          report.Promotion(decidedFor(required(), looked(line(30), rollout.Look{}))),
		"exposure-unseen":           report.Explain(explain(required(), looked(line(30), unseen))),
	} {
		t.Run(name, func(t *testing.T) { drawn(t, name, d) })
	}
	var b bytes.Buffer
	if err := report.WriteExplainJSON(&b, explain(required(), s)); err != nil {
		t.Fatal(err)
	}
	golden(t, "exposure-explain.json", b.String())
}
