package report_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/report"
)

func TestMeasures(t *testing.T) {
	tally := measure.Tally{
		Promotions: 4, Overrides: 1, Commits: 6, Unarrived: 2, Unsoaked: 1, Failed: 1, Unrestored: 1,
		LeadTime: measure.Sample{time.Hour, 24 * time.Hour, 25 * time.Hour, 90 * time.Hour}, Soak: measure.Sample{1500 * time.Millisecond},
	}
	stages := []measure.Stage{
		{
			Stage: rollout.Stage{Name: "apps"}, From: in(-48), To: in(0), Tally: tally,
			Each: []measure.Promotion{
				{Record: rollout.Record{Entry: rollout.Entry{To: sha(1), At: in(-30)}}},
				{
					Record: rollout.Record{Entry: rollout.Entry{To: sha(3), At: in(-20)}}, Restored: in(-10),
					Failures: []measure.Failure{{Commit: sha(2), Causes: []measure.Cause{{Kind: measure.Reverted, By: sha(4)}, {Kind: measure.Tainted}}}},
				},
			},
			Weeks: []measure.Week{{From: in(-48), Tally: tally}, {From: in(-24)}},
		},
		{Stage: rollout.Stage{Name: "shops"}},
	}
	var b bytes.Buffer
	if err := report.WriteMeasuresJSON(&b, rollout.Repository{URL: "/srv/" + evil, Forge: rollout.ForgeGit}, in(0), stages); err != nil {
		t.Fatal(err)
	}
	golden(t, "measures.json", b.String())
}
