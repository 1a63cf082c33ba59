package process

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience is how long a process that was asked to end may take.
const patience = 10 * time.Second

// A Command is what to start.
type Command struct {
	// Name of the process, and of its log.
	Name string
	// Path of the binary.
	Path string
	Args []string
	// Dir is where it runs. Default is the run's directory.
	Dir string
	// Env is added to PATH, which is all that a process is given otherwise.
	Env []string
}

// A Process is a program that runs.
type Process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start starts a process. It goes on until it is stopped, or the run is closed.
func (r *Run) Start(c Command) (*Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("start %s: %w", c.Name, ErrClosed)
	}
	p := &Process{name: c.Name, log: filepath.Join(r.Logs(), c.Name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir = cmp.Or(c.Dir, r.dir)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir}, c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = attributes()
	if err := r.starter.start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	r.processes = append(r.processes, p)
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	_ = p.cmd.Wait() // how it ended, Ended says
	close(p.done)
}

// Log is the file with what the process says.
func (p *Process) Log() string { return p.log }

// Name is the name that it was started with.
func (p *Process) Name() string { return p.name }

// PID is the number of the process, and of its process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait waits until the process has ended, and says with which code: -1 where a
// signal has ended it.
func (p *Process) Wait() (code int) {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// EndsWithin waits until the process has ended, and says with which code. One that
// takes longer hangs: it is ended, and the error has what tells why, which is the last
// that it said, what it had started and was waiting for, and where it stood, if it is a
// program in Go.
func (p *Process) EndsWithin(limit time.Duration) (code int, err error) {
	select {
	case <-p.done:
		return p.Wait(), nil
	case <-time.After(limit):
	}
	said, started := tail(p.log, 15), descendants(p.PID())
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // a program in Go says where it stands
	select {
	case <-p.done:
	case <-time.After(patience):
	}
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // what is left of its group, if anything is
	<-p.done
	return -1, fmt.Errorf("%s goes on after %v; the last that it said:\n%s\nWhat it has started:\n%s\nWhere it stood:\n%s",
		p.name, limit, said, started, tail(p.log, 300))
}

// Ended is nil as long as the process runs. Afterwards it is an error with the
// last that the process said.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended (%v); the last that it said:\n%s", p.name, p.cmd.ProcessState, tail(p.log, 15))
	default:
		return nil
	}
}

// Finish starts a program and waits until it has ended. The error has the last that
// it said, where that was not well.
func (r *Run) Finish(c Command) error {
	p, err := r.Start(c)
	if err != nil {
		return err
	}
	if p.Wait() != 0 {
		return p.Ended()
	}
	return nil
}

// Stop asks the process to end, kills it where it takes too long, and waits.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return p.Kill()
	}
}

// Kill ends the process as a crash would, and waits.
func (p *Process) Kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.done
	return err
}

// signal reaches the process and whatever it has started.
func (p *Process) signal(s syscall.Signal) error {
	if p.Ended() != nil {
		return nil // its number may be somebody else's by now
	}
	err := syscall.Kill(-p.PID(), s)
	if err == nil || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return fmt.Errorf("send %v to %s: %w", s, p.name, err)
}

// tail is the end of a file.
func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
