package rollouttest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestRealGH drives the stand-in with the gh that is installed.
func TestRealGH(t *testing.T) {
	gh, err := exec.LookPath("gh")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("gh is not installed")
	}
	if err != nil {
		t.Skip("gh is not installed: https://cli.github.com")
	}
	s := newStage(t, rollouttest.RepositoryOptions{})
	if _, err := s.repo.History("main", 230, 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	config := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), gh, args...)
		cmd.Env = append(s.github.Env(), "PATH="+os.Getenv("PATH"), "HOME="+config, "GH_CONFIG_DIR="+config)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("gh %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := run("api", "user", "--jq", ".login"); got != rollouttest.DefaultLogin {
		t.Errorf("the user is %q", got)
	}
	if got := run("api", "repos/octo-org/fleet/git/ref/heads/main", "--jq", ".object.sha"); got != s.head("main") {
		t.Errorf("main is at %q", got)
	}
	pages := run("api", "--paginate", "repos/octo-org/fleet/activity?per_page=100&ref=main", "--jq", ".[].after")
	if got := len(strings.Fields(pages)); got != 230 {
		t.Errorf("the pages have %d rows", got)
	}
	if got := run("api", "graphql", "-F", "owner=octo-org", "-f", "query=query($owner:String!){repository(owner:$owner,name:\"fleet\"){nameWithOwner}}", "--jq", ".data.repository.nameWithOwner"); got != "octo-org/fleet" {
		t.Errorf("GraphQL says %q", got)
	}
	run("api", "--method", "PATCH", "repos/octo-org/fleet/git/refs/heads/main", "-f", "sha="+s.head("main"), "-F", "force=false")
}
