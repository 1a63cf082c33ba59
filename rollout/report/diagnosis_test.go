package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// diagnoses are of each level, and of a hostile repository.
func diagnoses() []rollout.Diagnosis {
	return []rollout.Diagnosis{
		{Check: rollout.CheckPlan, Level: rollout.LevelFine, What: "infra → apps"},
		{Check: rollout.CheckBranch, Of: "release", Level: rollout.LevelFine, What: "at 1a2b3c4"},
		{
			Check: rollout.CheckDivergence, Of: "apps", Level: rollout.LevelStops, What: "release has 2 commits that main has not",
			Details: []string{"1a2b3c4 Hotfix (mallory): main has no such change", "5e6f7a8 More replicas (ada): main has the same change, as 9b0c1d2"},
			Why:     "it cannot be fast-forwarded, so nothing is promoted into apps; the command brings what release has to main, which has not all of it",
			Fix:     "git switch main && git pull --ff-only && git merge --no-ff -m 'Take in what the stage has alone' origin/release && git push origin main",
		},
		{
			Check: rollout.CheckEnvironment, Level: rollout.LevelWarning, What: "environment staged-rollout: missing",
			Why: "pushes do not wait; the hourly tick promotes", Fix: "go tool mage release:init",
		},
		{Check: rollout.CheckKey, Of: evil, Level: rollout.LevelWarning, What: evil, Details: []string{evil}, Why: evil, Fix: "echo '```" + evil + "'"},
		{
			Check: rollout.CheckCluster, Of: "apps", Level: rollout.LevelUnknown, What: `not asked: the kubeconfig has no context "apps"`,
			Why: "so nobody knows whether it follows release, and what it runs",
		},
	}
}

func TestDiagnosis(t *testing.T) {
	drawn(t, "diagnosis", report.Diagnosis(diagnoses()))
	drawn(t, "diagnosis-fine", report.Diagnosis(diagnoses()[:2]))
	var b bytes.Buffer
	if err := report.WriteDiagnosisJSON(&b, now, "octo/fleet", diagnoses()); err != nil {
		t.Fatal(err)
	}
	golden(t, "diagnosis.json", b.String())
}

// Nothing that others wrote begins a line, ends a fence, or gives an order.
func TestDiagnosisForgesNothing(t *testing.T) {
	var text, markdown bytes.Buffer
	d := report.Diagnosis(diagnoses())
	if err := d.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(text.String()+markdown.String(), "\n") {
		if strings.ContainsAny(line, "\x1b\r") || strings.HasPrefix(line, "### forged") || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a line was forged: %q", line)
		}
	}
	if fences := strings.Count(markdown.String(), "\n````"); fences != 2 {
		t.Errorf("the command with a fence in it stands between %d longer ones", fences)
	}
}
