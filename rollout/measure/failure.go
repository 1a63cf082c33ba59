package measure

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Failure is a commit that was bad, as it turned out once it was on a stage.
type Failure struct {
	Commit rollout.SHA
	// Causes are what shows that.
	Causes []Cause
	// Restored is when the stage got what mends it first, and zero where it has
	// not.
	Restored time.Time
}

// A Cause is what shows that a commit was bad.
type Cause struct {
	Kind CauseKind
	// By is the commit that reverts or fixes it, and empty for a taint.
	By rollout.SHA
}

// CauseKind is the kind of a cause.
type CauseKind string

const (
	// Reverted: a commit reverts it that was not out with it.
	Reverted CauseKind = "reverted"
	// Tainted: an operator tainted it when it was out, and did not take that back.
	Tainted CauseKind = "tainted"
	// Hotfixed: an override brought a commit that says `Fixes:` of it.
	Hotfixed CauseKind = "hotfixed"
)

// words are what people say of commits, by position.
type words struct {
	// reverts are the commits that revert one, as far as that is certain.
	reverts map[int][]int
	// fixes are those that say that they fix one.
	fixes map[int][]int
	// tainted is when operators last said that a commit is bad, unless they took it
	// back.
	tainted map[int]time.Time
}

func readWords(p Past, g *graph) words {
	w := words{reverts: map[int][]int{}, fixes: map[int][]int{}, tainted: map[int]time.Time{}}
	for commit, by := range rollout.Reverts(p.Head, p.Commits, p.Plan.Repository) {
		for _, r := range by {
			if !r.Doubtful {
				x := g.index[commit]
				w.reverts[x] = append(w.reverts[x], g.index[r.By])
			}
		}
	}
	w.readFixes(g)
	w.readTaints(p, g)
	return w
}

// fixed is the trailer by which a commit says what it fixes
// (https://docs.kernel.org/process/submitting-patches.html).
var fixed = regexp.MustCompile(`(?m)^Fixes: ([0-9a-f]{7,40})\b`)

func (w words) readFixes(g *graph) {
	var names []rollout.SHA
	for y, c := range g.commits {
		if !strings.Contains(c.Message, "Fixes: ") {
			continue
		}
		if names == nil {
			names = sortedNames(g.commits)
		}
		for _, found := range fixed.FindAllStringSubmatch(c.Message, -1) {
			if sha, ok := named(names, found[1]); ok {
				x := g.index[sha]
				w.fixes[x] = append(w.fixes[x], y)
			}
		}
	}
}

func sortedNames(commits []rollout.Commit) []rollout.SHA {
	names := make([]rollout.SHA, len(commits))
	for i, c := range commits {
		names[i] = c.SHA
	}
	slices.Sort(names)
	return names
}

// named is the one commit whose name begins so.
func named(sorted []rollout.SHA, digits string) (rollout.SHA, bool) {
	i, _ := slices.BinarySearch(sorted, rollout.SHA(digits))
	begins := func(i int) bool { return i < len(sorted) && strings.HasPrefix(string(sorted[i]), digits) }
	if !begins(i) || begins(i+1) {
		return "", false
	}
	return sorted[i], true
}

func (w words) readTaints(p Past, g *graph) {
	for _, r := range slices.Backward(p.Records) {
		x, ok := g.index[r.Entry.Commit]
		switch {
		case !ok || r.Damaged != "":
		case r.Kind == rollout.EntryTaint:
			w.tainted[x] = r.At
		case r.Kind == rollout.EntryClear:
			delete(w.tainted, x)
		}
	}
}

// blame finds out which promotions brought something bad, and until when it stayed.
func (l *line) blame(promotions []Promotion, w words) {
	for i := range promotions {
		p := &promotions[i]
		open := false
		for _, x := range l.brought[i] {
			f, ok := l.failure(x, w)
			if !ok {
				continue
			}
			p.Failures = append(p.Failures, f)
			p.Restored = later(p.Restored, f.Restored)
			open = open || f.Restored.IsZero()
		}
		if open {
			p.Restored = time.Time{}
		}
	}
}

// failure is what was bad of a commit that is out.
func (l *line) failure(x int, w words) (Failure, bool) {
	f := Failure{Commit: l.commits[x].SHA}
	for _, y := range w.reverts[x] {
		if l.comesAfter(y, x) && !l.undone(y, w) {
			l.add(&f, Reverted, y)
		}
	}
	for _, y := range w.fixes[x] {
		if by := l.out[y]; by > l.out[x] && l.records[by].Kind == rollout.EntryOverride {
			l.add(&f, Hotfixed, y)
		}
	}
	if at, ok := w.tainted[x]; ok && at.After(l.records[l.out[x]].At) {
		f.Causes = append(f.Causes, Cause{Kind: Tainted})
	}
	return f, len(f.Causes) > 0
}

// add notes a commit that mends a bad one. The first of them that is out ends it.
func (l *line) add(f *Failure, kind CauseKind, y int) {
	f.Causes = append(f.Causes, Cause{kind, l.commits[y].SHA})
	if l.out[y] < 0 {
		return
	}
	if at := l.records[l.out[y]].At; f.Restored.IsZero() || at.Before(f.Restored) {
		f.Restored = at
	}
}

// comesAfter tells of a commit that it was not on the stage when another came.
func (l *line) comesAfter(y, x int) bool { return l.out[y] == waits || l.out[y] > l.out[x] }

// undone tells of a revert that the stage never had it alone: what reverts it came
// with it, or waits with it.
func (l *line) undone(y int, w words) bool {
	return slices.ContainsFunc(w.reverts[y], func(z int) bool { return l.out[z] == l.out[y] })
}
