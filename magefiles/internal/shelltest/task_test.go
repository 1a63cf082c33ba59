package shelltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The parts of a Taskfile that matter here. See https://taskfile.dev/schema.json.
type (
	taskfile struct {
		Includes map[string]string
		Tasks    map[string]taskSpec
	}
	taskSpec struct {
		Desc, Summary string
		Env           map[string]struct{ Ref string }
		Preconditions []struct{ Sh, Msg string }
		Cmds          []yaml.Node
		Interactive   bool
	}
)

// allTasks are the tasks of all Taskfiles by the names that people type.
func allTasks(t *testing.T) map[string]taskSpec {
	t.Helper()
	var top taskfile
	readYAML(t, filepath.Join(root, "Taskfile.yaml"), &top)
	tasks := top.Tasks
	for namespace, dir := range top.Includes {
		var included taskfile
		readYAML(t, filepath.Join(root, dir, "Taskfile.yaml"), &included)
		for name, spec := range included.Tasks {
			tasks[namespace+":"+name] = spec
		}
	}
	return tasks
}

var (
	// example is a line of a summary that somebody could type.
	example = regexp.MustCompile(`(?m)^Example:\n  .*\btask\b`)
	// command is one Mage target with words, which are always there, and with
	// flags, each of which is there only if its variable is. Both take their
	// values from the environment.
	command = regexp.MustCompile(`^\{\{\.MAGE\}\} ([a-z0-9:]+)((?: "\$ARG_[A-Z_]+")*)((?: \{\{if \.[A-Z_]+\}\}"-[a-zA-Z]+=\$ARG_[A-Z_]+"\{\{end\}\})*)$`)
	word    = regexp.MustCompile(`"\$ARG_([A-Z_]+)"`)
	flag    = regexp.MustCompile(`\{\{if \.([A-Z_]+)\}\}"-([a-zA-Z]+)=\$ARG_([A-Z_]+)"`)
)

func TestTasksAreExplained(t *testing.T) {
	for name, spec := range allTasks(t) {
		t.Run(name, func(t *testing.T) {
			if spec.Desc == "" {
				t.Error("no desc")
			}
			if !example.MatchString(spec.Summary) {
				t.Errorf("no example in the summary:\n%s", spec.Summary)
			}
			if len(spec.Preconditions) == 0 {
				t.Error("no preconditions")
			}
			for _, p := range spec.Preconditions {
				if p.Msg == "" {
					t.Errorf("precondition %q does not say what to do", p.Sh)
				}
			}
			for variable := range spec.Env {
				variable = strings.TrimPrefix(variable, "ARG_")
				if !strings.Contains(spec.Desc, variable) || !strings.Contains(spec.Summary, "\n  "+variable+" ") {
					t.Errorf("desc or summary is silent about %s", variable)
				}
			}
		})
	}
}

func TestEveryTaskIsOneTarget(t *testing.T) {
	called := map[string]bool{}
	for name, spec := range allTasks(t) {
		if name == "default" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if len(spec.Cmds) != 1 {
				t.Fatalf("%d commands, want 1", len(spec.Cmds))
			}
			parts := command.FindStringSubmatch(spec.Cmds[0].Value)
			if parts == nil {
				t.Fatalf("not one Mage target with flags: %s", spec.Cmds[0].Value)
			}
			var flags []string
			variables := map[string]struct{ Ref string }{}
			words := word.FindAllStringSubmatch(parts[2], -1)
			for _, w := range words {
				variables["ARG_"+w[1]] = struct{ Ref string }{"." + w[1]}
			}
			for _, f := range flag.FindAllStringSubmatch(parts[3], -1) {
				if f[1] != f[3] {
					t.Errorf("-%s is there because of %s, but has the value of %s", f[2], f[1], f[3])
				}
				flags = append(flags, f[2])
				variables["ARG_"+f[3]] = struct{ Ref string }{"." + f[3]}
			}
			checkCall(t, parts[1], len(words), flags)
			called[parts[1]] = true
			if len(variables) > 0 || len(spec.Env) > 0 {
				if diff := cmp.Diff(variables, spec.Env); diff != "" {
					t.Errorf("env is not what the flags need (-want +got):\n%s", diff)
				}
			}
		})
	}
	for target := range targets(t) {
		if !called[target] {
			t.Errorf("no task calls the Mage target %s", target)
		}
	}
}

// taskBinary builds Task at the version that go.mod names.
var taskBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "task")
	build := exec.Command("go", "build", "-o", path, "github.com/go-task/task/v3/cmd/task")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// A workbench is a repository of which only the tasks and the plan are real, with a
// recorder in Mage's place.
type workbench struct {
	task, dir string
	mage      recorder
}

func newWorkbench(t *testing.T) workbench {
	t.Helper()
	task, err := taskBinary()
	if err != nil {
		t.Fatalf("build Task: %v", err)
	}
	b := workbench{task: task, dir: t.TempDir(), mage: newRecorder(t, "mage")}
	for _, name := range []string{".taskfiles", "clusters"} {
		if err := os.CopyFS(filepath.Join(b.dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Taskfile.yaml", "go.mod"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b workbench) run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	env = append([]string{"MAGE=" + b.mage.path, "RECORDER_LOG=" + b.mage.log}, env...)
	return run(t, b.dir, "", env, b.task, args...)
}

func TestDefaultListsTheTasks(t *testing.T) {
	b := newWorkbench(t)
	r := b.run(t, nil)
	for name := range allTasks(t) {
		if !strings.Contains(r.stdout, name+":") {
			t.Errorf("%s is not listed in:\n%s", name, r.stdout)
		}
	}
}

func TestExitCodeOfTheTarget(t *testing.T) {
	for args, want := range map[string]int{
		"-x release:promote":              75,
		"-x flux:override-staged-rollout": 75,
		"release:promote":                 201,
	} {
		t.Run(args, func(t *testing.T) {
			r := newWorkbench(t).run(t, []string{"RECORDER_EXIT=75"}, strings.Fields(args)...)
			if r.code != want {
				t.Errorf("exit %d, want %d\n%s", r.code, want, r.stderr)
			}
		})
	}
}

func TestInputAndOutputAreTheTargets(t *testing.T) {
	// The recorder copies its input. A prefix, a colour, a buffered line or a
	// missing last byte would show.
	const text = "\x1b[1mproceed?\x1b[0m y\r\n\tno newline at the end"
	for name, spec := range allTasks(t) {
		if name == "default" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := newWorkbench(t)
			env := []string{"MAGE=" + b.mage.path, "RECORDER_LOG=" + b.mage.log, "SHA=1a2b3c4", "REASON=why", "FROM=release", "TO=main", "CLUSTER=apps"}
			r := run(t, b.dir, text, env, b.task, name)
			if diff := cmp.Diff(text, r.stdout); diff != "" || r.stderr != "" {
				t.Errorf("output (-want +got):\n%s%s", diff, r.stderr)
			}
			if asks := strings.HasPrefix(name, "flux:"); asks && !spec.Interactive {
				t.Error("not interactive: with another output style Task would keep the terminal from the target")
			}
		})
	}
}

func TestPreconditionsSayWhatToDo(t *testing.T) {
	tests := []struct {
		name, missing string
		env           []string
		want          string
	}{
		{"no plan", "clusters/rollout.yaml", nil, "There is no plan"},
		{"not the root", "clusters", nil, "Run Task in the root"},
		{"no Go", "", []string{"PATH=/nonexistent", "MAGE=go tool mage"}, "Install Go"},
		{"no binary", "", []string{"MAGE=./.bin/rollout"}, `"./.bin/rollout" cannot be run`},
	}
	for _, tt := range tests {
		for name, spec := range allTasks(t) {
			if !strings.Contains(name, ":") && tt.missing != "" || name == "default" || spec.Cmds == nil {
				continue
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				b := newWorkbench(t)
				if tt.missing != "" {
					if err := os.RemoveAll(filepath.Join(b.dir, tt.missing)); err != nil {
						t.Fatal(err)
					}
				}
				r := b.run(t, tt.env, name)
				if got := b.mage.arguments(t); got != nil {
					t.Errorf("mage was called with %q", got)
				}
				if r.code == 0 || !strings.Contains(r.stderr, tt.want) {
					t.Errorf("exit %d, want a failure that says %q, got:\n%s", r.code, tt.want, r.stderr)
				}
			})
		}
	}
}
