package rollout

import "testing"

// What stays on is what every other rule rests on.
func TestEssentialRules(t *testing.T) {
	essential := map[string]bool{RuleBuildFailed: true, RuleClusterMissing: true, RuleSourceMissing: true, RuleBranchDiffers: true}
	for _, rule := range Rules() {
		if got := rule.Essential() != ""; got != essential[rule.ID] {
			t.Errorf("%s is essential: %t, want %t", rule.ID, got, essential[rule.ID])
		}
		if found, ok := RuleByID(rule.ID); !ok || found != rule {
			t.Errorf("RuleByID(%q) = %v, %t", rule.ID, found, ok)
		}
	}
	if _, ok := RuleByID("no-such-rule"); ok {
		t.Error("there is a rule no-such-rule")
	}
}
