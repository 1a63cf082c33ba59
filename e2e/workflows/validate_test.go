package workflows

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestPullRequest: a pull request that points apps at main fails, with an annotation
// at the line; one that changes what apps gets passes, and shows it.
func TestPullRequest(t *testing.T) {
	s := template(t)
	const file = "clusters/apps/flux/config/flux-system.yaml"
	s.edit(file, `(?m)^    branch: \S+$`, "    branch: "+upstream)
	number := s.lineOf(file, "branch: "+upstream)
	r := s.runs(s.pullRequest(1))
	s.red(r, "branches")
	want := "::error file=" + file + ",line=" + strconv.Itoa(number) + ","
	if orders := r.orders(); len(orders) != 1 || !strings.HasPrefix(orders[0], want) {
		t.Errorf("the annotations are %q, want one that begins with %s", orders, want)
	}

	s.edit("clusters/apps/local/disruption-budget-podinfo.yaml", `minAvailable: \S+`, "minAvailable: 2")
	r = s.runs(s.pullRequest(2))
	s.green(r, "branches")
	if orders := r.orders(); len(orders) > 0 {
		t.Errorf("the annotations are %q, want none", orders)
	}
	s.shows(r.summary("branches"), "+  minAvailable: 2")
}

// lineOf is the number of the first line of a file of the checkout that has a text.
func (s *scene) lineOf(path, text string) int {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.work, filepath.FromSlash(path)))
	s.must(err)
	before, _, found := strings.Cut(string(data), text)
	if !found {
		s.t.Fatalf("%s has no %q", path, text)
	}
	return 1 + strings.Count(before, "\n")
}
