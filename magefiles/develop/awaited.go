package develop

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// callers are the commands that start a target and then do nothing but wait for its end.
var callers = []string{"mage", "go", "task"}

// whileAwaited ends a context when nobody waits for this process any more: when its
// parent has gone, or a caller in front of that one. Whoever is killed by SIGKILL cannot
// pass it on.
func whileAwaited(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	first := waiting() // before the goroutine: by when that runs, it may be too late
	if missesGo(first[len(first)-1]) {
		cancel()
	}
	go func() {
		defer cancel()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for slices.Equal(waiting(), first) {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return ctx, cancel
}

// waiting are the processes that wait for this one: its parent, and the callers in front
// of it. Only Linux tells who they are; elsewhere it is the parent alone.
func waiting() []int {
	pid := os.Getppid()
	pids := []int{pid}
	name, parent := look(pid)
	for slices.Contains(callers, name) {
		pid = parent
		if name, parent = look(pid); slices.Contains(callers, name) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// builtToRun is where the go command has what it builds to run it: in its cache, or below
// its temporary directory. Nobody else looks for programs there.
var builtToRun = regexp.MustCompile(`(/[0-9a-f]{64}-d|/go-build\d+/b\d+/exe)/[^/]+$`)

// missesGo is whether a process that nobody waits for was started by the go command,
// which has then been killed: as early as that this process had not begun.
func missesGo(pid int) bool {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && builtToRun.MatchString(path)
}

// look is the name of a process and its parent, where that is known.
func look(pid int) (name string, parent int) {
	// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: pid (name) state parent
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, rest, _ := strings.Cut(string(stat), "(")
	end := strings.LastIndex(rest, ") ") // a name can have both in it
	if end < 0 {
		return "", 0
	}
	var state string
	if _, err := fmt.Sscan(rest[end+1:], &state, &parent); err != nil {
		return "", 0
	}
	return rest[:end], parent
}
