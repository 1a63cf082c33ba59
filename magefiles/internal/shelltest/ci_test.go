package shelltest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var ciRun = filepath.Join(root, ".ci", "run")

// ciTools are the versions of the tools that .ci/run installs, by package.
func ciTools(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(ciRun)
	if err != nil {
		t.Fatal(err)
	}
	tools := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^readonly \w+=(\S+)@(v\S+)$`).FindAllStringSubmatch(string(text), -1) {
		tools[m[1]] = m[2]
	}
	if len(tools) != 4 {
		t.Fatalf("%s installs %v, want gofumpt, golangci-lint, actionlint and gitleaks", ciRun, tools)
	}
	return tools
}

func TestTargetAndCIUseOneLinter(t *testing.T) {
	const linter = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
	text, err := os.ReadFile(filepath.Join(root, "magefiles", "develop", "develop.go"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `golangciLint = "` + ciTools(t)[linter] + `"`; !strings.Contains(string(text), want) {
		t.Errorf("mage lint uses another golangci-lint than .ci/run: no %s in develop.go", want)
	}
}

// fakeGo stands in for go: it says what it was called with; at the calls that
// the test names it fails, finds a fault, or writes into the checkout. What it
// installs does the same.
const fakeGo = `#!/bin/sh
call="$(basename "$0") $*"
echo "called: $call" >&2
if [ "$1" = install ]; then
	package=${2%@*}
	case ${package##*/} in v[0-9]*) package=${package%/*} ;; esac
	mkdir -p "$GOBIN"
	cp "$0" "$GOBIN/${package##*/}"
fi
if [ "$call" = "$PRINT_AT" ]; then echo unformatted.go; fi
if [ "$call" = "$DIRTY_AT" ]; then touch left-behind; fi
if [ "$call" = "$FAIL_AT" ]; then exit 9; fi
exit 0
`

// checkout is a committed repository with .ci/run, and a directory with fakeGo
// in it, and with all that .ci/run asks for or could install something with.
func checkout(t *testing.T) (dir, bin string) {
	t.Helper()
	dir, bin = t.TempDir(), t.TempDir()
	for name, script := range map[string]string{"go": fakeGo, "gh": "", "npm": "", "gcc": "", "apt-get": "#!/bin/sh\nexit 1\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, ".ci"), os.DirFS(filepath.Dir(ciRun))); err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{filepath.Join("rollout", "flux", "oracle"), "e2e"} {
		if err := os.MkdirAll(filepath.Join(dir, module), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, module, "go.mod"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", "--all")
	commit(t, dir, "CI")
	return dir, bin
}

func commit(t *testing.T, dir, message string) {
	t.Helper()
	git(t, dir, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "--message="+message)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// searching is how gitleaks is called.
const searching = "git --config=.gitleaks.toml --no-banner --redact --verbose --log-opts=--full-history --all --diff-merges=first-parent"

// first puts a directory before all others on the PATH.
func first(bin string) string {
	return "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")
}

func TestCIRunsEveryStep(t *testing.T) {
	steps := []struct{ name, call string }{
		{"Format", "gofumpt -l ."},
		{"Secrets", "gitleaks " + searching},
		{"Build", "go build ./..."},
		{"Build", "go vet ./..."},
		{"Tests", "go tool mage test"},
		{"Rendering as Flux does it", "go -C rollout/flux/oracle vet ./..."},
		{"Rendering as Flux does it", "go -C rollout/flux/oracle test ./..."},
		{"Linters", "golangci-lint run --timeout=15m ./..."},
		{"Tests with the race detector", "go test -race ./..."},
		{"Workflows", "actionlint "},
		{"Branches", "go tool mage verify:branches"},
		{"Demo", "go tool mage demo"},
		{"Real clusters", "go -C e2e vet ./..."},
		{"Real clusters", "go tool mage e2e"},
		{"Benchmarks, once each", "go test -short -run=^$ -bench=. -benchtime=1x ./..."},
	}
	dir, bin := checkout(t)
	r := run(t, dir, "", []string{first(bin)}, ".ci/run")
	if r.code != 0 {
		t.Fatalf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, s := range steps {
		if !strings.Contains(r.stderr, "called: "+s.call+"\n") {
			t.Errorf("%s was not run:\n%s", s.call, r.stderr)
		}
		t.Run(s.call, func(t *testing.T) {
			dir, bin := checkout(t)
			r := run(t, dir, "", []string{first(bin), "FAIL_AT=" + s.call}, ".ci/run")
			if want := `FAILED in "` + s.name + `"`; r.code == 0 || !strings.Contains(r.stdout, want) {
				t.Errorf("exit %d, want a failure that ends with %s:\n%s", r.code, want, r.stdout)
			}
		})
	}
}

func TestCILeavesTheCheckoutAlone(t *testing.T) {
	dir, bin := checkout(t)
	r := run(t, dir, "", []string{first(bin), "DIRTY_AT=go tool mage demo"}, ".ci/run")
	if r.code == 0 || !strings.Contains(r.stdout, "> ?? left-behind") {
		t.Errorf("exit %d, want a failure that names the file left behind:\n%s", r.code, r.stdout)
	}
}

func TestCIRefusesUnformattedFiles(t *testing.T) {
	dir, bin := checkout(t)
	r := run(t, dir, "", []string{first(bin), "PRINT_AT=gofumpt -l ."}, ".ci/run")
	if r.code == 0 || !strings.Contains(r.stdout, "run gofumpt -w on:\nunformatted.go\n") {
		t.Errorf("exit %d, want a failure that names the file:\n%s", r.code, r.stdout)
	}
}

func TestCISaysWhatItCouldNotCheck(t *testing.T) {
	dir, bin := checkout(t)
	for _, name := range []string{"gh", "npm", "gcc"} {
		if err := os.Remove(filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sh", "bash", "git", "basename", "dirname", "id", "mkdir", "cp", "diff"} {
		found, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(found, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, dir, "", []string{"PATH=" + bin}, filepath.Join(bin, "bash"), ".ci/run")
	if r.code != 0 {
		t.Errorf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, want := range []string{"gh is missing", "npm is missing", "the race detector needs gcc"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("nothing says that %s:\n%s", want, r.stdout)
		}
	}
}

// TestWorkflowAndCISearchAlike: the workflow looks for secrets as .ci/run does,
// with the same gitleaks.
func TestWorkflowAndCISearchAlike(t *testing.T) {
	const gitleaks = "github.com/zricethezav/gitleaks/v8"
	dir, bin := checkout(t)
	r := run(t, dir, "", []string{first(bin)}, "bash", "-e", "-c", searchingScript(t))
	if want := "called: go run " + gitleaks + "@" + ciTools(t)[gitleaks] + " " + searching + "\n"; r.code != 0 || r.stderr != want {
		t.Errorf("exit %d, it says %q, want %q", r.code, r.stderr, want)
	}
}

// searchingScript is what the workflow runs to find secrets.
func searchingScript(t *testing.T) string {
	t.Helper()
	steps := runSteps(workflows(t)["gitleaks.yaml"].Jobs["secrets"])
	if len(steps) != 1 {
		t.Fatalf("gitleaks.yaml has %d steps that run something, want 1", len(steps))
	}
	return steps[0].Run
}

// TestSecretsAreNotSearchedInHalfAHistory: gitleaks ends well where Git fails, so
// somebody else has to say it.
func TestSecretsAreNotSearchedInHalfAHistory(t *testing.T) {
	dir, bin := checkout(t)
	git(t, dir, "rm", "--quiet", "--cached", ".ci/run")
	commit(t, dir, "Take it away")
	lost := strings.TrimSpace(git(t, dir, "rev-parse", "HEAD~1:.ci/run"))
	if err := os.Remove(filepath.Join(dir, ".git", "objects", lost[:2], lost[2:])); err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, "", []string{first(bin)}, ".ci/run"); r.code == 0 || !strings.Contains(r.stdout, `FAILED in "Secrets"`) {
		t.Errorf(".ci/run: exit %d, want a failure in Secrets:\n%s", r.code, r.stdout)
	}
	if r := run(t, dir, "", []string{first(bin)}, "bash", "-e", "-c", searchingScript(t)); r.code == 0 {
		t.Errorf("the workflow: exit 0:\n%s", r.stderr)
	}
}

func TestCISaysWhatAShallowCloneHides(t *testing.T) {
	dir, bin := checkout(t)
	commit(t, dir, "Go on")
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, dir, "clone", "--quiet", "--depth=1", "file://"+filepath.ToSlash(dir), shallow)
	for clone, hides := range map[string]bool{dir: false, shallow: true} {
		r := run(t, clone, "", []string{first(bin)}, ".ci/run")
		if r.code != 0 || hides != strings.Contains(r.stdout, "Not checked: secrets that were removed before this shallow clone begins (commits in it: 1;") {
			t.Errorf("exit %d, shallow: %v:\n%s", r.code, hides, r.stdout)
		}
	}
}
