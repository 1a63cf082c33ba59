package gitrepo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// run runs git in a directory.
func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func commitFiles(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runGit(t, dir, "add", "-A")
	runGit(t, dir, "commit", "--quiet", "--message=change")
	return runGit(t, dir, "rev-parse", "HEAD")
}

// What is committed comes out byte for byte, whatever Git would make of it in a
// working tree, and nothing that is not committed does.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	runGit(t, dir, "init", "--quiet", "--initial-branch=main")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	first := commitFiles(t, dir, map[string]string{
		".gitattributes": "*.txt text eol=crlf export-ignore\n", "a.txt": "one\ntwo\n", "deep/er/b.yaml": "", "name with\ttab\n": "x", "ünïcode": "y",
	})
	second := commitFiles(t, dir, map[string]string{"a.txt": "three\n", "deep/new.yaml": "z"})
	if err := os.WriteFile(filepath.Join(dir, "uncommitted"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := gitrepo.OpenCheckout(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := c.Resolve(t.Context(), first[:8])
	if err != nil || string(resolved) != first {
		t.Fatalf("Resolve = %s, %v, want %s", resolved, err, first)
	}
	into := t.TempDir()
	if err := c.Export(t.Context(), resolved, into); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		".gitattributes": "*.txt text eol=crlf export-ignore\n", "a.txt": "one\ntwo\n", "deep/er/b.yaml": "", "name with\ttab\n": "x", "ünïcode": "y", "link": "/etc/passwd",
	}
	if diff := cmp.Diff(want, writtenTo(t, into)); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
	fetched := t.TempDir()
	tree := treeOf(t, dir, resolved)
	if err := tree.Write(fetched); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, writtenTo(t, fetched)); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	head, err := c.Resolve(t.Context(), "main")
	if err != nil || string(head) != second {
		t.Fatalf("Resolve(main) = %s, %v", head, err)
	}
	changed, err := treeOf(t, dir, head).Changed(tree)
	if diff := cmp.Diff([]string{"a.txt", "deep/new.yaml"}, changed); err != nil || diff != "" {
		t.Errorf("Changed: %v (-want +got):\n%s", err, diff)
	}
	compareCommits(t, c, resolved, head)
}

func treeOf(t *testing.T, dir string, commit rollout.SHA) *gitrepo.Tree {
	t.Helper()
	remote, err := gitrepo.Open(gitrepo.Options{URL: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := remote.Tree(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// writtenTo are the files below a directory; a symbolic link is its target.
func writtenTo(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if entry.Type()&os.ModeSymlink != 0 {
			got[name], err = os.Readlink(path)
			return err
		}
		content, err := os.ReadFile(path)
		got[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func compareCommits(t *testing.T, c *gitrepo.Checkout, resolved, head rollout.SHA) {
	t.Helper()
	changed, err := c.Changed(t.Context(), resolved, head)
	if diff := cmp.Diff([]string{"a.txt", "deep/new.yaml"}, changed); diff != "" || err != nil {
		t.Errorf("Changed: %v (-want +got):\n%s", err, diff)
	}
	since, err := c.ChangedSince(t.Context(), resolved)
	if diff := cmp.Diff([]string{"a.txt", "deep/new.yaml", "uncommitted"}, since); diff != "" || err != nil {
		t.Errorf("ChangedSince: %v (-want +got):\n%s", err, diff)
	}
}

func TestCheckoutRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := gitrepo.OpenCheckout(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not the root of a Git repository") {
		t.Errorf("no repository: %v", err)
	}
	runGit(t, dir, "init", "--quiet")
	commitFiles(t, dir, map[string]string{"sub/a": ""})
	if _, err := gitrepo.OpenCheckout(t.Context(), filepath.Join(dir, "sub")); err == nil {
		t.Error("a directory of a repository is taken for one")
	}
	c, err := gitrepo.OpenCheckout(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "--help", "gone", "a b", "HEAD:sub", "HEAD^{tree}", "\x00", "-x\n"} {
		if sha, err := c.Resolve(t.Context(), name); err == nil {
			t.Errorf("Resolve(%q) = %s", name, sha)
		}
	}
}

// A tree that no checkout can have is refused with the name that is at fault, and
// nothing is written outside.
func TestExportOfAHostileTree(t *testing.T) {
	dir := t.TempDir()
	runGit(t, dir, "init", "--quiet")
	commitFiles(t, dir, map[string]string{"a": strings.Repeat("a", 1<<20)})
	blob := runGit(t, dir, "rev-parse", "HEAD:a")
	listing := filepath.Join(t.TempDir(), "listing")
	if err := os.WriteFile(listing, []byte("100644 blob "+blob+"\t..\n100644 blob "+blob+"\ta\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := runGit(t, dir, "-c", "alias.hostile=!git mktree <"+listing, "hostile")
	commit := runGit(t, dir, "commit-tree", "-m", "hostile", tree)
	c, err := gitrepo.OpenCheckout(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Export(t.Context(), rollout.SHA(commit), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), `the file ".."`) || strings.Contains(err.Error(), "killed") {
		t.Errorf("Export = %v, want the name, and nothing of a process", err)
	}
}

// Versions of a file are those that changed it, also the one that took it away, and
// a file is what a commit has, whatever the working tree says.
func TestVersionsOfAFile(t *testing.T) {
	r := newRepository(t)
	first := r.write("Begin", map[string]string{"plan [x]": "one"})
	r.write("Another", map[string]string{"other": "x"})
	second := r.write("Change", map[string]string{"plan [x]": "two"})
	gone := r.write("Remove", map[string]string{"plan [x]": ""})
	checkout, err := gitrepo.OpenCheckout(t.Context(), r.work)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := checkout.Versions(t.Context(), "plan [x]", 20)
	if diff := cmp.Diff([]rollout.SHA{gone, second, first}, versions); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if newest, err := checkout.Versions(t.Context(), "plan [x]", 1); err != nil || len(newest) != 1 || newest[0] != gone {
		t.Errorf("the newest is %v, %v", newest, err)
	}
	for commit, want := range map[rollout.SHA]string{first: "one", second: "two"} {
		if got, err := checkout.File(t.Context(), commit, "plan [x]"); err != nil || string(got) != want {
			t.Errorf("at %s: %q, %v", commit.Short(), got, err)
		}
	}
	if got, err := checkout.File(t.Context(), gone, "plan [x]"); err != nil || got != nil {
		t.Errorf("what is gone: %q, %v", got, err)
	}
}
