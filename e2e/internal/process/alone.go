package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Alone waits until no other process of this user does the same thing, and keeps
// others from it until release is called, or this process ends.
func Alone(what string) (release func() error, err error) {
	return AloneIn(pathOf(what))
}

// AloneIn is Alone for what is done in one place: path is a file there, which is made.
func AloneIn(path string) (release func() error, err error) {
	lock, err := lockOf(path, syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", path, err)
	}
	return lock.Close, nil
}

// pathOf is the lock of something that only one process of this user does or has at a
// time.
func pathOf(what string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("k8s-ops-e2e-%s-%d.lock", what, os.Getuid()))
}

// lockOf takes a lock. The kernel gives it back when it is closed, or the process ends.
func lockOf(path string, how int) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), how); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}
