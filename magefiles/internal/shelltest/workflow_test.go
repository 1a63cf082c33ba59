package shelltest

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// The parts of a workflow that matter here. See
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
type (
	workflow struct {
		RunName     string `yaml:"run-name"`
		On          triggers
		Permissions *map[string]string
		Concurrency yaml.Node
		Defaults    struct{ Run struct{ Shell string } }
		Jobs        map[string]job
	}
	triggers struct {
		Push             struct{ Branches []string }
		PullRequest      yaml.Node `yaml:"pull_request"`
		Schedule         []struct{ Cron string }
		WorkflowDispatch struct{ Inputs map[string]input } `yaml:"workflow_dispatch"`
		WorkflowCall     struct {
			Inputs  map[string]input
			Secrets map[string]struct{ Required bool }
		} `yaml:"workflow_call"`
	}
	input struct {
		Description, Type string
		Required          bool
		Default           any
	}
	job struct {
		If              string
		Needs           string
		ContinueOnError bool `yaml:"continue-on-error"`
		Outputs         map[string]string
		Environment     string
		TimeoutMinutes  int `yaml:"timeout-minutes"`
		Permissions     *map[string]string
		Concurrency     *struct {
			Group            string
			CancelInProgress yaml.Node `yaml:"cancel-in-progress"`
		}
		Env   map[string]string
		Steps []step
	}
	step struct {
		ID       string
		Name, If string
		Uses     yaml.Node
		With     map[string]string
		Run      string
		Shell    string
		Env      map[string]string
	}
)

const (
	workflowDir = root + "/.github/workflows"
	promoting   = rollout.PromoteWorkflow
	watching    = "release-watchdog.yaml"
	drawing     = "release-board.yaml"
)

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(workflowDir, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows in %s: %v", workflowDir, err)
	}
	found := map[string]workflow{}
	for _, path := range paths {
		var w workflow
		readYAML(t, path, &w)
		found[filepath.Base(path)] = w
	}
	return found
}

func promoteWorkflow(t *testing.T) workflow {
	t.Helper()
	w, ok := workflows(t)[promoting]
	if !ok {
		t.Fatalf("there is no workflow %s", promoting)
	}
	return w
}

// runSteps are the steps of a job that run a script.
func runSteps(j job) []step {
	var found []step
	for _, s := range j.Steps {
		if s.Run != "" {
			found = append(found, s)
		}
	}
	return found
}

// promotingStep is the step that runs the target: the last one, after the one
// that compiles it.
func promotingStep(t *testing.T) step {
	t.Helper()
	found := runSteps(promoteWorkflow(t).Jobs["promote"])
	if len(found) != 2 {
		t.Fatalf("%d steps run something, want 2", len(found))
	}
	return found[1]
}

func TestNoTokenIsAboutWhileCompiling(t *testing.T) {
	compile := runSteps(promoteWorkflow(t).Jobs["promote"])[0]
	if compile.Run != `go tool mage -compile "$RUNNER_TEMP/rollout"` || compile.Env != nil {
		t.Errorf("the first script is %q, with the environment %v", compile.Run, compile.Env)
	}
}

func TestPermissions(t *testing.T) {
	for file, w := range workflows(t) {
		t.Run(file, func(t *testing.T) {
			if w.Permissions == nil || len(*w.Permissions) != 0 {
				t.Errorf("permissions of the workflow are %v, want {}: each job asks for its own", w.Permissions)
			}
			for name, j := range w.Jobs {
				want := map[string]string{"contents": "read"}
				switch {
				case file == promoting && name == "soak":
					want = map[string]string{}
				case file == promoting && name == "promote":
					want = map[string]string{"contents": "write", "statuses": "read"}
				case file == drawing && name == "draw":
					want = map[string]string{"contents": "read", "statuses": "read"}
				case file == drawing && name == "publish":
					want = map[string]string{"id-token": "write", "pages": "write"}
				case file == watching:
					want = map[string]string{"actions": "read", "contents": "read", "statuses": "read"}
				}
				if j.Permissions == nil {
					t.Errorf("%s says nothing of its permissions", name)
				} else if diff := cmp.Diff(want, *j.Permissions); diff != "" {
					t.Errorf("permissions of %s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestJobsEndAndRunBash(t *testing.T) {
	for file, w := range workflows(t) {
		t.Run(file, func(t *testing.T) {
			if w.Defaults.Run.Shell != "bash" {
				t.Error("without shell: bash a pipe that fails in the middle passes")
			}
			for name, j := range w.Jobs {
				if j.TimeoutMinutes < 1 || j.TimeoutMinutes > 60 {
					t.Errorf("timeout-minutes of %s is %d, want 1 to 60", name, j.TimeoutMinutes)
				}
				for _, s := range j.Steps {
					if s.Shell != "" {
						t.Errorf("%s has a shell of its own: %s", name, s.Shell)
					}
				}
			}
		})
	}
}

func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^([\w.-]+/[\w./-]+)@[0-9a-f]{40}$`)
	version := regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)
	pins := map[string]string{}
	for file, w := range workflows(t) {
		for name, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Uses.Value == "" {
					continue
				}
				parts := pinned.FindStringSubmatch(s.Uses.Value)
				if parts == nil {
					t.Errorf("%s, %s: %s is not pinned to a commit", file, name, s.Uses.Value)
					continue
				}
				if !version.MatchString(s.Uses.LineComment) {
					t.Errorf("%s, %s: no version beside %s", file, name, s.Uses.Value)
				}
				pin := s.Uses.Value + " " + s.Uses.LineComment
				if other, ok := pins[parts[1]]; ok && other != pin {
					t.Errorf("two pins of one action: %s and %s", other, pin)
				}
				pins[parts[1]] = pin
			}
		}
	}
	if want, got := []string{"actions/checkout", "actions/create-github-app-token", "actions/deploy-pages", "actions/setup-go", "actions/upload-pages-artifact"}, slices.Sorted(maps.Keys(pins)); !slices.Equal(got, want) {
		t.Errorf("actions in use are %v, want %v", got, want)
	}
}

func TestScriptsTakeNothingFromExpressions(t *testing.T) {
	for file, w := range workflows(t) {
		for name, j := range w.Jobs {
			for _, s := range j.Steps {
				if strings.Contains(s.Run, "${{") {
					t.Errorf("%s, %s: an expression becomes part of the script, which whoever writes its value can make execute anything:\n%s", file, name, s.Run)
				}
				if s.Uses.Value != "" && strings.HasPrefix(s.Uses.Value, "actions/checkout@") && s.With["persist-credentials"] != "false" {
					t.Errorf("%s, %s: the checkout leaves its token on disk", file, name)
				}
			}
		}
	}
}

func TestTargetsThatWorkflowsCallExist(t *testing.T) {
	target := regexp.MustCompile(`\b(?:flux|release|verify):[A-Za-z]+|go tool mage ([a-z0-9:]+)`)
	flags := regexp.MustCompile(`\s"?-([A-Za-z]+)=`)
	words := regexp.MustCompile(`\s"?\$?[A-Za-z0-9~^]+`)
	calls := 0
	check := func(script string) {
		for _, line := range strings.Split(script, "\n") {
			m := target.FindStringSubmatch(line)
			if m == nil || strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			name := m[0]
			if m[1] != "" {
				name = m[1]
			}
			var given []string
			for _, f := range flags.FindAllStringSubmatch(line, -1) {
				given = append(given, f[1])
			}
			_, rest, _ := strings.Cut(line, name)
			checkCall(t, name, len(words.FindAllString(rest, -1)), given)
			calls++
		}
	}
	for _, w := range workflows(t) {
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				check(s.Run)
			}
		}
	}
	if calls != 7 {
		t.Errorf("%d calls of Mage targets, want 7: promote, override, watchdog, board, verify, and diff twice", calls)
	}
	script, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	check(string(script))
	if calls != 11 {
		t.Errorf("%d calls of Mage targets in .ci/run, want 4: test, verify, demo, e2e", calls-7)
	}
	checkCall(t, "release:override", 0, []string{"direct", "yes", "throughHold", "reason", "sha", "stage"})
	checkCall(t, "release:promote", 0, []string{"stage"})
	checkCall(t, "release:board", 0, []string{"out"})
	checkCall(t, "release:watchdog", 0, []string{"after", "silence"})
}

func TestSoakWaitsWithoutBlockingAnybody(t *testing.T) {
	w := promoteWorkflow(t)
	soak := w.Jobs["soak"]
	if !w.Concurrency.IsZero() || soak.Concurrency != nil {
		t.Error("soak is in a concurrency group: the next push would cancel its wait")
	}
	if soak.Environment != "staged-rollout" {
		t.Errorf("environment is %q, want staged-rollout, which has the wait timer", soak.Environment)
	}
	if soak.If != "github.event_name == 'push' && !inputs.skip_wait" {
		t.Errorf("soak runs if %q, want after a push only", soak.If)
	}
	if soak.Needs != "" || len(soak.Steps) != 1 || runSteps(soak)[0].Env != nil {
		t.Error("soak does more than wait")
	}
}

func TestPromoteIsOneAtATime(t *testing.T) {
	w := promoteWorkflow(t)
	promote := w.Jobs["promote"]
	if promote.Needs != "soak" {
		t.Errorf("needs %q, want soak", promote.Needs)
	}
	if want := "${{ !cancelled() && (needs.soak.result == 'success' || needs.soak.result == 'skipped') }}"; promote.If != want {
		t.Errorf("runs if %s\n want %s", promote.If, want)
	}
	if promote.Environment != "" {
		t.Error("promote waits for an environment: then an override would wait, too")
	}
	if promote.Concurrency == nil {
		t.Fatal("promote is in no concurrency group")
	}
	// The group without skip_wait is the text alone. With it, the run's ID makes
	// it one of its own, where no later run can cancel the override.
	if want := "staged-rollout-promote${{ inputs.skip_wait && format('-{0}', github.run_id) || '' }}"; promote.Concurrency.Group != want {
		t.Errorf("group is  %s\n want %s", promote.Concurrency.Group, want)
	}
	if promote.Concurrency.CancelInProgress.Value != "false" {
		t.Error("a newer run would cancel a promotion in the middle")
	}
}

func TestPromoteReadsThePlanAsItIsNow(t *testing.T) {
	promote := promoteWorkflow(t).Jobs["promote"]
	checkout := promote.Steps[0]
	if want := "refs/heads/${{ github.event.repository.default_branch || github.ref_name }}"; checkout.With["ref"] != want {
		t.Errorf("checks out %q, want the default branch: %s", checkout.With["ref"], want)
	}
	if _, ok := checkout.With["fetch-depth"]; ok {
		t.Error("the history is not needed: leave fetch-depth at 1")
	}
}

func TestTriggersOfPromote(t *testing.T) {
	on := promoteWorkflow(t).On
	var plan struct{ Stages []struct{ Branch string } }
	readYAML(t, filepath.Join(root, "clusters", "rollout.yaml"), &plan)
	if want := []string{plan.Stages[0].Branch}; !slices.Equal(on.Push.Branches, want) {
		t.Errorf("pushes to %v, want the first stage's branch, %v", on.Push.Branches, want)
	}
	if len(on.Schedule) != 1 {
		t.Fatalf("%d schedules, want 1", len(on.Schedule))
	}
	minute, hours, _ := strings.Cut(on.Schedule[0].Cron, " ")
	if m, err := strconv.Atoi(minute); err != nil || m%5 == 0 || hours != "* * * *" {
		t.Errorf("schedule is %q, want every hour at a minute that few others use", on.Schedule[0].Cron)
	}
}

// What the promoting step is given, and nobody else.
var credentials = map[string]string{
	"GH_TOKEN":            "${{ steps.app.outputs.token || secrets.token || secrets.ROLLOUT_TOKEN || github.token }}",
	"GH_ENTERPRISE_TOKEN": "${{ steps.app.outputs.token || secrets.token || secrets.ROLLOUT_TOKEN || github.token }}",
	"ROLLOUT_DEPLOY_KEY":  "${{ secrets.deploy_key || secrets.ROLLOUT_DEPLOY_KEY }}",
}

func TestCredentialsAreInOneStepOnly(t *testing.T) {
	promote := promoteWorkflow(t).Jobs["promote"]
	env := promotingStep(t).Env
	for name, want := range credentials {
		if env[name] != want {
			t.Errorf("%s is %q, want %s", name, env[name], want)
		}
	}
	if promote.Env != nil {
		t.Error("the job's environment reaches every step: give it to the step")
	}
	secret := regexp.MustCompile(`(?i)token|secrets\.`)
	onlyRead := []string{watching, drawing} // with the run's own token
	for file, w := range workflows(t) {
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				for name, value := range s.Env {
					if secret.MatchString(value) && value != credentials[name] && (!slices.Contains(onlyRead, file) || value != "${{ github.token }}") {
						t.Errorf("%s: a credential in %s of %s", file, name, s.Name)
					}
				}
			}
		}
	}
}

// The App's token may do what a promotion needs, and its private key goes to
// the action alone that makes the token.
func TestTokenOfTheApp(t *testing.T) {
	var found []step
	for _, s := range promoteWorkflow(t).Jobs["promote"].Steps {
		if strings.HasPrefix(s.Uses.Value, "actions/create-github-app-token@") {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d steps make a token, want 1", len(found))
	}
	if found[0].If != "vars.ROLLOUT_APP_ID" {
		t.Errorf("a token is made if %q: most have no App", found[0].If)
	}
	want := map[string]string{
		"app-id": "${{ vars.ROLLOUT_APP_ID }}", "private-key": "${{ secrets.app_key || secrets.ROLLOUT_APP_KEY }}",
		"permission-contents": "write", "permission-statuses": "read", "permission-workflows": "write",
	}
	if diff := cmp.Diff(want, found[0].With); diff != "" {
		t.Errorf("what the action is given (-want +got):\n%s", diff)
	}
}

// A caller can give every secret by its name here, or let it be inherited.
func TestSecretsOfCallers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(workflowDir, promoting))
	if err != nil {
		t.Fatal(err)
	}
	declared := promoteWorkflow(t).On.WorkflowCall.Secrets
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{\{[^}]*\}\}`).FindAllString(string(text), -1) {
		for _, name := range regexp.MustCompile(`secrets\.(\w+)`).FindAllStringSubmatch(m, -1) {
			used[name[1]] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(declared))); diff != "" {
		t.Errorf("secrets (-used +declared):\n%s", diff)
	}
}

// dispatched keeps what a workflow is started with.
type dispatched struct {
	rollout.Workflows
	file   string
	inputs map[string]string
}

func (d *dispatched) Dispatch(_ context.Context, file string, inputs map[string]string) (int64, error) {
	d.file, d.inputs = file, inputs
	return 0, errors.New("no further")
}

func TestOverrideFindsItsRun(t *testing.T) {
	var d dispatched
	dispatcher := rollout.Dispatcher{Workflows: &d, Request: "request-1"}
	// It sends the most inputs that an override sends.
	request := rollout.OverrideRequest{Revision: rollout.Prefix(strings.Repeat("1a2b3c4d", 5)), Reason: "why", ThroughHold: true}
	if _, err := dispatcher.Override(t.Context(), rollout.Stage{Name: "apps"}, request); err == nil {
		t.Fatal("the override went on")
	}
	w, ok := workflows(t)[d.file]
	if !ok {
		t.Fatalf("an override starts %s, which does not exist", d.file)
	}
	want := slices.Sorted(maps.Keys(d.inputs))
	if got := slices.Sorted(maps.Keys(w.On.WorkflowDispatch.Inputs)); !slices.Equal(got, want) {
		t.Errorf("inputs are %v, an override sends %v", got, want)
	}
	if !strings.Contains(w.RunName, "format('Promote, request {0}', inputs.request)") {
		t.Errorf("the request is not in the run's name: %s", w.RunName)
	}
}

func TestCallersNeedNoToolkit(t *testing.T) {
	on := promoteWorkflow(t).On
	call := maps.Clone(on.WorkflowCall.Inputs)
	for name := range on.WorkflowDispatch.Inputs {
		if _, ok := call[name]; !ok {
			t.Errorf("a caller cannot give %s", name)
		}
		delete(call, name)
	}
	want := map[string]any{"toolkit": "monosense/k8s-ops", "toolkit_ref": ""}
	got := map[string]any{}
	for name, in := range call {
		got[name] = in.Default
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what only callers give (-want +got):\n%s", diff)
	}
	for name, secret := range on.WorkflowCall.Secrets {
		if secret.Required {
			t.Errorf("callers have to bring the secret %s", name)
		}
	}
}

// promoteScript runs the script of the promoting step as GitHub would, with a
// recorder in the place of the compiled targets.
func promoteScript(t *testing.T, env ...string) (result, []string) {
	t.Helper()
	s := promotingStep(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte(s.Run), 0o644); err != nil {
		t.Fatal(err)
	}
	recorded := newRecorder(t, "rollout")
	// What is not given to a workflow is the empty text.
	env = append([]string{
		"SKIP_WAIT=", "THROUGH_HOLD=", "REASON=", "REVISION=", "STAGE=", "ATTEMPT=1", "RUNNER_TEMP=" + filepath.Dir(recorded.path),
		"RECORDER_LOG=" + recorded.log,
	}, env...)
	r := run(t, dir, "", env, "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
	if _, err := os.Stat(filepath.Join(dir, "executed")); err == nil {
		t.Error("an input was executed")
	}
	return r, recorded.arguments(t)
}

func TestPromotingStep(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want []string
		code int
	}{
		{"tick", nil, []string{"release:promote"}, 0},
		{"not yet", []string{"RECORDER_EXIT=75"}, []string{"release:promote"}, 0},
		{"failed", []string{"RECORDER_EXIT=1"}, []string{"release:promote"}, 1},
		{"not permitted", []string{"RECORDER_EXIT=77"}, []string{"release:promote"}, 77},
		{"dispatched", []string{"SKIP_WAIT=false", "STAGE=apps"}, []string{"release:promote", "-stage=apps"}, 0},
		{"override", []string{"SKIP_WAIT=true"}, []string{"release:override", "-direct", "-yes", "-wait=false"}, 0},
		{"override not done", []string{"SKIP_WAIT=true", "RECORDER_EXIT=75"}, []string{"release:override", "-direct", "-yes", "-wait=false"}, 75},
		{
			"override in full",
			[]string{"SKIP_WAIT=true", "THROUGH_HOLD=true", "REASON=why", "REVISION=1a2b3c4", "STAGE=apps"},
			[]string{"release:override", "-direct", "-yes", "-wait=false", "-throughHold", "-reason=why", "-sha=1a2b3c4", "-stage=apps"},
			0,
		},
		{"override not through a hold", []string{"SKIP_WAIT=true", "THROUGH_HOLD=false"}, []string{"release:override", "-direct", "-yes", "-wait=false"}, 0},
		{"override run again", []string{"SKIP_WAIT=true", "ATTEMPT=2"}, nil, 2},
		{
			"override of a revision run again",
			[]string{"SKIP_WAIT=true", "REVISION=1a2b3c4", "ATTEMPT=2"},
			[]string{"release:override", "-direct", "-yes", "-wait=false", "-sha=1a2b3c4"},
			0,
		},
		{"revision without override", []string{"SKIP_WAIT=false", "REVISION=1a2b3c4"}, nil, 2},
		{"reason without override", []string{"REASON=why"}, nil, 2},
		{"through a hold without override", []string{"SKIP_WAIT=false", "THROUGH_HOLD=true"}, nil, 2},
		{"dispatched by hand", []string{"SKIP_WAIT=false", "THROUGH_HOLD=false"}, []string{"release:promote"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, got := promoteScript(t, tt.env...)
			if diff := cmp.Diff(tt.want, got); diff != "" || r.code != tt.code {
				t.Errorf("exit %d, want %d; arguments of the binary (-want +got):\n%s%s", r.code, tt.code, diff, r.stderr)
			}
		})
	}
}

func TestInputsArriveAsTyped(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			_, got := promoteScript(t, "SKIP_WAIT=true", "REASON="+text, "REVISION="+text, "STAGE="+text)
			want := []string{"-reason=" + text, "-sha=" + text, "-stage=" + text}
			if len(got) < 3 || !slices.Equal(got[len(got)-3:], want) {
				t.Errorf("the binary was called with %q, want it to end with %q", got, want)
			}
		})
	}
}

// What went out is shown by a job that no promotion waits for or fails with, and
// that has no credential.
func TestWhatWentOutIsShown(t *testing.T) {
	w := promoteWorkflow(t)
	promote, diff := w.Jobs["promote"], w.Jobs["diff"]
	if got, want := promote.Outputs["promoted"], "${{ steps."+promotingStep(t).ID+".outputs.promoted }}"; got != want {
		t.Errorf("what was promoted is %q, want %q", got, want)
	}
	if diff.Needs != "promote" || !strings.Contains(diff.If, "!cancelled() && needs.promote.outputs.promoted") {
		t.Errorf("it runs after %q, if %q", diff.Needs, diff.If)
	}
	if !diff.ContinueOnError || diff.Concurrency != nil {
		t.Error("what goes wrong in it fails the run, or the next promotion waits for it")
	}
	steps := runSteps(diff)
	recorded := newRecorder(t, "rollout")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte(steps[len(steps)-1].Run), 0o644); err != nil {
		t.Fatal(err)
	}
	for code := range 2 {
		env := []string{
			"PROMOTED=edge 1111111 2222222\napps $(touch executed) 4444444", "RUNNER_TEMP=" + filepath.Dir(recorded.path),
			"RECORDER_LOG=" + recorded.log, "RECORDER_EXIT=" + strconv.Itoa(code),
		}
		r := run(t, t.TempDir(), "", env, "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		want := []string{"verify:diff", "$(touch", "executed) 4444444", "-stage=apps"}
		if diff := cmp.Diff(want, recorded.arguments(t)); diff != "" || r.code != code {
			t.Errorf("exit %d, want %d, and the last stage shown, whatever came of the first (-want +got):\n%s%s", r.code, code, diff, r.stderr)
		}
	}
}

func TestActionlint(t *testing.T) {
	const module = "github.com/rhysd/actionlint"
	version := ciTools(t)[module+"/cmd/actionlint"]
	list := exec.Command("go", "list", "-m", module+"@"+version)
	list.Dir = t.TempDir()
	if out, err := list.CombinedOutput(); err != nil && os.Getenv("CI") != "true" {
		t.Skipf("the module proxy is out of reach, and with it actionlint: %s", out)
	}
	lint := exec.Command("go", "run", module+"/cmd/actionlint@"+version)
	lint.Dir = root
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}
}
