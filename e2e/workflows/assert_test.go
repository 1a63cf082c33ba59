package workflows

import (
	"fmt"
	"slices"
	"strings"
)

// runs is what comes of an event.
func (s *scene) runs(e event) *result {
	s.t.Helper()
	r, err := s.play(e)
	s.must(err)
	return r
}

// green is that these jobs were run, in that order, and no others, and that none
// failed.
func (s *scene) green(r *result, jobs ...string) {
	s.t.Helper()
	s.ended(r, "success", jobs)
}

// red is that these jobs were run, in that order, and that the last one failed.
func (s *scene) red(r *result, jobs ...string) {
	s.t.Helper()
	s.ended(r, "failure", jobs)
}

func (s *scene) ended(r *result, last string, jobs []string) {
	s.t.Helper()
	want := make([]string, len(jobs))
	for i, job := range jobs {
		want[i] = job + ": success"
	}
	want[len(want)-1] = jobs[len(jobs)-1] + ": " + last
	if (r.code == 0) != (last == "success") || !slices.Equal(r.jobs(), want) {
		s.t.Fatalf("the run ends with %d, after the jobs %q, want %q:\n%s", r.code, r.jobs(), want, r.text())
	}
}

// shows is that a text has another in it.
func (s *scene) shows(text, want string) {
	s.t.Helper()
	if !strings.Contains(text, want) {
		s.t.Errorf("it does not show %q:\n%s", want, text)
	}
}

// promoted is what the workflow says was promoted: a line for each stage.
func (s *scene) promoted(r *result, want string) {
	s.t.Helper()
	if got := strings.TrimSpace(r.output("promote", "promoted")); got != want {
		s.t.Errorf("the output promoted is %q, want %q", got, want)
	}
}

// recorded is that the newest entry of the ledger is this one. A promotion has its
// reason from the policy.
func (s *scene) recorded(want entry) {
	s.t.Helper()
	got := s.entry()
	if want.Reason == "" {
		got.Reason = ""
	}
	if got != want {
		s.t.Errorf("the ledger's newest entry is\n%+v, want\n%+v", got, want)
	}
}

// url is the address of a run's page.
func (s *scene) url(id int64) string {
	return fmt.Sprintf("%s/%s/actions/runs/%d", s.github.URL(), s.repo.Slug(), id)
}
