package rollout

import "time"

// horizon is how far a search for the next opening looks, and steps how many
// spans it looks at: windows that take turns every few minutes are not
// followed for years.
const (
	horizon = 5 * 366 * 24 * time.Hour
	steps   = 20_000
)

// An outlook is what a search for the next opening has come to.
type outlook int

const (
	// neverOpens: nothing is allowed within the horizon.
	neverOpens outlook = iota
	// opensThen: a promotion is allowed, and none before.
	opensThen
	// closedUntil: none is allowed before, and of what comes then nothing is
	// known.
	closedUntil
)

// Opening is the first moment, not before another, at which a promotion is
// allowed. It is false where there is none within the next five years. Where
// windows take turns too often to be followed as far as that, it is a moment
// before which there is none, and at which one has to ask again.
func (w Windows) Opening(from time.Time) (time.Time, bool) {
	t, found := w.search(from)
	return t, found != neverOpens
}

func (w Windows) search(from time.Time) (time.Time, outlook) {
	allow, deny := tracksOf(w.Allow), tracksOf(w.Deny)
	t := from
	for range steps {
		if t.Sub(from) > horizon {
			return time.Time{}, neverOpens
		}
		if span, closed := deny.at(t); closed {
			t = span.To
			continue
		}
		if len(w.Allow) == 0 {
			return t, opensThen
		}
		if _, open := allow.at(t); open {
			return t, opensThen
		}
		next, ok := allow.following(t)
		if !ok {
			return time.Time{}, neverOpens
		}
		t = next
	}
	return t, closedUntil
}

// closing is the first moment after an opening at which a promotion may no
// longer be allowed, and false where there is none. It can be too early, where
// windows touch, but never too late.
func (w Windows) closing(opening time.Time) (time.Time, bool) {
	end, ok := tracksOf(w.Deny).following(opening)
	if span, open := tracksOf(w.Allow).at(opening); open && (!ok || span.To.Before(end)) {
		return span.To, true
	}
	return end, ok
}

// A track is the span of one window that ends next. It is asked for moments in
// order, and asks the schedule again when that span is over.
type track struct {
	schedule     Schedule
	span         Span
	asked, comes bool
}

func (k *track) next(t time.Time) (Span, bool) {
	if !k.asked || k.comes && !k.span.To.After(t) {
		k.span, k.comes = k.schedule.Next(t)
		k.asked = true
	}
	return k.span, k.comes
}

type tracks []*track

func tracksOf(windows []Window) tracks {
	all := make(tracks, len(windows))
	for i, w := range windows {
		all[i] = &track{schedule: w.Schedule}
	}
	return all
}

// at is the span of a window in which a moment lies.
func (all tracks) at(t time.Time) (Span, bool) {
	for _, k := range all {
		if span, ok := k.next(t); ok && !span.From.After(t) {
			return span, true
		}
	}
	return Span{}, false
}

// following is when the next window begins.
func (all tracks) following(t time.Time) (time.Time, bool) {
	var first time.Time
	for _, k := range all {
		if span, ok := k.next(t); ok && span.From.After(t) && (first.IsZero() || span.From.Before(first)) {
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

// windowAt is a window that is open at a moment.
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
	// everything until closes, where that is known. They are one moment where
	// the search for an opening was given up.
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
	var found outlook
	c.opens, found = c.windows.search(from)
	c.never, c.forever = found == neverOpens, false
	c.closes = c.opens
	if found == opensThen {
		closes, ends := c.windows.closing(c.opens)
		c.closes, c.forever = closes, !ends
	}
}
