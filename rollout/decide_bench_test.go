package rollout_test

import (
	"fmt"
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

// Ten times as many take ten times as long. Compare the time per revision.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stage, s := manyPending(n)
			b.ReportAllocs()
			for b.Loop() {
				rollout.Decide(s.At, stage, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/revision")
		})
	}
}
