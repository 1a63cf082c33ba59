package planfile

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

func FuzzParse(f *testing.F) {
	schema := compileSchema(f)
	f.Add([]byte(wholePlan))
	for _, c := range badPlans {
		f.Add([]byte(c.plan))
	}
	for _, c := range badPolicies {
		f.Add([]byte(c.plan()))
	}
	for _, c := range badVerifications {
		f.Add([]byte(head + stages + c.lines))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("clusters/rollout.yaml", data, Options{})
		if err == nil {
			checkInvariants(t, file.Plan)
			if err := validate(schema, data); err != nil {
				t.Errorf("the schema refuses what Parse accepts: %v", err)
			}
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("%T without an error in it", err)
		}
		for i, each := range errs {
			if each.Message == "" || each.Hint == "" || each.File == "" {
				t.Errorf("an error says too little: %+v", each)
			}
			if i > 0 && errs[i-1].Line > each.Line {
				t.Errorf("errors are not sorted: line %d before line %d", errs[i-1].Line, each.Line)
			}
			if strings.ContainsFunc(each.Message+each.Hint, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("an error has a control character: %q", each.Message)
			}
			if len(each.Message) > 1000 {
				t.Errorf("an error has %d bytes", len(each.Message))
			}
		}
	})
}

// checkInvariants holds what doc.go promises of every plan without an error.
func checkInvariants(t *testing.T, plan rollout.Plan) {
	t.Helper()
	if len(plan.Stages) < 2 {
		t.Errorf("%d stages", len(plan.Stages))
	}
	branches, clusters := map[string]bool{plan.Ledger: true}, map[string]bool{}
	for i, stage := range plan.Stages {
		if branches[stage.Branch] || stage.Branch == "" {
			t.Errorf("branch %q is taken", stage.Branch)
		}
		branches[stage.Branch] = true
		if stage.Soak < 0 || stage.Soak > rollout.MaxSoak || (i == 0 && stage.Soak != 0) {
			t.Errorf("stage %d has a soak of %v", i, stage.Soak)
		}
		for _, cluster := range stage.Clusters {
			if clusters[cluster] || filepath.Base(cluster) != cluster || strings.HasPrefix(cluster, ".") {
				t.Errorf("cluster %q", cluster)
			}
			clusters[cluster] = true
		}
	}
	checkPolicies(t, plan)
	for cluster, entry := range plan.Entries {
		if !clusters[cluster] || !filepath.IsLocal(entry) || filepath.Clean(entry) != entry {
			t.Errorf("the entry point of %q is %q", cluster, entry)
		}
	}
	for id, reason := range plan.RulesOff {
		if rule, ok := rollout.RuleByID(id); !ok || rule.Essential() != "" || strings.TrimSpace(reason) == "" {
			t.Errorf("the rule %q is off for %q", id, reason)
		}
	}
	if plan.Repository.URL == "" || strings.HasPrefix(plan.Repository.URL, "-") {
		t.Errorf("repository %q", plan.Repository.URL)
	}
}

// checkPolicies holds what doc.go promises of every plan without an error.
func checkPolicies(t *testing.T, plan rollout.Plan) {
	t.Helper()
	for i, stage := range plan.Stages {
		asks := len(stage.Health.Required) > 0
		if !asks && (stage.SoakClock != rollout.WallClock || stage.Observed) {
			t.Errorf("the stage %q rests on health, and asks for none", stage.Name)
		}
		if asks && plan.Repository.Forge != rollout.ForgeGitHub {
			t.Errorf("the stage %q asks a plain remote for health", stage.Name)
		}
		windows := append(stage.Windows.Allow, stage.Windows.Deny...)
		if i == 0 && (asks || len(windows) > 0) {
			t.Error("the first stage has a policy")
		}
		for _, window := range windows {
			if span, comes := window.Schedule.Next(time.Time{}); !comes || !span.From.Before(span.To) || window.Text == "" {
				t.Errorf("the window %q never comes", window.Text)
			}
		}
	}
}
