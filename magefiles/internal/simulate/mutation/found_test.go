package mutation

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	root = "../../../.."
	here = "./magefiles/internal/simulate/mutation"
	// within is how many years a bug may stay hidden for. None of them needs
	// more than a few.
	within = "40"
)

// Every bug of the list is found.
func TestBugsAreFound(t *testing.T) {
	if testing.Short() || racing {
		t.Skip("building a binary for each bug takes minutes; without -short and -race it is done")
	}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			out, failed := play(t, build(t, b))
			_, line, ok := strings.Cut(out, found)
			invariant, _, _ := strings.Cut(line, ",")
			switch {
			case !failed:
				t.Errorf("it stays hidden for %s years\n%s", within, out)
			case !ok || !slices.Contains(strings.Split(b.by, ", "), invariant):
				t.Errorf("it is found by something else than invariant %s:\n%s", b.by, out)
			}
		})
	}
}

// build makes a binary with a bug in it.
func build(t *testing.T, b bug) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "rollout", b.file))
	check(t, err)
	source, err := os.ReadFile(path)
	check(t, err)
	if n := strings.Count(string(source), b.old); n != 1 {
		t.Fatalf("rollout/%s has %d places like this, and should have one: correct the list\n%s", b.file, n, b.old)
	}
	dir := t.TempDir()
	mutated, overlay, binary := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "subject")
	check(t, os.WriteFile(mutated, []byte(strings.Replace(string(source), b.old, b.new, 1)), 0o600))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	check(t, err)
	check(t, os.WriteFile(overlay, replace, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay="+overlay, "-o="+binary, here)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("it cannot be built: %v\n%s", err, out)
	}
	return binary
}

// play runs the simulation in a binary, and tells whether it failed.
func play(t *testing.T, binary string) (out string, failed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.run=^TestSubject$", "-subject.years="+within)
	cmd.Dir = t.TempDir()
	text, err := cmd.CombinedOutput()
	check(t, ctx.Err())
	return string(text), err != nil
}

// Without a bug the same years are found in order.
func TestNothingIsFoundWithoutABug(t *testing.T) {
	if testing.Short() || racing {
		t.Skip("the simulation's own test plays the same years; without -short and -race it is done here, too")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "subject")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-o="+binary, here)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("it cannot be built: %v\n%s", err, out)
	}
	if out, failed := play(t, binary); failed {
		t.Errorf("something is found:\n%s", out)
	}
}

// The list in the documentation is this one.
func TestListIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "simulation.md"))
	check(t, err)
	for _, b := range bugs {
		if row := "| " + b.name + " | `" + b.file + "` | " + b.by + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/simulation.md has no row\n%s", row)
		}
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| ") && strings.Count(line, ".go` | ") == 1 {
			rows++
		}
	}
	if rows != len(bugs) {
		t.Errorf("docs/simulation.md lists %d bugs; there are %d", rows, len(bugs))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
