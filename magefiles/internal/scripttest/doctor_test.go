package scripttest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// condition knows gh, which need not be installed but in CI.
func condition(name string) (bool, error) {
	if name != "gh" {
		return false, errors.New("no such condition: " + name)
	}
	_, err := exec.LookPath("gh")
	if err != nil && os.Getenv("CI") == "true" {
		return false, errors.New("gh is not installed: https://cli.github.com")
	}
	return err == nil, nil
}

// mends runs the very command that release:doctor gives for what it found, and sees
// to it that it is found no more.
func mends(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 2, "mends CHECK [OF]")
	check, of := args[0], append(args, "")[1]
	found := diagnose(ts, check, of)
	if found == nil {
		ts.Fatalf("release:doctor finds nothing wrong with %s %s:\n%s", check, of, ts.ReadFile("stdout"))
	}
	if found.Fix == "" {
		ts.Fatalf("release:doctor gives no command for %s %s: %s", check, of, found.What)
	}
	ts.Logf("> %s", found.Fix)
	ts.Setenv("GH_CONFIG_DIR", ts.MkAbs("gh-config"))
	if err := ts.Exec("sh", "-c", strings.ReplaceAll(found.Fix, "go tool mage ", "rollout ")); err != nil {
		ts.Fatalf("%s: %v", found.Fix, err)
	}
	if still := diagnose(ts, check, of); still != nil {
		ts.Fatalf("%s did not mend it: %s", found.Fix, still.What)
	}
}

// diagnose has release:doctor look, and returns the first thing that is wrong with
// what a check is about.
func diagnose(ts *testscript.TestScript, check, of string) *report.CheckJSON {
	_ = ts.Exec("rollout", "release:doctor", "-json") // what it found tells
	var answer report.DiagnosisJSON
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &answer))
	for _, one := range answer.Checks {
		if string(one.Check) == check && (of == "" || one.Of == of) && (one.Level == "stops" || one.Level == "warning") {
			return &one
		}
	}
	return nil
}

// workflowState is what GitHub, or somebody, does to a workflow.
func workflowState(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "workflow FILE STATE")
	in(ts).repo.SetWorkflowState(args[0], rollouttest.WorkflowState(args[1]))
}

// deployKey adds a deploy key that may push.
func deployKey(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 3, "key TITLE [used|unused|disabled|reads] [AGE]")
	w := in(ts)
	now := w.clock.Now()
	key := rollouttest.DeployKey{Title: args[0], Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + strings.Repeat("A", len(w.repo.DeployKeys()))}
	if len(args) == 3 {
		age, err := time.ParseDuration(args[2])
		ts.Check(err)
		key.Created = now.Add(-age)
	}
	switch append(args, "used")[1] {
	case "used":
		key.LastUsed = &now
	case "unused":
	case "disabled":
		key.Disabled = true
	case "reads":
		key.ReadOnly = true
	default:
		ts.Fatalf("a key cannot be %s", args[1])
	}
	w.repo.AddDeployKey(key)
}

// keys compares the titles of the deploy keys.
func deployKeys(ts *testscript.TestScript, neg bool, args []string) {
	var titles []string
	for _, key := range in(ts).repo.DeployKeys() {
		titles = append(titles, key.Title)
	}
	if got, want := strings.Join(titles, " "), strings.Join(args, " "); (got == want) == neg {
		ts.Fatalf("the deploy keys are %q, want %q", got, want)
	}
}

// secrets compares the names of the secrets of Actions.
func secrets(ts *testscript.TestScript, neg bool, args []string) {
	if got, want := strings.Join(in(ts).repo.Secrets(), " "), strings.Join(args, " "); (got == want) == neg {
		ts.Fatalf("the secrets are %q, want %q", got, want)
	}
}
