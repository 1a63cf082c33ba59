package progress_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"github.com/monosense/k8s-ops/magefiles/internal/progress"
	"github.com/monosense/k8s-ops/rollout"
)

// A scene is work that takes fake time, and a terminal of some size, on which both
// what it prints and how far it is are seen.
type scene struct {
	work    rollout.Progress
	display *progress.Display
	out     io.Writer
	columns atomic.Int64
	screen  *vt.SafeEmulator
	// written is all that was written beside what was printed.
	mu      sync.Mutex
	written bytes.Buffer
	// away is what the guard was given, and guarded whether it is on.
	away    func()
	guarded bool
}

// Write implements [io.Writer].
func (s *scene) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written.Write(text)
	return s.screen.Write(text)
}

// onTerminal plays a scene on a terminal that is so many columns wide.
func onTerminal(t *testing.T, columns int, play func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{screen: vt.NewSafeEmulator(columns, 6)}
		s.columns.Store(int64(columns))
		s.begin(progress.Options{Columns: func() int { return int(s.columns.Load()) }, Guard: func(away func()) func() {
			s.away, s.guarded = away, true
			return func() { s.guarded = false }
		}})
		defer s.display.Close()
		play(t, s)
	})
}

// elsewhere plays a scene where there is no terminal.
func elsewhere(t *testing.T, play func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{screen: vt.NewSafeEmulator(200, 6)}
		s.begin(progress.Options{})
		defer s.display.Close()
		play(t, s)
	})
}

func (s *scene) begin(o progress.Options) {
	o.Out, o.Now = s, time.Now
	s.display = progress.Show(&s.work, o)
	s.out = s.display.Over(onlcr{s.screen})
}

// onlcr is a terminal's line, which begins anew after a line break.
type onlcr struct{ to io.Writer }

func (o onlcr) Write(text []byte) (int, error) {
	_, err := o.to.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	return len(text), err
}

// shows waits, and compares what stands on the screen then.
func (s *scene) shows(t *testing.T, wait time.Duration, want ...string) {
	t.Helper()
	time.Sleep(wait)
	synctest.Wait()
	var got []string
	for line := range strings.SplitSeq(ansi.Strip(s.screen.Render()), "\n") {
		if line = strings.TrimRight(line, " \r"); line != "" {
			got = append(got, line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the terminal shows:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func say(t *testing.T, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Error(err)
	}
}

// bar is one that is full so far.
func bar(full, columns int) string {
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// silent tells that nothing was written.
func (s *scene) silent(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written.Len() > 0 {
		t.Errorf("written: %q", s.written.String())
	}
}

func TestShortWorkIsNotShown(t *testing.T) {
	short := func(t *testing.T, s *scene) {
		for range 100 {
			phase := s.work.Begin(rollout.Effort{What: "observing apps"})
			time.Sleep(400 * time.Millisecond)
			phase.End()
			time.Sleep(200 * time.Millisecond)
		}
		s.display.Close()
		s.silent(t)
	}
	onTerminal(t, 80, short)
	elsewhere(t, short)
}

func TestLine(t *testing.T) {
	onTerminal(t, 80, func(t *testing.T, s *scene) {
		phase := s.work.Begin(rollout.Effort{What: "observing apps"})
		s.shows(t, 550*time.Millisecond)
		s.shows(t, 100*time.Millisecond, "observing apps, 0s")
		s.shows(t, 4*time.Second, "observing apps, 4s")
		// What is part of it, and is counted without knowing how much there is.
		inner := s.work.Begin(rollout.Effort{What: "reading history", Parts: "commits"})
		s.shows(t, time.Second, "reading history, 0s")
		inner.Add(12345)
		s.shows(t, time.Second, "reading history: 12345 commits, 1s")
		inner.End()
		s.shows(t, time.Second, "observing apps, 7s")
		phase.End()
		// And with a bar where one knows.
		phase = s.work.Begin(rollout.Effort{What: "rendering", Parts: "clusters", Total: 4, Pieces: "directories"})
		s.shows(t, 200*time.Millisecond, "rendering "+bar(0, 20)+" 0 of 4 clusters, 0s")
		phase.Add(3)
		phase.AddPieces(1204)
		s.shows(t, 70*time.Second, "rendering "+bar(7, 10)+" 3 of 4 clusters, 1204 directories, 1m 10s")
		phase.Add(1)
		s.shows(t, time.Second, "rendering "+bar(10, 10)+" 4 of 4 clusters, 1204 directories, 1m 11s")
		phase.End()
		s.shows(t, 200*time.Millisecond)
		if s.guarded {
			t.Error("there is a guard, and nothing to guard")
		}
	})
}

func TestPrintedStandsAlone(t *testing.T) {
	onTerminal(t, 80, func(t *testing.T, s *scene) {
		phase := s.work.Begin(rollout.Effort{What: "setting up", Parts: "steps", Total: 2})
		s.shows(t, time.Second, "setting up "+bar(0, 20)+" 0 of 2 steps, 0s")
		say(t, s.out, "ledger: created\n")
		s.shows(t, 0, "ledger: created")
		s.shows(t, 200*time.Millisecond, "ledger: created", "setting up "+bar(0, 20)+" 0 of 2 steps, 1s")
		// A question has no end, and nothing is drawn over it.
		say(t, s.out, "Go on? ")
		s.shows(t, time.Minute, "ledger: created", "Go on?")
		say(t, s.out, "yes\n")
		s.shows(t, time.Second, "ledger: created", "Go on? yes", "setting up "+bar(0, 20)+" 0 of 2 steps, 1m 2s")
		phase.End()
		say(t, s.out, "done\n")
		s.display.Close()
		s.display.Close()
		s.shows(t, 0, "ledger: created", "Go on? yes", "done")
		if at := s.screen.CursorPosition(); at.X != 0 || at.Y != 3 {
			t.Errorf("the cursor is at %v", at)
		}
	})
}

// TestInterrupt: what is told to go away does, for good.
func TestInterrupt(t *testing.T) {
	onTerminal(t, 80, func(t *testing.T, s *scene) {
		s.work.Begin(rollout.Effort{What: "rendering"})
		s.shows(t, time.Second, "rendering, 0s")
		if !s.guarded {
			t.Fatal("nobody guards the line")
		}
		s.away()
		s.shows(t, 0)
		s.shows(t, time.Minute)
	})
}

// TestForeignTextCoversTheLine: mage tells of an interrupt without asking.
func TestForeignTextCoversTheLine(t *testing.T) {
	const mage = "cancelling mage targets, waiting up to 5 seconds for cleanup..."
	for _, columns := range []int{40, 80, 200} {
		onTerminal(t, columns, func(t *testing.T, s *scene) {
			s.work.Begin(rollout.Effort{What: strings.Repeat("long ", 50), Parts: "parts", Total: 3})
			time.Sleep(time.Second)
			synctest.Wait()
			say(t, s.screen, mage+"\r\n")
			s.away()
			synctest.Wait()
			got := strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(ansi.Strip(s.screen.Render())), "\r", ""), "\n", "")
			if got != mage {
				t.Errorf("%d columns: %s", columns, got)
			}
		})
	}
}

// TestWidth: the line has one row, whatever the terminal, and also once it is another.
func TestWidth(t *testing.T) {
	for columns := 4; columns < 100; columns++ {
		onTerminal(t, columns, func(t *testing.T, s *scene) {
			phase := s.work.Begin(rollout.Effort{What: "rendering 决定性的修复", Parts: "clusters", Total: 12, Pieces: "directories"})
			phase.Add(5)
			phase.AddPieces(70)
			time.Sleep(time.Second)
			s.fits(t, columns)
			s.columns.Store(int64(columns / 2))
			time.Sleep(time.Second)
			s.fits(t, columns/2)
		})
	}
}

// fits tells whether the line that was drawn last is narrower than the terminal.
func (s *scene) fits(t *testing.T, columns int) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	drawn := strings.Split(s.written.String(), ansi.EraseScreenBelow)
	last := drawn[len(drawn)-1]
	if w := ansi.StringWidth(last); w >= columns || w == 0 {
		t.Errorf("%d columns: the line takes %d: %q", columns, w, last)
	}
}

// TestNamesAreText: whoever names a branch does not move the cursor, give orders to a
// runner, or turn the direction of writing.
func TestNamesAreText(t *testing.T) {
	work := rollout.Effort{What: "::error::observing \x1b[2J\u202eapps\r\n"}
	const want = `\x3a:error::observing \x1b[2J\u202eapps\x0d\x0a, 1`
	onTerminal(t, 80, func(t *testing.T, s *scene) {
		s.work.Begin(work)
		s.shows(t, 1200*time.Millisecond, want+"s")
	})
	elsewhere(t, func(t *testing.T, s *scene) {
		s.work.Begin(work)
		s.shows(t, 11*time.Second, "still "+want+"0s")
	})
}

// TestLines: where there is no terminal, they come ever less often.
func TestLines(t *testing.T) {
	elsewhere(t, func(t *testing.T, s *scene) {
		phase := s.work.Begin(rollout.Effort{What: "rendering", Parts: "clusters", Total: 12, Pieces: "directories"})
		time.Sleep(9050 * time.Millisecond)
		s.silent(t)
		phase.Add(3)
		time.Sleep(35 * time.Second)
		phase.AddPieces(7)
		inner := s.work.Begin(rollout.Effort{What: "observing apps"})
		time.Sleep(20 * time.Second)
		inner.End()
		time.Sleep(2 * time.Minute)
		say(t, s.out, "printed\n")
		phase.End()
		time.Sleep(time.Second)
		// What begins after a pause is new.
		s.work.Begin(rollout.Effort{What: "committing to the ledger"})
		time.Sleep(11 * time.Second)
		s.display.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		const want = `still rendering: 3 of 12 clusters, 10s
still rendering: 3 of 12 clusters, 30s
still observing apps, 16s
still rendering: 3 of 12 clusters, 7 directories, 2m
still rendering: 3 of 12 clusters, 7 directories, 3m
still committing to the ledger, 10s
`
		if got := s.written.String(); got != want {
			t.Errorf("written:\n%s\nwant:\n%s", got, want)
		}
	})
}

// TestInk: a bar has a colour where there is one, and takes no more room.
func TestInk(t *testing.T) {
	bar := progress.Ink("██")
	if ansi.Strip(bar) != "██" || bar == "██" {
		t.Errorf("drawn: %q", bar)
	}
}
