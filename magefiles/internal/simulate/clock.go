package simulate

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A clock is the forge's. It may be a little behind the exact time, each time
// by another bit, as the machines of a forge are.
type clock struct {
	mu     sync.Mutex
	exact  time.Time
	random *rand.Rand
	// behind is how much it may be behind, grain the smallest unit that it
	// tells.
	behind, grain time.Duration
	last          time.Time
}

// Now is what the clock shows.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.exact
	if c.behind > 0 {
		c.last = c.last.Add(-time.Duration(c.random.Int64N(int64(c.behind))))
	}
	c.last = c.last.Truncate(c.grain)
	return c.last
}

// shown is what the clock showed last: the time of what was just done.
func (c *clock) shown() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// now is the exact time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exact
}

// set moves the exact time forward; it never goes back.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.exact) {
		c.exact = t
	}
}

// pass lets some time go by.
func (c *clock) pass(d time.Duration) { c.set(c.now().Add(d)) }

// A watch is the clock of whoever runs the engine. It counts where the forge
// has none of its own, and then it may jump, forwards and back.
type watch struct {
	forge  *clock
	random *rand.Rand
	// wrong is by how much it is ahead of the forge's clock now.
	wrong time.Duration
}

// Now is what the watch shows.
func (w *watch) Now() time.Time { return w.of(w.forge.Now()) }

// of is what the watch shows at a moment by the forge's clock.
func (w *watch) of(t time.Time) time.Time { return t.Add(w.wrong) }

// farthest is the most by which a watch is wrong.
const farthest = 5 * 24 * time.Hour

// jump makes the watch wrong by minutes, hours or days, or puts it right.
func (w *watch) jump() {
	most := []time.Duration{0, time.Hour, 24 * time.Hour, farthest}[w.random.IntN(4)]
	w.wrong = time.Duration(w.random.Int64N(int64(2*most)+1)) - most
}
