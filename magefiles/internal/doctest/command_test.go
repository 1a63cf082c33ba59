package doctest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/magefiles/internal/demo"
)

// What is said of commands ends where the code does, and where a pipe or a
// comment begins.
var (
	mageCommand = regexp.MustCompile("go tool mage ([^`|#\n]+)")
	taskCommand = regexp.MustCompile("go tool task ([^`|#\n]+)")
	quoted      = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// words splits a command. What is quoted becomes one word, and what is in it
// does not matter here.
func words(command string) []string {
	return strings.Fields(quoted.ReplaceAllString(command, "text"))
}

func TestMageCommandsExist(t *testing.T) {
	targets := mageTargets(t)
	for _, p := range pages(t) {
		for _, match := range mageCommand.FindAllStringSubmatch(p.text, -1) {
			for _, problem := range wrongWithMage(targets, words(match[1])) {
				t.Errorf("%s: %s: %s", p.path, match[0], problem)
			}
		}
	}
}

// ownFlags are those flags of Mage itself that the pages use.
var ownFlags = []string{"-l", "-h", "-compile"}

// wrongWithMage says what does not exist of the arguments of one command:
// Mage's own flags, a target, the target's flags.
func wrongWithMage(targets map[string][]string, args []string) (problems []string) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if !slices.Contains(ownFlags, args[0]) {
			problems = append(problems, "Mage has no flag "+args[0])
		}
		if args[0] == "-compile" {
			return problems // its value is the last argument
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return problems
	}
	target := strings.TrimRight(args[0], ".,;")
	known, ok := targets[target]
	if !ok {
		return append(problems, "there is no target "+target)
	}
	for _, arg := range args[1:] {
		flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && !slices.Contains(known, flag) {
			problems = append(problems, "the target has no flag -"+flag)
		}
	}
	return problems
}

func TestTaskCommandsExist(t *testing.T) {
	known := tasks(t)
	for _, p := range pages(t) {
		for _, match := range taskCommand.FindAllStringSubmatch(p.text, -1) {
			for _, problem := range wrongWithTask(known, words(match[1])) {
				t.Errorf("%s: %s: %s", p.path, match[0], problem)
			}
		}
	}
}

// wrongWithTask says what does not exist of the arguments of one command: a
// task, the task's variables. NAME stands for any task.
func wrongWithTask(tasks map[string][]string, args []string) (problems []string) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "NAME" {
		return nil
	}
	known, ok := tasks[args[0]]
	if !ok {
		return []string{"there is no task " + args[0]}
	}
	for _, arg := range args[1:] {
		variable, _, isVariable := strings.Cut(arg, "=")
		if isVariable && !slices.Contains(known, variable) {
			problems = append(problems, "the task has no variable "+variable)
		}
	}
	return problems
}

// CI runs the very command that the README gives for the tests.
func TestTestCommandIsTheOneOfCI(t *testing.T) {
	section := readPage(t, "README.md").section(t, "## Tests")
	match := regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindStringSubmatch(section)
	if match == nil {
		t.Fatal("README.md has no command under Tests")
	}
	if step := `step "Tests" ` + match[1] + "\n"; !strings.Contains(readFile(t, ".ci/run"), step) {
		t.Errorf(".ci/run has no line %s", step)
	}
}

func TestGoVersionIsTheModules(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(readFile(t, "go.mod"))
	if version == nil {
		t.Fatal("go.mod names no version of Go")
	}
	if !strings.Contains(readPage(t, "README.md").section(t, "## Try it"), "Go "+version[1]+" or newer") {
		t.Errorf("README.md does not ask for Go %s, as go.mod does", version[1])
	}
}

var (
	sha   = regexp.MustCompile(`\b[0-9a-f]{7}\b`)
	space = regexp.MustCompile(` +`)
)

// plain is a line without what differs from run to run.
func plain(line string) string {
	return strings.TrimSpace(space.ReplaceAllString(sha.ReplaceAllString(line, "SHA"), " "))
}

// What the README shows of the demo is what the demo shows, abridged: a line
// that ends with … goes on.
func TestDemoIsShownAsItIs(t *testing.T) {
	var out bytes.Buffer
	if err := demo.Run(t.Context(), root, t.TempDir(), &out); err != nil {
		t.Fatal(err)
	}
	var real []string
	for line := range strings.Lines(out.String()) {
		real = append(real, plain(line))
	}
	for line := range strings.Lines(readmeBlock(t, "", "$ mage release:promote")) {
		start, abridged := strings.CutSuffix(plain(line), "…")
		if !slices.ContainsFunc(real, func(line string) bool {
			return line == start || abridged && strings.HasPrefix(line, start)
		}) {
			t.Errorf("README.md shows a line that the demo does not print:\n%s", line)
		}
	}
}
