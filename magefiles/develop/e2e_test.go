package develop

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSuitesWith: nothing is built or started for scenarios that nobody chose.
func TestSuitesWith(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, text := range map[string]string{
		"e2e/fleet_test.go":          "func TestMerge(t *testing.T) {}\nfunc TestMain(m *testing.M) {}\n",
		"e2e/stages/fleet_test.go":   "func TestFive(t *testing.T) {}\n",
		"e2e/workflows/call_test.go": "func TestCalled(t *testing.T) {}\n",
		"e2e/workflows/run_test.go":  "func TestPush(t *testing.T) {}\n// TestMerge is elsewhere\n",
		"e2e/internal/all_test.go":   "func help(t *testing.T) {}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"":                  {"e2e/stages", "e2e/workflows", "e2e"},
		"Called|Push":       {"e2e/workflows"},
		"^TestMerge$":       {"e2e"},
		"Merge/of_a_branch": {"e2e"},
		"TestMain":          nil,
		"help":              nil,
		"(":                 nil,
	} {
		got, err := suitesWith(pattern)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("-run=%s chooses %v, want %v: %v", pattern, got, want, err)
		}
	}
}
