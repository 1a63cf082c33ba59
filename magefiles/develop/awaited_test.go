package develop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chain is set in the environment of copies of this test: the commands that each starts
// the next one, and the last of which waits while it is awaited.
const chain = "DEVELOP_CHAIN"

func TestMain(m *testing.M) {
	if next, isCopy := os.LookupEnv(chain); isCopy {
		if err := link(next); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// link says which process it is, starts the next one of the chain and waits for it.
func link(commands string) error {
	next, rest, _ := strings.Cut(commands, " ")
	fmt.Println(os.Getpid())
	if next == "" {
		ctx, cancel := whileAwaited(context.Background())
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends with the test
			os.Exit(0)
		}()
		fmt.Println("waits")
		<-ctx.Done()
		fmt.Println("nobody waits")
		return nil
	}
	command := exec.Command(next)
	command.Env = append(os.Environ(), chain+"="+rest)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}

// TestEndsWhenNobodyWaits: whichever of those who wait is killed, the target ends; and it
// goes on without those who had other things to do, too.
func TestEndsWhenNobodyWaits(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("only Linux tells who waits for a process: /proc/self/stat is missing")
	}
	for _, c := range []struct {
		killed string
		ends   bool
	}{{"mage", true}, {"go", true}, {"task", true}, {"shell", false}} {
		t.Run(c.killed, func(t *testing.T) {
			t.Parallel()
			commands := []string{"shell", "task", "go", "mage", "target"}
			lines, pids := start(t, commands)
			process, err := os.FindProcess(pids[c.killed])
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Kill(); err != nil {
				t.Fatal(err)
			}
			ends(t, lines, c.ends)
		})
	}
}

// TestEndsWhenGoWasKilledBefore: what go has built and started misses it from the
// beginning.
func TestEndsWhenGoWasKilledBefore(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("only Linux tells where the program of a process is: /proc/self/exe is missing")
	}
	for _, c := range []struct {
		commands []string
		ends     bool
	}{
		{[]string{"shell", "go-build123/b001/exe/mage", "target"}, true},
		{[]string{"shell", strings.Repeat("0f", 32) + "-d/mage", "target"}, true},
		{[]string{"shell", "go", "go-build123/b001/exe/mage", "target"}, false},
		{[]string{"shell", "bin/mage", "target"}, false},
	} {
		t.Run(strings.Join(c.commands, " "), func(t *testing.T) {
			t.Parallel()
			lines, _ := start(t, c.commands)
			ends(t, lines, c.ends)
		})
	}
}

// ends is whether a target ends, which says why, or goes on for as long as it would have
// taken many times over.
func ends(t *testing.T, lines <-chan string, want bool) {
	t.Helper()
	patience := 2 * time.Second
	if want {
		patience = time.Minute
	}
	select {
	case line := <-lines:
		if !want || line != "nobody waits" {
			t.Errorf("it says %q", line)
		}
	case <-time.After(patience):
		if want {
			t.Error("it goes on")
		}
	}
}

// start starts a chain of copies of this test, which have the commands' names, and waits
// until the last one waits.
func start(t *testing.T, commands []string) (lines <-chan string, pids map[string]int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(self) // links do not reach into other file systems
	if dir, err = os.MkdirTemp(dir, "chain-*"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	paths := make([]string, len(commands))
	for i, command := range commands {
		paths[i] = filepath.Join(dir, command)
		if err := os.MkdirAll(filepath.Dir(paths[i]), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(self, paths[i]); err != nil {
			t.Fatal(err)
		}
	}
	first := exec.Command(paths[0])
	first.Env = append(os.Environ(), chain+"="+strings.Join(paths[1:], " "))
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), first.Wait() })
	pids = map[string]int{}
	said := make(chan string)
	go func() {
		defer close(said)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			said <- scanner.Text()
		}
	}()
	for _, command := range commands {
		var pid int
		if _, err := fmt.Sscan(<-said, &pid); err != nil {
			t.Fatal(err)
		}
		pids[command] = pid
	}
	if line := <-said; line != "waits" {
		t.Fatalf("it says %q", line)
	}
	return said, pids
}
