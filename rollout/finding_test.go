package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindingsAreSortedByFileLineAndRule(t *testing.T) {
	want := []Finding{
		{File: "clusters/apps/flux/a.yaml", Line: 2, Rule: RuleBranchDiffers},
		{File: "clusters/apps/flux/a.yaml", Line: 10, Rule: RuleBranchDiffers},
		{File: "clusters/apps/flux/a.yaml", Line: 10, Rule: RuleRefOutranked, Cluster: "apps"},
		{File: "clusters/apps/flux/a.yaml", Line: 10, Rule: RuleRefOutranked, Cluster: "infra"},
		{File: "clusters/apps/flux/b.yaml", Rule: RuleBuildFailed},
		{File: "clusters/apps/flux/b.yaml", Line: 1, Rule: RuleBuildFailed},
	}
	got := []Finding{want[4], want[3], want[1], want[5], want[0], want[2]}
	SortFindings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestFindingsOfRulesThatAreOff(t *testing.T) {
	wrong := Finding{File: "a.yaml", Line: 1, Rule: RuleBranchDiffers, Severity: SeverityError}
	first := Finding{File: "a.yaml", Line: 2, Rule: RuleVariablesUnknown, Severity: SeverityWarning}
	second := Finding{File: "b.yaml", Line: 2, Rule: RuleVariablesUnknown, Severity: SeverityWarning}
	suspended := Finding{File: "b.yaml", Line: 3, Rule: RuleSourceSuspended, Severity: SeverityWarning}
	all := Verification{Clusters: 1, Findings: []Finding{wrong, first, second, suspended}}

	got := all.Without(map[string]string{RuleVariablesUnknown: "made by hand", RuleURLDiffers: "a mirror"})
	want := Verification{
		Clusters: 1, Findings: []Finding{wrong, suspended},
		Off: []TurnedOff{{Rule: RuleVariablesUnknown, Count: 2, Reason: "made by hand", Findings: []Finding{first, second}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(all.Findings) != 4 {
		t.Errorf("%d findings are left of those that were given", len(all.Findings))
	}
	if got.Errors() != 1 || got.Warnings() != 1 {
		t.Errorf("%d errors and %d warnings, want one each", got.Errors(), got.Warnings())
	}
}
