package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// actor is set in the environment of a copy of this test that plays a run which
// somebody ends from outside.
const actor = "E2E_ACTOR"

// comes looks until something is so, and tells whether it ever was: at once, where others
// leave this machine any time.
func comes(so func() bool) bool {
	for range 6000 {
		if so() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestMain(m *testing.M) {
	if os.Getenv(actor) != "" {
		if slices.Contains(os.Args, "build") {
			build()
		}
		act()
		return
	}
	os.Exit(m.Run())
}

// act starts processes, says where, and waits for its end.
func act() {
	run, err := Open()
	if err != nil {
		panic(err)
	}
	run.CloseOnSignal()
	p, err := run.Start(Command{Name: "sleeper", Path: "/bin/sh", Args: []string{"-c", "sleep 600 & echo child $! & sleep 600"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.PID(), run.Dir())
	select {}
}

// build waits for a process that tidies up when it is interrupted, and says where that is.
func build() {
	dir, err := os.MkdirTemp("", "k8s-ops-e2e-build-*")
	if err != nil {
		panic(err)
	}
	go func() {
		script := `trap 'rm -r "$0"; exit 1' INT; echo $$ >"$0/pid"; while :; do sleep 0.05; done`
		_, err := Output(context.Background(), Command{Name: "build", Path: "/bin/sh", Args: []string{"-c", script, dir}})
		panic(err)
	}()
	var pid []byte
	comes(func() bool {
		pid, _ = os.ReadFile(filepath.Join(dir, "pid"))
		return len(pid) > 0
	})
	fmt.Println(strings.TrimSpace(string(pid)), dir)
	select {}
}

// An actorProcess is a run in another process.
type actorProcess struct {
	cmd *exec.Cmd
	pid int
	dir string
}

// startActor starts a run in another process, with a command that is this test or
// starts it.
func startActor(t *testing.T, name string, args ...string) actorProcess {
	t.Helper()
	a := actorProcess{cmd: exec.Command(name, args...)}
	a.cmd.Env = append(os.Environ(), actor+"=1")
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.cmd.Process.Kill(); _ = a.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	if a.pid, err = strconv.Atoi(pid); err != nil {
		t.Fatal(err)
	}
	a.dir = dir
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return a
}

// ends waits until no process of a group is left.
func ends(t *testing.T, group int) {
	t.Helper()
	if !comes(func() bool { return errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) }) {
		t.Fatalf("processes of group %d are left", group)
	}
}

func missing(t *testing.T, dir string) {
	t.Helper()
	if !comes(func() bool { _, err := os.Stat(dir); return errors.Is(err, os.ErrNotExist) }) {
		t.Fatalf("%s is left", dir)
	}
}

func TestSignalsLeaveNothing(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			a := startActor(t, os.Args[0])
			if err := a.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = a.cmd.Wait()
			if code := a.cmd.ProcessState.ExitCode(); code != 128+int(signal) {
				t.Errorf("it ended with %d", code)
			}
			ends(t, a.pid)
			missing(t, a.dir)
		})
	}
}

// TestOrphanLeavesNothing: the test binary ends when what started it is killed.
func TestOrphanLeavesNothing(t *testing.T) {
	a := startActor(t, "/bin/sh", "-c", `"$0" & wait`, os.Args[0])
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ends(t, a.pid)
	missing(t, a.dir)
}

// TestKillLeavesNoProcess: nobody can act on SIGKILL; the kernel does, and the
// next run tidies up.
func TestKillLeavesNoProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends children with their parent")
	}
	a := startActor(t, os.Args[0])
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait()
	leaderEnds(t, a.pid)
	if _, err := os.Stat(a.dir); err != nil {
		t.Errorf("the directory went away by itself: %v", err)
	}
	run, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	missing(t, a.dir)
	if _, err := os.Stat(run.Dir()); err != nil {
		t.Errorf("a run swept itself away: %v", err)
	}
}

// TestKillInterruptsWhatTidiesUp: a build leaves nothing half made when the process that
// waits for it is killed.
func TestKillInterruptsWhatTidiesUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells children that their parent is gone")
	}
	a := startActor(t, os.Args[0], "build")
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait()
	missing(t, a.dir)
	if !comes(func() bool { return errors.Is(syscall.Kill(a.pid, 0), syscall.ESRCH) }) {
		t.Fatalf("process %d is left", a.pid)
	}
}

// leaderEnds waits for the one process that was started. What a program starts
// itself, the kernel leaves alone; none of ours does.
func leaderEnds(t *testing.T, pid int) {
	t.Helper()
	defer func() { _ = syscall.Kill(-pid, syscall.SIGKILL) }()
	if !comes(func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }) {
		t.Fatalf("process %d is left", pid)
	}
}

// TestOpenLeavesOthersAlone: a run that goes on is not swept.
func TestOpenLeavesOthersAlone(t *testing.T) {
	first, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(first.Logs()); err != nil {
		t.Error(err)
	}
}

func TestEndedSaysWhatWasSaidLast(t *testing.T) {
	run, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	p, err := run.Start(Command{Name: "failing", Path: "/bin/sh", Args: []string{"-c", "echo no luck; exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("it says %v", err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killing what has ended: %v", err)
	}
}

func TestStopAndKeep(t *testing.T) {
	run, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	p, err := run.Start(Command{Name: "polite", Path: "/bin/sh", Args: []string{"-c", "trap 'echo bye; exit 0' TERM; echo here; while :; do sleep 0.05; done"}})
	if err != nil {
		t.Fatal(err)
	}
	for tail(p.log, 1) != "here" {
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	kept, err := run.Keep()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(kept)
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	missing(t, run.Dir())
	if said := tail(filepath.Join(kept, "polite.log"), 1); said != "bye" {
		t.Errorf("the log ends with %q", said)
	}
	if _, err := run.Start(Command{Name: "late", Path: "/bin/true"}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed run starts a process: %v", err)
	}
}

func TestPortsAreFreeAndDiffer(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	one, other, seen := new(Ports), new(Ports), map[string]bool{}
	for range 100 {
		for _, ports := range []*Ports{one, other} {
			address, err := ports.Address()
			if err != nil {
				t.Fatal(err)
			}
			if seen[address] || !free(address) {
				t.Errorf("%s was given before, or is taken", address)
			}
			seen[address] = true
		}
	}
}

// TestPortsRunOut: nobody is given what somebody else has.
func TestPortsRunOut(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	all := make([]Ports, (lastPort-firstPort)/blockSize+1)
	for i := range all {
		_, err := all[i].Address()
		if last := i == len(all)-1; (err != nil) != last {
			t.Errorf("the reservation %d of %d: %v", i+1, len(all), err)
		}
	}
}

// TestAlone: nobody else can begin until it is released.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	begin := func() error {
		lock, err := lockOf(path, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			return err
		}
		return lock.Close()
	}
	release, err := Alone(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := begin(); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("somebody else begins: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := begin(); err != nil {
		t.Errorf("nobody can begin any more: %v", err)
	}
}

func TestOneThatHangsIsEnded(t *testing.T) {
	run, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	quick, err := run.Start(Command{Name: "quick", Path: "/bin/sh", Args: []string{"-c", "exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := quick.EndsWithin(time.Minute); code != 3 || err != nil {
		t.Errorf("one that ends by itself: %d, %v", code, err)
	}
	slow, err := run.Start(Command{Name: "slow", Path: "/bin/sh", Args: []string{"-c", "echo listening; sleep 1000; true"}})
	if err != nil {
		t.Fatal(err)
	}
	if !comes(func() bool { return strings.Contains(tail(slow.Log(), 1), "listening") }) {
		t.Fatal("it never began")
	}
	_, err = slow.EndsWithin(50 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "slow goes on after 50ms; the last that it said:\nlistening\n") {
		t.Errorf("it says %v", err)
	}
	if runtime.GOOS == "linux" && !strings.Contains(fmt.Sprint(err), ": sleep 1000\n") {
		t.Errorf("it does not say what it waits for: %v", err)
	}
	ends(t, slow.PID())
}
