package simulate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A word is what the operators said and what was recorded: the acts that took
// effect, in their order.
type word struct {
	holds  []hold
	taints map[*change]bool
	// cleared are the reverts that are set aside, by what they revert.
	cleared map[*change]map[*change]bool
	// clearedAt is when a commit was cleared of its failures.
	clearedAt map[*change]time.Time
	// arrivals are read from the ledger, and held against when the revisions
	// really arrived.
	arrivals map[string]map[*change]time.Time
}

// A hold is one that somebody put on a stage, or on all.
type hold struct {
	stage, by, reason string
	until             time.Time
}

// holds: it keeps the stage at a moment.
func (h hold) holds(stage string, t time.Time) bool {
	return (h.stage == "" || h.stage == stage) && !h.over(t)
}

func (h hold) over(t time.Time) bool { return !h.until.IsZero() && !t.Before(h.until) }

// An entry is the last line of a ledger commit's message.
type entry struct {
	Kind, Stage, Branch, From, To, By, Reason, Commit string
	At, Until                                         time.Time
	Commits                                           int
	Skipped                                           []rollout.Gate
	Unsoaked                                          []unsoaked
	Holds                                             []holdEntry
	Reverts                                           []rollout.SHA
}

// An unsoaked is a commit that an override took out before its soak was over.
type unsoaked struct{ Commit rollout.SHA }

// A holdEntry is a hold as it is written.
type holdEntry struct {
	Stage, By, Reason string
	Until             time.Time
}

func (h holdEntry) hold() hold {
	return hold{h.Stage, h.By, h.Reason, h.Until.UTC()}
}

// A stateEntry is the ledger's tree.
type stateEntry struct {
	Arrivals map[string][]struct {
		Revision rollout.SHA
		At       time.Time
	}
	Holds           []holdEntry
	Taints, Cleared []markEntry
}

// A markEntry is a taint or a clearance as it is written.
type markEntry struct {
	Commit  rollout.SHA
	Reverts []rollout.SHA
}

// audit reads what the ledger gained since it was read last, and holds it
// against what was done. An act that has just ended is looked at first.
func (y *year) audit(ended *act) {
	if y.err != nil || y.ground.head(ledgerBranch) == y.audited {
		return
	}
	gained, err := y.ground.ledger(y.audited)
	if err != nil {
		y.fail(invLedger, "%v", err)
		return
	}
	before, slowest := y.entered, time.Duration(0)
	for _, commit := range gained {
		by := y.entry(ended, commit)
		if y.err != nil {
			return
		}
		slowest = min(slowest, by.wrong)
	}
	y.audited = y.ground.head(ledgerBranch)
	y.auditState(before, slowest)
	y.auditHeads()
}

// entry finds the act that made an entry, and what it did.
func (y *year) entry(ended *act, commit rollout.LedgerCommit) *act {
	lines := strings.Split(strings.TrimSpace(commit.Message), "\n")
	text, ok := strings.CutPrefix(lines[len(lines)-1], "Rollout-Entry: ")
	var e entry
	if err := json.Unmarshal([]byte(text), &e); !ok || err != nil {
		y.fail(invLedger, "%s is no entry (%v): %s", commit.SHA, err, commit.Message)
		return nil
	}
	a := y.author(ended, e)
	if a == nil {
		y.fail(invLedger, "nobody did what %s says: %s", commit.SHA.Short(), text)
		return nil
	}
	a.effects, a.wrote = append(a.effects, commit.SHA), e
	y.entries[commit.SHA], y.entered = true, e.At
	y.overtake(ended, a)
	if by := a.by; by != "" && e.By != by {
		y.fail(invLedger, "%s is entered as %s's", a, e.By)
	}
	switch rollout.EntryKind(e.Kind) {
	case rollout.EntryInit:
		y.initEntry(e)
	case rollout.EntryPromotion, rollout.EntryOverride:
		y.moveEntry(a, e)
	case rollout.EntryHold:
		y.word.holds = append(y.word.holds, hold{a.scope, a.by, a.reason, e.Until})
	case rollout.EntryResume:
		y.resumeEntry(a, e)
	case rollout.EntryTaint:
		y.word.taints[a.target] = true
		delete(y.word.cleared, a.target)
		delete(y.word.clearedAt, a.target)
	case rollout.EntryClear:
		y.clearEntry(a, e)
	}
	y.tally.count(rollout.EntryKind(e.Kind))
	return a
}

// overtake notes that an act took effect: whatever else is under way was
// decided on something else, and so was an act that nobody waits for any more.
func (y *year) overtake(ended, by *act) {
	by.raced = by.raced || (by != ended && !slices.Contains(y.stack, by))
	for _, other := range y.stack {
		other.raced = other.raced || other != by
	}
	if ended != nil && ended != by {
		ended.raced = true
	}
}

// author is the act that an entry is of: one of those under way, or one that
// nobody knows the end of. An act has no more than one entry.
func (y *year) author(ended *act, e entry) *act {
	var all []*act
	if ended != nil {
		all = append(all, ended)
	}
	for i := len(y.stack) - 1; i >= 0; i-- {
		all = append(all, y.stack[i])
	}
	for _, a := range append(all, y.flying...) {
		if len(a.effects) == 0 && !a.dry && a.entered(e) {
			return a
		}
	}
	return nil
}

// entered tells whether an entry can be an act's.
func (a *act) entered(e entry) bool {
	kind := rollout.EntryKind(e.Kind)
	switch a.kind {
	case rollout.EntryInit:
		return kind == rollout.EntryInit
	case rollout.EntryPromotion:
		told := kind == rollout.EntryPromotion || kind == rollout.EntryArrival || kind == rollout.EntryDeparture
		return told && e.Stage == a.stage.Name && e.At.Equal(a.at.Truncate(time.Second))
	case rollout.EntryOverride:
		return kind == a.kind && e.Reason == a.reason && e.Stage == a.stage.Name && e.At.Equal(a.at.Truncate(time.Second))
	case rollout.EntryHold:
		return kind == a.kind && e.Reason == a.reason && e.Stage == a.scope && a.ends(e)
	case rollout.EntryResume:
		return kind == a.kind && e.Reason == a.reason
	default:
		return kind == a.kind && e.Reason == a.reason && e.Commit == string(a.target.sha)
	}
}

// ends tells whether a hold runs out as it was asked to: at a time, or a while
// after it was entered.
func (a *act) ends(e entry) bool {
	if a.length == 0 {
		return e.Until.Equal(a.until.Truncate(time.Second))
	}
	more := e.Until.Sub(e.At) - a.length
	return more >= 0 && more <= 2*time.Second
}

// initEntry: a branch begins.
func (y *year) initEntry(e entry) {
	if e.Branch != "" {
		y.line(e.Branch).move(y.changes[rollout.SHA(e.To)], e.At)
	}
}

// resumeEntry: exactly the holds that it was for are lifted.
func (y *year) resumeEntry(a *act, e entry) {
	var kept []hold
	lifted := map[string]bool{}
	for _, h := range e.Holds {
		lifted[h.Reason] = true
	}
	for _, h := range y.word.holds {
		asked := a.lifts(h)
		if !h.over(a.at) && asked != lifted[h.reason] {
			y.fail(invLedger, "%s lifts %v: %t, and is entered as %v", a, h, asked, e.Holds)
		}
		if !asked || h.over(a.at) {
			kept = append(kept, h) // by a clock that is ahead it need not be lifted
		}
	}
	y.word.holds = kept
}

// clearEntry: a taint is taken back. Of a commit without one the reverts that
// there are no longer count.
func (y *year) clearEntry(a *act, e entry) {
	aside := y.set(e.Reverts)
	want := map[*change]bool{}
	if !y.word.taints[a.target] {
		want = y.reverts(a.target)
	}
	if !a.raced && !maps.Equal(aside, want) {
		y.fail(invLedger, "%s sets %v aside; there are %d", a, e.Reverts, len(want))
	}
	if y.word.taints[a.target] {
		delete(y.word.taints, a.target)
	} else {
		y.word.cleared[a.target], y.word.clearedAt[a.target] = aside, e.At
	}
}

// reverts are the commits by which one is reverted, in the eyes of any stage.
func (y *year) reverts(c *change) map[*change]bool {
	all := map[*change]bool{}
	for _, s := range y.stages {
		p := y.look(s, y.clock.now())
		if _, waits := p.place[c]; !waits {
			continue
		}
		for _, by := range p.reversers[c] {
			if !p.reverted(by, everywhere) {
				all[by] = true
			}
		}
	}
	return all
}

func (y *year) set(names []rollout.SHA) map[*change]bool {
	all := map[*change]bool{}
	for _, sha := range names {
		all[y.changes[sha]] = true
	}
	return all
}

// auditHeads: every branch stands where the ledger says.
func (y *year) auditHeads() {
	for _, s := range y.stages {
		if head := y.ground.head(s.own.branch); s.own.head != nil && head != s.own.head.sha {
			y.fail(invLedger, "%s stands at %s, and the ledger says %s", s.own.branch, head.Short(), s.own.head.sha.Short())
		}
	}
}

func (h hold) String() string {
	return fmt.Sprintf("%q on %q by %s until %s", h.reason, h.stage, h.by, h.until)
}
