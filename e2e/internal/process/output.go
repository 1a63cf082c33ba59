package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// Output runs a command that belongs to no run, and returns what it writes. It has to be
// one that tidies up when it is interrupted, as go does: that happens when ctx ends, and
// on Linux when this process is killed. The error has what the command said.
func Output(ctx context.Context, c Command) ([]byte, error) {
	command := exec.CommandContext(ctx, c.Path, c.Args...)
	command.Dir = c.Dir
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, c.Env...)
	command.SysProcAttr = interrupted()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = patience
	// Linux looks at the thread that started it, and those of Go come and go.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%s in %s: %w", c.Name, c.Dir, err)
		if ended, ran := errors.AsType[*exec.ExitError](err); ran {
			err = fmt.Errorf("%w\n%s", err, ended.Stderr)
		}
		return nil, err
	}
	return out, nil
}
