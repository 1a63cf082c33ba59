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
	lock, err := os.OpenFile(alonePath(what), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("wait to %s alone: %w", what, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("wait to %s alone: %w", what, err), lock.Close())
	}
	return lock.Close, nil
}

func alonePath(what string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("k8s-ops-e2e-%s-%d.lock", what, os.Getuid()))
}
