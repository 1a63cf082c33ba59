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
}

// examine reads the evidence. Heads are the positions of the revisions. It is
// linear in the number of commits times the number of contexts.
func examine(now time.Time, asked Health, g *graph, heads []int, s Snapshot) *examination {
	x := &examination{asked: asked}
	if len(asked.Required) == 0 {
		return x
	}
	x.collect(s.Evidence)
	x.own = make([][]condition, len(g.commits))
	x.found = make([][]condition, len(g.commits))
	for position, commit := range g.commits {
		x.own[position] = x.conditions(now, position, s.Evidence[commit.SHA])
	}
	x.head = x.conditions(now, -1, s.Evidence[s.Target.SHA])
	x.before = x.conditions(now, -1, s.Evidence[cmp.Or(s.Reported, s.Target.SHA)])
	x.handDown(g, heads)
	return x
}

// handDown makes what was reported of a commit that a cluster can have run count
// for the older ones that Flux skipped, and for what came with it: a revision's,
// and that of whatever else was reported of, since the push log can have lost
// its row. Each takes from the next newer one that contains it.
func (x *examination) handDown(g *graph, heads []int) {
	runs := make([]bool, len(g.commits))
	for _, position := range heads {
		runs[position] = true
	}
	for position, own := range x.own {
		runs[position] = runs[position] || own != nil
	}
	for position, newer := range g.containers(runs) {
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

// conditions is what was reported of one commit: the newest status of each
// context. It is nil where nothing was.
func (x *examination) conditions(now time.Time, position int, evidence []Evidence) []condition {
	var all []condition
	for _, e := range evidence {
		c := x.index(e.Context)
		if c < 0 {
			continue
		}
		if all == nil {
			all = make([]condition, len(x.contexts))
		}
		// The newest comes first, also of one second.
		if all[c].at.IsZero() || e.At.After(all[c].at) {
			all[c] = condition{x.judge(now, e), e.At, position, e.Description}
		}
	}
	return all
}

func (x *examination) judge(now time.Time, e Evidence) conditionState {
	switch {
	case e.State == EvidencePending:
		return unreported
	case e.State != EvidenceSuccess:
		return bad
	case e.At.Add(x.asked.Settle).After(now):
		return settling
	default:
		return good
	}
}

// settle is what counts for a point: its own report, and what was handed down
// where it has none of its own.
func (x *examination) settle(position int) []condition {
	handed, own := x.found[position], x.own[position]
	if own == nil {
		return handed
	}
	all := slices.Clone(own)
	for c := range all {
		if all[c].state == unreported && reported(handed, c) {
			all[c] = handed[c]
		}
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
func (x *examination) blocks(blocks []Block, position int, before []condition, g *graph) []Block {
	begin := len(blocks)
	for i, r := range x.asked.Required {
		asked, from := 0, len(blocks)
		for _, c := range x.required[i] {
			if x.expected(r, c, position, before) {
				asked++
				blocks = x.add(blocks, from, c, position, r, g)
			}
		}
		for _, c := range x.required[i] {
			// Flux skipped it, and nothing before it was reported of.
			if asked == 0 && reported(x.found[position], c) {
				blocks = x.add(blocks, from, c, position, r, g)
			}
		}
		if asked == 0 && len(blocks) == from && !x.reported(i, position) {
			blocks = append(blocks, x.nothing(i))
		}
	}
	// What does not pass by itself comes first.
	slices.SortStableFunc(blocks[begin:], func(a, b Block) int { return cmp.Compare(lasts(b), lasts(a)) })
	return blocks
}

// add adds what is wrong with a context, if anything is and there is room.
func (x *examination) add(blocks []Block, from, c, position int, r Requirement, g *graph) []Block {
	if b, ok := x.block(c, position, r, g); ok && len(blocks)-from < shownContexts {
		return append(blocks, b)
	}
	return blocks
}

// reported tells whether anything counts for a commit that a requirement asks
// for.
func (x *examination) reported(requirement, position int) bool {
	return slices.ContainsFunc(x.required[requirement], func(c int) bool { return reported(x.found[position], c) })
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

func (x *examination) block(c, position int, r Requirement, g *graph) (Block, bool) {
	if x.found[position] != nil && x.found[position][c].state == good {
		return Block{}, false
	}
	return x.wrong(c, position, r, g), true
}

// wrong is the block of a context that is not good.
func (x *examination) wrong(c, position int, r Requirement, g *graph) Block {
	var is condition
	if x.found[position] != nil {
		is = x.found[position][c]
	}
	b := Block{Gate: GateHealth, Outcome: Unproven, By: r.Cluster}
	switch is.state {
	case settling:
		b.Until = is.at.Add(x.asked.Settle)
	case bad:
		b.Outcome, b.Commit = Unhealthy, g.commits[is.position].SHA
	}
	name, on := x.contexts[c], b.Commit
	if is.position == position {
		on = ""
	}
	b.why = func() string { return is.describe(Printable(name, 100)+" of "+r.Cluster, x.asked.Settle, on) }
	return b
}

// describe says of a context what is wrong with it. On is whose failure it is,
// if it is that of another commit.
func (c condition) describe(name string, settle time.Duration, on SHA) string {
	switch c.state {
	case settling:
		return name + " is good since " + FormatTime(c.at) + ", and has to be for " + FormatDuration(settle)
	case bad:
		text := name + " failed " + FormatTime(c.at)
		if said := strings.TrimSpace(c.text); said != "" {
			text += " (" + Printable(said, 100) + ")"
		}
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

// observed tells whether a commit was itself reported to have been applied.
func observed(own []condition) bool {
	return slices.ContainsFunc(own, func(c condition) bool { return c.state == good || c.state == settling })
}
