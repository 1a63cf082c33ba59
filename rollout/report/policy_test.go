package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// spans are a schedule that has an end.
type spans []rollout.Span

func (s spans) Next(after time.Time) (rollout.Span, bool) {
	for _, span := range s {
		if span.To.After(after) {
			return span, true
		}
	}
	return rollout.Span{}, false
}

// freeze is a window from an hour ago until so many hours from now.
func freeze(hours float64) rollout.Window {
	return rollout.Window{
		Schedule: spans{{From: now.Add(-time.Hour), To: in(hours)}},
		Text:     "from 2026-03-03 10:00 until 2026-03-05 09:00 Europe/Berlin", Reason: "the quarter's accounts are closed", Where: "clusters/rollout.yaml:34",
	}
}

func in(hours float64) time.Time { return now.Add(time.Duration(hours * float64(time.Hour))) }

func glob(pattern string) rollout.Glob {
	g, err := rollout.ParseGlob(pattern)
	if err != nil {
		panic(err)
	}
	return g
}

// guarded asks for everything that a stage can ask for.
var guarded = rollout.Stage{
	Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour,
	Health: rollout.Health{Settle: 10 * time.Minute, Required: []rollout.Requirement{
		{Cluster: "infra", Contexts: glob("flux/**"), Where: "clusters/rollout.yaml:27"},
	}},
	Windows: rollout.Windows{Deny: []rollout.Window{freeze(48)}},
}

var (
	adaHolds = rollout.Hold{Stage: "apps", By: "ada", Reason: "the database of podinfo is being moved to the new storage class, and must not be restarted", At: in(-2), Until: in(71)}
	bobHolds = rollout.Hold{By: "bob", Reason: "incident 42", At: in(-1)}
)

// troubled has a revision in every kind of trouble. One of them is reverted,
// by what arrived so many hours ago.
func troubled(reverted float64) rollout.Snapshot {
	s := line(40, 30, 28, 26, reverted, 1, 0.1)
	say := func(commit int, message string) { s.Pending[commit-2].Message = message }
	say(4, "feat: add a PodDisruptionBudget")
	say(5, "feat(dns): two replicas\n\nRollout-Soak: a while\n")
	say(6, "Revert \"feat: add a PodDisruptionBudget\"\n\nThis reverts commit "+string(sha(4))+".\n")
	say(7, "chore(storage): move the databases\n\nRollout-Soak: 48h\n")
	say(8, "docs: say how")
	s.Evidence = map[rollout.SHA][]rollout.Evidence{}
	report := func(commit int, hours float64, state rollout.EvidenceState, text string) {
		s.Evidence[sha(commit)] = append(s.Evidence[sha(commit)], rollout.Evidence{Context: "flux/infra/podinfo", State: state, At: in(hours), Description: text})
	}
	report(1, -41, rollout.EvidenceSuccess, "")
	report(2, -39, rollout.EvidenceSuccess, "")
	report(3, -29, rollout.EvidenceFailure, "health check failed after 5m0s: timeout waiting for Deployment/podinfo")
	report(4, -27, rollout.EvidenceSuccess, "")
	report(5, -25, rollout.EvidenceSuccess, "")
	report(6, -reverted, rollout.EvidenceSuccess, "")
	report(7, -0.1, rollout.EvidenceSuccess, "")
	s.State.Taints = []rollout.Mark{{Commit: sha(7), By: "grace", Reason: "podinfo runs out of memory", At: in(-4)}}
	return s
}

func held(s rollout.Snapshot, holds ...rollout.Hold) rollout.Snapshot {
	s.State.Holds = holds
	return s
}

func decidedFor(stage rollout.Stage, s rollout.Snapshot) rollout.Receipt {
	return rollout.Receipt{Decision: rollout.Decide(s.At, stage, s), Snapshot: s, Commit: sha(14)}
}

// lifted is a resume of ada's, after which bob still holds.
func lifted() rollout.Receipt {
	r := marked(rollout.EntryResume, func(e *rollout.Entry) { e.Stage, e.Holds = "apps", []rollout.Hold{adaHolds} })
	r.Snapshot.State.Holds = []rollout.Hold{bobHolds}
	return r
}

// unfrozen is guarded without its windows.
func unfrozen() rollout.Stage {
	stage := guarded
	stage.Windows = rollout.Windows{}
	return stage
}

func overriddenThrough(t *testing.T, s rollout.Snapshot, wanted rollout.SHA) rollout.Receipt {
	t.Helper()
	d, err := rollout.DecideOverride(s.At, guarded, s, rollout.OverrideRequest{Revision: rollout.Prefix(wanted), ThroughHold: true})
	if err != nil {
		t.Fatal(err)
	}
	return rollout.Receipt{Decision: d, Snapshot: s, Commit: sha(14), Entry: &rollout.Entry{
		Kind: rollout.EntryOverride, At: now, By: "olga", Reason: "certificates run out at 04:00", Unsoaked: d.Unsoaked, Skipped: d.Skipped, Holds: d.Through,
	}}
}

func heldStatus() rollout.Status {
	s := status()
	snapshot := held(troubled(3), adaHolds, bobHolds)
	blocked := decidedFor(guarded, snapshot).Decision
	s.Stages[1].Decision, s.Stages[1].Subjects, s.Stages[1].Holds = &blocked, rollout.Subjects(guarded, snapshot), []rollout.Hold{adaHolds, bobHolds}
	s.Taints = append(snapshot.State.Taints, rollout.Mark{Commit: sha(15), By: "ada", Reason: "not before\nthe backup is tested", At: in(-9)})
	nothing := decidedFor(edge, held(line(), bobHolds)).Decision
	s.Stages[2] = rollout.StageStatus{Stage: edge, Head: rollout.Head{Branch: "edge", SHA: sha(1)}, Decision: &nothing, Holds: []rollout.Hold{bobHolds}}
	s.Records = words
	return s
}

func marked(kind rollout.EntryKind, change func(*rollout.Entry)) rollout.Receipt {
	e := rollout.Entry{Kind: kind, At: now, By: "ada", Reason: "the database of podinfo is being moved"}
	change(&e)
	return rollout.Receipt{Entry: &e, Commit: sha(14)}
}

// words are entries of every kind that an operator writes.
var words = []rollout.Record{
	{Commit: sha(14), Entry: rollout.Entry{Kind: rollout.EntryResume, At: in(-1), By: "cleo", Reason: rollout.NoReason, Holds: []rollout.Hold{adaHolds, bobHolds, adaHolds}}},
	{Commit: sha(13), Entry: rollout.Entry{
		Kind: rollout.EntryOverride, Stage: "apps", Branch: "release", From: sha(1), To: sha(3), At: in(-1), By: "olga", Reason: "certificates run out at 04:00", Commits: 2,
		Skipped: []rollout.Gate{rollout.GateHealth, rollout.GateSoak, rollout.GateHold, rollout.GateWindow}, Holds: []rollout.Hold{adaHolds, bobHolds},
		Unsoaked: []rollout.Unsoaked{{Commit: sha(3), Remaining: time.Hour}, {Commit: sha(2), Remaining: time.Minute}},
	}},
	{Commit: sha(12), Entry: rollout.Entry{Kind: rollout.EntryClear, Commit: sha(4), At: in(-2), By: "ada", Reason: "it was the test that was wrong"}},
	{Commit: sha(11), Entry: rollout.Entry{Kind: rollout.EntryTaint, Commit: sha(4), At: in(-3), By: "ada", Reason: "podinfo runs out of memory"}},
	{Commit: sha(10), Entry: rollout.Entry{Kind: rollout.EntryHold, At: in(-3), By: "bob", Reason: "incident 42"}},
	{Commit: sha(9), Entry: rollout.Entry{Kind: rollout.EntryHold, Stage: "apps", At: in(-3), By: "ada", Reason: "the database is being moved", Until: in(71)}},
	{Commit: sha(11), Entry: rollout.Entry{Kind: rollout.EntryHold, Stage: "apps", At: in(-3), By: "ada", Reason: "it loses its nodes", Suspended: "apps"}},
}

func TestPolicyDocuments(t *testing.T) {
	lasting := rollout.Windows{Allow: []rollout.Window{freeze(48)}}
	closing := guarded
	closing.Windows, closing.Health = lasting, rollout.Health{}
	closing.Windows.Allow[0].Schedule = spans{{From: in(-1), To: in(1)}, {From: in(47), To: in(50)}}
	for name, d := range map[string]report.Document{
		"blocked":          report.Promotion(decidedFor(guarded, held(troubled(3), adaHolds, bobHolds))),
		"held":             report.Promotion(decidedFor(apps, held(line(30), adaHolds))),
		"held-and-soaking": report.Promotion(decidedFor(apps, held(line(20), bobHolds))),
		"held-preview":     report.Preview(decidedFor(apps, held(line(30), bobHolds))),
		"closed":           report.Promotion(decidedFor(guarded, troubled(3))),
		"closes-too-early": report.Promotion(decidedFor(closing, line(20, 3))),
		"bad-goes-out":     report.Promotion(decidedFor(unfrozen(), troubled(25))),
		"unproven":         report.Promotion(decidedFor(unfrozen(), line(30, 3))),
		"held-nothing":     report.Promotion(decidedFor(apps, held(line(), bobHolds))),
		"status-held":      report.Status(heldStatus(), 6, nil),
		"history-words":    report.History(words),
		"override-through": report.Override(overriddenThrough(t, held(troubled(3), adaHolds, bobHolds), sha(6))),
		"override-through-preview": report.OverridePreview(
			overriddenThrough(t, held(troubled(3), adaHolds, bobHolds), sha(6))),
		"marked-hold":           report.Marked(marked(rollout.EntryHold, func(e *rollout.Entry) { e.Stage, e.Until = "apps", in(71) })),
		"marked-hold-all":       report.Marked(marked(rollout.EntryHold, func(*rollout.Entry) {})),
		"marked-hold-suspended": report.Marked(marked(rollout.EntryHold, func(e *rollout.Entry) { e.Stage, e.Suspended = "apps", "apps" })),
		"marked-resume-suspended": report.Marked(marked(rollout.EntryResume, func(e *rollout.Entry) {
			braked := adaHolds
			braked.Stage, braked.Suspended = "apps", "apps"
			e.Suspended, e.Holds = "apps", []rollout.Hold{braked, braked}
		})),
		"marked-resume":     report.Marked(lifted()),
		"marked-resume-all": report.Marked(marked(rollout.EntryResume, func(e *rollout.Entry) { e.Holds = []rollout.Hold{adaHolds, bobHolds} })),
		"marked-taint-unmerged": report.Marked(func() rollout.Receipt {
			r := marked(rollout.EntryTaint, func(e *rollout.Entry) { e.Commit, e.Reason = sha(15), "not before\r\nthe backup is tested" })
			r.Unmerged = true
			return r
		}()),
		"marked-clear-reverted": report.Marked(func() rollout.Receipt {
			r := marked(rollout.EntryClear, func(e *rollout.Entry) { e.Commit = sha(4) })
			r.Remaining = []rollout.SHA{sha(6)}
			return r
		}()),
		"marked-taint": report.Marked(marked(rollout.EntryTaint, func(e *rollout.Entry) { e.Commit = sha(4) })),
		"marked-clear": report.Marked(marked(rollout.EntryClear, func(e *rollout.Entry) { e.Commit, e.Reverts = sha(4), []rollout.SHA{sha(6)} })),
	} {
		t.Run(name, func(t *testing.T) { drawn(t, name, d) })
	}
}

// What keeps a whole stage stands in a document once, however many revisions
// are pending and whatever else is wrong with them.
func TestAHoldIsDrawnOnce(t *testing.T) {
	for name, s := range map[string]rollout.Snapshot{
		"one":             held(line(30), bobHolds),
		"one, soaking":    held(line(3), bobHolds),
		"several":         held(line(20, 3), bobHolds),
		"one is soaked":   held(line(30, 3), bobHolds),
		"in all troubles": held(troubled(3), bobHolds),
		"nothing pending": held(line(), bobHolds),
	} {
		r := decidedFor(unfrozen(), s)
		status := rollout.Status{At: now, Plan: plan, Stages: []rollout.StageStatus{{
			Stage: apps, Decision: &r.Decision, Subjects: rollout.Subjects(unfrozen(), s),
		}}}
		for kind, d := range map[string]report.Document{
			"promotion": report.Promotion(r), "status": report.Status(status, 0, nil), "explanation": report.Explain([]rollout.Explanation{explained(unfrozen(), s)}),
		} {
			var b bytes.Buffer
			if err := d.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			want := 1
			if kind == "explanation" && len(s.Pending) == 0 {
				want = strings.Count(b.String(), "incident 42") // it need not say so of nothing
			}
			if got := strings.Count(b.String(), "incident 42"); got != want {
				t.Errorf("%s, %s: %d times:\n%s", name, kind, got, b.String())
			}
		}
	}
}

// A list of hundreds stays short, and says how many more there are.
func TestManyPendingStayReadable(t *testing.T) {
	s := line(make([]float64, 500)...)
	for i := range s.Movements {
		s.Movements[i].At = in(-float64(i) / 10)
	}
	for i := range s.Pending {
		s.Pending[i].SHA, s.Pending[i].Parents = numbered(i+1), []rollout.SHA{numbered(i)}
		s.Movements[len(s.Pending)-1-i].Before, s.Movements[len(s.Pending)-1-i].After = numbered(i), numbered(i+1)
		s.State.Taints = append(s.State.Taints, rollout.Mark{Commit: numbered(i + 1), By: "ada", Reason: fmt.Sprintf("reason %d", i), At: now})
	}
	s.Target.SHA, s.Upstream.SHA = numbered(0), numbered(500)
	var b bytes.Buffer
	if err := report.Promotion(decidedFor(apps, s)).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n > 60 || strings.Count(b.String(), "and 480 more") != 2 {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
}

func numbered(n int) rollout.SHA { return rollout.SHA(fmt.Sprintf("%07d%033d", n, n)) }
