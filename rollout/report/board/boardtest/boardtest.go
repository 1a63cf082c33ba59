// Package boardtest has boards for tests. Only tests use it.
package boardtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/report/board"
)

var now = time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)

var (
	infra = rollout.Stage{Name: "infra", Branch: "main", Clusters: []string{"infra"}}
	apps  = rollout.Stage{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour}
	plan  = rollout.Plan{
		Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "octo-org", Name: "fleet"},
		Ledger:     "rollout/ledger", Stages: []rollout.Stage{infra, apps},
	}
)

func sha(n int) rollout.SHA { return rollout.SHA(fmt.Sprintf("%07x%033x", n+0x1000000, n)[1:] + "0") }

// Evil is what somebody can write into a subject, a name or a reason.
const Evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \x1b[2J\u202e \" ' ` ${x} {{.}} ]]> <!--"

// Written is a board with a past of so many promotions, in which everything that people
// write is a text.
func Written(promotions int, text string) board.Board {
	s := rollout.Snapshot{
		At: now, PushLog: true,
		Upstream: rollout.Head{Branch: "main", SHA: sha(4)}, Target: rollout.Head{Branch: "release", SHA: sha(1)},
		State: rollout.State{
			Holds:  []rollout.Hold{{Stage: "apps", By: text, Reason: text, At: now.Add(-time.Hour), Until: now.Add(2 * time.Hour)}},
			Taints: []rollout.Mark{{Commit: sha(3), By: text, Reason: text, At: now.Add(-time.Hour)}},
		},
	}
	for i, ago := range []time.Duration{30 * time.Hour, 20 * time.Hour, time.Hour} {
		c := rollout.Commit{SHA: sha(i + 2), Parents: []rollout.SHA{sha(i + 1)}, Author: text, Message: text + "\n"}
		s.Pending = append(s.Pending, c)
		s.Movements = append([]rollout.Movement{{Before: sha(i + 1), After: c.SHA, At: now.Add(-ago)}}, s.Movements...)
	}
	decision := rollout.Decide(now, apps, s)
	records := past(promotions, text)
	return board.Board{
		Status: rollout.Status{
			At: now, Plan: plan, Taints: s.State.Taints,
			Stages: []rollout.StageStatus{
				{Stage: infra, Head: s.Upstream, Since: now.Add(-time.Hour)},
				{
					Stage: apps, Head: s.Target, Since: now.Add(-30 * time.Hour), Decision: &decision, Subjects: rollout.Subjects(apps, s), Holds: s.State.Holds,
					Clusters: []rollout.LiveStanding{{Cluster: text, Branch: s.Target, Err: errors.New(text)}},
				},
			},
		},
		Records:  records,
		Measures: measure.Run(measure.Past{Plan: plan, At: now, Records: records, Head: sha(1)}),
	}
}

// past are promotions, newest first, two a day.
func past(promotions int, text string) []rollout.Record {
	var records []rollout.Record
	for i := range promotions {
		records = append(records, rollout.Record{Commit: sha(100000 + i), Entry: rollout.Entry{
			Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: sha(promotions - i - 1), To: sha(promotions - i),
			At: now.Add(-30*time.Hour - time.Duration(i)*12*time.Hour), By: "github-actions[bot]", Reason: text, Commits: 1,
		}})
	}
	return records
}

// Sentence is a reason as the policy gives it.
const Sentence = "it arrived 2026-03-02 09:00 UTC and has soaked 24h of the 24h that apps asks for"

// Empty is a board of a stage of which nothing is known.
func Empty() board.Board {
	return board.Board{Status: rollout.Status{At: now, Plan: plan, Stages: []rollout.StageStatus{{Stage: apps, Err: errors.New("no answer")}}}}
}
