package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Alone waits until no other process does what a lock is for, and keeps others from it
// until release is called, or this process ends. The lock is a file, which is made.
func Alone(path string) (release func() error, err error) {
	lock, err := lockOf(path, syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", path, err)
	}
	return lock.Close, nil
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
