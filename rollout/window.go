package rollout

import "time"

// horizon is how far a search for the next opening looks, and openings how
// many spans it looks at, so that windows that never open together end it.
const (
	horizon  = 5 * 366 * 24 * time.Hour
	openings = 20_000
)

// Opening is the first moment, not before another, at which a promotion is
// allowed. It is false where there is none within the next five years.
func (w Windows) Opening(from time.Time) (time.Time, bool) {
	t := from
	for range openings {
		if t.Sub(from) > horizon {
			break
		}
		if span, closed := spanAt(w.Deny, t); closed {
			t = span.To
			continue
		}
		if len(w.Allow) == 0 {
			return t, true
		}
		if _, open := spanAt(w.Allow, t); open {
			return t, true
		}
		next, ok := following(w.Allow, t)
		if !ok {
			break
		}
		t = next
	}
	return time.Time{}, false
}

// closing is the first moment after an opening at which a promotion may no
// longer be allowed, and false where there is none. It can be too early, where
// windows touch, but never too late.
func (w Windows) closing(opening time.Time) (time.Time, bool) {
	end, ok := following(w.Deny, opening)
	if span, open := spanAt(w.Allow, opening); open && (!ok || span.To.Before(end)) {
		return span.To, true
	}
	return end, ok
}

// spanAt is the span of a window in which a moment lies.
func spanAt(windows []Window, t time.Time) (Span, bool) {
	w, ok := windowAt(windows, t)
	if !ok {
		return Span{}, false
	}
	return w.Schedule.Next(t)
}

// following is when the next window begins.
func following(windows []Window, t time.Time) (time.Time, bool) {
	var first time.Time
	for _, w := range windows {
		if span, ok := w.Schedule.Next(t); ok && span.From.After(t) && (first.IsZero() || span.From.Before(first)) {
			first = span.From
		}
	}
	return first, !first.IsZero()
}

// closed says why nothing may be promoted at a moment at which the windows are
// not open.
func (w Windows) closed(t time.Time) (Window, bool) {
	return windowAt(w.Deny, t)
}

// opening is the allowed window that is open at a moment.
func (w Windows) opening(t time.Time) (Window, bool) {
	return windowAt(w.Allow, t)
}

func windowAt(windows []Window, t time.Time) (Window, bool) {
	for _, w := range windows {
		if span, ok := w.Schedule.Next(t); ok && !span.From.After(t) {
			return w, true
		}
	}
	return Window{}, false
}

// A calendar answers for many moments, given roughly in order, when a stage
// can take something next. It asks the windows once for each time that they
// open.
type calendar struct {
	windows Windows
	known   bool
	// From asked on nothing is allowed until opens, and from there on
	// everything until closes, where that is known.
	asked, opens, closes time.Time
	never, forever       bool
}

// next is the first moment, not before another, at which a promotion is
// allowed.
func (c *calendar) next(from time.Time) (time.Time, bool) {
	if len(c.windows.Allow)+len(c.windows.Deny) == 0 {
		return from, true
	}
	if !c.covers(from) {
		c.ask(from)
	}
	switch {
	case c.never:
		return time.Time{}, false
	case from.Before(c.opens):
		return c.opens, true
	default:
		return from, true
	}
}

func (c *calendar) covers(from time.Time) bool {
	return c.known && !from.Before(c.asked) && (c.never || c.forever || from.Before(c.closes))
}

func (c *calendar) ask(from time.Time) {
	c.known, c.asked = true, from
	opens, ok := c.windows.Opening(from)
	c.opens, c.never, c.forever = opens, !ok, false
	if ok {
		closes, ends := c.windows.closing(opens)
		c.closes, c.forever = closes, !ends
	}
}
