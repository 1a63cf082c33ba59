package workflows

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNothingOutlivesAct: who kills act ends what its jobs have started, too,
// although that runs in sessions of its own.
func TestNothingOutlivesAct(t *testing.T) {
	s := begin(t)
	file := filepath.Join(s.dir, "pids")
	e := event{
		name: "push", file: filepath.Join(s.dir, "sleep.yaml"), ref: "refs/heads/" + upstream,
		payload: map[string]any{"repository": s.repository()},
	}
	s.write(e.file, "on: push\njobs:\n  sleep:\n    runs-on: host\n    steps:\n"+
		"      - run: sleep 600 & echo $$ $! >"+file+".new; mv "+file+".new "+file+"; wait\n")
	p, err := s.start(e)
	s.must(err)
	var pids []string
	s.until("the job has started", func() bool {
		s.must(p.Ended())
		data, err := os.ReadFile(file)
		pids = strings.Fields(string(data))
		return err == nil
	})
	s.must(p.Kill())
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		s.must(err)
		s.until("process "+text+" has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	}
}

// until looks every moment whether something is so, and gives up after a minute.
func (s *scene) until(what string, so func() bool) {
	s.t.Helper()
	for range 6000 {
		if so() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("it never came that %s", what)
}
