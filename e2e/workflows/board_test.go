package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBoard: after a promotion the board is drawn and published, where somebody wants it,
// and nowhere else; and whatever the ledger has is text on it, and in the log.
func TestBoard(t *testing.T) {
	s := template(t)
	file := filepath.Join(s.dir, "executed")
	s.people(0, "", "release:hold", "<script>alert(1)</script>\n"+hostile(file), "-stage=apps")

	// Whoever has not asked for a board gets none; nor does a fork.
	promoted := s.promotion(s.repo.Slug())
	s.nothing(s.runs(promoted))
	fork := s.promotion("mallory/fleet")
	fork.vars = map[string]string{"ROLLOUT_BOARD": "true"}
	s.nothing(s.runs(fork))

	promoted = s.promotion(s.repo.Slug())
	promoted.vars = map[string]string{"ROLLOUT_BOARD": "true"}
	r := s.runs(promoted)
	s.green(r, "draw", "publish")
	page, err := os.ReadFile(filepath.Join(s.pages(), "published", "index.html"))
	s.must(err)
	s.shows(string(page), "Rollout of <a href=\""+s.github.URL()+"/octo-org/fleet\">octo-org/fleet</a>")
	s.shows(string(page), "&lt;script&gt;alert(1)&lt;/script&gt;")
	if strings.Contains(string(page), "<script>alert(1)") {
		t.Error("the page has somebody's script")
	}
	s.obeysNobody(r, file)
}

// promotion is a run of the workflow that promotes that has ended, in a repository.
func (s *scene) promotion(repository string) event {
	s.t.Helper()
	e := s.event("workflow_run")
	e.file = s.workflow("release-board.yaml")
	e.payload = map[string]any{
		"action": "completed", "repository": s.repository(),
		"workflow_run": map[string]any{
			"name": "Promote", "conclusion": "success", "head_branch": upstream,
			"head_repository": map[string]any{"full_name": repository},
		},
	}
	return e
}

// nothing is that no job of a run was run.
func (s *scene) nothing(r *result) {
	s.t.Helper()
	for _, job := range r.jobs() {
		if !strings.HasSuffix(job, ": skipped") {
			s.t.Errorf("%s, want that nothing is run:\n%s", job, r.text())
		}
	}
	if _, err := os.Stat(s.pages()); r.code != 0 || err == nil {
		s.t.Errorf("the run ends with %d, and uploads something:\n%s", r.code, r.text())
	}
}

// obeysNobody is that nothing hostile was executed, nor given to the runner.
func (s *scene) obeysNobody(r *result, file string) {
	s.t.Helper()
	if _, err := os.Stat(file); err == nil {
		s.t.Error("somebody's text was executed")
	}
	for _, order := range r.orders() {
		s.t.Errorf("the runner was given an order: %q", order)
	}
	// GitHub's runner looks for these in the middle of lines, too; act does not.
	for _, l := range r.lines {
		if l.Said && strings.Contains(l.Message, "##[") {
			s.t.Errorf("GitHub's runner would be given an order: %q", l.Message)
		}
	}
}
