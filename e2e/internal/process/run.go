package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The names of the directories, below the system's temporary one: of a run that
// begins, of one that goes on, and of the logs of one that failed.
const (
	newPattern  = "k8s-ops-e2e-new-*"
	runPattern  = "k8s-ops-e2e-run-*"
	logsPattern = "k8s-ops-e2e-logs-*"
)

// ErrClosed is what a run answers that has ended.
var ErrClosed = errors.New("the run has ended")

// A Run is a directory, and the processes that were started in it.
type Run struct {
	dir     string
	lock    *os.File
	starter *starter

	mu        sync.Mutex
	closed    bool
	processes []*Process

	end    sync.Once
	ending error
}

// Open makes a run, and removes what killed ones have left behind.
func Open() (*Run, error) {
	if err := sweep(os.TempDir()); err != nil {
		return nil, err
	}
	dir, lock, err := makeDir()
	if err != nil {
		return nil, fmt.Errorf("make a directory for the run: %w", err)
	}
	r := &Run{dir: dir, lock: lock, starter: newStarter()}
	if err := os.Mkdir(r.Logs(), 0o755); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Dir is the run's directory. It goes away with the run.
func (r *Run) Dir() string { return r.dir }

// Logs is the directory with what every process said.
func (r *Run) Logs() string { return filepath.Join(r.dir, "logs") }

// Close kills all processes, waits for them, and removes the directory. A second
// Close waits for the first.
func (r *Run) Close() error {
	r.end.Do(func() { r.ending = r.close() })
	return r.ending
}

func (r *Run) close() error {
	r.mu.Lock()
	r.closed = true
	processes := r.processes
	r.mu.Unlock()

	var err error
	for _, p := range processes {
		err = errors.Join(err, p.signal(syscall.SIGKILL))
	}
	for _, p := range processes {
		<-p.done
	}
	r.starter.stop()
	return errors.Join(err, remove(r.dir), r.lock.Close())
}

// remove removes a directory. What a process had started on a terminal of its own
// ends with that terminal, a moment later, and may write until then.
func remove(dir string) (err error) {
	for range 100 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// Keep takes the logs out of the run's directory, and says where they are.
func (r *Run) Keep() (string, error) {
	kept, err := os.MkdirTemp("", logsPattern)
	if err != nil {
		return "", fmt.Errorf("keep the logs: %w", err)
	}
	if err := os.CopyFS(kept, os.DirFS(r.Logs())); err != nil {
		return "", fmt.Errorf("keep the logs: %w", err)
	}
	return kept, nil
}

// makeDir makes the directory of a run. It has another name until it is locked, so
// that nobody sweeps it before.
func makeDir() (string, *os.File, error) {
	made, err := os.MkdirTemp("", newPattern)
	if err != nil {
		return "", nil, err
	}
	lock, err := hold(made)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(made))
	}
	_, unique, _ := strings.Cut(filepath.Base(made), strings.TrimSuffix(newPattern, "*"))
	dir := filepath.Join(filepath.Dir(made), strings.TrimSuffix(runPattern, "*")+unique)
	if err := os.Rename(made, dir); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(made), lock.Close())
	}
	return dir, lock, nil
}

// hold takes the lock of a run's directory, which the kernel gives back with the
// process that holds it.
func hold(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// sweep removes the directories of runs that nobody holds any more.
func sweep(temporary string) error {
	runs, err := filepath.Glob(filepath.Join(temporary, runPattern))
	if err != nil {
		return err
	}
	for _, dir := range runs {
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue // another run that begins, or somebody else's directory
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if err := os.RemoveAll(dir); err != nil {
				return errors.Join(fmt.Errorf("remove what a killed run has left: %w", err), lock.Close())
			}
		}
		if err := lock.Close(); err != nil {
			return err
		}
	}
	return nil
}
