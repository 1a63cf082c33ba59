package rollouttest_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestGitClonesAndPushes(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"a": "1"})
	dir := s.clone()
	if got := s.mustGit(dir, "rev-parse", "HEAD"); got != first {
		t.Errorf("the clone is at %s", got)
	}
	s.clock.Advance(time.Hour)
	pusher := s.as(rollouttest.Identity{Login: "mona", Permissions: rollouttest.AllPermissions()})
	second := s.write(dir, "b", "2")
	third := s.write(dir, "dir/c", "3")
	s.mustGit(dir, "push", "--quiet", pusher.remote(), "HEAD:main")
	row := s.repo.Activity()[0]
	if row.Before != first || row.After != third || row.Type != rollouttest.ActivityPush || row.Actor != "mona" || !row.Timestamp.Equal(s.clock.Now()) {
		t.Errorf("the push made the row %+v", row)
	}
	s.want(s.do("GET", "commits/"+second, nil), 200, second)
	s.mustGit(dir, "push", "--quiet", "--force", "origin", first+":main")
	if row := s.repo.Activity()[0]; row.Type != rollouttest.ActivityForcePush || row.After != first {
		t.Errorf("the forced push made the row %+v", row)
	}
	s.mustGit(dir, "push", "--quiet", "origin", "HEAD:refs/heads/topic", "HEAD:refs/tags/v1")
	s.mustGit(dir, "push", "--quiet", "origin", "--delete", "topic")
	if row := s.repo.Activity()[0]; row.Type != rollouttest.ActivityBranchDeletion || row.After != zero {
		t.Errorf("the deletion made the row %+v", row)
	}
	if n := len(s.repo.Activity()); n != 5 {
		t.Errorf("there are %d rows: a tag has none", n)
	}
	s.mustGit(dir, "fetch", "--quiet", "origin", "main")
	if got := s.mustGit(dir, "rev-parse", "FETCH_HEAD"); got != first {
		t.Errorf("the fetch brought %s", got)
	}
}

func TestGitWithoutSuffixAndPacked(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"a": "1"})
	if _, err := s.repo.Git("pack-refs", "--all", "--prune"); err != nil {
		t.Fatal(err)
	}
	if got := s.head("main"); got != first {
		t.Errorf("a packed ref reads as %q", got)
	}
	second := s.commit("main", map[string]string{"a": "2"})
	if out := s.mustGit(t.TempDir(), "ls-remote", strings.TrimSuffix(s.remote(), ".git"), "refs/heads/main"); !strings.HasPrefix(out, second) {
		t.Errorf("ls-remote says %s", out)
	}
	if _, err := s.repo.Git("gc", "--quiet"); err != nil {
		t.Fatal(err)
	}
	third := s.commit("main", map[string]string{"a": "3"})
	s.want(s.do("GET", "compare/"+first+"...main", nil), 200, third)
}

func TestGitShallowAndPartialClones(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	oids, err := s.repo.History("main", 20, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	shallow := s.clone("--depth", "1")
	if got := s.mustGit(shallow, "rev-list", "--count", "HEAD"); got != "1" {
		t.Errorf("a shallow clone has %s commits", got)
	}
	s.mustGit(shallow, "fetch", "--quiet", "--depth", "5")
	next := s.write(shallow, "x", "1")
	s.mustGit(shallow, "push", "--quiet", "origin", "HEAD:main")
	if s.head("main") != next {
		t.Error("a push out of a shallow clone did not arrive")
	}
	partial := s.clone("--filter=blob:none", "--no-checkout")
	s.mustGit(partial, "fetch", "--quiet", "origin", oids[3])
}

// TestGitIsRefused: a refused push names the reason and moves nothing.
func TestGitIsRefused(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	first := s.commit("main", map[string]string{"a": "1"})
	s.want(s.do("POST", "rulesets", ruleset("refs/heads/main", "deletion", "non_fast_forward")), 201, "")
	dir := s.clone()
	next := s.write(dir, "a", "2")
	s.mustGit(dir, "push", "--quiet", "origin", "HEAD:main")
	out, err := s.git(dir, "push", "--force", "origin", first+":main")
	if err == nil {
		t.Fatal("a forced push was accepted")
	}
	for _, text := range []string{
		"remote: error: GH013: Repository rule violations found for refs/heads/main.",
		"remote: - Cannot force-push to this branch",
		"! [remote rejected]", "(push declined due to repository rule violations)",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("git does not say %q:\n%s", text, out)
		}
	}
	if out, err := s.git(dir, "push", "origin", "--delete", "main"); err == nil || !strings.Contains(out, "Cannot delete this branch") {
		t.Errorf("the deletion says %v: %s", err, out)
	}
	// One by one, and atomically.
	if out, err := s.git(dir, "push", "--force", "origin", first+":main", "HEAD:other"); err == nil || s.head("other") != next {
		t.Errorf("the other branch is at %q: %s", s.head("other"), out)
	}
	out, err = s.git(dir, "push", "--force", "--atomic", "origin", first+":main", first+":other")
	if err == nil || s.head("other") != next || !strings.Contains(out, "atomic push failure") {
		t.Errorf("the other branch is at %q: %s", s.head("other"), out)
	}
	reader := s.as(rollouttest.Identity{Login: "reader"})
	if out, err := s.git(dir, "push", reader.remote(), "HEAD:new"); err == nil || !strings.Contains(out, "Permission to octo-org/fleet.git denied to reader") {
		t.Errorf("a reader's push says %v: %s", err, out)
	}
	if s.head("main") != next {
		t.Errorf("main is at %s", s.head("main"))
	}
}

// TestGitLosesARace: a branch that moves while a push is under way.
func TestGitLosesARace(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a": "1"})
	dir := s.clone()
	s.write(dir, "b", "1")
	var winner string
	s.github.Before(rollouttest.Match{Method: "POST", Path: "*/git-receive-pack"}, func() {
		winner = s.commit("main", map[string]string{"a": "2"})
	})
	out, err := s.git(dir, "push", "origin", "HEAD:main")
	if err == nil || s.head("main") != winner || !strings.Contains(out, "is at "+winner+" but expected") {
		t.Errorf("the push says %v: %s", err, out)
	}
}

func TestImport(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	dir := t.TempDir()
	for name, content := range map[string]string{"a/b.yaml": "b", "run.sh": "#!/bin/sh", ".git/config": "no"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a/b.yaml", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	oid, err := s.repo.Import(dir, "main")
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.repo.Git("ls-tree", "-r", "--format=%(objectmode) %(path)", oid)
	if err != nil {
		t.Fatal(err)
	}
	if want := "100755 a/b.yaml\n120000 link\n100755 run.sh\n"; out != want {
		t.Errorf("the tree is\n%swant\n%s", out, want)
	}
	if _, err := s.repo.Git("fsck", "--strict"); err != nil {
		t.Error(err)
	}
	if again, err := s.repo.Import(dir, "main"); err != nil || again == oid {
		t.Errorf("a second import made %s, %v", again, err)
	}
}

// TestScenes: what the scene setters say of what cannot be.
func TestScenes(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a/b": "1"})
	for name, err := range map[string]error{
		"a branch that is not":   second(s.repo.Head("nothing")),
		"a bad path":             second(s.repo.Commit("main", rollouttest.Change{Files: map[string]string{"../x": ""}})),
		"a merge with nothing":   second(s.repo.Merge("main", "nothing", rollouttest.Change{})),
		"no branch to delete":    s.repo.DeleteBranch("nothing"),
		"no commit to point at":  s.repo.SetBranch("x", strings.Repeat("1", 40)),
		"a status of nothing":    s.repo.SetStatus(strings.Repeat("1", 40), rollouttest.CommitStatus{State: "success"}),
		"a repository twice":     second(s.github.AddRepository(rollouttest.RepositoryOptions{Owner: "Octo-Org", Name: "Fleet"})),
		"a repository outside":   second(s.github.AddRepository(rollouttest.RepositoryOptions{Owner: "..", Name: "x"})),
		"an unknown repository":  second(s.github.Repository("octo-org", "other")),
		"nothing to push":        second(s.repo.Push("main")),
		"a history of nothing":   second(s.repo.History("main", 0, 1, 0)),
		"a run that is not":      s.repo.Release(1),
		"a directory that isn't": second(s.repo.Import(filepath.Join(t.TempDir(), "x"), "main")),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestGitEnv: with Env alone an unmodified git may push, and a long push comes
// through, which git sends in pieces.
func TestGitEnv(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{Private: true})
	dir := t.TempDir()
	s.mustGit(dir, "init", "--quiet", "--initial-branch=main")
	noise := make([]byte, 3<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	oid := s.write(dir, "noise", string(noise))
	cmd := exec.CommandContext(t.Context(), "git", "push", s.github.CloneURL("octo-org/fleet"), "main")
	cmd.Dir = dir
	cmd.Env = append(s.github.Env(), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git push: %v: %s", err, out)
	}
	if s.head("main") != oid {
		t.Errorf("main is at %s", s.head("main"))
	}
}

// TestGitChildrenAreAlone: what the caller has in its environment stays there.
func TestGitChildrenAreAlone(t *testing.T) {
	t.Setenv("GH_TOKEN", "a-secret")
	t.Setenv("GIT_DIR", "/nowhere")
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.commit("main", map[string]string{"a": "1"})
	out, err := s.repo.Git("-c", "alias.show-env=!env", "show-env")
	if err != nil || strings.Contains(out, "a-secret") || !strings.Contains(out, "GIT_CONFIG_GLOBAL=/dev/null") {
		t.Errorf("git has the environment\n%s%v", out, err)
	}
}
