package scripttest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"
)

// A terminal is one that a command runs on, and what it shows.
type terminal struct {
	command       *exec.Cmd
	control, line *os.File
	screen        *vt.SafeEmulator
	// before is how the line was set before the command.
	before *term.State
	ended  chan struct{}
}

// startTerminal runs a command on a terminal of its own. It goes on while the script
// does other things.
func startTerminal(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 99, "terminal COLUMNSxROWS COMMAND ARGS…")
	w := in(ts)
	columns, rows := size(ts, args[0])
	control, line, err := pty.Open()
	ts.Check(err)
	t := &terminal{control: control, line: line, screen: vt.NewSafeEmulator(columns, rows), ended: make(chan struct{})}
	w.terminal = t
	ts.Check(pty.Setsize(control, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}))
	t.before, err = term.GetState(int(line.Fd()))
	ts.Check(err)
	t.command = exec.Command(find(ts, args[1]), args[2:]...)
	t.command.Dir, t.command.Env = ts.MkAbs("."), w.scriptEnvironment(ts)
	t.command.Stdin, t.command.Stdout, t.command.Stderr = line, line, line
	t.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(t.command.Start())
	go func() {
		_ = t.command.Wait() // its state has how it ended
		close(t.ended)
	}()
	go func() { _, _ = io.Copy(t.screen, control) }() // until it is closed
	go func() { _, _ = io.Copy(control, t.screen) }() // what a terminal answers when it is asked
	ts.Defer(func() {
		_ = t.command.Process.Kill()
		_ = errors.Join(control.Close(), line.Close())
	})
}

// text is what it shows, without the colours.
func (t *terminal) text() string { return ansi.Strip(t.screen.Render()) }

// size reads columns and rows.
func size(ts *testscript.TestScript, text string) (columns, rows int) {
	if _, err := fmt.Sscanf(text, "%dx%d", &columns, &rows); err != nil {
		ts.Fatalf("%s is no size: %v", text, err)
	}
	return columns, rows
}

// find is where a command is.
func find(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	ts.Fatalf("there is no command %s", name)
	return ""
}

// scriptEnvironment is what the script has set by now.
func (w *world) scriptEnvironment(ts *testscript.TestScript) []string {
	names := []string{"KUBECONFIG", "TERM", "NO_COLOR", "PATH"}
	for _, pair := range w.environment() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	var environment []string
	for _, name := range names {
		if value := ts.Getenv(name); value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// screen waits until the terminal shows a text, whatever the spacing; negated, until
// it shows it no more.
func screen(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: screen TEXT")
	}
	t := in(ts).terminal
	shown := ""
	for range 3000 {
		shown = space.ReplaceAllString(t.text(), " ")
		if strings.Contains(shown, args[0]) != neg {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%q: shown is %v on the screen:\n%s", args[0], neg, t.text())
}

// keys are those that have more than one character as a name.
var keys = map[string]string{"ctrl+c": "\x03", "esc": "\x1b", "down": "\x1b[B", "pgdown": "\x1b[6~"}

func press(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "press KEY")
	text := args[0]
	if code, named := keys[text]; named {
		text = code
	}
	_, err := in(ts).terminal.control.WriteString(text)
	ts.Check(err)
}

func resize(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "resize COLUMNSxROWS")
	columns, rows := size(ts, args[0])
	t := in(ts).terminal
	t.screen.Resize(columns, rows)
	ts.Check(pty.Setsize(t.control, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}))
}

// signalTerminal sends a signal to what runs on the terminal.
func signalTerminal(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "signal NUMBER")
	number, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(in(ts).terminal.command.Process.Signal(syscall.Signal(number)))
}

// left waits until the command has ended, with a code, and looks whether it left the
// terminal as it was.
func left(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "left CODE")
	t := in(ts).terminal
	select {
	case <-t.ended:
	case <-time.After(time.Minute):
		ts.Fatalf("it goes on:\n%s", t.text())
	}
	if code := strconv.Itoa(t.command.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("it ended with %s, want %s:\n%s", code, args[0], t.text())
	}
	after, err := term.GetState(int(t.line.Fd()))
	ts.Check(err)
	if !reflect.DeepEqual(t.before, after) {
		ts.Fatalf("the terminal is set in another way: %+v, and was %+v", after, t.before)
	}
	for range 300 {
		if !t.screen.IsAltScreen() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("the screen is not the one that was there before:\n%s", t.text())
}
