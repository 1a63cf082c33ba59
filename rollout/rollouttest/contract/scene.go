package contract

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// A Fixture is an empty repository and the adapters that speak to it.
type Fixture struct {
	// Remote is what [TestRemote] tests, History what [TestHistory] tests.
	Remote  rollout.Remote
	History rollout.History
	// URL is what `git push` is given to reach the repository, with everything
	// in it that is needed to be let in.
	URL string
	// Env is what git needs in its environment besides.
	Env []string
	// SetStatus posts a status to a commit behind the adapter's back, at the
	// time that the evidence has, which never goes back from one to the next.
	// Nil where the remote is no [rollout.Witness].
	SetStatus func(commit rollout.SHA, e rollout.Evidence) error
	// PushLog tells whether the forge keeps a log of pushes.
	PushLog bool
}

const (
	upstream = "main"
	target   = "release"
	ledger   = "rollout/ledger"
	backup   = "rollout/backup/apps/20260302T090000Z"
)

// A scene is a fixture, and a local repository to push to it from.
type scene struct {
	Fixture
	t   *testing.T
	dir string
}

func newScene(t *testing.T, open func(t *testing.T) Fixture) *scene {
	t.Helper()
	s := &scene{Fixture: open(t), t: t, dir: t.TempDir()}
	s.git("", "init", "--quiet", "--initial-branch", upstream)
	return s
}

// git runs git in the local repository, and returns what it prints. It knows
// nothing of the configuration of whoever runs the test.
func (s *scene) git(stdin string, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), "git", args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + s.dir,
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_COMMITTER_DATE=1700000060 +0000",
	}, s.Env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("git %s: %v: %s", args[0], err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// commit makes a commit with an empty tree.
func (s *scene) commit(message string, parents ...rollout.SHA) rollout.SHA {
	s.t.Helper()
	args := []string{"commit-tree", s.git("", "mktree"), "-F", "-"}
	for _, parent := range parents {
		args = append(args, "-p", string(parent))
	}
	return rollout.SHA(s.git(message, args...))
}

// line makes a history of n commits on top of a commit, or out of nothing, each
// with a tree of its own, and returns them, oldest first.
func (s *scene) line(n int, on rollout.SHA) []rollout.SHA {
	s.t.Helper()
	var stream strings.Builder
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/line\nmark :%d\ncommitter Ada <ada@example.com> %d +0000\ndata <<END\nChange %d on %s\nEND\n",
			i+1, 1700000000+i, i+1, on.Short())
		switch {
		case i > 0:
			fmt.Fprintf(&stream, "from :%d\n", i)
		case on != "":
			fmt.Fprintf(&stream, "from %s\n", on)
		}
		fmt.Fprintf(&stream, "M 100644 inline change\ndata <<END\n%d on %s\nEND\n", i+1, on.Short())
	}
	marks := s.dir + "/marks"
	s.git(stream.String(), "fast-import", "--quiet", "--force", "--export-marks="+marks)
	s.git("", "update-ref", "-d", "refs/heads/line")
	content, err := os.ReadFile(marks)
	if err != nil {
		s.t.Fatal(err)
	}
	commits := make([]rollout.SHA, n)
	for mark := range strings.Lines(string(content)) {
		var i int
		var sha string
		if _, err := fmt.Sscanf(mark, ":%d %s", &i, &sha); err != nil {
			s.t.Fatalf("read mark %q: %v", mark, err)
		}
		commits[i-1] = rollout.SHA(sha)
	}
	return commits
}

// push moves a branch of the remote behind the adapter's back, by force if need
// be. An empty SHA deletes it.
func (s *scene) push(branch string, to rollout.SHA) {
	s.t.Helper()
	s.git("", "push", "--quiet", "--force", s.URL, string(to)+":refs/heads/"+branch)
}

// heads are the remote's branches as git sees them.
func (s *scene) heads() map[string]rollout.SHA {
	s.t.Helper()
	heads := map[string]rollout.SHA{}
	for line := range strings.Lines(s.git("", "ls-remote", s.URL, "refs/heads/*")) {
		sha, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		heads[strings.TrimPrefix(name, "refs/heads/")] = rollout.SHA(sha)
	}
	return heads
}

// observe asks the adapter.
func (s *scene) observe() rollout.Observation {
	s.t.Helper()
	o, err := s.Remote.Observe(s.t.Context(), rollout.Query{Branches: []string{upstream, target}, Ledger: ledger})
	if err != nil {
		s.t.Fatalf("Observe: %v", err)
	}
	return o
}

// must carries out a transaction that has to succeed.
func (s *scene) must(t rollout.Transaction) rollout.SHA {
	s.t.Helper()
	sha, err := s.Remote.Commit(s.t.Context(), t)
	if err != nil {
		s.t.Fatalf("Commit: %v", err)
	}
	return sha
}

// draft is a ledger commit that says something.
func draft(text string) rollout.Draft {
	return rollout.Draft{
		Message: text + "\n",
		Files:   map[string][]byte{"state.json": fmt.Appendf(nil, "{\"was\": %q}\n", text)},
	}
}

// promotion moves the target branch and writes an entry.
func promotion(from, to, head rollout.SHA, text string) rollout.Transaction {
	return rollout.Transaction{
		Branch: target, From: from, To: to,
		Ledger: rollout.Head{Branch: ledger, SHA: head},
		Draft:  draft(text),
	}
}

// rewind moves the branch back, and keeps where it stood.
func rewind(from, to, head rollout.SHA, text string) rollout.Transaction {
	t := promotion(from, to, head, text)
	t.Backup = backup
	return t
}

// note writes an entry alone.
func note(head rollout.SHA, text string) rollout.Transaction {
	return rollout.Transaction{Ledger: rollout.Head{Branch: ledger, SHA: head}, Draft: draft(text)}
}
