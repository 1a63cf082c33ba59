package simulate

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A chronicle is what really happened, as the simulation did it. The oracle
// reckons from it, and from nothing that the code under test says.
type chronicle struct {
	changes map[rollout.SHA]*change
	// made are all changes in the order in which they were made.
	made  []*change
	lines map[string]*line
	// reports are what was reported of each change, oldest first.
	reports map[*change][]report
	told    int
}

func newChronicle() *chronicle {
	return &chronicle{
		changes: map[rollout.SHA]*change{},
		lines:   map[string]*line{},
		reports: map[*change][]report{},
	}
}

// A change is a commit as the simulation meant it.
type change struct {
	sha rollout.SHA
	// number counts the commits in the order in which they were made, so that
	// a parent's is always the smaller one.
	number  int
	parents []*change
	// toggles are the parts of the tree that the change puts in or takes out,
	// beside its first parent, and tree is what comes of it.
	toggles []int
	tree    tree
	// subject is the first line of the message. A merge of a pull request has
	// its title in the body.
	subject, title string
	// pull is the number of its pull request, 0 for none.
	pull int
	// reverts are the commits whose revert it is meant to be.
	reverts []*change
	// soak is what its trailer asks for, and excuse says that it gives a reason
	// why what it changes may go out unexercised.
	soak   time.Duration
	excuse bool
	// content is what is in the tree, once somebody asks.
	content map[int]bool
}

// A tree is the sum of what is in it.
type tree [sha1.Size]byte

// toggled is a tree with some parts put in or taken out.
func (t tree) toggled(parts []int) tree {
	for _, part := range parts {
		sum := sha1.Sum([]byte(strconv.Itoa(part)))
		for i := range t {
			t[i] ^= sum[i]
		}
	}
	return t
}

func (t tree) sha() rollout.SHA { return rollout.SHA(hex.EncodeToString(t[:])) }

// A line is one branch.
type line struct {
	branch string
	head   *change
	// came is with which of the moves each commit came that the branch has
	// contained since then without interruption.
	came map[*change]int
	// moves are all there were, oldest first, and pointed is what the branch
	// pointed at after one of them.
	moves   []move
	pointed map[*change]bool
}

// A move is one move of a branch.
type move struct {
	to *change
	at time.Time
	// forced says that it took something away, and lost that the push log does
	// not have it.
	forced, lost bool
}

// line is the branch of that name.
func (c *chronicle) line(branch string) *line {
	l, known := c.lines[branch]
	if !known {
		l = &line{branch: branch, came: map[*change]int{}, pointed: map[*change]bool{}}
		c.lines[branch] = l
	}
	return l
}

// has tells whether the branch contains a commit.
func (l *line) has(c *change) bool {
	_, ok := l.came[c]
	return ok
}

// since is from when on the branch has contained a commit without
// interruption.
func (l *line) since(c *change) (at time.Time, has bool) {
	came, has := l.came[c]
	if !has {
		return time.Time{}, false
	}
	return l.moves[came].at, true
}

// heads are what the branch has pointed at, oldest first.
func (l *line) heads() []*change {
	all := make([]*change, len(l.moves))
	for i, m := range l.moves {
		all[i] = m.to
	}
	return all
}

// move points the branch at a commit.
func (l *line) move(to *change, at time.Time) {
	fresh := missing(to, l.has)
	forced := l.head != nil && !isAmong(l.head, to, fresh)
	if forced {
		kept := map[*change]int{}
		for _, c := range missing(to, func(*change) bool { return false }) {
			if came, had := l.came[c]; had {
				kept[c] = came
			}
		}
		l.came = kept
	}
	for _, c := range fresh {
		l.came[c] = len(l.moves)
	}
	l.head = to
	l.pointed[to] = true
	l.moves = append(l.moves, move{to: to, at: at, forced: forced})
}

// missing is what a commit reaches without what is known, newest first.
func missing(from *change, known func(*change) bool) []*change {
	var found []*change
	seen := map[*change]bool{}
	todo := []*change{from}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[c] || known(c) {
			continue
		}
		seen[c] = true
		found = append(found, c)
		todo = append(todo, c.parents...)
	}
	sortNewestFirst(found)
	return found
}

// isAmong tells whether a branch's head is what its new head is, or is one of
// the parents of what is new: then nothing is lost.
func isAmong(head, to *change, fresh []*change) bool {
	if head == to {
		return true
	}
	for _, c := range fresh {
		for _, parent := range c.parents {
			if parent == head {
				return true
			}
		}
	}
	return false
}

// A report is a commit status.
type report struct {
	// order counts all reports in the order in which they were posted.
	order   int
	context string
	state   rollout.EvidenceState
	at      time.Time
}

// tell notes a report.
func (c *chronicle) tell(of *change, r report) {
	c.told++
	r.order = c.told
	c.reports[of] = append(c.reports[of], r)
}
