package backtest_test

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

var apps = rollout.Stage{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour}

// midnight is when every scene begins.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// hour is so many hours after midnight.
func hour(n float64) time.Time { return midnight.Add(time.Duration(n * float64(time.Hour))) }

// A scene is a history that is written down push by push.
type scene struct {
	backtest.History
	tree string
}

// begin pushes a first commit at midnight, with which the stage begins.
func begin() *scene {
	s := &scene{History: backtest.History{Branch: "main", PushLog: true}, tree: "begin"}
	s.push(0, "Begin")
	return s
}

// sha is a name that is made of a text.
func sha(text string) rollout.SHA { return rollout.SHA(fmt.Sprintf("%x", sha1.Sum([]byte(text)))) }

// push pushes a commit of this message, whose tree is its own.
func (s *scene) push(at float64, message string) rollout.SHA {
	s.tree = message
	return s.pushTree(at, message, message)
}

// revert pushes the revert of a commit, and with it the tree of another.
func (s *scene) revert(at float64, commit rollout.SHA, tree string) rollout.SHA {
	message := fmt.Sprintf("Revert something at %g\n\nThis reverts commit %s.\n", at, commit)
	if tree == "" {
		tree = message
	}
	return s.pushTree(at, message, tree)
}

func (s *scene) pushTree(at float64, message, tree string) rollout.SHA {
	c := s.commit(message, tree, s.Head)
	s.move(at, c, false)
	return c
}

// commit makes a commit that is on no branch yet.
func (s *scene) commit(message, tree string, parents ...rollout.SHA) rollout.SHA {
	c := rollout.Commit{SHA: sha(message + tree), Tree: sha(tree), Author: "Ada", Message: message}
	for _, p := range parents {
		if p != "" {
			c.Parents = append(c.Parents, p)
		}
	}
	s.Commits = append(s.Commits, c)
	return c.SHA
}

// move points the branch somewhere.
func (s *scene) move(at float64, to rollout.SHA, forced bool) {
	s.Movements = slices.Insert(s.Movements, 0, rollout.Movement{Before: s.Head, After: to, At: hour(at), Forced: forced})
	s.Head = to
}

// until ends the scene.
func (s *scene) until(at float64) backtest.History {
	s.Until = hour(at)
	return s.History
}

func run(t *testing.T, h backtest.History, o backtest.Options) backtest.Result {
	t.Helper()
	if o.Stage.Name == "" {
		o.Stage = apps
	}
	r, err := backtest.Run(h, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// describe is a result with a line for each policy: promotions, lead times, and
// what else there is to say.
func describe(r backtest.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d revisions, %d commits, %d reverted\n", r.Revisions, r.Commits, r.Reverted)
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, "%s: %d promotions of %d", o.Policy, o.Promotions, o.Lead.Count)
		if o.Lead.Count > 0 {
			fmt.Fprintf(&b, ", lead %s to %s", short(o.Lead.Shortest), short(o.Lead.Longest))
		}
		for _, n := range []struct {
			count int
			of    string
		}{
			{o.NeverOut, "never out"},
			{o.Soaking, "soaking"},
			{o.BlockedDays, "blocked days"},
			{o.Unsoaked, "un-soaked"},
			{o.KnownBad, "known bad"},
			{o.UnknownBad, "unknown bad"},
			{o.Overrides, "overrides"},
		} {
			if n.count > 0 {
				fmt.Fprintf(&b, ", %d %s", n.count, n.of)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// short is a time in hours and minutes.
func short(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Hours()), int(d.Minutes())%60)
}
