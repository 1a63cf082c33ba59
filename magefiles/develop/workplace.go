package develop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// workplace is the directory in which this process compiles suites, and nobody else. What
// an earlier one has compiled is there, so that only what has changed since is linked
// again. More of them, of processes that ran side by side, are removed.
func workplace() (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the directory for what is built: %w", err)
	}
	all := filepath.Join(cache, "k8s-ops", "e2e", "suites")
	if err := os.MkdirAll(all, 0o755); err != nil {
		return "", err
	}
	mine := filepath.Join(all, strconv.Itoa(os.Getpid()))
	if err := takeOver(all, mine); err != nil {
		return "", fmt.Errorf("take over what an earlier run has compiled: %w", err)
	}
	// What a killed go command had begun.
	if err := os.RemoveAll(linking(mine)); err != nil {
		return "", err
	}
	return mine, os.MkdirAll(linking(mine), 0o755)
}

// linking is where the go command links what belongs into a workplace: in the same file
// system, so that it can rename it. Half a copy, of one that was killed, would pass for up
// to date, since what tells is at the beginning of a binary.
func linking(workplace string) string { return filepath.Join(workplace, "linking") }

// takeOver makes a workplace that nobody needs any more one's own, and removes all other
// such ones. Each is called after the process that it belongs to. Of processes that do
// this at once one gets it, since only one can rename it.
func takeOver(all, mine string) error {
	places, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, place := range places {
		pid, err := strconv.Atoi(place.Name())
		if err != nil || runs(pid) {
			continue
		}
		theirs, second := filepath.Join(all, place.Name()), filepath.Join(mine, "second")
		err = os.Rename(theirs, mine)
		if errors.Is(err, fs.ErrExist) {
			err = errors.Join(os.RemoveAll(second), os.Rename(theirs, second), os.RemoveAll(second))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// runs is whether there is a process with a number, for all that can be known.
func runs(pid int) bool {
	process, err := os.FindProcess(pid)
	return err == nil && !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
