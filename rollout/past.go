package rollout

import (
	"slices"
	"time"
)

// A past is what those before a revision leave to it.
type past struct {
	// before is what was reported of the observed revision next before it.
	before []condition
	// failed are, by context, the failures that it contains and that nothing
	// has mended since; or the success that will have once it has settled. It
	// is nil where there are none.
	failed []condition
}

// left is what is left of a failure in a context. What a commit says itself
// comes after that.
func (p past) left(c int, own []condition) condition {
	if p.failed == nil || own != nil && own[c].state != unreported {
		return condition{}
	}
	return p.failed[c]
}

// fails tells of a condition that what comes after has to mend it.
func (c condition) fails() bool { return c.state == bad && !c.forgiven }

// leaves is what is left of a failure in a context, once the context was in
// this condition on something that contains the failure. Where a failure is
// forgiven the context starts anew.
func (c condition) leaves(failure condition) condition {
	switch {
	case c.fails():
		return c
	case c.state == bad, c.state == good:
		return condition{}
	case c.state == settling && (failure.state == bad || failure.state == settling && c.at.Before(failure.at)):
		return c
	default:
		return failure
	}
}

// leave is what is left of failures, once something that contains them was in
// these conditions.
func leave(failed, own []condition) []condition {
	var left []condition
	for c, is := range own {
		var was condition
		if failed != nil {
			was = failed[c]
		}
		next := is.leaves(was)
		if next == was {
			continue
		}
		if left == nil {
			left = make([]condition, len(own))
			copy(left, failed)
		}
		left[c] = next
	}
	if left == nil {
		return failed
	}
	return left
}

// remember tells of each revision, given newest first as the positions of what
// it brings, what those before it leave to it. The stage's head, or the one of
// its heads that was last reported of, stands before them all.
func (x *examination) remember(brings [][]int) []past {
	all := make([]past, len(brings))
	if len(x.asked.Required) == 0 {
		return all
	}
	is := past{before: x.before, failed: leave(nil, x.before)}
	x.g.procession(brings, func(i int, anew bool, gained []int) {
		revision := gained[0]
		if anew || slices.ContainsFunc(gained[1:], func(p int) bool { return x.revision[p] }) {
			is.failed = x.recall(revision)
		}
		all[i] = is
		if own := x.own[revision]; own != nil {
			is = past{before: own, failed: leave(is.failed, own)}
		}
	})
	return all
}

// pastOf is what is left to a commit that is no revision.
func (x *examination) pastOf(position int) past {
	if len(x.asked.Required) == 0 {
		return past{}
	}
	return past{failed: x.recall(position)}
}

// recall finds out what is left of failures to a commit that does not stand in
// line with what was looked at before: it was forced away, or brings back what
// was.
func (x *examination) recall(position int) []condition {
	within := make([]bool, len(x.g.commits))
	x.g.take(position, within, nil)
	within[position] = false
	for p := range within {
		within[p] = within[p] && x.revision[p] && x.own[p] != nil
	}
	failed := leave(nil, x.before)
	for p, counts := range slices.Backward(within) {
		if counts {
			failed = leave(failed, x.own[p])
		}
	}
	for c := range x.contexts {
		for p, counts := range within {
			if !counts || !x.own[p][c].fails() {
				continue
			}
			if left := x.follow(p, c, within); left.state != unreported {
				if failed == nil {
					failed = make([]condition, len(x.contexts))
				}
				failed[c] = graver(failed[c], left)
			}
			if failed != nil && failed[c].state == bad {
				break
			}
		}
	}
	return failed
}

// follow is what is left of a failure, after those that count and contain it. It
// is nothing where one of those failed, too: that is followed by itself, and
// what mends it mends both.
func (x *examination) follow(failure, c int, counts []bool) condition {
	left, contain := x.own[failure][c], map[int]bool{failure: true}
	for p := failure - 1; p >= 0 && left.state != unreported; p-- {
		if !slices.ContainsFunc(x.g.parents[p], func(parent int) bool { return contain[parent] }) {
			continue
		}
		contain[p] = true
		if counts[p] && x.own[p][c].fails() {
			return condition{}
		}
		if counts[p] {
			left = x.own[p][c].leaves(left)
		}
	}
	return left
}

// graver is the one of two that keeps a context bad for longer.
func graver(a, b condition) condition {
	switch {
	case a.state == bad || b.state == unreported:
		return a
	case b.state == bad || a.state == unreported || b.at.After(a.at):
		return b
	default:
		return a
	}
}

// forgives tells whether a clearing is about a failure of its commit: one that
// comes later counts. A clearing tells whole seconds.
func (m Mark) forgives(failed time.Time) bool {
	return m.Commit != "" && !failed.Truncate(time.Second).After(m.At)
}
