package memory_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/contract"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

func TestContract(t *testing.T) {
	for name, pushLog := range map[string]bool{"with a push log": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			open := func(t *testing.T) contract.Fixture { return mirrored(t, pushLog) }
			contract.TestRemote(t, open)
			if pushLog { // which has nothing to do with the others
				contract.TestHistory(t, open)
				contract.TestWitness(t, open)
			}
		})
	}
}

// A mirror keeps a forge in memory and a bare repository alike: what git
// pushes to the one is in the other before the next call, and what the forge
// did to its branches is in the repository after it. So the contract, which
// knows Git alone, tests the forge.
type mirror struct {
	*memory.Forge
	t    *testing.T
	bare string
	// mu is for carrying things over, one way or the other.
	mu     sync.Mutex
	pushes int
}

func mirrored(t *testing.T, pushLog bool) contract.Fixture {
	m := &mirror{t: t, bare: filepath.Join(t.TempDir(), "k8s-ops.git")}
	now := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	m.Forge = memory.New(memory.Options{Clock: func() time.Time { return now }, PushLog: pushLog})
	m.git("", "init", "--quiet", "--bare", "--initial-branch", "main", m.bare)
	hook := "#!/bin/sh\ncat >>\"$GIT_DIR/pushes\"\n"
	if err := os.WriteFile(filepath.Join(m.bare, "hooks", "post-receive"), []byte(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	report := func(commit rollout.SHA, e rollout.Evidence) error {
		m.in()
		now = e.At
		return m.Report(commit, e)
	}
	return contract.Fixture{Remote: m, History: m, SetStatus: report, URL: m.bare, PushLog: pushLog}
}

func (m *mirror) git(stdin string, args ...string) string {
	m.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(m.bare), "GIT_DIR=" + m.bare,
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
	}
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// in brings over what was pushed to the repository.
func (m *mirror) in() {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, err := os.ReadFile(filepath.Join(m.bare, "pushes"))
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	pushes := strings.Split(strings.TrimSpace(string(content)), "\n")
	for _, push := range pushes[m.pushes:] {
		fields := strings.Fields(push)
		if len(fields) != 3 {
			return // nothing was pushed yet
		}
		m.pushes++
		to := rollout.SHA(fields[1])
		if strings.Trim(fields[1], "0") == "" {
			to = ""
		}
		m.commits(to)
		check(m.t, m.Push(strings.TrimPrefix(fields[2], "refs/heads/"), to))
	}
}

// commits brings over what a commit reaches.
func (m *mirror) commits(of rollout.SHA) {
	if of == "" {
		return
	}
	batch := m.git(m.git("", "rev-list", "--reverse", "--topo-order", string(of)), "cat-file", "--batch")
	for batch != "" {
		header, rest, _ := strings.Cut(batch, "\n")
		fields := strings.Fields(header)
		size, err := strconv.Atoi(fields[2])
		check(m.t, err)
		made, err := m.Store([]byte(rest[:size]))
		check(m.t, err)
		if string(made) != fields[0] {
			m.t.Fatalf("git calls it %s, the forge %s", fields[0], made)
		}
		batch = rest[size+1:]
	}
}

// out brings over where a branch stands.
func (m *mirror) out(branch string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	head := m.Head(branch)
	if head == "" {
		return
	}
	object, known := m.Object(head)
	if !known {
		m.t.Fatalf("%s stands at %s, which the forge does not have", branch, head)
	}
	commit, _ := m.Find(head)
	if files, known := m.Tree(commit.Tree); known {
		var entries strings.Builder
		for file, content := range files {
			blob := strings.TrimSpace(m.git(string(content), "hash-object", "-w", "--stdin"))
			fmt.Fprintf(&entries, "100644 blob %s\t%s\x00", blob, file)
		}
		if made := strings.TrimSpace(m.git(entries.String(), "mktree", "-z")); made != string(commit.Tree) {
			m.t.Errorf("git calls the tree %s, the forge %s", made, commit.Tree)
		}
	}
	if made := strings.TrimSpace(m.git(string(object), "hash-object", "-w", "-t", "commit", "--stdin")); made != string(head) {
		m.t.Errorf("git calls the commit %s, the forge %s", made, head)
	}
	m.git("", "update-ref", "refs/heads/"+branch, string(head))
}

func (m *mirror) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	m.in()
	return m.Forge.Observe(ctx, q)
}

func (m *mirror) Movements(ctx context.Context, branch string, enough func(rollout.Movement) bool) ([]rollout.Movement, error) {
	m.in()
	return m.Forge.Movements(ctx, branch, enough)
}

func (m *mirror) Log(ctx context.Context, ledger rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	m.in()
	return m.Forge.Log(ctx, ledger, limit)
}

func (m *mirror) Between(ctx context.Context, have, want rollout.SHA) ([]rollout.Commit, error) {
	m.in()
	return m.Forge.Between(ctx, have, want)
}

func (m *mirror) Evidence(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	m.in()
	return m.Forge.Evidence(ctx, commits)
}

func (m *mirror) EvidenceLog(ctx context.Context, commits []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	m.in()
	return m.Forge.EvidenceLog(ctx, commits)
}

func (m *mirror) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	m.in()
	made, err := m.Forge.Commit(ctx, t)
	m.out(t.Ledger.Branch)
	if t.Branch != "" {
		m.out(t.Branch)
	}
	if t.Backup != "" {
		m.out(t.Backup)
	}
	return made, err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
