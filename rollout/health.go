package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A condition is what is known of one context of one commit.
type condition struct {
	state conditionState
	// at is when the status was written, and position whose it is.
	at       time.Time
	position int
	// text is what the status says.
	text string
	// forgiven says of a failure that an operator has cleared its commit since.
	forgiven bool
}

type conditionState uint8

const (
	unreported conditionState = iota
	settling
	good
	bad
)

// An examination is what upstream clusters reported of pending commits,
// against what the plan asks for.
type examination struct {
	asked Health
	// contexts are those that were reported and that a requirement matches,
	// and those that a requirement names in full, sorted.
	contexts []string
	// required lists the contexts of each requirement, as indexes.
	required [][]int
	// seen tells of each requirement whether anything was ever reported that it
	// matches.
	seen []bool
	// own and found are, for each commit and context, what was reported of
	// the commit itself, and what counts for it: that, or what was reported
	// of what contains it.
	own, found [][]condition
	// head is what was reported of the stage's head, and before of that one of
	// its heads that anything was last reported of.
	head, before []condition
	// last is that head.
	last SHA
	g    *graph
	// revision tells which commits are revisions, cleared which ones an operator
	// cleared, and free is room for conditions.
	revision []bool
	cleared  map[SHA]Mark
	free     []condition
}

// examine reads the evidence. Heads are the positions of the revisions. It is
// linear in the number of commits times the number of contexts.
func examine(now time.Time, asked Health, g *graph, heads []int, s Snapshot) *examination {
	x := &examination{asked: asked, g: g, last: cmp.Or(s.Reported, s.Target.SHA)}
	if len(asked.Required) == 0 {
		return x
	}
	x.collect(s.Evidence)
	x.cleared = make(map[SHA]Mark, len(s.State.Cleared))
	for _, m := range s.State.Cleared {
		x.cleared[m.Commit] = m
	}
	x.revision = make([]bool, len(g.commits))
	for _, position := range heads {
		x.revision[position] = true
	}
	x.own = make([][]condition, len(g.commits))
	x.found = make([][]condition, len(g.commits))
	for position, commit := range g.commits {
		x.own[position] = x.conditions(now, position, commit.SHA, s.Evidence[commit.SHA])
	}
	x.head = x.conditions(now, -1, s.Target.SHA, s.Evidence[s.Target.SHA])
	x.before = x.conditions(now, -1, x.last, s.Evidence[x.last])
	x.handDown()
	return x
}

// handDown makes what was reported of a commit that a cluster can have run count
// for the older ones that Flux skipped, and for what came with it: a revision's,
// and that of whatever else was reported of, since the push log can have lost
// its row. Each takes from the next newer one that contains it.
func (x *examination) handDown() {
	runs := slices.Clone(x.revision)
	for position, own := range x.own {
		runs[position] = runs[position] || own != nil
	}
	for position, newer := range x.g.containers(runs) {
		if newer >= 0 {
			x.found[position] = x.found[newer]
		}
		x.found[position] = x.settle(position)
	}
}

// collect finds the contexts that matter.
func (x *examination) collect(evidence map[SHA][]Evidence) {
	names := map[string]bool{}
	x.seen = make([]bool, len(x.asked.Required))
	for _, r := range x.asked.Required {
		if r.Contexts.Exact() {
			names[r.Contexts.String()] = true
		}
	}
	matched := map[string]bool{}
	for _, all := range evidence {
		for _, e := range all {
			if matched[e.Context] {
				continue
			}
			matched[e.Context] = true
			for i, r := range x.asked.Required {
				if r.Contexts.Match(e.Context) {
					names[e.Context], x.seen[i] = true, true
				}
			}
		}
	}
	for name := range names {
		x.contexts = append(x.contexts, name)
	}
	slices.Sort(x.contexts)
	x.required = make([][]int, len(x.asked.Required))
	for i, r := range x.asked.Required {
		for c, name := range x.contexts {
			if r.Contexts.Match(name) {
				x.required[i] = append(x.required[i], c)
			}
		}
	}
}

// index is -1 for a context that does not matter.
func (x *examination) index(context string) int {
	i, ok := slices.BinarySearch(x.contexts, context)
	if !ok {
		return -1
	}
	return i
}

// conditions is what was reported of one commit, the newest first: the newest
// status of each context. It is nil where nothing was.
func (x *examination) conditions(now time.Time, position int, sha SHA, evidence []Evidence) []condition {
	var all []condition
	for i, e := range evidence {
		c := x.index(e.Context)
		if c < 0 {
			continue
		}
		if all == nil {
			all = x.room()
		}
		if !all[c].at.IsZero() {
			continue
		}
		is := condition{at: e.At, position: position, text: e.Description}
		switch {
		case e.State == EvidencePending:
		case e.State != EvidenceSuccess:
			is.state, is.forgiven = bad, x.cleared[sha].forgives(e.At)
		default:
			is.state, is.at = x.success(now, evidence[i:])
		}
		all[c] = is
	}
	return all
}

// room is where the conditions of one commit can be put. Many stand together:
// there can be thousands of them.
func (x *examination) room() []condition {
	const chunk = 1024
	n := len(x.contexts)
	if len(x.free) < n {
		x.free = make([]condition, max(n, chunk))
	}
	all := x.free[:n:n]
	x.free = x.free[n:]
	return all
}

// success tells of the first of the evidence, which is one, whether it has
// settled, and since when the context has been good: it can have been written
// again and again.
func (x *examination) success(now time.Time, evidence []Evidence) (conditionState, time.Time) {
	settled := func(since time.Time) bool { return !since.Add(x.asked.Settle).After(now) }
	at := evidence[0].At
	for _, e := range evidence[1:] {
		if settled(at) {
			break
		}
		if e.Context == evidence[0].Context {
			if e.State != EvidenceSuccess {
				break
			}
			at = e.At
		}
	}
	if !settled(at) {
		return settling, at
	}
	return good, at
}

// settle is what counts for a point: its own report, and what was handed down
// where it has none of its own.
func (x *examination) settle(position int) []condition {
	handed, own := x.found[position], x.own[position]
	if own == nil {
		return handed
	}
	all := own
	for c := range own {
		if own[c].state != unreported || !reported(handed, c) {
			continue
		}
		if &all[0] == &own[0] {
			all = slices.Clone(own)
		}
		all[c] = handed[c]
	}
	return all
}

// expected tells whether a requirement asks for a context of a commit: one that
// was reported of it, or of the observed revision next before it, since it
// would be there, too, if nothing had gone wrong, and one that the plan names
// in full.
func (x *examination) expected(r Requirement, c, position int, before []condition) bool {
	return reported(x.own[position], c) || reported(before, c) || r.Contexts.Exact()
}

// reported tells whether anything was reported in a context. A pending status
// shows that the context is there.
func reported(conditions []condition, c int) bool {
	return conditions != nil && !conditions[c].at.IsZero()
}

// blocks adds the reasons why a commit is not known to be healthy, at most
// [shownContexts] for each requirement.
func (x *examination) blocks(blocks []Block, position int, p past) []Block {
	begin := len(blocks)
	for i, r := range x.asked.Required {
		from := len(blocks)
		blocks = x.missing(blocks, i, position, p)
		for _, c := range x.required[i] {
			if failure := p.left(c, x.own[position]); failure.state != unreported {
				blocks = append(blocks, x.unmended(c, failure, r))
			}
		}
		slices.SortStableFunc(blocks[from:], longerFirst)
		blocks = blocks[:min(len(blocks), from+shownContexts)]
	}
	slices.SortStableFunc(blocks[begin:], longerFirst)
	return blocks
}

// missing adds what is wrong with the contexts of a requirement by themselves,
// whatever came before.
func (x *examination) missing(blocks []Block, requirement, position int, p past) []Block {
	from, asked, r := len(blocks), 0, x.asked.Required[requirement]
	for _, c := range x.required[requirement] {
		if x.expected(r, c, position, p.before) {
			asked++
			blocks = x.add(blocks, c, position, p, r)
		}
	}
	if asked > 0 {
		return blocks
	}
	seen := false
	for _, c := range x.required[requirement] {
		// Flux skipped it, and nothing before it was reported of.
		if reported(x.found[position], c) {
			blocks, seen = x.add(blocks, c, position, p, r), true
		}
	}
	if !seen && len(blocks) == from {
		blocks = append(blocks, x.nothing(requirement))
	}
	return blocks
}

// add adds what is wrong with a context, if anything is, and if no failure
// before it is all there is to say.
func (x *examination) add(blocks []Block, c, position int, p past, r Requirement) []Block {
	if p.left(c, x.own[position]).state == bad || x.found[position] != nil && x.found[position][c].state == good {
		return blocks
	}
	return append(blocks, x.wrong(c, position, r))
}

// longerFirst puts first what keeps a commit in for longer: what does not pass
// by itself, and then what passes last.
func longerFirst(a, b Block) int {
	if a.Until.IsZero() || b.Until.IsZero() {
		return cmp.Compare(lasts(b), lasts(a))
	}
	return b.Until.Compare(a.Until)
}

// lasts is 1 of a block that time alone does not lift.
func lasts(b Block) int {
	if b.Until.IsZero() {
		return 1
	}
	return 0
}

// shownContexts is how many contexts of one requirement a verdict names.
const shownContexts = 5

func (x *examination) nothing(i int) Block {
	r := x.asked.Required[i]
	return Block{Gate: GateHealth, Outcome: Unproven, By: r.Cluster, why: func() string {
		if !x.seen[i] {
			return x.unseen(i)
		}
		return "nothing was reported of it in a context like " + r.String()
	}}
}

// unseen says of a requirement that nothing ever matched it: most likely it is
// misspelt.
func (x *examination) unseen(i int) string {
	r := x.asked.Required[i]
	text := "no status like " + r.String() + " was ever reported, of this revision or any other that is pending"
	if r.Where != "" {
		text += " (asked for at " + r.Where + ")"
	}
	return text
}

// wrong is the block of a context that is not good.
func (x *examination) wrong(c, position int, r Requirement) Block {
	var is condition
	if x.found[position] != nil {
		is = x.found[position][c]
	}
	b := Block{Gate: GateHealth, Outcome: Unproven, By: r.Cluster}
	switch is.state {
	case settling:
		b.Until = is.at.Add(x.asked.Settle)
	case bad:
		b.Outcome, b.Commit = Unhealthy, x.g.commits[is.position].SHA
	}
	name, on := x.contexts[c], b.Commit
	if is.position == position {
		on = ""
	}
	b.why = func() string { return is.describe(Printable(name, 100)+" of "+r.Cluster, x.asked.Settle, on) }
	return b
}

// unmended is the block of a context that failed on something that a commit
// contains, and was never good since, or not for long enough.
func (x *examination) unmended(c int, failure condition, r Requirement) Block {
	b := Block{Gate: GateHealth, Outcome: Unproven, By: r.Cluster, Until: failure.at.Add(x.asked.Settle)}
	name := Printable(x.contexts[c], 100) + " of " + r.Cluster
	if failure.state == bad {
		b.Outcome, b.Commit, b.Until = Unhealthy, x.last, time.Time{}
		on := string(x.last) // it does not wait, so only its full name is known
		if failure.position >= 0 {
			b.Commit = x.g.commits[failure.position].SHA
			on = b.Commit.Short()
		}
		b.why = func() string {
			return failure.failed(name) + " on " + on + ", which it contains, and was never good since; if it is gone for good: mage release:clear " + on + " <reason>"
		}
		return b
	}
	b.why = func() string { return failure.describe(name, x.asked.Settle, "") + ", after a failure" }
	return b
}

// describe says of a context what is wrong with it. On is whose failure it is,
// if it is that of another commit.
func (c condition) describe(name string, settle time.Duration, on SHA) string {
	switch c.state {
	case settling:
		return name + " is good since " + FormatTime(c.at) + ", and has to be for " + FormatDuration(settle)
	case bad:
		text := c.failed(name)
		if on != "" {
			text += " on " + on.Short() + ", which contains it, and nothing before that was seen good"
		}
		return text
	case unreported:
		if !c.at.IsZero() {
			return name + " is pending since " + FormatTime(c.at)
		}
	}
	return "nothing was reported of it in " + name
}

// failed says when a context failed, and how.
func (c condition) failed(name string) string {
	text := name + " failed " + FormatTime(c.at)
	if said := strings.TrimSpace(c.text); said != "" {
		text += " (" + Printable(said, 100) + ")"
	}
	return text
}

// failed tells whether a commit itself was last reported to have failed.
func (x *examination) failed(position int) bool {
	return x.own != nil && slices.ContainsFunc(x.own[position], func(c condition) bool { return c.state == bad })
}

// observed tells whether a commit was itself reported to have been applied.
func observed(own []condition) bool {
	return slices.ContainsFunc(own, func(c condition) bool { return c.state == good || c.state == settling })
}
