package report

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

var updateFindings = flag.Bool("update-findings", false, "rewrite testdata/findings*")

func someFindings() rollout.Verification {
	return rollout.Verification{Clusters: 2, Objects: 37, Findings: []rollout.Finding{
		{
			Rule: rollout.RuleBranchDiffers, Stage: "apps", Cluster: "apps", File: "clusters/apps/flux/config/flux-system.yaml", Line: 12,
			Message: "spec.ref.branch is main, and the stage apps follows release", Fix: "write branch: release",
		},
		{
			Rule: rollout.RuleRefOutranked, Stage: "apps", Cluster: "apps", File: "clusters/apps/flux/config/flux-system.yaml", Line: 13,
			Message: "spec.ref.tag (v1) takes precedence over the branch", Fix: "remove tag; write only spec.ref.branch: release",
		},
		{
			Rule: rollout.RuleBuildFailed, Stage: "infra", Cluster: "infra", File: "clusters/infra/flux/a,b:c.yaml", Line: 1,
			Message: "100% wrong\n::error file=x::forged\r\n\x1b[31mred", Fix: "mend it",
		},
		{
			Rule: rollout.RuleClusterUnclaimed, Cluster: "lab", File: "clusters/lab",
			Message: "no stage has the cluster lab, so no rule holds for what it applies", Fix: "remove the directory",
		},
	}}
}

func TestWriteFindings(t *testing.T) {
	for _, test := range []struct {
		name   string
		format FindingFormat
		result rollout.Verification
	}{
		{"findings.txt", FindingText, someFindings()},
		{"findings.json", FindingJSON, someFindings()},
		{"findings.github", FindingGitHub, someFindings()},
		{"findings_none.txt", FindingText, rollout.Verification{Clusters: 2, Objects: 37}},
		{"findings_none.json", FindingJSON, rollout.Verification{Clusters: 2, Objects: 37}},
		{"findings_none.github", FindingGitHub, rollout.Verification{Clusters: 1, Objects: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := WriteFindings(&b, test.format, test.result); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", test.name)
			if *updateFindings {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// TestFindingsForgeNothing: whatever a message holds, there is one command a
// finding, one line a sentence, and no control character.
func TestFindingsForgeNothing(t *testing.T) {
	var github, text strings.Builder
	v := someFindings()
	if err := errors.Join(WriteFindings(&github, FindingGitHub, v), WriteFindings(&text, FindingText, v)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(github.String()), "\n")
	if len(lines) != len(v.Findings)+1 {
		t.Errorf("%d lines for %d findings:\n%s", len(lines), len(v.Findings), github.String())
	}
	if strings.ContainsAny(text.String(), "\x1b\r") || strings.Contains(text.String(), "\n::error") {
		t.Errorf("text with control characters:\n%q", text.String())
	}
}

func TestFindingsJSONCanBeReadBack(t *testing.T) {
	var b strings.Builder
	if err := WriteFindings(&b, FindingJSON, someFindings()); err != nil {
		t.Fatal(err)
	}
	var got rollout.Verification
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someFindings(), got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestParseFindingFormat(t *testing.T) {
	for name, want := range map[string]FindingFormat{"": FindingText, "text": FindingText, "json": FindingJSON, "github": FindingGitHub} {
		if got, err := ParseFindingFormat(name); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"JSON", "yaml", "-text", " text"} {
		if _, err := ParseFindingFormat(name); !errors.Is(err, rollout.ErrUsage) {
			t.Errorf("%q: error = %v, want a usage error", name, err)
		}
	}
}
