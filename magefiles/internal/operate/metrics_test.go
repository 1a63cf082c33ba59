package operate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// A collector never sees half a file, nor a name that it would take for one.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rollout.prom")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := replaceFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	old := make([]byte, 9)
	if n, _ := before.Read(old); string(old[:n]) != "old" {
		t.Errorf("whoever reads it sees it change: %q", old[:n])
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "new" {
		t.Errorf("it has %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("a collector of another user cannot read it: %v, %v", info.Mode(), err)
	}
	left(t, dir, 1)
}

func TestReplaceFileThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rollout.prom")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(path, []byte("new")); err == nil {
		t.Error("a directory was replaced")
	}
	left(t, dir, 1)
	if err := replaceFile(filepath.Join(dir, "nowhere", "rollout.prom"), nil); err == nil {
		t.Error("a file was written into a directory that is not there")
	}
}

// left fails if anything else is left behind.
func left(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != want {
		t.Errorf("left are %v, %v", entries, err)
	}
}

// The push log is read as far as it tells anything, and no further.
func TestThePushLogIsReadFarEnough(t *testing.T) {
	move := func(before, after rollout.SHA, forced bool) rollout.Movement {
		return rollout.Movement{Before: before, After: after, Forced: forced}
	}
	is := map[rollout.SHA]bool{"b": true, "c": true}
	for name, test := range map[string]struct {
		row  rollout.Movement
		want bool
	}{
		"between two of the commits":   {move("b", "c", false), false},
		"what brought the first":       {move("a", "b", false), true},
		"a force-push may come back":   {move("a", "b", true), false},
		"before any of them was there": {move("x", "a", false), false},
	} {
		if got := arrivedAll(is)(test.row); got != test.want {
			t.Errorf("%s: enough is %v", name, got)
		}
	}
	enough, rows := arrivedAll(is), 0
	for !enough(move("b", "c", true)) {
		rows++
	}
	if rows != 2*len(is)+100-1 {
		t.Errorf("of endless force-pushes %d rows are read", rows+1)
	}
}
