package backtest_test

import (
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// A workshop makes up the history of a repository in which people work: more on
// working days, in merges and in pushes of several commits, with mistakes that
// somebody reverts, and reverts that somebody takes back.
type workshop struct {
	backtest.History
	random *rand.Rand
	// head and tree are where the branch stands. A tree is made of the changes
	// that are in it, so a revert can bring an old one back.
	head rollout.SHA
	tree [sha1.Size]byte
	now  time.Time
	pull int
	made int
	// due are the reverts to come, by when.
	due []correction
}

// A correction reverts a commit.
type correction struct {
	at     time.Time
	commit rollout.Commit
	change [sha1.Size]byte
}

// generate makes a history of at least so many commits that is always the same.
func generate(commits int) backtest.History {
	w := &workshop{
		random: rand.New(rand.NewPCG(20, 26)),
		now:    time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC),
		History: backtest.History{
			Branch: "main", PushLog: true,
			Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Owner: "octo-org", Name: "fleet"},
		},
	}
	w.push(w.commit("chore: begin", w.change()))
	for w.made < commits {
		w.day()
	}
	w.Head = w.head
	w.Until = w.now.AddDate(0, 0, 7)
	slices.Reverse(w.Movements)
	return w.History
}

// day lets a day pass.
func (w *workshop) day() {
	day := w.now.Truncate(24 * time.Hour)
	pushes, from, to := 3+w.random.IntN(7), 7*60, 18*60
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		pushes, from, to = max(0, w.random.IntN(4)-1), 0, 24*60
	}
	minutes := make([]int, pushes)
	for i := range minutes {
		minutes[i] = from + w.random.IntN(to-from)
	}
	slices.Sort(minutes)
	for _, m := range minutes {
		at := day.Add(time.Duration(m) * time.Minute)
		w.correct(at)
		w.now = at
		w.work()
	}
	w.now = day.AddDate(0, 0, 1)
	w.correct(w.now.Add(-time.Second))
	w.now = day.AddDate(0, 0, 1)
}

// work pushes something, and sees to it that what was wrong is reverted.
func (w *workshop) work() {
	w.pull++
	change := w.change()
	var c rollout.Commit
	switch kind := w.random.IntN(10); {
	case kind < 6: // a squashed pull request
		c = w.commit(fmt.Sprintf("%s (#%d)", w.subject(), w.pull), change)
	case kind < 8: // a merged one
		c = w.merge(change)
	default: // straight to main
		for range w.random.IntN(3) {
			w.commit(w.subject(), w.change())
		}
		c = w.commit(w.subject(), change)
	}
	w.push(c)
	if w.random.IntN(25) == 0 {
		w.regret(c, change, 1)
	}
}

// regret has a commit reverted after some hours: soon, on the same day, or when
// the soak is over. Some reverts are reverted in their turn.
func (w *workshop) regret(c rollout.Commit, change [sha1.Size]byte, soonest float64) {
	hours := []float64{soonest + 3*w.random.Float64(), 4 + 18*w.random.Float64(), 24 + 48*w.random.Float64()}[w.random.IntN(3)]
	w.due = append(w.due, correction{w.now.Add(time.Duration(hours * float64(time.Hour))).Truncate(time.Second), c, change})
}

// correct pushes the reverts whose time has come.
func (w *workshop) correct(until time.Time) {
	for {
		next := -1
		for i, d := range w.due {
			if !d.at.After(until) && (next < 0 || d.at.Before(w.due[next].at)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		d := w.due[next]
		w.due = slices.Delete(w.due, next, next+1)
		w.now = d.at
		c := w.commit(fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", d.commit.Subject(), d.commit.SHA), d.change)
		w.push(c)
		if w.random.IntN(6) == 0 {
			w.regret(c, d.change, 30)
		}
	}
}

var (
	verbs  = []string{"feat", "fix", "chore", "refactor"}
	things = []string{"cilium", "podinfo", "grafana", "cert-manager", "payments", "ingress", "backups"}
)

func (w *workshop) subject() string {
	subject := fmt.Sprintf("%s(%s): change %d", verbs[w.random.IntN(len(verbs))], things[w.random.IntN(len(things))], w.made)
	if w.random.IntN(100) == 0 {
		subject += "\n\nRollout-Soak: 48h"
	}
	return subject
}

func (w *workshop) change() [sha1.Size]byte {
	return sha1.Sum(fmt.Appendf(nil, "change %d %d", w.made, w.random.Uint64()))
}

// commit puts a commit on top of the branch, without pushing it.
func (w *workshop) commit(message string, change [sha1.Size]byte) rollout.Commit {
	for i := range w.tree {
		w.tree[i] ^= change[i]
	}
	var parents []rollout.SHA
	if w.head != "" {
		parents = append(parents, w.head)
	}
	return w.add(message, parents)
}

// merge makes a side line and merges it.
func (w *workshop) merge(change [sha1.Size]byte) rollout.Commit {
	base := w.head
	for range w.random.IntN(3) {
		w.commit(w.subject(), w.change())
	}
	side := w.commit(w.subject(), change)
	return w.add(fmt.Sprintf("Merge pull request #%d from octo-org/topic\n\n%s", w.pull, side.Subject()), []rollout.SHA{base, side.SHA})
}

func (w *workshop) add(message string, parents []rollout.SHA) rollout.Commit {
	w.made++
	sum := sha1.Sum(fmt.Appendf(nil, "%s %v %x", message, parents, w.tree))
	c := rollout.Commit{
		SHA: rollout.SHA(fmt.Sprintf("%x", sum)), Tree: rollout.SHA(fmt.Sprintf("%x", w.tree)), Parents: parents,
		Author: "Ada", Message: message, Authored: w.now, Committed: w.now,
	}
	w.Commits = append(w.Commits, c)
	w.head = c.SHA
	return c
}

// push points the branch at what was committed.
func (w *workshop) push(c rollout.Commit) {
	row := rollout.Movement{After: c.SHA, At: w.now}
	if n := len(w.Movements); n > 0 {
		row.Before = w.Movements[n-1].After
	}
	w.Movements = append(w.Movements, row)
}
