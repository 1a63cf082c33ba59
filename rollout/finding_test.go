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
