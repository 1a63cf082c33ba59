package shelltest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWatchdogRunsByItself(t *testing.T) {
	watch, promote := workflows(t)[watching].On, promoteWorkflow(t).On
	if diff := cmp.Diff(promote.Push.Branches, watch.Push.Branches); diff != "" {
		t.Errorf("schedules are switched off after a while, so it has to run with a push, too (-promote +watchdog):\n%s", diff)
	}
	if len(watch.Schedule) != 1 || len(promote.Schedule) != 1 {
		t.Fatalf("schedules are %v and %v, want one each", watch.Schedule, promote.Schedule)
	}
	own, _, _ := strings.Cut(watch.Schedule[0].Cron, " ")
	other, _, _ := strings.Cut(promote.Schedule[0].Cron, " ")
	if minute, err := strconv.Atoi(own); err != nil || minute%5 == 0 || own == other {
		t.Errorf("it runs at %q, the promotions at %q: want a minute of its own that few others use", own, other)
	}
}

// What a caller may give, somebody who dispatches it may, too; the rest finds the
// toolkit.
func TestCallersOfTheWatchdogNeedNoToolkit(t *testing.T) {
	on := workflows(t)[watching].On
	call := maps.Clone(on.WorkflowCall.Inputs)
	for name := range on.WorkflowDispatch.Inputs {
		delete(call, name)
	}
	if got := slices.Sorted(maps.Keys(call)); !slices.Equal(got, []string{"toolkit", "toolkit_ref"}) {
		t.Errorf("what only callers give is %v", got)
	}
}

func TestWatchdogStep(t *testing.T) {
	steps := runSteps(workflows(t)[watching].Jobs["watchdog"])
	if len(steps) != 2 || steps[0].Env != nil {
		t.Fatalf("%d steps run something, want 2, the first without a token", len(steps))
	}
	for _, tt := range []struct {
		name string
		env  []string
		want []string
		code int
	}{
		{"tick", nil, []string{"release:watchdog"}, 0},
		{"alarm", []string{"RECORDER_EXIT=1"}, []string{"release:watchdog"}, 1},
		{"patience", []string{"AFTER=30m", "SILENCE=$(touch executed)"}, []string{"release:watchdog", "-after=30m", "-silence=$(touch executed)"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			recorded := newRecorder(t, "rollout")
			dir := t.TempDir()
			script := filepath.Join(dir, "script")
			if err := os.WriteFile(script, []byte(steps[1].Run), 0o644); err != nil {
				t.Fatal(err)
			}
			env := append([]string{"AFTER=", "SILENCE=", "RUNNER_TEMP=" + filepath.Dir(recorded.path), "RECORDER_LOG=" + recorded.log}, tt.env...)
			r := run(t, dir, "", env, "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
			if diff := cmp.Diff(tt.want, recorded.arguments(t)); diff != "" || r.code != tt.code {
				t.Errorf("exit %d, want %d; arguments (-want +got):\n%s%s", r.code, tt.code, diff, r.stderr)
			}
		})
	}
}
