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
	lock, err := lockOf(what, syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait to %s alone: %w", what, err)
	}
	return lock.Close, nil
}

// lockOf takes the lock of something that only one process of this user does or has at a
// time. The kernel gives it back when it is closed, or the process ends.
func lockOf(what string, how int) (*os.File, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("k8s-ops-e2e-%s-%d.lock", what, os.Getuid()))
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), how); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}
