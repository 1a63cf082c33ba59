package rollout_test

import (
	"fmt"
	"os"
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

// A decision over ten thousand pending revisions takes twenty milliseconds at
// most, and ten times as many take ten times as long, or half as much again:
// beyond the processor's caches everything is slower.
func BenchmarkDecide(b *testing.B) {
	const limit, growth = 20 * time.Millisecond, 1.5
	least := map[int]time.Duration{}
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stage, s := manyPending(n)
			b.ReportAllocs()
			for b.Loop() {
				started := time.Now()
				rollout.Decide(s.At, stage, s)
				if took := time.Since(started); least[n] == 0 || took < least[n] {
					least[n] = took
				}
			}
			b.ReportMetric(float64(least[n].Nanoseconds())/float64(n), "ns/revision")
		})
	}
	if os.Getenv("BENCH_LIMITS") == "" {
		return
	}
	if took := least[10_000]; took > limit {
		b.Errorf("10,000 revisions take %s, and at most %s was promised", took, limit)
	}
	if ratio := float64(least[100_000]) / float64(least[10_000]) / 10; ratio > growth {
		b.Errorf("a revision of 100,000 costs %.2f times as much as one of 10,000, and at most %g was promised", ratio, growth)
	}
}
