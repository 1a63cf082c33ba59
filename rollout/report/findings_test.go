package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	sarifschema "github.com/monosense/k8s-ops/rollout/rollouttest/sarif"
)

var updateFindings = flag.Bool("update-findings", false, "rewrite testdata/findings*")

func someFindings() rollout.Verification {
	return rollout.Verification{
		Clusters: 2, Kustomizations: 5, Objects: 37,
		Findings: []rollout.Finding{
			{
				Rule: rollout.RuleBranchDiffers, Severity: rollout.SeverityError, Stage: "apps", Cluster: "apps", Chain: []string{"apps"},
				File: "clusters/apps/flux/config/flux-system.yaml", Line: 12,
				Message: "spec.ref.branch is main, and the stage apps follows release", Fix: "write branch: release",
			},
			{
				Rule: rollout.RuleRefOutranked, Severity: rollout.SeverityError, Stage: "apps", Cluster: "apps",
				Chain: []string{"apps", "cluster-apps", "podinfo"},
				File:  "clusters/apps/flux/config/flux-system.yaml", Line: 13,
				Related: []rollout.Related{
					{File: "bases/source.yaml", Line: 4, Message: "it is written here"},
					{File: "bases/whole.yaml", Message: "\n::error::forged"},
				},
				Message: "spec.ref.tag (v1) takes precedence over the branch", Fix: "remove tag; write only spec.ref.branch: release",
			},
			{
				Rule: rollout.RuleBuildFailed, Severity: rollout.SeverityError, Stage: "infra", Cluster: "infra",
				Chain: []string{"infra", "a\n::error::forged"},
				File:  "clusters/infra/flux/a,b:c.yaml", Line: 1,
				Message: "100% wrong\n::error file=x::forged\r\n\x1b[31mred, [click](https://example.com)", Fix: "mend it",
			},
			{
				Rule: rollout.RuleOtherCluster, Severity: rollout.SeverityWarning, Stage: "infra", Cluster: "infra", Chain: []string{"infra", "remote"},
				File: "clusters/infra/flux/remote.yaml", Line: 9,
				Message: "Kustomization flux-system/remote applies apps to another cluster", Fix: "let that cluster's own Flux apply it",
			},
			{
				Rule: rollout.RuleClusterUnclaimed, Severity: rollout.SeverityError, Cluster: "lab", Chain: []string{"lab"}, File: "clusters/lab",
				Message: "no stage has the cluster lab, so no rule holds for what it applies", Fix: "remove the directory",
			},
		},
		Off: []rollout.TurnedOff{{
			Rule: rollout.RuleVariablesUnknown, Count: 1, Reason: "made by hand\n::error::forged",
			Findings: []rollout.Finding{{
				Rule: rollout.RuleVariablesUnknown, Severity: rollout.SeverityWarning, Stage: "apps", Cluster: "apps", Chain: []string{"apps", "podinfo"},
				File: "clusters/apps/flux/podinfo.yaml", Line: 7,
				Message: "nothing in the repository brings the ConfigMap flux-system/settings", Fix: "add it",
			}},
		}},
	}
}

// aWarning is a verification that found nothing else.
func aWarning() rollout.Verification {
	all := someFindings()
	return rollout.Verification{Clusters: 1, Kustomizations: 1, Objects: 1, Findings: all.Findings[3:4]}
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
		{"findings.sarif", FindingSARIF, someFindings()},
		{"findings_warning.txt", FindingText, aWarning()},
		{"findings_none.txt", FindingText, rollout.Verification{Clusters: 2, Objects: 37}},
		{"findings_none.json", FindingJSON, rollout.Verification{Clusters: 2, Objects: 37}},
		{"findings_none.github", FindingGitHub, rollout.Verification{Clusters: 1, Objects: 1}},
		{"findings_none.sarif", FindingSARIF, rollout.Verification{Clusters: 1, Objects: 1}},
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
	if len(lines) != len(v.Findings)+len(v.Off)+1 {
		t.Errorf("%d lines for %d findings:\n%s", len(lines), len(v.Findings), github.String())
	}
	for i, line := range lines {
		if command := strings.HasPrefix(line, "::"); command != (i < len(v.Findings)) {
			t.Errorf("line %d is forged: %s", i+1, line)
		}
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
	for name, want := range map[string]FindingFormat{"": FindingText, "text": FindingText, "json": FindingJSON, "github": FindingGitHub, "sarif": FindingSARIF} {
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

func writeSARIF(t *testing.T, v rollout.Verification) (text []byte, log sarif) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteFindings(&b, FindingSARIF, v); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), log
}

func TestSARIFFitsItsSchema(t *testing.T) {
	for name, v := range map[string]rollout.Verification{
		"findings": someFindings(), "a warning": aWarning(), "nothing": {Clusters: 1},
		"hostile": {Findings: []rollout.Finding{{Rule: "no-such-rule", File: "a:b\n?x#%zz/ü.yaml", Message: "{0} [x](1) \\", Related: []rollout.Related{{File: ""}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			text, _ := writeSARIF(t, v)
			sarifschema.Validate(t, text)
		})
	}
}

// A log explains every rule, and each result points at its own.
func TestSARIFExplainsEveryRule(t *testing.T) {
	_, log := writeSARIF(t, someFindings())
	run := log.Runs[0]
	for i, rule := range rollout.Rules() {
		got := run.Tool.Driver.Rules[i]
		if got.ID != rule.ID || got.Configuration.Level != rule.Severity || got.FullDescription.Text == "" || !strings.HasSuffix(got.HelpURI, "/docs/rules.md#"+rule.ID) {
			t.Errorf("rule %d is %+v, want %+v", i, got, rule)
		}
	}
	if len(harm) != len(rollout.Rules()) {
		t.Errorf("%d rules hurt, of %d", len(harm), len(rollout.Rules()))
	}
	for _, result := range run.Results {
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("%s points at the rule %d", result.RuleID, result.RuleIndex)
		}
	}
}

// What is turned off is in the log, and suppressed with the plan's reason.
func TestSARIFSuppressesWhatIsOff(t *testing.T) {
	v := someFindings()
	_, log := writeSARIF(t, v)
	results := log.Runs[0].Results
	if want := len(v.Findings) + 1; len(results) != want {
		t.Fatalf("%d results, want %d", len(results), want)
	}
	for i, result := range results {
		var want []sarifSuppression
		if i == len(v.Findings) {
			want = []sarifSuppression{{Kind: "external", Justification: "made by hand · ::error::forged"}}
		}
		if diff := cmp.Diff(want, result.Suppressions); diff != "" {
			t.Errorf("suppressions of %s (-want +got):\n%s", result.RuleID, diff)
		}
	}
}

// A finding stays the same one when what stands above it changes, and two are
// never one.
func TestSARIFFingerprintsStay(t *testing.T) {
	v := someFindings()
	v.Findings[0].Message += "; the first is on line 7, see a.yaml:12"
	double := v.Findings[0]
	double.Line = 90
	v.Findings = append(v.Findings, double)
	fingerprints := func() []string {
		_, log := writeSARIF(t, v)
		var all []string
		for _, result := range log.Runs[0].Results {
			all = append(all, result.Fingerprints[fingerprint])
		}
		return all
	}
	before := fingerprints()
	for i := range v.Findings {
		v.Findings[i].Line += 5
		v.Findings[i].Message = strings.NewReplacer("line 7", "line 12", "a.yaml:12", "a.yaml:17").Replace(v.Findings[i].Message)
	}
	if diff := cmp.Diff(before, fingerprints()); diff != "" {
		t.Errorf("the lines moved (-before +after):\n%s", diff)
	}
	slices.Sort(before)
	if unique := len(slices.Compact(slices.Clone(before))); unique != len(before) {
		t.Errorf("%d fingerprints of %d results", unique, len(before))
	}
}

// No text of a manifest becomes a link.
func TestSARIFHasNoLinksOfOthers(t *testing.T) {
	text, _ := writeSARIF(t, someFindings())
	if bytes.Contains(text, []byte("](")) {
		t.Errorf("a link:\n%s", text)
	}
}
