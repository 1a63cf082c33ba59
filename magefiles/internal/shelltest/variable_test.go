package shelltest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReasonArrivesAsTyped(t *testing.T) {
	const task = "flux:override-staged-rollout"
	for name, reason := range hostile {
		want := []string{"release:override", "-reason=" + reason}
		t.Run(name, func(t *testing.T) {
			t.Run("from the environment", func(t *testing.T) {
				newWorkbench(t).passesOn(t, want, []string{"REASON=" + reason}, task)
			})
			t.Run("from the command line", func(t *testing.T) {
				b := newWorkbench(t)
				if !strings.Contains(reason, "{{") {
					b.passesOn(t, want, []string{"REASON=another one"}, task, "REASON="+reason)
					return
				}
				// Task has evaluated it by then, so it has to be refused.
				r := b.run(t, []string{"REASON=another one"}, task, "REASON="+reason)
				if got := b.mage.arguments(t); got != nil || r.code == 0 {
					t.Errorf("not refused: exit %d, mage got %q", r.code, got)
				}
				b.nothingExecuted(t)
			})
		})
	}
}

// Whatever stands in any variable of any task becomes one argument of the
// target, and nothing else.
func TestEveryVariableArrivesAsTyped(t *testing.T) {
	var typed, all []string
	for _, text := range slices.Sorted(maps.Values(hostile)) {
		all = append(all, text)
		if !strings.Contains(text, "{{") { // the command line cannot have it
			typed = append(typed, text)
		}
	}
	for name, spec := range allTasks(t) {
		if len(spec.Env) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Run("from the environment", func(t *testing.T) {
				variables, want := filledIn(spec, strings.Join(all, " "))
				newWorkbench(t).passesOn(t, want, variables, name)
			})
			t.Run("from the command line", func(t *testing.T) {
				variables, want := filledIn(spec, strings.Join(typed, " "))
				newWorkbench(t).passesOn(t, want, nil, append([]string{name}, variables...)...)
			})
		})
	}
}

// filledIn is a task with the same text in each of its variables: these, and
// what the target is called with.
func filledIn(spec taskSpec, text string) (variables, want []string) {
	for variable := range spec.Env {
		variables = append(variables, strings.TrimPrefix(variable, "ARG_")+"="+text)
	}
	parts := command.FindStringSubmatch(spec.Cmds[0].Value)
	want = []string{parts[1]}
	for range word.FindAllString(parts[2], -1) {
		want = append(want, text)
	}
	for _, f := range flag.FindAllStringSubmatch(parts[3], -1) {
		want = append(want, "-"+f[2]+"="+text)
	}
	return variables, want
}

func (b workbench) passesOn(t *testing.T, want, env []string, args ...string) {
	t.Helper()
	r := b.run(t, env, args...)
	if diff := cmp.Diff(want, b.mage.arguments(t)); diff != "" {
		t.Errorf("arguments of mage (-want +got):\n%s%s", diff, r.stderr)
	}
	b.nothingExecuted(t)
}

func (b workbench) nothingExecuted(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(b.dir, "executed")); err == nil {
		t.Error("the reason was executed")
	}
}

func TestTemplateOnCommandLineIsExplained(t *testing.T) {
	tasks := 0
	for name, spec := range allTasks(t) {
		if _, ok := spec.Env["ARG_REASON"]; !ok {
			continue
		}
		tasks++
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			r := b.run(t, nil, name, "SHA=1a2b3c4", "CLUSTER=apps", "REASON={{.MAGE}}")
			if want := "REASON='…' task"; !strings.Contains(r.stderr, want) || b.mage.arguments(t) != nil {
				t.Errorf("no way out (%s) in:\n%s", want, r.stderr)
			}
		})
	}
	if tasks == 0 {
		t.Error("no task takes a reason")
	}
}

func TestRequiredVariables(t *testing.T) {
	for _, tt := range []struct {
		task  string
		given []string
		want  string
	}{
		{"hold", nil, "REASON is required"},
		{"hold", []string{"REASON="}, "REASON is required"},
		{"hold", []string{"STAGE=apps", "UNTIL=4h"}, "REASON is required"},
		{"taint", []string{"REASON=why"}, "SHA is required"},
		{"taint", []string{"SHA=1a2b3c4"}, "REASON is required"},
		{"clear", []string{"REASON=why"}, "SHA is required"},
		{"clear", []string{"SHA=1a2b3c4"}, "REASON is required"},
	} {
		for _, namespace := range []string{"flux:", "release:"} {
			requires(t, namespace+tt.task, tt.given, tt.want)
		}
	}
	requires(t, "flux:suspend", []string{"APP=podinfo"}, "CLUSTER is required")
	requires(t, "flux:reconcile", nil, "CLUSTER is required")
	requires(t, "verify:diff", []string{"TO=main"}, "FROM is required")
	requires(t, "verify:diff", []string{"FROM=release", "TO="}, "TO is required")
}

func requires(t *testing.T, task string, given []string, want string) {
	t.Helper()
	t.Run(fmt.Sprintf("%s %v", task, given), func(t *testing.T) {
		b := newWorkbench(t)
		r := b.run(t, nil, append([]string{task}, given...)...)
		if got := b.mage.arguments(t); got != nil {
			t.Errorf("mage was called with %q", got)
		}
		if r.code == 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("exit %d, want a failure that says %q, got:\n%s", r.code, want, r.stderr)
		}
	})
}

// A variable that is empty is most likely another one that is not set, and
// without it a task does the most there is.
func TestEmptyVariablesAreRefused(t *testing.T) {
	refused(t, "is given, and empty", []string{"SHA=1a2b3c4", "REASON=why", "CLUSTER=apps", "STAGE="}, []string{"SHA=1a2b3c4", "REASON=why", "CLUSTER=apps", "UNTIL= "})
}

// A variable that no task knows would be ignored.
func TestUnknownVariablesAreRefused(t *testing.T) {
	refused(t, "that no task here knows", []string{"SHA=1a2b3c4", "REASON=why", "CLUSTER=apps", "YEAR=1"})
}

// refused checks that no task that takes variables takes these.
func refused(t *testing.T, why string, cases ...[]string) {
	t.Helper()
	for name, spec := range allTasks(t) {
		if len(spec.Env) == 0 || strings.HasPrefix(name, "verify:") {
			continue
		}
		for _, variables := range cases {
			t.Run(fmt.Sprintf("%s %v", name, variables), func(t *testing.T) {
				b := newWorkbench(t)
				r := b.run(t, nil, append([]string{name}, variables...)...)
				if got := b.mage.arguments(t); r.code == 0 || got != nil || !strings.Contains(r.stderr, why) {
					t.Errorf("exit %d, mage was called with %q:\n%s", r.code, got, r.stderr)
				}
			})
		}
	}
}

func TestVariablesBecomeFlags(t *testing.T) {
	tests := []struct {
		task      string
		variables []string
		want      []string
	}{
		{"demo", nil, []string{"demo"}},
		{"simulate", nil, []string{"simulate"}},
		{"simulate", []string{"YEARS=3", "SEED=7"}, []string{"simulate", "-years=3", "-seed=7"}},
		{"test", nil, []string{"test"}},
		{"e2e", nil, []string{"e2e"}},
		{"bench", nil, []string{"bench"}},
		{"lint", nil, []string{"lint"}},
		{"flux:override-staged-rollout", nil, []string{"release:override"}},
		{
			"flux:override-staged-rollout",
			[]string{"REASON=why", "SHA=1a2b3c4", "STAGE=apps", "DIRECT=true", "YES=1", "THROUGH_HOLD=true", "WAIT=false"},
			[]string{"release:override", "-reason=why", "-sha=1a2b3c4", "-stage=apps", "-direct=true", "-yes=1", "-throughHold=true", "-wait=false"},
		},
		{"flux:override-staged-rollout", []string{"YES=false"}, []string{"release:override", "-yes=false"}},
		{"flux:override-staged-rollout", []string{"SHA=$(id) -yes"}, []string{"release:override", "-sha=$(id) -yes"}},
		{"flux:hold", []string{"REASON=why"}, []string{"release:hold", "why"}},
		{"flux:hold", []string{"REASON=why", "STAGE=apps", "UNTIL=2026-03-05 18:00"}, []string{"release:hold", "why", "-stage=apps", "-until=2026-03-05 18:00"}},
		{"flux:resume", nil, []string{"release:resume"}},
		{
			"flux:resume",
			[]string{"STAGE=apps", "BY=ada", "ALL=true", "REASON=why"},
			[]string{"release:resume", "-stage=apps", "-by=ada", "-all=true", "-reason=why"},
		},
		{"flux:resume", []string{"CLUSTER=apps", "APP=a/b"}, []string{"release:resume", "-cluster=apps", "-app=a/b"}},
		{"flux:suspend", []string{"CLUSTER=apps"}, []string{"flux:suspend", "apps"}},
		{"flux:suspend", []string{"CLUSTER=a b", "APP=podinfo", "REASON=$(id)"}, []string{"flux:suspend", "a b", "-app=podinfo", "-reason=$(id)"}},
		{"flux:reconcile", []string{"CLUSTER=apps"}, []string{"flux:reconcile", "apps"}},
		{"flux:reconcile", []string{"CLUSTER=a b", "APP=podinfo", "TIMEOUT=10m"}, []string{"flux:reconcile", "a b", "-app=podinfo", "-timeout=10m"}},
		{"flux:taint", []string{"SHA=1a2b3c4", "REASON=why"}, []string{"release:taint", "1a2b3c4", "why"}},
		{"flux:clear", []string{"SHA=1a2b3c4", "REASON=why"}, []string{"release:clear", "1a2b3c4", "why"}},
		{"flux:explain", nil, []string{"release:explain"}},
		{"flux:explain", []string{"SHA=1a2b3c4", "STAGE=apps", "JSON=true"}, []string{"release:explain", "-sha=1a2b3c4", "-stage=apps", "-json=true"}},
		{"flux:diff", nil, []string{"release:diff"}},
		{"flux:diff", []string{"STAGE=apps", "SHA=1a2b3c4", "JSON=true"}, []string{"release:diff", "-stage=apps", "-sha=1a2b3c4", "-json=true"}},
		{"release:hold", []string{"REASON=why"}, []string{"release:hold", "why"}},
		{"release:hold", []string{"REASON=why", "STAGE=apps", "UNTIL=2026-03-05 18:00"}, []string{"release:hold", "why", "-stage=apps", "-until=2026-03-05 18:00"}},
		{"release:resume", nil, []string{"release:resume"}},
		{
			"release:resume",
			[]string{"STAGE=apps", "BY=ada", "ALL=true", "REASON=why"},
			[]string{"release:resume", "-stage=apps", "-by=ada", "-all=true", "-reason=why"},
		},
		{"release:resume", []string{"CLUSTER=apps", "APP=a/b"}, []string{"release:resume", "-cluster=apps", "-app=a/b"}},
		{"release:taint", []string{"SHA=1a2b3c4", "REASON=why"}, []string{"release:taint", "1a2b3c4", "why"}},
		{"release:clear", []string{"SHA=1a2b3c4", "REASON=why"}, []string{"release:clear", "1a2b3c4", "why"}},
		{"release:explain", nil, []string{"release:explain"}},
		{"release:explain", []string{"SHA=1a2b3c4", "STAGE=apps", "JSON=true"}, []string{"release:explain", "-sha=1a2b3c4", "-stage=apps", "-json=true"}},
		{"release:diff", nil, []string{"release:diff"}},
		{"release:diff", []string{"STAGE=apps", "SHA=1a2b3c4", "JSON=true"}, []string{"release:diff", "-stage=apps", "-sha=1a2b3c4", "-json=true"}},
		{"flux:rollout-status", nil, []string{"release:status"}},
		{"flux:rollout-status", []string{"JSON=true"}, []string{"release:status", "-json=true"}},
		{"flux:rollout-history", nil, []string{"release:history"}},
		{"flux:rollout-history", []string{"JSON=true", "LIMIT=3"}, []string{"release:history", "-json=true", "-limit=3"}},
		{"release:init", nil, []string{"release:init"}},
		{"release:init", []string{"DRY_RUN=true", "STRICT=true", "APP=7"}, []string{"release:init", "-dryRun=true", "-strict=true", "-app=7"}},
		{"release:promote", nil, []string{"release:promote"}},
		{"release:promote", []string{"STAGE=apps", "DRY_RUN=true", "WAIT=true"}, []string{"release:promote", "-stage=apps", "-dryRun=true", "-wait=true"}},
		{"release:status", nil, []string{"release:status"}},
		{"release:watch", nil, []string{"release:watch"}},
		{"release:status", []string{"JSON=true"}, []string{"release:status", "-json=true"}},
		{"release:doctor", nil, []string{"release:doctor"}},
		{"release:doctor", []string{"JSON=true"}, []string{"release:doctor", "-json=true"}},
		{"release:history", nil, []string{"release:history"}},
		{"release:history", []string{"JSON=true", "LIMIT=3"}, []string{"release:history", "-json=true", "-limit=3"}},
		{"release:rollback", []string{"REASON=it leaks"}, []string{"release:rollback", "it leaks"}},
		{
			"release:rollback",
			[]string{"REASON=it leaks", "TO=1a2b3c4", "STAGE=apps", "DRY_RUN=true"},
			[]string{"release:rollback", "it leaks", "-to=1a2b3c4", "-stage=apps", "-dryRun=true"},
		},
		{"release:repair", nil, []string{"release:repair"}},
		{
			"release:repair",
			[]string{"HOW=reset", "STAGE=apps", "REASON=a slip", "TO=1a2b3c4", "YES=release", "DRY_RUN=true"},
			[]string{"release:repair", "-how=reset", "-stage=apps", "-reason=a slip", "-to=1a2b3c4", "-yes=release", "-dryRun=true"},
		},
		{"release:backtest", nil, []string{"release:backtest"}},
		{
			"release:backtest",
			[]string{"REPO=../a b", "BRANCH=main", "SINCE=2026-01-01", "POLICY=plan,tip", "STAGE=apps", "JSON=true", "SVG=true"},
			[]string{"release:backtest", "-repo=../a b", "-branch=main", "-since=2026-01-01", "-policy=plan,tip", "-stage=apps", "-json=true", "-svg=true"},
		},
		{"release:board", nil, []string{"release:board"}},
		{"release:board", []string{"OUT=a b"}, []string{"release:board", "-out=a b"}},
		{"release:metrics", nil, []string{"release:metrics"}},
		{"release:metrics", []string{"OUT=a b.prom", "SINCE=2026-01-01", "JSON=true"}, []string{"release:metrics", "-out=a b.prom", "-since=2026-01-01", "-json=true"}},
		{"release:watchdog", nil, []string{"release:watchdog"}},
		{"release:watchdog", []string{"AFTER=30m", "SILENCE=1d", "JSON=true"}, []string{"release:watchdog", "-after=30m", "-silence=1d", "-json=true"}},
		{"verify:branches", nil, []string{"verify:branches"}},
		{"verify:branches", []string{"FORMAT=json"}, []string{"verify:branches", "-format=json"}},
		{"verify:branches", []string{"CLUSTER=apps", "CHANGED_SINCE=origin/main"}, []string{"verify:branches", "-cluster=apps", "-changedSince=origin/main"}},
		{"verify:tree", nil, []string{"verify:tree"}},
		{"verify:tree", []string{"CLUSTER=apps", "JSON=true"}, []string{"verify:tree", "-cluster=apps", "-json=true"}},
		{"verify:diff", []string{"FROM=release", "TO=main"}, []string{"verify:diff", "release", "main"}},
		{
			"verify:diff",
			[]string{"FROM=HEAD~1", "TO=a b", "STAGE=apps", "CLUSTER=apps-1", "JSON=true"},
			[]string{"verify:diff", "HEAD~1", "a b", "-stage=apps", "-cluster=apps-1", "-json=true"},
		},
		{"verify:clusters", nil, []string{"verify:clusters"}},
		{"verify:clusters", []string{"CLUSTER=apps", "JSON=true"}, []string{"verify:clusters", "-cluster=apps", "-json=true"}},
		{"flux:verify-clusters", []string{"CLUSTER=a b", "JSON=true"}, []string{"verify:clusters", "-cluster=a b", "-json=true"}},
		{"verify:exposure", nil, []string{"verify:exposure"}},
		{"verify:exposure", []string{"FROM=v1", "TO=v2", "JSON=true"}, []string{"verify:exposure", "-from=v1", "-to=v2", "-json=true"}},
	}
	seen := []string{"default"}
	for _, tt := range tests {
		seen = append(seen, tt.task)
		t.Run(fmt.Sprintf("%s with %d variables", tt.task, len(tt.variables)), func(t *testing.T) {
			b := newWorkbench(t)
			r := b.run(t, nil, append([]string{tt.task}, tt.variables...)...)
			if diff := cmp.Diff(tt.want, b.mage.arguments(t)); diff != "" || r.code != 0 {
				t.Errorf("exit %d, arguments of mage (-want +got):\n%s%s", r.code, diff, r.stderr)
			}
		})
	}
	for name := range allTasks(t) {
		if !slices.Contains(seen, name) {
			t.Errorf("the task %s is not tested", name)
		}
	}
}
