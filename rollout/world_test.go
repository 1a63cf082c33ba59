package rollout_test

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// epoch is when every history of these tests begins: hour 0.
var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func hour(n float64) time.Time {
	return epoch.Add(time.Duration(n * float64(time.Hour)))
}

// sha is a SHA that says the name of its commit.
func sha(name string) rollout.SHA {
	digits := hex.EncodeToString([]byte(name))
	return rollout.SHA(digits + strings.Repeat("0", 40-len(digits)))
}

// name is the name of a commit that sha was made of.
func name(s rollout.SHA) string {
	bytes, err := hex.DecodeString(string(s))
	if err != nil {
		return string(s)
	}
	return strings.TrimRight(string(bytes), "\x00")
}

func names(commits []rollout.Commit) string {
	all := make([]string, len(commits))
	for i, c := range commits {
		all[i] = name(c.SHA)
	}
	return strings.Join(all, " ")
}

// A world is a repository and what a forge knows of it. It answers every
// question in the most naive way, so that it can be trusted.
type world struct {
	commits  map[rollout.SHA]rollout.Commit
	branches map[string]rollout.SHA
	// log is the push log by branch, oldest first.
	log map[string][]rollout.Movement
	// messages and trees are of commits to come, where they are no matter of
	// course.
	messages map[rollout.SHA]string
	trees    map[rollout.SHA]rollout.SHA
}

func newWorld() *world {
	return &world{
		commits:  map[rollout.SHA]rollout.Commit{},
		branches: map[string]rollout.SHA{},
		log:      map[string][]rollout.Movement{},
		messages: map[rollout.SHA]string{},
		trees:    map[rollout.SHA]rollout.SHA{},
	}
}

// commit makes a commit. Its author's date is years before anything happened.
func (w *world) commit(name string, parents ...rollout.SHA) rollout.SHA {
	if _, ok := w.commits[sha(name)]; ok {
		panic("there are two commits " + name)
	}
	w.commits[sha(name)] = rollout.Commit{
		SHA: sha(name), Parents: parents, Author: "Ada", Authored: epoch.AddDate(-3, 0, 0),
		Tree:    cmp.Or(w.trees[sha(name)], sha("tree"+name)),
		Message: cmp.Or(w.messages[sha(name)], "Change "+name+"\n"),
	}
	return sha(name)
}

// move points a branch at a commit, and has the forge log it.
func (w *world) move(branch string, to rollout.SHA, at time.Time) {
	before := w.branches[branch]
	w.log[branch] = append(w.log[branch], rollout.Movement{
		Before: before, After: to, At: at, Forced: before != "" && !w.reach(to)[before],
	})
	w.branches[branch] = to
	if to == "" {
		delete(w.branches, branch)
	}
}

// reach is everything that a commit contains, itself included.
func (w *world) reach(from rollout.SHA) map[rollout.SHA]bool {
	reached := map[rollout.SHA]bool{}
	todo := []rollout.SHA{from}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if next == "" || reached[next] {
			continue
		}
		reached[next] = true
		todo = append(todo, w.commits[next].Parents...)
	}
	return reached
}

// between lists what want reaches and have does not, sorted by SHA.
func (w *world) between(have, want rollout.SHA) []rollout.Commit {
	left := w.reach(have)
	var found []rollout.Commit
	for _, s := range slices.Sorted(maps.Keys(w.reach(want))) {
		if !left[s] {
			found = append(found, w.commits[s])
		}
	}
	return found
}

// movements is the push log of a branch as a forge tells it: newest first.
func (w *world) movements(branch string) []rollout.Movement {
	rows := slices.Clone(w.log[branch])
	slices.Reverse(rows)
	return rows
}

// snapshot is what there is to see of release, which takes its revisions from
// main.
func (w *world) snapshot(now time.Time) rollout.Snapshot {
	s := rollout.Snapshot{
		At:       now,
		Upstream: rollout.Head{Branch: "main", SHA: w.branches["main"]},
		Target:   rollout.Head{Branch: "release", SHA: w.branches["release"]},
		Ledger:   rollout.Head{Branch: "rollout/ledger", SHA: sha("ledger")},
		Pending:  w.between(w.branches["release"], w.branches["main"]),
		Foreign:  w.between(w.branches["main"], w.branches["release"]),
		PushLog:  true,
	}
	s.Movements = w.movements("main")
	s.Tree = w.commits[w.branches["release"]].Tree
	s.Repository = rollout.Repository{Forge: rollout.ForgeGitHub, Owner: "octo", Name: "fleet"}
	return s
}

// describe is a decision on one line, with times as hours since the epoch.
func describe(d rollout.Decision) string {
	text := string(d.Action)
	if d.Revision != nil {
		text += fmt.Sprintf(" %s(%s)", name(d.Revision.SHA), names(d.GoesOut))
	}
	if !d.RetryAt.IsZero() {
		text += " until " + hours(d.RetryAt)
	}
	for i, v := range d.Verdicts {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		text += fmt.Sprintf("%s%s@%s %s", separator, name(v.Revision.SHA), hours(v.Revision.Arrival), v.Outcome)
	}
	if d.Record != nil {
		text += fmt.Sprintf("; record %s@%s", name(d.Record.Revision), hours(d.Record.At))
	}
	return text
}

func hours(t time.Time) string {
	return fmt.Sprintf("%gh", t.Sub(epoch).Hours())
}
