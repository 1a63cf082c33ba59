package backtest

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A plan is the real policy at work. Only [rollout.Decide] says what goes out;
// what it need not be asked follows from what it says of every revision:
//
//   - One goes out that has soaked, or that has the tree of an older one that
//     has, or of the stage. What is newer than the newest of these plays no
//     part, unless it reverts something older.
//   - While nothing goes out, the answer stands until the moment that it names,
//     unless something arrives that reverts a revert or brings the stage's tree
//     back. Until the first revision has soaked, or the windows open, not even
//     that matters.
//
// So a promotion costs as much as it brings, and nothing is decided on again
// and again while it waits.
type plan struct {
	*replay
	// out is what the stage had when the policy was asked last, and head the
	// newest revision that was taken note of. Out is none at the beginning.
	out, head int
	// again is when a revision can go out by itself, and zero for never. Before
	// free nothing goes out, whatever is reverted, but what has the stage's own
	// tree; and before opens not even that.
	again, free, opens time.Time
	ties               ties
}

// aWhile is how long windows are taken to be closed that the policy cannot see
// an end of. It looks years ahead.
const aWhile = 7 * 24 * time.Hour

func (r *replay) plan() chooser {
	p := &plan{replay: r, out: -1}
	return p.choose
}

func (p *plan) choose(t tick) (int, time.Time) {
	if t.out != p.out {
		p.out, p.again = t.out, t.at
	} else {
		p.arrive(t)
	}
	p.head = t.head
	if p.again.IsZero() || p.again.After(t.at) {
		return t.out, p.again
	}
	return p.ask(t)
}

// arrive takes note of what came since the policy was asked.
func (p *plan) arrive(t tick) {
	for i := p.head + 1; i <= t.head; i++ {
		switch {
		case p.alike(i, t.out):
			p.again = sooner(p.again, later(p.opens, t.at))
		case anyOf(p.restoring, i-1, i) || p.under[i] != i-1:
			p.again = sooner(p.again, later(p.free, t.at))
		}
	}
}

// ask asks of what can go out now. If nothing does, nothing newer will before
// it: the newest that was asked of contains the reverts of all that it contains,
// and what contains it soaks no shorter.
func (p *plan) ask(t tick) (int, time.Time) {
	p.ties.keep(p.replay, t)
	ripe := p.apart(t, p.ripe(t))
	if ripe == t.out {
		first := p.soaked(t.out + 1)
		p.again, p.free, p.opens = first, first, t.at
		return t.out, first
	}
	d := p.decide(tick{t.at, t.out, ripe})
	if d.Action == rollout.Promote {
		return p.arrived[d.Revision.SHA], time.Time{}
	}
	p.wait(t, d)
	return t.out, p.again
}

// ripe is the newest revision that has soaked as long as the stage asks, or
// that has a tree of those that have, or of the stage.
func (p *plan) ripe(t tick) int {
	pending := p.revisions[t.out+1 : t.head+1]
	young, _ := slices.BinarySearchFunc(pending, t.at, func(r revision, at time.Time) int {
		if r.arrival.Add(p.stage.Soak).After(at) {
			return 1
		}
		return -1
	})
	newest := t.out + young
	for i := t.out; i <= t.out+young; i++ {
		newest = max(newest, p.newestAlike(i, t.head))
	}
	return newest
}

// wait keeps when the answer can be another one.
func (p *plan) wait(t tick, d rollout.Decision) {
	p.again, p.opens = d.RetryAt, t.at
	for _, b := range d.Blocks {
		if b.Until.IsZero() {
			b.Until = t.at.Add(aWhile)
			p.again = sooner(p.again, b.Until)
		}
		p.opens = later(p.opens, b.Until)
	}
	p.free = time.Time{}
	for _, v := range d.Verdicts {
		p.free = sooner(p.free, lifted(v, p.opens))
	}
}

// lifted is when what keeps a revision in is lifted at the earliest, where what
// time alone does not lift is gone by then.
func lifted(v rollout.Verdict, at time.Time) time.Time {
	for _, b := range v.Blocks {
		at = later(at, b.Until)
	}
	return at
}

// decide asks the policy of what is pending.
func (r *replay) decide(t tick) rollout.Decision {
	return rollout.Decide(t.at, r.stage, rollout.Snapshot{
		At: t.at, PushLog: true, Repository: r.history.Repository,
		Upstream:  rollout.Head{Branch: r.history.Branch, SHA: r.revisions[t.head].sha},
		Target:    rollout.Head{Branch: r.stage.Branch, SHA: r.revisions[t.out].sha},
		Tree:      r.revisions[t.out].tree,
		Pending:   r.brought(t.out, t.head),
		Movements: r.log(t.out, t.head),
	})
}

// apart is the oldest revision, but none older than one, that can be judged
// without what is newer: nothing of that reverts any of it or the other way
// round. And it has to be of the head's first-parent line, since merges that
// have their parents in another order can turn round what came first, and so
// what reverts what.
func (p *plan) apart(t tick, revision int) int {
	for revision > t.out {
		next := p.ties.whole(p.onTrunk(revision, t.head))
		if next == revision {
			break
		}
		revision = next
	}
	return revision
}

// ties say which pending revisions cannot be judged without which others, since
// one reverts the other.
type ties struct {
	all []tie
	// head is the newest revision that was read.
	head int
}

// A tie is two revisions, the older one first.
type tie struct{ older, newer int }

// keep reads the ties of what is pending, where they can be others than they
// were: when something came that reverts, or that turns round what came first;
// and when what was reverted is out, since its revert can mean something else
// by then.
func (s *ties) keep(r *replay, t tick) {
	torn := func(one tie) bool { return one.older <= t.out && t.out < one.newer }
	came := anyOf(r.reverting, s.head, t.head) || r.onTrunk(s.head, t.head) != s.head
	if !came && !slices.ContainsFunc(s.all, torn) {
		return
	}
	s.all, s.head = s.all[:0], t.head
	for commit, by := range rollout.Reverts(r.revisions[t.head].sha, r.brought(t.out, t.head), r.history.Repository) {
		for _, y := range by {
			a, b := r.arrived[commit], r.arrived[y.By]
			s.all = append(s.all, tie{min(a, b), max(a, b)})
		}
	}
	slices.SortFunc(s.all, func(a, b tie) int { return a.older - b.older })
}

// whole is the newest revision that has to be judged with one.
func (s *ties) whole(revision int) int {
	for _, one := range s.all {
		if one.older > revision {
			break
		}
		revision = max(revision, one.newer)
	}
	return revision
}
