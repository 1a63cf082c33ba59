package rollout

import (
	"slices"
	"time"
)

// A survey is everything that the verdicts on one stage's revisions need, read
// from a snapshot once. Making it and judging all revisions is linear in the
// number of pending commits.
type survey struct {
	now   time.Time
	stage Stage
	s     Snapshot
	g     *graph
	// revisions are newest first, and brings the positions in g of what each
	// of them brings, itself first.
	revisions []Revision
	brings    [][]int
	taints    *taints
	health    *examination
	healthy   *healthyTime
	asked     []soakAsked
	calendar  calendar
	// holds are those that are active, and held the blocks that they are.
	holds []Hold
	held  []Block
	// blocks is where those of the next verdict are put: verdicts share their
	// room, since there can be thousands of them.
	blocks []Block
	// tainted are the blocks of the taints, as they read for whatever contains
	// the bad commit.
	tainted []Block
	// offences are, by position, what looks at newer revisions found that a
	// commit has, too; nil where there were no looks.
	offences []*offence
	// passed are trees that may go out, or will by themselves; applied those
	// that a cluster reported to have applied. Restored is the commit to whose tree
	// the stage goes back, if it does.
	passed   map[SHA]passage
	applied  map[SHA]bool
	restored SHA
}

// A passage is that of a tree through what is asked of a revision.
type passage struct {
	// by is the revision that has soaked, or that the stage ran before. It is empty
	// where there is none yet; then at is when the first will have soaked, by time
	// alone.
	by SHA
	at time.Time
}

// newSurvey reads a snapshot.
func newSurvey(now time.Time, stage Stage, s Snapshot) *survey {
	g := newGraph(s.Upstream.SHA, s.Pending)
	v := &survey{
		now: now, stage: stage, s: s, g: g,
		calendar: calendar{windows: stage.Windows},
		applied:  map[SHA]bool{},
	}
	v.revisions, v.brings = revisions(now, s, g)
	v.passed = make(map[SHA]passage, len(v.revisions))
	v.taints = findTaints(g, s)
	v.tainted = make([]Block, len(v.taints.all))
	for i := range v.tainted {
		v.tainted[i] = tainted(&v.taints.all[i])
	}
	v.asked = g.soakAsked()
	v.health = examine(now, stage.Health, g, v.heads(), s)
	v.healthy = v.health.measure(stage.SoakClock, g.commits, s)
	for _, h := range s.State.Holds {
		if h.Holds(stage.Name, now) {
			v.holds = append(v.holds, h)
			v.held = append(v.held, hold(h))
		}
	}
	v.noteApplied()
	v.noteRestored()
	v.noteOffences()
	return v
}

// noteRestored finds the tree that the stage goes back to. Users have met it, so it has
// passed already.
func (v *survey) noteRestored() {
	if r, goes := v.s.State.restoration(v.stage.Name, v.s.Target.SHA); goes {
		v.passed[r.Tree], v.restored = passage{by: r.To}, r.To
	}
}

// heads are the positions of the revisions.
func (v *survey) heads() []int {
	heads := make([]int, len(v.brings))
	for i, brings := range v.brings {
		heads[i] = brings[0]
	}
	return heads
}

// noteApplied finds the trees that a cluster reported to have applied.
func (v *survey) noteApplied() {
	if !v.stage.Observed {
		return
	}
	if observed(v.health.head) {
		v.applied[v.s.Tree] = true
	}
	for position, own := range v.health.own {
		if observed(own) {
			v.applied[v.g.commits[position].Tree] = true
		}
	}
	delete(v.applied, "") // a tree that is not known is like no other
}

// verdicts judges every revision. They are judged oldest first, since a
// revision can have the tree of one that has soaked; the newest comes first in
// the answer.
func (v *survey) verdicts() []Verdict {
	all := make([]Verdict, len(v.revisions))
	in, pasts := v.taints.inRevisions(v.brings), v.health.remember(v.brings)
	for i := len(all) - 1; i >= 0; i-- {
		all[i] = v.judge(v.revisions[i], v.brings[i][0], in[i], pasts[i])
	}
	v.unblock(all)
	return all
}

// unblock finds, for revisions that are blocked for good, the oldest newer one
// that contains them and is not.
func (v *survey) unblock(all []Verdict) {
	free, revision := make([]bool, len(v.g.commits)), make([]int, len(v.g.commits))
	for i := range all {
		position := v.brings[i][0]
		free[position] = !slices.ContainsFunc(all[i].Blocks, Block.lasting) && !v.doubtful(all[i].Revision, position)
		revision[position] = i
	}
	next := v.g.containers(free)
	for i := range all {
		position := v.brings[i][0]
		if !free[position] && next[position] >= 0 {
			all[i].Unblocks = all[revision[next[position]]].Revision.SHA
		}
	}
}
