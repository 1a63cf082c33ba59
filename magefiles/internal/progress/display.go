package progress

import (
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/monosense/k8s-ops/rollout"
)

// Options say where progress is shown.
type Options struct {
	// Out is where it is written: standard error.
	Out io.Writer
	// Columns tells how wide the terminal is by now. Default is that there is none,
	// and lines are printed now and then.
	Columns func() int
	// Ink draws a bar. Default is to leave it as it is.
	Ink func(bar string) string
	// Guard is called when a line has come into sight, with what takes it away for
	// good at once, for whoever is about to end the process. What it returns is
	// called when the line is gone. Default is not to be called.
	Guard func(away func()) (done func())
	// Now is the clock.
	Now func() time.Time
}

// often is how long a display does not look.
const often = 100 * time.Millisecond

// patience is how long work on a terminal may take before it is shown.
const patience = 500 * time.Millisecond

// A Display shows a progress.
type Display struct {
	options Options
	of      *rollout.Progress
	// stop makes the goroutine end, and ended waits for it.
	stop  func()
	ended sync.WaitGroup

	// mu guards what follows, and is held while anything is written.
	mu sync.Mutex
	// work is since when there has been work, and began since when each phase of it
	// that goes on.
	work  time.Time
	began map[*rollout.Phase]time.Time
	// said is how many lines were printed of this work.
	said int
	// drawn is what stands on the terminal's line, and unfinished says that
	// something was printed there that has no end yet.
	drawn      string
	unfinished bool
	// unguard is nil while there is nothing to guard.
	unguard func()
	silent  bool
}

// Show shows a progress until the display is closed.
func Show(of *rollout.Progress, o Options) *Display {
	end := make(chan struct{})
	d := &Display{options: o, of: of, began: map[*rollout.Phase]time.Time{}, stop: sync.OnceFunc(func() { close(end) })}
	d.ended.Go(func() { d.run(end) })
	return d
}

func (d *Display) run(end <-chan struct{}) {
	ticks := time.NewTicker(often)
	defer ticks.Stop()
	for {
		select {
		case <-end:
			return
		case <-ticks.C:
			d.look()
		}
	}
}

// Close takes the line away for good, and ends the display.
func (d *Display) Close() {
	d.Silence()
	d.stop()
	d.ended.Wait()
}

// Silence takes the line away for good.
func (d *Display) Silence() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = true
	d.rest()
}

// look sees what the work is at, and shows it.
func (d *Display) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	phase, now := d.of.Now(), d.options.Now()
	switch {
	case d.silent:
		return
	case phase == nil:
		d.rest()
		return
	case len(d.began) == 0:
		d.work = now
	}
	d.note(phase, now)
	if d.options.Columns == nil {
		d.say(phase, now)
	} else if now.Sub(d.work) >= patience && !d.unfinished {
		d.draw(phase, now)
	}
}

// note remembers when a phase began, and those in which it did.
func (d *Display) note(phase *rollout.Phase, now time.Time) {
	maps.DeleteFunc(d.began, func(p *rollout.Phase, _ time.Time) bool { return p.Ended() })
	for p := phase; p != nil; p = p.Outer() {
		if _, known := d.began[p]; !known && (p == phase || !p.Ended()) {
			d.began[p] = now
		}
	}
}

// rest is for when there is no work.
func (d *Display) rest() {
	d.erase()
	clear(d.began)
	d.said = 0
	if d.unguard != nil {
		d.unguard()
		d.unguard = nil
	}
}

// draw draws the line anew, and leaves the cursor at its beginning: whoever writes to
// the terminal without knowing of the line writes over it.
func (d *Display) draw(phase *rollout.Phase, now time.Time) {
	line := live(phase, now.Sub(d.began[phase]), d.options)
	if line == d.drawn {
		return
	}
	if d.unguard == nil && d.options.Guard != nil {
		d.unguard = d.options.Guard(d.Silence)
	}
	d.drawn = line
	d.write(away + line + "\r")
}

// away takes the line away, of which a terminal that became narrower has made several.
const away = "\r" + ansi.EraseScreenBelow

func (d *Display) erase() {
	if d.drawn != "" {
		d.drawn = ""
		d.write(away)
	}
}

// due is after how much work a line is printed that has so many before it.
func due(said int) time.Duration {
	first := []time.Duration{10 * time.Second, 30 * time.Second}
	if said < len(first) {
		return first[said]
	}
	return time.Duration(said-len(first)+1) * time.Minute
}

// say prints a line, if it is time for one.
func (d *Display) say(phase *rollout.Phase, now time.Time) {
	if now.Sub(d.work) < due(d.said) {
		return
	}
	d.said++
	d.write("still " + text(phase, now.Sub(d.began[phase])) + "\n")
}

// write writes what nobody has to read: that it fails is no failure of the work.
func (d *Display) write(text string) {
	fmt.Fprint(d.options.Out, text) //nolint:errcheck // see above
}

// Over is what to print through: a writer that takes the line away first.
func (d *Display) Over(w io.Writer) io.Writer { return over{d, w} }

type over struct {
	display *Display
	to      io.Writer
}

// Write implements [io.Writer].
func (o over) Write(text []byte) (int, error) {
	d := o.display
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	if len(text) > 0 {
		d.unfinished = text[len(text)-1] != '\n'
	}
	return o.to.Write(text)
}
