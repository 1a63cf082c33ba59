package shelltest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/magefile/mage/parse"
	"go.yaml.in/yaml/v3"
)

// root is the repository's, seen from this package.
const root = "../../.."

// scratch holds what is built once for all tests.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		scratch, err = os.MkdirTemp("", "shelltest")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(scratch)
		return m.Run()
	}())
}

// readYAML parses a file of the repository.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A target is what a Mage target takes: so many words by their position, and
// flags, in lower case, since Mage does not care.
type target struct {
	words int
	flags []string
}

// mageTargets are the targets by their names in lower case. They come from Mage's own parser, which needs no build and leaves no
// generated file, unlike `mage -l`.
var mageTargets = sync.OnceValues(func() (map[string]target, error) {
	dir := filepath.Join(root, "magefiles")
	// The parser looks for the imported packages from the working directory,
	// which is inside the module.
	info, err := parse.PrimaryPackage("go", dir, []string{"magefile.go"}, false)
	if err != nil {
		return nil, err
	}
	targets := map[string]target{}
	add := func(functions parse.Functions) {
		for _, f := range functions {
			flags := []string{}
			for _, arg := range f.OptionalArgs() {
				flags = append(flags, strings.ToLower(arg.Name))
			}
			targets[strings.ToLower(f.TargetName())] = target{len(f.RequiredArgs()), flags}
		}
	}
	add(info.Funcs)
	for _, imported := range info.Imports {
		add(imported.Info.Funcs)
	}
	if len(targets) == 0 {
		return nil, errors.New("no Mage targets found")
	}
	return targets, nil
})

func targets(t *testing.T) map[string]target {
	t.Helper()
	found, err := mageTargets()
	if err != nil {
		t.Fatalf("read the Mage targets: %v", err)
	}
	return found
}

// checkCall checks that a target exists, takes so many words, and has a flag of
// every given name.
func checkCall(t *testing.T, name string, words int, flags []string) {
	t.Helper()
	known, ok := targets(t)[strings.ToLower(name)]
	if !ok {
		t.Errorf("there is no Mage target %s", name)
		return
	}
	if known.words != words {
		t.Errorf("the Mage target %s takes %d words before its flags, and is given %d", name, known.words, words)
	}
	for _, flag := range flags {
		if !slices.Contains(known.flags, strings.ToLower(flag)) {
			t.Errorf("the Mage target %s has no flag -%s; it has %v", name, flag, known.flags)
		}
	}
}

// A recorder is a program that stands in for another: it writes down its
// arguments, each closed by a NUL, copies its input to its output, and exits
// with the code that the test asks for.
type recorder struct {
	path, log string
}

const recorderScript = `#!/bin/sh
printf '%s\0' "$@" >"$RECORDER_LOG"
cat
exit "${RECORDER_EXIT:-0}"
`

func newRecorder(t *testing.T, name string) recorder {
	t.Helper()
	dir := t.TempDir()
	r := recorder{path: filepath.Join(dir, name), log: filepath.Join(dir, "arguments")}
	if err := os.WriteFile(r.path, []byte(recorderScript), 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// arguments are what the recorder was called with, or nil if it was not.
func (r recorder) arguments(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(r.log)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// A result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a command with just the environment given, and PATH and HOME.
func run(t *testing.T, dir, stdin string, env []string, name string, args ...string) result {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", name, err)
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// hostile are texts that a careless shell would execute, split or change.
var hostile = map[string]string{
	"words":           "fixes the outage of podinfo",
	"spaces":          "  two  spaces, before and after  ",
	"double quotes":   `he said "now"`,
	"single quotes":   `it's broken`,
	"substitution":    `$(touch executed) ${HOME} $HOME $1`,
	"backticks":       "`touch executed`",
	"separators":      "a; touch executed & touch executed | touch executed > executed",
	"newlines":        "first\nsecond\n\nlast\n",
	"dash":            "-direct=true",
	"two dashes":      "-- --help",
	"percent":         "100%s %d %%",
	"backslashes":     `C:\new\table \\ \`,
	"globs":           "* ? [a-z] ~",
	"braces":          "{a,b} {x} }} {%",
	"equals":          "a=b=c",
	"unicode":         "Störung behoben – 日本語 🚀 \u202e",
	"control":         "bell \a tab \t return \r escape \x1b[31m",
	"number":          "42",
	"boolean":         "false",
	"list":            "[1, 2]",
	"no value":        "the template wrote <no value> again",
	"workflow syntax": "$" + "{{ github.token }}",
	"template":        "{{.MAGE}} {{env \"HOME\"}}",
	"broken template": "{{",
}
