package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A topic is a side branch: commits on top of a commit of main that wait to be
// merged.
type topic struct {
	base, head *change
	toggles    []int
}

var authors = []string{"Ada", "Grace", "Linus", "Barbara"}

// write makes a commit of a message, and chronicles it.
func (y *year) write(c *change, body string) *change {
	if y.err != nil {
		return y.made[0]
	}
	c.number = len(y.made) + 1
	if len(c.parents) > 0 {
		c.tree = c.parents[0].tree
	}
	c.tree = c.tree.toggled(c.toggles)
	message := c.subject + "\n"
	if body != "" {
		message += "\n" + body
	}
	if err := y.ground.add(c, authors[y.random.IntN(len(authors))], message); err != nil {
		y.fail(invSound, "make %q: %v", c.subject, err)
		return y.made[0]
	}
	if y.changes[c.sha] != nil {
		y.fail(invSound, "there are two commits %s", c.sha)
	}
	y.changes[c.sha] = c
	y.made = append(y.made, c)
	return c
}

// plain makes an ordinary commit.
func (y *year) plain(on *change) *change {
	c := &change{parents: parents(on), toggles: []int{len(y.made)}, title: y.heading()}
	c.subject = c.title
	body := ""
	if y.random.IntN(2) == 0 {
		c.pull = len(y.made) + 1000
		c.subject = fmt.Sprintf("%s (#%d)", c.title, c.pull)
		body = "It had to be done.\n"
	}
	if y.chance(y.character.decoy) && on != nil {
		body = y.decoy(y.recent(on))
	}
	if y.chance(y.character.trailer) {
		c.soak = []time.Duration{time.Hour, 48 * time.Hour, 96 * time.Hour}[y.random.IntN(3)]
		asks := []string{"Rollout-Soak: %dh", "Rollout-Soak: %dh", "  rollout-soak : %d hours (it takes its time)"}
		body += fmt.Sprintf("\n"+asks[y.random.IntN(len(asks))]+"\n", int(c.soak.Hours()))
	}
	return y.write(c, y.excused(c, body))
}

func parents(on *change) []*change {
	if on == nil {
		return nil
	}
	return []*change{on}
}

// merge makes a merge of a side branch.
func (y *year) merge(on *change, t topic) *change {
	c := &change{parents: []*change{on, t.head}, toggles: t.toggles, title: y.heading()}
	if y.random.IntN(2) == 0 {
		c.subject, c.title = fmt.Sprintf("Merge branch 'topic-%d'", len(y.made)), fmt.Sprintf("Merge branch 'topic-%d'", len(y.made))
		return y.write(c, y.excused(c, ""))
	}
	c.pull = len(y.made) + 1000
	c.subject = fmt.Sprintf("Merge pull request #%d from ada/topic-%d", c.pull, len(y.made))
	return y.write(c, y.excused(c, c.title+"\n"))
}

// revert makes a commit that takes back one or several of those before it.
func (y *year) revert(on *change) *change {
	of := y.revertible(on)
	if len(of) == 0 {
		return y.plain(on)
	}
	return y.revertOf(on, of)
}

// revertOf makes a commit that takes back others.
func (y *year) revertOf(on *change, of []*change) *change {
	for _, x := range of {
		y.taken[x] = true
	}
	c := &change{parents: parents(on), reverts: of}
	for _, x := range of {
		c.toggles = append(c.toggles, x.toggles...)
	}
	pull := len(y.made) + 1000
	var w wording
	if len(of) > 1 {
		w = y.several(of)
	} else {
		fits := y.wordings(of[0], pull)
		w = fits[y.random.IntN(len(fits))]
	}
	y.tally.Said[w.manner]++
	var numbered bool
	c.subject = w.subject
	if c.title, numbered = strings.CutSuffix(w.subject, fmt.Sprintf(" (#%d)", pull)); numbered {
		c.pull = pull
	}
	if y.chance(y.character.decoy) {
		w.body += fmt.Sprintf("\nIt once said:\n\n```\n\nThis reverts commit %s.\n\n```\n", y.recent(on).sha)
	}
	return y.write(c, y.excused(c, w.body))
}

// revertible are one to three recent commits that are not reverted, and whose
// titles nobody else has: a commit of two meanings would be a riddle.
func (y *year) revertible(on *change) []*change {
	first := y.recent(on)
	want := 1
	if y.random.IntN(5) == 0 {
		want = 2 + y.random.IntN(2)
	}
	var found []*change
	for c := first; c != nil && len(c.parents) > 0 && len(found) < want; c = c.parents[0] {
		if !y.taken[c] && !y.ambiguous(c) {
			found = append(found, c)
		}
	}
	return found
}

// ambiguous: another commit has the same title.
func (y *year) ambiguous(c *change) bool {
	return slices.ContainsFunc(y.made, func(other *change) bool {
		return other != c && (other.title == c.title || other.subject == c.subject)
	})
}

// recent is one of the last commits of a line, by its first parents.
func (y *year) recent(on *change) *change {
	for range y.random.IntN(1 + y.random.IntN(12)) {
		if len(on.parents) == 0 {
			return on
		}
		on = on.parents[0]
	}
	return on
}

// develop adds some commits on top of a commit.
func (y *year) develop(on *change) *change {
	for range 1 + y.random.IntN(3)*y.random.IntN(2) {
		if y.chance(y.character.revert) {
			on = y.revert(on)
		} else {
			on = y.plain(on)
		}
	}
	return on
}

// branch begins or lengthens a side branch.
func (y *year) branch() {
	main := y.first.head
	if len(y.topics) > 0 && y.random.IntN(2) == 0 {
		t := &y.topics[y.random.IntN(len(y.topics))]
		t.head = y.plain(t.head)
		t.toggles = append(t.toggles, t.head.toggles...)
		return
	}
	t := topic{base: main}
	if y.chance(y.character.revert) {
		t.head = y.revert(main)
	} else {
		t.head = y.plain(main)
	}
	t.toggles = slices.Clone(t.head.toggles)
	y.topics = append(y.topics, t)
}

// pushMain pushes something to main.
func (y *year) pushMain() {
	main := y.first.head
	switch {
	case y.chance(y.character.forced):
		y.force()
		return
	case len(y.topics) > 0 && y.random.IntN(3) == 0:
		n := y.random.IntN(len(y.topics))
		t := y.topics[n]
		y.topics = slices.Delete(y.topics, n, n+1)
		y.push(y.merge(main, t), "merges a side branch")
	default:
		y.push(y.develop(main), "pushes")
	}
}

// push points main at a commit.
func (y *year) push(to *change, what string) {
	if y.err != nil || to == y.first.head {
		return
	}
	if err := y.ground.push(y.first.branch, to); err != nil {
		y.fail(invSound, "push %s: %v", to.sha, err)
		return
	}
	at := y.clock.shown()
	y.first.move(to, at)
	y.tally.Pushes++
	y.note("%s to %s (%d): %s", what, to.sha.Short(), to.number, to.subject)
	if y.character.pushLog && y.chance(y.character.unlogged) {
		y.ground.lose(y.first.branch)
		y.first.moves[len(y.first.moves)-1].lost = true
		y.note("the push log loses its row")
	}
	y.diverge()
}

// force takes some commits away from main, and may put others in their place
// or bring back what was taken away before.
func (y *year) force() {
	to := y.first.head
	if y.character.pushLog && y.gone != nil && !y.first.has(y.gone) && y.random.IntN(2) == 0 {
		to, y.gone = y.gone, nil
	} else {
		y.gone = to
		for range 1 + y.random.IntN(4) {
			if len(to.parents) > 0 {
				to = to.parents[0]
			}
		}
		if y.random.IntN(2) == 0 {
			to = y.develop(to)
		}
	}
	// What hangs on commits that are gone would bring them back.
	y.topics = slices.DeleteFunc(y.topics, func(t topic) bool { return !contains(to, t.base) })
	y.push(to, "forces main")
}

// contains tells whether a commit has another in its history.
func contains(c, other *change) bool {
	return slices.Contains(missing(c, func(*change) bool { return false }), other)
}
