package contract

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// TestBranches tests an adapter of [rollout.Branches], which the fixture's remote
// has to be. It opens a fresh fixture for every case.
func TestBranches(t *testing.T, open func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		test func(s *scene, branches rollout.Branches)
	}{
		{"begins a branch with the files of a commit", beginsBranch},
		{"puts files in places and takes them away", changesFiles},
		{"keeps hostile text as it is", beginsWithHostileText},
		{"refuses a branch that exists, and changes nothing", refusesBegun},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, open)
			branches, ok := s.Remote.(rollout.Branches)
			if !ok {
				t.Fatalf("%T begins no branches", s.Remote)
			}
			c.test(s, branches)
		})
	}
}

const work = "rollout/absorb/apps/1234567"

func beginsBranch(s *scene, branches rollout.Branches) {
	commits := s.line(3, "")
	s.push(upstream, commits[2])
	foreign := s.commit("straight to release", commits[0])
	s.push(target, foreign)
	made := s.begun(branches, rollout.NewCommit{Message: "Merge\n\nBody.\n", Parents: []rollout.SHA{commits[2], foreign}, Like: commits[2]})
	s.stands(map[string]rollout.SHA{upstream: commits[2], target: foreign, work: made})
	s.fetch()
	want := fmt.Sprintf("%s %s %s", s.git("", "rev-parse", string(commits[2])+"^{tree}"), commits[2], foreign)
	if got := s.git("", "log", "-1", "--format=%T %P", string(made)); got != want {
		s.t.Errorf("tree and parents are %s, want %s", got, want)
	}
}

func changesFiles(s *scene, branches rollout.Branches) {
	tree := s.tree(map[string]string{"a/b/c": "1", "a/d": "2", "e": "3", "f/g": "4", "a-b": "5", "a.b": "6"})
	first := rollout.SHA(s.git("", "commit-tree", tree, "-m", "first"))
	s.push(upstream, first)
	blob := func(text string) rollout.File {
		return rollout.File{Mode: "100644", Blob: rollout.SHA(s.git(text, "hash-object", "--stdin"))}
	}
	script := blob("2")
	script.Mode = "100755"
	made := s.begun(branches, rollout.NewCommit{
		Message: "Change\n", Parents: []rollout.SHA{first}, Like: first,
		Changes: []rollout.FileChange{
			{Path: "a/b/c"},                  // and the directory is gone
			{Path: "a/d", File: script},      // another mode
			{Path: "e", File: blob("4")},     // another file
			{Path: "f/g"},                    // a directory ...
			{Path: "f", File: blob("1")},     // ... becomes a file
			{Path: "n/e/w", File: blob("6")}, // directories that were not there
			{Path: "a-b"},
		},
	})
	s.fetch()
	want := "100644 a.b 6,100755 a/d 2,100644 e 4,100644 f 1,100644 n/e/w 6"
	var got []string
	for line := range strings.Lines(s.git("", "ls-tree", "-r", string(made))) {
		fields := strings.Fields(line)
		got = append(got, fmt.Sprintf("%s %s %s", fields[0], fields[3], s.git("", "cat-file", "-p", fields[2])))
	}
	if diff := cmp.Diff(want, strings.Join(got, ",")); diff != "" {
		s.t.Errorf("files (-want +got):\n%s", diff)
	}
	s.git("", "fsck", "--strict", string(made))
}

func beginsWithHostileText(s *scene, branches rollout.Branches) {
	commits := s.line(1, "")
	s.push(upstream, commits[0])
	for i, text := range hostile {
		branch := fmt.Sprintf("%s-%d", work, i)
		made, err := branches.Begin(s.t.Context(), branch, rollout.NewCommit{Message: text + "\n", Parents: commits, Like: commits[0]})
		if err != nil {
			s.t.Fatalf("Begin: %v", err)
		}
		s.fetch()
		if got := s.git("", "log", "-1", "--format=%B", string(made)); strings.TrimSpace(got) != strings.TrimSpace(text) {
			s.t.Errorf("message = %q, want %q", got, text)
		}
	}
}

func refusesBegun(s *scene, branches rollout.Branches) {
	commits := s.line(2, "")
	s.push(upstream, commits[1])
	s.push(work, commits[0])
	before := s.heads()
	_, err := branches.Begin(s.t.Context(), work, rollout.NewCommit{Message: "again\n", Parents: commits[1:], Like: commits[1]})
	if !errors.Is(err, rollout.ErrMoved) {
		s.t.Errorf("Begin: %v, want ErrMoved", err)
	}
	s.stands(before)
}

// begun begins the branch.
func (s *scene) begun(branches rollout.Branches, c rollout.NewCommit) rollout.SHA {
	s.t.Helper()
	made, err := branches.Begin(s.t.Context(), work, c)
	if err != nil {
		s.t.Fatalf("Begin: %v", err)
	}
	return made
}

// fetch brings over what the remote has.
func (s *scene) fetch() {
	s.t.Helper()
	s.git("", "fetch", "--quiet", s.URL, "+refs/heads/*:refs/remotes/there/*")
}

// tree makes a tree of files.
func (s *scene) tree(files map[string]string) string {
	s.t.Helper()
	s.git("", "read-tree", "--empty")
	for name, text := range files {
		s.git("", "update-index", "--add", "--cacheinfo", "100644,"+s.git(text, "hash-object", "-w", "--stdin")+","+name)
	}
	return s.git("", "write-tree")
}
