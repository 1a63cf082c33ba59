package process

import (
	"os/exec"
	"runtime"
)

// A starter starts processes from one thread that lives as long as they do. Linux
// kills a child when the thread that started it ends, not the process; and the
// threads of Go come and go.
type starter struct {
	requests chan request
}

type request struct {
	command *exec.Cmd
	started chan error
}

func newStarter() *starter {
	s := &starter{requests: make(chan request)}
	go s.serve()
	return s
}

func (s *starter) serve() {
	// Never unlocked: the thread ends with this function.
	runtime.LockOSThread()
	for r := range s.requests {
		r.started <- r.command.Start()
	}
}

func (s *starter) start(command *exec.Cmd) error {
	r := request{command: command, started: make(chan error)}
	s.requests <- r
	return <-r.started
}

// stop is for when all that was started has ended.
func (s *starter) stop() { close(s.requests) }
