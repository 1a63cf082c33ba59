package workflowfile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/workflowfile"
)

// what is written without a job that matters.
const jobs = "\njobs: {promote: {steps: []}}\n"

func TestTriggers(t *testing.T) {
	for name, test := range map[string]struct {
		on   string
		want rollout.WorkflowFile
	}{
		"one":              {"on: push", rollout.WorkflowFile{Push: true}},
		"some":             {"on: [push, workflow_dispatch]", rollout.WorkflowFile{Push: true, Dispatch: true}},
		"each":             {"on: {push: , workflow_dispatch: }", rollout.WorkflowFile{Push: true, Dispatch: true}},
		"others":           {"on: {pull_request: , workflow_call: }", rollout.WorkflowFile{}},
		"some branches":    {"on: {push: {branches: [main, 'r/**']}}", rollout.WorkflowFile{Push: true, Branches: []string{"main", "r/**"}}},
		"one branch":       {"on: {push: {branches: main}}", rollout.WorkflowFile{Push: true, Branches: []string{"main"}}},
		"ignored branches": {"on: {push: {branches-ignore: [main]}}", rollout.WorkflowFile{Push: true, Branches: []string{"**", "!main"}}},
		"tags alone":       {"on: {push: {tags: ['v*']}}", rollout.WorkflowFile{}},
		"tags, and a branch": {
			"on: {push: {tags: ['v*'], branches: [main]}}", rollout.WorkflowFile{Push: true, Branches: []string{"main"}},
		},
		"schedules": {"on: {schedule: [{cron: '17 * * * *'}, {cron: '3 4 * * *'}]}", rollout.WorkflowFile{Schedules: []string{"17 * * * *", "3 4 * * *"}}},
		"inputs":    {"on: {workflow_dispatch: {inputs: {reason: , stage: {default: apps}}}}", rollout.WorkflowFile{Dispatch: true, Inputs: []string{"reason", "stage"}}},
		"a name of its runs": {
			"run-name: Promote ${{ inputs.request }}\non: push", rollout.WorkflowFile{Push: true, RunName: "Promote ${{ inputs.request }}"},
		},
		"an alias": {"x: &b [main]\non: {push: {branches: *b}}", rollout.WorkflowFile{Push: true, Branches: []string{"main"}}},
		"an alias of itself": {
			"on: &a {push: *a}", rollout.WorkflowFile{Push: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := workflowfile.Parse([]byte(test.on + jobs))
			if err != nil {
				t.Fatal(err)
			}
			got.Jobs = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJobs(t *testing.T) {
	got, err := workflowfile.Parse([]byte(`on: push
permissions: read-all
jobs:
  inherits:
    uses: ./.github/workflows/other.yaml
  own:
    permissions: {contents: write, statuses: read}
    steps:
      - run: make
      - uses: actions/checkout@v4
  none:
    permissions: {}
  all:
    permissions: write-all
`))
	if err != nil {
		t.Fatal(err)
	}
	nothing := map[string]string{}
	want := []rollout.WorkflowJob{
		{Name: "inherits", Permissions: nothing, PermissionsAll: "read", Given: true, Uses: []rollout.WorkflowUse{{Name: "./.github/workflows/other.yaml", Line: 5}}},
		{
			Name: "own", Permissions: map[string]string{"contents": "write", "statuses": "read"}, Given: true,
			Uses: []rollout.WorkflowUse{{Name: "actions/checkout@v4", Line: 10}},
		},
		{Name: "none", Permissions: nothing, Given: true},
		{Name: "all", Permissions: nothing, PermissionsAll: "write", Given: true},
	}
	if diff := cmp.Diff(want, got.Jobs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err = workflowfile.Parse([]byte("on: push" + jobs))
	if err != nil || got.Jobs[0].Given {
		t.Errorf("nobody gives any permission, and %+v, %v", got.Jobs, err)
	}
}

func TestWhatIsNoWorkflow(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":     {"", "has no keys"},
		"a list":      {"- on", "has no keys"},
		"no YAML":     {"on: [push\n\x1b::error::forged", "no YAML"},
		"no triggers": {"jobs: {a: {}}", "no `on`"},
		"no jobs":     {"on: push", "no `jobs`"},
		"too large":   {"on: push\n#" + strings.Repeat("x", 512<<10), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := workflowfile.Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%q, want %q", err, test.want)
			}
		})
	}
}

// The workflow of this repository is read to the last action.
func TestOwnWorkflow(t *testing.T) {
	data, err := os.ReadFile("../../.github/workflows/release-promote.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := workflowfile.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, j := range got.Jobs {
		uses += len(j.Uses)
	}
	if want := strings.Count(string(data), "\n        uses: "); uses != want || want == 0 {
		t.Errorf("%d actions were read, and there are %d", uses, want)
	}
	if !got.Push || !got.Dispatch || len(got.Schedules) != 1 || len(got.Jobs) != 3 {
		t.Errorf("it was read as %+v", got)
	}
}
