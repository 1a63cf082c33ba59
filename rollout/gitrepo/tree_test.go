package gitrepo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// What a commit changes is what git says, of each parent, whatever the server
// lets one ask for.
func TestChangesAreWhatGitSays(t *testing.T) {
	r, release, main := imported(t, 400, 60)
	remotes := map[string]*gitrepo.Remote{"by its path": open(t, r.bare), "over http": open(t, serve(t, r).url())}
	for _, given := range []string{"true", "false"} {
		r.in(r.bare, "config", "uploadpack.allowAnySHA1InWant", given)
		for name, remote := range remotes {
			commits, err := remote.Between(t.Context(), release, main)
			if err != nil {
				t.Fatal(err)
			}
			got, err := remote.Changes(t.Context(), commits)
			if err != nil {
				t.Fatalf("%s, any commit %s: %v", name, given, err)
			}
			if diff := cmp.Diff(gitChanges(t, r, commits), got); diff != "" {
				t.Errorf("%s, any commit %s (-want +got):\n%s", name, given, diff[:min(len(diff), 1000)])
			}
		}
	}
}

func gitChanges(t *testing.T, r *repository, commits []rollout.Commit) map[rollout.SHA][][]string {
	t.Helper()
	want := map[rollout.SHA][][]string{}
	for _, c := range commits {
		for _, parent := range c.Parents {
			changed := strings.Fields(run(t, r.bare, "", "diff-tree", "-r", "--no-renames", "--name-only", string(parent), string(c.SHA)))
			slices.Sort(changed)
			want[c.SHA] = append(want[c.SHA], changed)
		}
	}
	return want
}

// A commit that is no branch's head is had from a server that gives heads alone,
// too: with all that the branches have.
func TestTreeOfWhatIsNoHead(t *testing.T) {
	r := newRepository(t)
	first := r.head("main")
	r.commit("B")
	r.git("push", "--quiet", "origin", "main")
	tree, err := open(t, serve(t, r).url()).Tree(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got := writtenTo(t, written(t, tree)); len(got) == 0 {
		t.Error("the tree is empty")
	}
	gone := rollout.SHA(strings.Repeat("1", 40))
	if _, err := open(t, serve(t, r).url()).Tree(t.Context(), gone); err == nil || !strings.Contains(err.Error(), gone.Short()) {
		t.Errorf("what nobody has: %v", err)
	}
}

func written(t *testing.T, tree *gitrepo.Tree) string {
	t.Helper()
	dir := t.TempDir()
	if err := tree.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A file can become a directory, and the other way round; the first commit
// changes all that it has; a mode is a change; a submodule is a name.
func TestOddChanges(t *testing.T) {
	r := newRepository(t)
	tree := func(entries string) string { return run(t, r.bare, entries, "mktree") }
	blob := run(t, r.bare, "x", "hash-object", "-w", "--stdin")
	sub := tree("100644 blob " + blob + "\tb\n")
	shapes := []string{
		tree("100644 blob " + blob + "\ta\n"),
		tree("040000 tree " + sub + "\ta\n"),
		tree("040000 tree " + sub + "\ta\n100755 blob " + blob + "\tc\n"),
		tree("040000 tree " + sub + "\ta\n100644 blob " + blob + "\tc\n160000 commit " + strings.Repeat("1", 40) + "\tm\n"),
	}
	want := [][]string{{"a"}, {"a", "a/b"}, {"c"}, {"c", "m"}}
	var commits []rollout.Commit
	for _, shape := range shapes {
		args := []string{"commit-tree", "-m", "x", shape}
		c := rollout.Commit{}
		if n := len(commits); n > 0 {
			c.Parents = []rollout.SHA{commits[n-1].SHA}
			args = append(args, "-p", string(commits[n-1].SHA))
		}
		c.SHA = rollout.SHA(run(t, r.bare, "", args...))
		commits = append(commits, c)
	}
	got, err := open(t, r.bare).Changes(t.Context(), commits)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range commits {
		if diff := cmp.Diff([][]string{want[i]}, got[c.SHA]); diff != "" {
			t.Errorf("commit %d (-want +got):\n%s", i, diff)
		}
	}
	if none, err := open(t, r.bare).Changes(t.Context(), nil); err != nil || len(none) > 0 {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}
