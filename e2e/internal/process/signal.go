package process

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// CloseOnSignal closes the run when somebody ends this process, or the one that
// started it, and then ends as a process does that a signal has ended.
func (r *Run) CloseOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	gone := orphaned() // before the goroutine: by when that runs, it may be too late
	go func() {
		os.Exit(r.closeOn(signals, gone))
	}()
}

func (r *Run) closeOn(signals <-chan os.Signal, orphaned <-chan struct{}) (code int) {
	code = 128 + int(syscall.SIGHUP)
	select {
	case s := <-signals:
		if number, known := s.(syscall.Signal); known {
			code = 128 + int(number)
		}
	case <-orphaned:
	}
	if err := r.Close(); err != nil {
		return 1
	}
	return code
}

// orphaned is closed when the process that started this one is gone: nobody is
// left then to wait for what comes out.
func orphaned() <-chan struct{} {
	gone := make(chan struct{})
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(200 * time.Millisecond)
		}
		close(gone)
	}()
	return gone
}
