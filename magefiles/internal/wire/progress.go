package wire

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	ghterm "github.com/cli/go-gh/v2/pkg/term"
	"golang.org/x/term"

	"github.com/monosense/k8s-ops/magefiles/internal/progress"
	"github.com/monosense/k8s-ops/rollout"
)

// InSight does what takes long, and shows on standard error how far it is. It gives
// what standard output is printed through meanwhile.
func InSight(ctx context.Context, do func(context.Context, io.Writer) error) error {
	return inSight(ctx, func(ctx context.Context, d *progress.Display) error { return do(ctx, d.Over(os.Stdout)) })
}

func inSight(ctx context.Context, do func(context.Context, *progress.Display) error) error {
	var work rollout.Progress
	d := progress.Show(&work, sight())
	defer d.Close()
	return do(rollout.WithProgress(ctx, &work), d)
}

// sight is how progress is shown: a line that is alive on a terminal, and elsewhere
// lines, as for whoever has them read aloud.
func sight() progress.Options {
	o := progress.Options{Out: os.Stderr, Now: time.Now}
	if !ghterm.IsTerminal(os.Stderr) || os.Getenv("TERM") == "dumb" {
		return o
	}
	for _, name := range []string{"ACCESSIBLE", "CI", "GITHUB_ACTIONS"} {
		if os.Getenv(name) != "" {
			return o
		}
	}
	o.Columns, o.Guard = errorColumns, guard
	if os.Getenv("NO_COLOR") == "" {
		o.Ink = progress.Ink
	}
	return o
}

// errorColumns is how wide the terminal is on which errors are seen.
func errorColumns() int {
	columns, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || columns <= 0 {
		return usualColumns
	}
	return columns
}

// guard takes the line away when somebody interrupts the process, or ends it. An
// interrupt is mage's to act on; what ends the process does so all the same.
func guard(away func()) (done func()) {
	signals, gone := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			away()
			raise(s)
		case <-gone:
			// One may have come just then.
			select {
			case s := <-signals:
				raise(s)
			default:
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(gone)
	}
}

// raise lets a signal do what it does where nobody waits for it.
func raise(s os.Signal) {
	if s == os.Interrupt {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(s) // where it cannot be sent, the system ends the process by itself
	}
}
