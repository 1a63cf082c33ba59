package rollout

import (
	"fmt"
	"slices"
	"time"
)

// room is where the blocks of the next verdict can be put: what is full stays
// where it is, and a new one is begun.
func (v *survey) room() []Block {
	const most, chunk = 64, 1024
	if cap(v.blocks)-len(v.blocks) < most {
		// What is pending on most days needs a fraction of a chunk.
		v.blocks = make([]Block, 0, min(chunk, most+4*len(v.g.commits)))
	}
	return v.blocks
}

// judge is the policy of one revision. Taints are what it contains of the bad
// commits, and p is what those before it leave to it.
func (v *survey) judge(r Revision, position int, taints []int, p past) Verdict {
	blocks := v.room()
	begin := len(blocks)
	if !r.FastForward {
		blocks = append(blocks, Block{Gate: GateFastForward, Outcome: NotFastForward, why: v.notFastForward})
	}
	for _, i := range taints {
		blocks = append(blocks, v.tainted[i])
		if t := &v.taints.all[i]; t.Commit.SHA == r.SHA {
			blocks[len(blocks)-1].why = func() string { return "it " + t.Why() }
		}
	}
	if v.health.failed(position) {
		delete(v.passed, r.Tree)
	}
	passage := v.passed[r.Tree]
	from, same := v.sameTree(r, passage)
	verdict := Verdict{Revision: r, same: same}
	if !same {
		unproven := len(blocks)
		blocks = v.proof(blocks, r, position, p)
		if len(taints) == 0 && r.Tree != "" {
			passage = v.prove(r, passage, blocks[unproven:])
		}
	}
	blocks, exposed := v.exposure(blocks, r, position)
	blocks = append(blocks, v.held...)
	free, waits := v.free(blocks[begin:])
	if !passage.at.IsZero() && r.FastForward && len(taints) == 0 && exposed {
		// By then an older revision with its tree has soaked.
		if at, ends := v.free(v.held); ends && (!waits || later(at, passage.at).Before(free)) {
			free, waits = later(at, passage.at), true
		}
	}
	blocks = append(blocks, v.closed(free)...)
	if len(blocks) == begin && v.unlooked(r) {
		blocks, verdict.unlooked = append(blocks, unlookedBlock), true
	}
	v.blocks, verdict.Blocks = blocks, slices.Clip(blocks[begin:])
	if len(verdict.Blocks) == 0 {
		verdict.Outcome, verdict.why = Promotable, v.why(r, position, from, same)
		return verdict
	}
	verdict.Outcome = verdict.Blocks[0].Outcome
	if opens, ok := v.calendar.next(free); ok && waits && !verdict.unlooked {
		verdict.RetryAt = opens
	}
	return verdict
}

// prove notes that a revision's tree has soaked, or when it will have, if time
// alone does it.
func (v *survey) prove(r Revision, known passage, missing []Block) passage {
	if len(missing) == 0 {
		known.by = r.SHA
	} else if at, ends := v.free(missing); ends && (known.at.IsZero() || at.Before(known.at)) {
		known.at = at
	}
	if known.by != "" || !known.at.IsZero() {
		v.passed[r.Tree] = known
	}
	return known
}

func (v *survey) notFastForward() string {
	return fmt.Sprintf("it does not contain %s, the head of %s", v.s.Target.SHA.Short(), v.s.Target.Branch)
}

// proof adds what is missing of the gates that a revision with a tree of its
// own has to pass.
func (v *survey) proof(blocks []Block, r Revision, position int, p past) []Block {
	if len(v.stage.Health.Required) > 0 {
		blocks = v.health.blocks(blocks, position, p)
	}
	if v.stage.Observed && !v.applied[r.Tree] && (v.health.own == nil || !observed(v.health.own[position])) {
		blocks = append(blocks, Block{Gate: GateObserved, Outcome: Unobserved, why: v.unobserved})
	}
	if b, ok := v.soaking(r, position); ok {
		blocks = append(blocks, b)
	}
	return blocks
}

func (v *survey) unobserved() string {
	return "no cluster reported to have applied it, and " + v.stage.Name + " takes only what one has"
}

// tainted is the block of whatever contains a bad commit without its revert.
func tainted(t *Taint) Block {
	return Block{Gate: GateTaint, Outcome: Tainted, By: t.By, Commit: t.Commit.SHA, Since: t.At, why: func() string {
		return "it contains " + t.Commit.SHA.Short() + ", which " + t.Why()
	}}
}

// sameTree tells whether a revision has a tree that has passed: the stage's own (a bad
// commit and its revert are no change together), that of a revision that has soaked, or
// the one that the stage goes back to. From is the commit whose tree it is, and empty
// where it is the stage's own.
func (v *survey) sameTree(r Revision, known passage) (from SHA, same bool) {
	if r.Tree == "" || r.Tree == v.s.Tree {
		return "", r.Tree != ""
	}
	return known.by, known.by != ""
}

// why says what a revision did that nothing blocks. It may have the tree of
// another, or of the stage.
func (v *survey) why(r Revision, position int, from SHA, same bool) func() string {
	arrival := r.Arrival
	switch {
	case same && from == "":
		return func() string {
			return "its tree is that of " + v.s.Target.Branch + " already, so it changes nothing there"
		}
	case same && from == v.restored:
		return func() string {
			return "its tree is that of " + from.Short() + ", which " + v.stage.Name + " ran before and goes back to"
		}
	case same:
		return func() string { return "its tree is that of " + from.Short() + ", which has soaked" }
	default:
		return func() string { return v.soakedReason(arrival, position) }
	}
}

// soaking is the block of a soak that is not over.
func (v *survey) soaking(r Revision, position int) (Block, bool) {
	b := Block{Gate: GateSoak, Outcome: Soaking}
	arrival, recorded := r.Arrival, r.Recorded
	asked := v.soak(position)
	left := asked - v.soaked(arrival, v.now)
	if left <= 0 {
		return b, false
	}
	if v.asked[position].length > v.stage.Soak {
		b.Commit = v.g.commits[v.asked[position].position].SHA
	}
	if v.stage.SoakClock == WallClock || v.healthy.healthy() {
		// What was reported a moment ago can be newer than the observation.
		from := later(v.now, v.healthy.changed())
		b.Until = from.Add(asked - v.soaked(arrival, from))
	}
	until, commit := b.Until, b.Commit
	b.why = func() string { return v.soakingReason(arrival, recorded, asked, left, until, commit) }
	return b, true
}

func (v *survey) soakingReason(arrival time.Time, recorded bool, asked, left time.Duration, until time.Time, commit SHA) string {
	length := FormatDuration(asked)
	if commit != "" {
		length += " (as " + commit.Short() + " asks)"
	}
	if !recorded {
		return "nothing says when it arrived: its soak of " + length + " begins when release:promote next runs and records it"
	}
	arrived := v.arrived(arrival)
	so := arrived + " and has soaked " + FormatDuration(max(0, asked-left)) + " of " + length + " of healthy time"
	switch {
	case v.stage.SoakClock == WallClock:
		return arrived + " and soaks " + length + ", until " + FormatTime(until)
	case until.IsZero():
		return so + ", which stands still: " + v.unhealthy()
	default:
		return so + ", so until " + FormatTime(until) + " at the earliest"
	}
}

// unhealthy says why healthy time stands still.
func (v *survey) unhealthy() string {
	if v.healthy.broken == "" {
		return "nothing shows that " + v.s.Upstream.Branch + " is healthy"
	}
	return Printable(v.healthy.broken, 100) + " fails"
}

// soak is how long a commit has to soak: as long as the stage asks, and what
// it contains.
func (v *survey) soak(position int) time.Duration {
	return max(v.stage.Soak, v.asked[position].length)
}

func (v *survey) soakedReason(arrival time.Time, position int) string {
	asked := v.soak(position)
	if asked == 0 {
		return "it arrived " + FormatTime(arrival) + ", and " + v.stage.Name + " asks for no soak"
	}
	return v.arrived(arrival) + " and has soaked " + FormatDuration(v.soaked(arrival, v.now)) +
		" of the " + FormatDuration(asked) + " that " + v.stage.Name + " asks for"
}

// hold is the block of a hold on the stage.
func hold(h Hold) Block {
	return Block{Gate: GateHold, Outcome: Held, By: h.By, Since: h.At, Until: h.Until, why: func() string { return describeHold(h) }}
}

// free is when the last of the blocks is lifted by itself, and now where one
// of them never is.
func (v *survey) free(blocks []Block) (at time.Time, waits bool) {
	at = v.now
	for _, b := range blocks {
		if b.Until.IsZero() {
			return v.now, false
		}
		at = later(at, b.Until)
	}
	return at, true
}

// closed is the block of windows that are not open at a moment.
func (v *survey) closed(at time.Time) []Block {
	opens, ok := v.calendar.next(at)
	if ok && opens.Equal(at) {
		return nil
	}
	b := Block{Gate: GateWindow, Outcome: Closed}
	if ok {
		b.Until = opens
	}
	b.why = func() string { return v.closedReason(at, b.Until) }
	return []Block{b}
}

func (v *survey) closedReason(at, opens time.Time) string {
	when := "and none opens within five years"
	if !opens.IsZero() {
		when = "until " + FormatTime(opens)
	}
	if w, denied := v.stage.Windows.closed(at); denied {
		return "the plan denies promotions into " + v.stage.Name + " " + when + ": " + w.Name()
	}
	text := "no window of " + v.stage.Name + " is open at " + FormatTime(at) + ", " + when
	if w, ok := v.stage.Windows.opening(opens); ok {
		text += ": " + w.Name()
	}
	return text
}

// Name is what a window is called in messages.
func (w Window) Name() string {
	name := Printable(w.Text, 120)
	if w.Reason != "" {
		name = Printable(w.Reason, 200) + " (" + name + ")"
	}
	if w.Where != "" {
		name += ", " + w.Where
	}
	return name
}
