package develop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// TestWorkplace: what was compiled stays, and what a killed go command had begun goes away.
func TestWorkplace(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	first, err := workplace()
	if err != nil {
		t.Fatal(err)
	}
	suite, begun := filepath.Join(first, "kept"), filepath.Join(linking(first), "begun")
	compiled(t, suite)
	compiled(t, begun)
	second, err := workplace() // of the same process, so in the same place
	if err != nil {
		t.Fatal(err)
	}
	if second != first || !has(suite) || has(begun) {
		t.Errorf("%s after %s: what was compiled is there: %t; what was begun: %t", second, first, has(suite), has(begun))
	}
	if _, err := os.Stat(linking(second)); err != nil {
		t.Error(err)
	}
}

// TestTakeOver: of what ended processes have compiled one place is taken over, the others
// go away, and what another process needs stays.
func TestTakeOver(t *testing.T) {
	all := t.TempDir()
	live := strconv.Itoa(os.Getppid())
	for _, of := range []string{ended(t), ended(t), ended(t), live, "not-a-process"} {
		compiled(t, filepath.Join(all, of))
	}
	mine := filepath.Join(all, strconv.Itoa(os.Getpid()))
	for range 2 { // as somebody who had this number before
		if err := takeOver(all, mine); err != nil {
			t.Fatal(err)
		}
		suites, err := filepath.Glob(filepath.Join(all, "*", "*"))
		if err != nil || len(suites) != 3 {
			t.Errorf("there are %v (%v), want what another process has, what is none's, and one's own", suites, err)
		}
		if !has(mine) || !has(filepath.Join(all, live)) {
			t.Errorf("%v is not one's own and another's", suites)
		}
	}
}

// TestTakeOverTogether: what one process gets, no other one does.
func TestTakeOverTogether(t *testing.T) {
	all := t.TempDir()
	const left = 2
	for range left {
		compiled(t, filepath.Join(all, ended(t)))
	}
	places := make([]string, 8)
	var group sync.WaitGroup
	for i := range places {
		places[i] = filepath.Join(all, "process-"+strconv.Itoa(i))
		group.Go(func() {
			if err := takeOver(all, places[i]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := 0
	for _, place := range places {
		if has(place) {
			got++
		}
	}
	if got == 0 || got > left {
		t.Errorf("of %d places %d were taken over", left, got)
	}
}

// ended is the number of a process that is no more.
func ended(t *testing.T) string {
	t.Helper()
	process := exec.Command(os.Args[0], "-test.run=^$")
	if err := process.Run(); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(process.Process.Pid)
}

// compiled makes a place with a suite in it.
func compiled(t *testing.T, place string) {
	t.Helper()
	if err := os.Mkdir(place, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "e2e.test"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
}

func has(place string) bool {
	_, err := os.Stat(filepath.Join(place, "e2e.test"))
	return err == nil
}
