package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// GitHub shows nothing of a summary that is too long: what does not fit is left
// out, once is said so, and what is short still comes in after it.
func TestSummaryEndsBeforeItIsTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(path, []byte(strings.Repeat("before\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", path)
	s, err := openSummary()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", mostSummary/2)
	for _, text := range []string{"short\n", long, long, long} {
		if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, len(text), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) > mostSummary {
		t.Errorf("the summary has %d bytes, and GitHub takes %d", len(content), mostSummary)
	}
	if got := strings.Count(string(content), tooLong); got != 1 || !strings.Contains(string(content), long) {
		t.Errorf("it is said %d times that something is missing, want once, after what fits", got)
	}
}
