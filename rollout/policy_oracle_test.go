package rollout_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// An oracle says what the policy makes of a life, in the most naive way: with
// sets, by trying everything, and from what people meant instead of from what
// they wrote.
type oracle struct {
	*life
	s rollout.Snapshot
	// all are the commits ahead of main and pending, pending and revisions
	// those of them that are, all newest first.
	all, pending, revisions []rollout.SHA
	contains                map[rollout.SHA]map[rollout.SHA]bool
	// reverts are what each commit reverts, and guesses what it may revert.
	reverts, guesses map[rollout.SHA][]rollout.SHA
	// bad are known to be, suspects may be.
	bad, suspects, tainted map[rollout.SHA]bool
	// told are all reports, and wells whether all was well after so many.
	told  []told
	wells []bool
	// arrived is since when main has contained each revision.
	arrived map[rollout.SHA]time.Time
}

// ask makes the oracle of what there is to see of a life.
func ask(l *life, s rollout.Snapshot) *oracle {
	o := &oracle{
		life: l, s: s, contains: map[rollout.SHA]map[rollout.SHA]bool{}, reverts: map[rollout.SHA][]rollout.SHA{},
		guesses: map[rollout.SHA][]rollout.SHA{}, bad: map[rollout.SHA]bool{}, suspects: map[rollout.SHA]bool{}, tainted: map[rollout.SHA]bool{}, arrived: map[rollout.SHA]time.Time{},
	}
	pending := o.ordered(s.Upstream.SHA, s.Pending)
	o.all, o.pending = append(o.ordered(l.trunk, s.Ahead), pending...), pending
	for _, c := range o.all {
		o.contains[c] = l.reach(c)
	}
	heads := append(l.heads(), s.Upstream.SHA)
	for _, c := range pending {
		if slices.Contains(heads, c) {
			o.revisions = append(o.revisions, c)
			o.arrived[c], _ = trueArrival(l.world, l.log["main"], c)
		}
	}
	for at, y := range o.all {
		o.reverts[y] = o.named(l.meant[y], o.all[at+1:])
		if len(o.reverts[y]) > 0 {
			continue
		}
		namesakes := slices.DeleteFunc(slices.Clone(o.all[at+1:]), func(x rollout.SHA) bool {
			return l.meant[y].title == "" || !slices.Contains(l.meant[x].titles, l.meant[y].title)
		})
		switch {
		case len(namesakes) == 1 && !l.meant[y].mentions && len(l.meant[y].pulls) == 0:
			o.reverts[y] = namesakes
		case len(namesakes) > 0:
			o.guesses[y] = namesakes[:1]
		}
	}
	undone := o.undone(o.all)
	for _, x := range pending {
		marked := func(m rollout.Mark) bool { return m.Commit == x }
		aside := func(y rollout.SHA) bool {
			return slices.ContainsFunc(l.state.Cleared, func(m rollout.Mark) bool { return m.Commit == x && slices.Contains(m.Reverts, y) })
		}
		says := func(what map[rollout.SHA][]rollout.SHA) bool {
			return slices.ContainsFunc(o.all, func(y rollout.SHA) bool { return slices.Contains(what[y], x) && !undone[y] && !aside(y) })
		}
		o.bad[x] = slices.ContainsFunc(l.state.Taints, marked) || says(o.reverts)
		o.suspects[x] = says(o.guesses)
	}
	for _, r := range o.revisions {
		o.tainted[r] = o.unreverted(r)
	}
	o.listen()
	return o
}

// ordered lists commits, children before parents and first parents last.
func (o *oracle) ordered(head rollout.SHA, of []rollout.Commit) []rollout.SHA {
	var order []rollout.SHA
	var visit func(c rollout.SHA)
	visit = func(c rollout.SHA) {
		is := func(other rollout.Commit) bool { return other.SHA == c }
		if !slices.ContainsFunc(of, is) || slices.Contains(order, c) {
			return
		}
		for _, parent := range o.commits[c].Parents {
			visit(parent)
		}
		order = append(order, c)
	}
	visit(head)
	slices.Reverse(order)
	return order
}

// named are the commits that somebody called by their names or by their pull
// requests, of those that are older.
func (o *oracle) named(m meaning, older []rollout.SHA) []rollout.SHA {
	var found []rollout.SHA
	for _, prefix := range m.commits {
		is := func(c rollout.SHA) bool { return strings.HasPrefix(string(c), prefix) }
		first := slices.IndexFunc(o.all, is)
		if first < 0 || slices.ContainsFunc(o.all[first+1:], is) {
			continue
		}
		if slices.Contains(older, o.all[first]) {
			found = append(found, o.all[first])
		}
	}
	for _, x := range older {
		if slices.Contains(m.pulls, o.meant[x].number) {
			found = append(found, x)
		}
	}
	return found
}

// undone is which commits of a set are effectively reverted in it: guesses are
// mended until none is wrong.
func (o *oracle) undone(set []rollout.SHA) map[rollout.SHA]bool {
	undone := map[rollout.SHA]bool{}
	for range len(set) + 1 {
		for _, x := range set {
			undone[x] = slices.ContainsFunc(set, func(y rollout.SHA) bool { return slices.Contains(o.reverts[y], x) && !undone[y] })
		}
	}
	return undone
}

// unreverted tells whether a commit contains a bad one that is not reverted in it.
func (o *oracle) unreverted(r rollout.SHA) bool {
	has := o.has(r)
	undone := o.undone(has)
	return slices.ContainsFunc(has, func(x rollout.SHA) bool {
		guessed := slices.ContainsFunc(has, func(y rollout.SHA) bool { return slices.Contains(o.guesses[y], x) && !undone[y] })
		return !undone[x] && (o.bad[x] || o.suspects[x] && !guessed)
	})
}

// has are the pending commits that a commit contains.
func (o *oracle) has(r rollout.SHA) []rollout.SHA {
	return slices.DeleteFunc(slices.Clone(o.pending), func(c rollout.SHA) bool { return !o.contains[r][c] })
}

// matches tells whether a pattern stands for a name.
func matches(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case strings.HasPrefix(pattern, "**"):
		return matches(pattern[2:], name) || name != "" && matches(pattern, name[1:])
	case pattern[0] == '*':
		return matches(pattern[1:], name) || name != "" && name[0] != '/' && matches(pattern, name[1:])
	case name == "":
		return false
	default:
		return (pattern[0] == name[0] || pattern[0] == '?' && name[0] != '/') && matches(pattern[1:], name[1:])
	}
}

// own is the newest report of a context of a commit; of one moment, the one that
// is told first.
func (o *oracle) own(c rollout.SHA, context string) (rollout.Evidence, bool) {
	var newest rollout.Evidence
	found := false
	for _, e := range o.s.Evidence[c] {
		if e.Context == context && (!found || e.At.After(newest.At)) {
			newest, found = e, true
		}
	}
	return newest, found
}

// counts is what counts for a context of a commit at a time: its own report,
// or that of the next one that contains it.
func (o *oracle) counts(c rollout.SHA, context string, t time.Time) string {
	if c == "" {
		return "nothing"
	}
	if is := o.says(c, context, t); is != "nothing" {
		return is
	}
	return o.counts(o.next(c), context, t)
}

// says is what was reported of a context of a commit itself.
func (o *oracle) says(c rollout.SHA, context string, t time.Time) string {
	e, ok := o.own(c, context)
	switch {
	case !ok || e.State == rollout.EvidencePending:
		return "nothing"
	case e.State != rollout.EvidenceSuccess:
		return "bad"
	case o.goodSince(c, context).Add(o.stage.Health.Settle).After(t):
		return "settling"
	default:
		return "good"
	}
}

// goodSince is when the successes began of which the newest report is the last.
func (o *oracle) goodSince(c rollout.SHA, context string) time.Time {
	var since time.Time
	for _, e := range o.s.Evidence[c] {
		if e.Context == context && e.State != rollout.EvidenceSuccess {
			return since
		}
		if e.Context == context {
			since = e.At
		}
	}
	return since
}

// forgiven tells whether an operator cleared a commit after its context failed.
func (o *oracle) forgiven(c rollout.SHA, context string) bool {
	return slices.ContainsFunc(o.state.Cleared, func(m rollout.Mark) bool {
		e, _ := o.own(c, context)
		return m.Commit == c && !e.At.After(m.At)
	})
}

// lingers tells whether a context failed on a revision that another contains, or
// on release, and neither was good since on that one nor on anything between.
func (o *oracle) lingers(r rollout.SHA, context string, t time.Time) bool {
	if o.says(r, context, t) != "nothing" {
		return false
	}
	release := cmp.Or(o.s.Reported, o.s.Target.SHA)
	has := func(c, older rollout.SHA) bool { return older == release || c != older && o.contains[c][older] }
	ends := func(c rollout.SHA) bool {
		is := o.says(c, context, t)
		return is == "good" || is == "bad" && o.forgiven(c, context)
	}
	return slices.ContainsFunc(append(slices.Clone(o.revisions), release), func(f rollout.SHA) bool {
		return has(r, f) && o.says(f, context, t) == "bad" && !o.forgiven(f, context) &&
			!slices.ContainsFunc(o.revisions, func(g rollout.SHA) bool { return r != g && o.contains[r][g] && has(g, f) && ends(g) })
	})
}

// next is the oldest newer commit that contains another and that a cluster can
// have run: a revision, or one that was reported of.
func (o *oracle) next(c rollout.SHA) rollout.SHA {
	for _, newer := range slices.Backward(o.pending[:slices.Index(o.pending, c)]) {
		if o.contains[newer][c] && (slices.Contains(o.revisions, newer) || len(o.reported(newer)) > 0) {
			return newer
		}
	}
	return ""
}

// reported are the contexts in which something was reported of a commit.
func (o *oracle) reported(c rollout.SHA) []string {
	var all []string
	for _, e := range o.s.Evidence[c] {
		if o.matters(e.Context) {
			all = append(all, e.Context)
		}
	}
	return all
}

// expected are the contexts that have to be good of a revision: those of its
// own and of the observed one before it; of what nobody reported of, those of
// what contains it.
func (o *oracle) expected(r rollout.SHA, pattern string) []string {
	before := []rollout.SHA{cmp.Or(o.s.Reported, o.s.Target.SHA)}
	for _, older := range slices.Backward(o.revisions[slices.Index(o.revisions, r)+1:]) {
		if len(o.reported(older)) > 0 {
			before[0] = older
		}
	}
	if found := o.asked(pattern, append(before, r)); len(found) > 0 {
		return found
	}
	var newer []rollout.SHA
	for c := o.next(r); c != ""; c = o.next(c) {
		newer = append(newer, c)
	}
	return o.asked(pattern, newer)
}

// asked are the contexts that a pattern asks for, of those reported of some
// commits. A name is asked for anyway.
func (o *oracle) asked(pattern string, of []rollout.SHA) []string {
	var all []string
	if !strings.ContainsAny(pattern, "*?") {
		all = append(all, pattern)
	}
	for _, c := range of {
		for _, context := range o.reported(c) {
			if matches(pattern, context) {
				all = append(all, context)
			}
		}
	}
	return all
}

func (o *oracle) healthy(r rollout.SHA, t time.Time) bool {
	for _, required := range o.stage.Health.Required {
		contexts := o.expected(r, required.Contexts.String())
		if len(contexts) == 0 || slices.ContainsFunc(contexts, func(c string) bool { return o.counts(r, c, t) != "good" }) {
			return false
		}
		everywhere := o.asked(required.Contexts.String(), append(slices.Clone(o.pending), cmp.Or(o.s.Reported, o.s.Target.SHA)))
		if slices.ContainsFunc(everywhere, func(c string) bool { return o.lingers(r, c, t) }) {
			return false
		}
	}
	return true
}

// observed tells whether a commit, or one of its tree, was seen applied.
func (o *oracle) observed(r rollout.SHA) bool {
	for _, c := range append(slices.Clone(o.pending), o.s.Target.SHA) {
		if c != r && (o.commits[c].Tree != o.commits[r].Tree || o.commits[r].Tree == "") {
			continue
		}
		for _, context := range o.reported(c) {
			if e, _ := o.own(c, context); e.State == rollout.EvidenceSuccess {
				return true
			}
		}
	}
	return false
}

// proof are the gates that a revision is not through at a time and that the
// same tree would open to it.
func (o *oracle) proof(r rollout.SHA, t time.Time) []rollout.Gate {
	var shut []rollout.Gate
	if !o.healthy(r, t) {
		shut = append(shut, rollout.GateHealth)
	}
	if o.stage.Observed && !o.observed(r) {
		shut = append(shut, rollout.GateObserved)
	}
	if !o.over(r, t) {
		shut = append(shut, rollout.GateSoak)
	}
	return shut
}

// sameTree tells whether a revision has the tree of release, or of an older
// revision that is through, or of what apps goes back to, and no failure of that tree
// came after that one.
func (o *oracle) sameTree(r rollout.SHA, t time.Time) bool {
	tree := o.commits[r].Tree
	if tree == "" || tree == o.s.Tree {
		return tree != ""
	}
	for _, q := range o.revisions[slices.Index(o.revisions, r):] {
		if o.commits[q].Tree != tree {
			continue
		}
		if q != r && !o.tainted[q] && len(o.proof(q, t)) == 0 {
			return true
		}
		if slices.ContainsFunc(o.reported(q), func(c string) bool { return o.says(q, c, t) == "bad" }) {
			return false
		}
	}
	return slices.ContainsFunc(o.state.Restorations, func(r rollout.Restoration) bool {
		return r.Stage == o.stage.Name && r.From == o.s.Target.SHA && r.Tree == tree
	})
}

// shut are the gates that are closed to a revision at a time.
func (o *oracle) shut(r rollout.SHA, t time.Time) []rollout.Gate {
	var shut []rollout.Gate
	if !o.contains[r][o.s.Target.SHA] {
		shut = append(shut, rollout.GateFastForward)
	}
	if o.tainted[r] {
		shut = append(shut, rollout.GateTaint)
	}
	if !o.sameTree(r, t) {
		shut = append(shut, o.proof(r, t)...)
	}
	if len(o.holding(t)) > 0 {
		shut = append(shut, rollout.GateHold)
	}
	if !o.open(t) {
		shut = append(shut, rollout.GateWindow)
	}
	return shut
}

func (o *oracle) holding(t time.Time) []rollout.Hold {
	return slices.DeleteFunc(slices.Clone(o.state.Holds), func(h rollout.Hold) bool {
		return h.Stage != "" && h.Stage != o.stage.Name || !h.Until.IsZero() && !t.Before(h.Until)
	})
}

// open tells whether the windows are.
func (o *oracle) open(t time.Time) bool {
	in := func(w rollout.Window) bool {
		at := t.Sub(epoch).Hours()
		switch schedule := w.Schedule.(type) {
		case daily:
			for day := -24.0; day <= at; day += 24 {
				if day+schedule.from <= at && at < day+schedule.to {
					return true
				}
			}
		case spans:
			for i := 0; i < len(schedule); i += 2 {
				if schedule[i] <= at && at < schedule[i+1] {
					return true
				}
			}
		}
		return false
	}
	allow, deny := o.stage.Windows.Allow, o.stage.Windows.Deny
	return (len(allow) == 0 || slices.ContainsFunc(allow, in)) && !slices.ContainsFunc(deny, in)
}

// farthest is how many hours from now on everything has happened that will
// happen by itself: the longest soak, then a hold, then a window of next day.
const farthest = 140

// first is when the policy lets a revision out by time alone.
func (o *oracle) first(r rollout.SHA) (at time.Time, ever bool) {
	for h := range farthest {
		t := o.s.At.Add(time.Duration(h) * time.Hour)
		if o.open(t) && len(o.shut(r, t)) == 0 {
			return t, true
		}
	}
	return time.Time{}, false
}
