package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// descendants lists what a process has started, and what that has, each with its state
// and the call of the kernel that it waits in.
func descendants(pid int) string {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		one, parent := parentOf(path)
		parents[one] = parent
	}
	var all strings.Builder
	for one := range parents {
		for up := parents[one]; up != 0; up = parents[up] {
			if up == pid {
				all.WriteString(describe(one, parents[one]))
				break
			}
		}
	}
	return all.String()
}

// parentOf reads a process and its parent: 0 where it has ended meanwhile. Its name,
// which can hold anything, stands in brackets before the state and the parent.
func parentOf(path string) (pid, parent int) {
	pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
	text, _ := os.ReadFile(path)
	_, rest, _ := strings.Cut(string(text[strings.LastIndex(string(text), ")")+1:]), " ")
	if fields := strings.Fields(rest); len(fields) > 1 {
		parent, _ = strconv.Atoi(fields[1])
	}
	return pid, parent
}

func describe(pid, parent int) string {
	read := func(name string) string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
	}
	state := ""
	for line := range strings.Lines(read("status")) {
		if value, found := strings.CutPrefix(line, "State:"); found {
			state = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d, of %d, %s, in %s: %.300s\n", pid, parent, state, read("wchan"), read("cmdline"))
}
