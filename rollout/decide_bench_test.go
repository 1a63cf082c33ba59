package rollout_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// manyPending is a stage with pending revisions, one push each, over a year.
// A tenth of them are the marks: commits that a later one reverts, or that an
// operator tainted; and every second was reported on.
func manyPending(n int) (rollout.Stage, rollout.Snapshot) {
	name := func(i int) rollout.SHA { return rollout.SHA(fmt.Sprintf("%040x", i+1)) }
	step := 365 * 24 * time.Hour / time.Duration(n)
	at := func(i int) time.Time { return epoch.Add(time.Duration(i) * step) }
	pattern, err := rollout.ParseGlob("flux/infra/*")
	if err != nil {
		panic(err)
	}
	stage := apps
	stage.Health = rollout.Health{Settle: time.Minute, Required: []rollout.Requirement{{Cluster: "infra", Contexts: pattern}}}
	s := rollout.Snapshot{
		At:       at(n),
		Upstream: rollout.Head{Branch: "main", SHA: name(n)},
		Target:   rollout.Head{Branch: "release", SHA: name(0)},
		PushLog:  true,
		Evidence: map[rollout.SHA][]rollout.Evidence{},
	}
	for i := n; i > 0; i-- {
		c := rollout.Commit{SHA: name(i), Parents: []rollout.SHA{name(i - 1)}, Tree: name(1_000_000 + i), Author: "Ada", Message: fmt.Sprintf("Change number-%d\n\nWith a body.\n", i)}
		switch {
		case i%20 == 0:
			c.Message = fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", fmt.Sprintf("Change number-%d", i-10), name(i-10))
		case i%20 == 5:
			s.State.Taints = append(s.State.Taints, rollout.Mark{Commit: name(i), By: "ada", Reason: "it breaks things", At: at(i)})
		}
		s.Pending = append(s.Pending, c)
		s.Movements = append(s.Movements, rollout.Movement{Before: name(i - 1), After: name(i), At: at(i)})
		if i%2 == 0 {
			s.Evidence[name(i)] = []rollout.Evidence{
				{Context: "flux/infra/apps", State: rollout.EvidenceSuccess, At: at(i).Add(time.Minute)},
				{Context: "flux/infra/base", State: rollout.EvidenceSuccess, At: at(i).Add(time.Minute)},
			}
		}
	}
	return stage, s
}

// forcedBack is many pending revisions, of which main once pointed at one that
// was taken back by a force-push and merged again later.
func forcedBack(n int) (rollout.Stage, rollout.Snapshot) {
	stage, s := manyPending(n)
	side, merge := rollout.SHA(fmt.Sprintf("%040x", 2_000_000)), n/2
	at := func(i int) int { return n - i } // commit i is the n-i'th from the newest
	name := func(i int) rollout.SHA { return s.Pending[at(i)].SHA }
	s.Pending[at(merge)].Parents = []rollout.SHA{side, name(merge - 1)}
	moved := s.Movements[at(11)].At
	s.Movements = slices.Insert(s.Movements, at(10),
		rollout.Movement{Before: side, After: name(10), At: moved.Add(-time.Minute), Forced: true},
		rollout.Movement{Before: name(10), After: side, At: moved.Add(-2 * time.Minute)})
	s.Pending = append(s.Pending, rollout.Commit{SHA: side, Parents: []rollout.SHA{name(10)}, Tree: side, Author: "Ada", Message: "A try\n"})
	return stage, s
}

// staleSides is a stage with pending merges, each of a side branch that began a
// while ago and on which statuses were written before it was merged.
func staleSides(n int) (rollout.Stage, rollout.Snapshot) {
	stage, s := manyPending(n)
	pattern, err := rollout.ParseGlob("ci/*")
	if err != nil {
		panic(err)
	}
	stage.Health = rollout.Health{Required: []rollout.Requirement{{Cluster: "infra", Contexts: pattern}}}
	s.Evidence = map[rollout.SHA][]rollout.Evidence{}
	for i := range n {
		merge := &s.Pending[i]
		side := rollout.Commit{SHA: rollout.SHA(fmt.Sprintf("%040x", 2_000_000+i)), Tree: merge.Tree, Author: "Ada", Message: "A part\n"}
		side.Parents = s.Pending[min(i+20, n-1)].Parents
		merge.Parents = append(slices.Clone(merge.Parents), side.SHA)
		s.Pending = append(s.Pending, side)
		for _, c := range []rollout.SHA{merge.SHA, side.SHA} {
			s.Evidence[c] = []rollout.Evidence{{Context: "ci/tests", State: rollout.EvidenceSuccess, At: s.Movements[i].At}}
		}
	}
	return stage, s
}

// A decision over ten thousand pending revisions takes twenty milliseconds at
// most, and ten times as many take ten times as long, or half as much again:
// beyond the processor's caches everything is slower. The other shapes are
// linear, too: they may take three times as long, and would take ten times as
// long if they were not.
func BenchmarkDecide(b *testing.B) {
	for _, shape := range []struct {
		name string
		of   func(n int) (rollout.Stage, rollout.Snapshot)
		// limit is what ten thousand may take at most, by default any time, and
		// growth how much more each of a hundred thousand may cost.
		limit  time.Duration
		growth float64
	}{
		{"line", manyPending, 20 * time.Millisecond, 1.5},
		{"forced", forcedBack, 0, 3},
		{"sides", staleSides, 0, 3},
	} {
		least := map[int]time.Duration{}
		for _, n := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) { least[n] = decideMany(b, n, shape.of) })
		}
		if os.Getenv("BENCH_LIMITS") == "" {
			continue
		}
		if took := least[10_000]; shape.limit > 0 && took > shape.limit {
			b.Errorf("%s: 10,000 revisions take %s, and at most %s was promised", shape.name, took, shape.limit)
		}
		if ratio := float64(least[100_000]) / float64(least[10_000]) / 10; ratio > shape.growth {
			b.Errorf("%s: a revision of 100,000 costs %.2f times as much as one of 10,000, and at most %g was promised", shape.name, ratio, shape.growth)
		}
	}
}

// decideMany decides again and again, and returns the least time that it took.
func decideMany(b *testing.B, n int, of func(n int) (rollout.Stage, rollout.Snapshot)) (least time.Duration) {
	stage, s := of(n)
	b.ReportAllocs()
	for b.Loop() {
		started := time.Now()
		rollout.Decide(s.At, stage, s)
		if took := time.Since(started); least == 0 || took < least {
			least = took
		}
	}
	b.ReportMetric(float64(least.Nanoseconds())/float64(n), "ns/revision")
	return least
}
