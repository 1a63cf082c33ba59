//go:build linux

package measure_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// limit is the CPU time that the measures of a ledger of 10,000 entries may take, from
// the messages of its commits on. `mage bench` holds them to it.
const limit = time.Second

func BenchmarkMeasure10k(b *testing.B) {
	for _, test := range []struct {
		name            string
		entries, pushes int
		forced          bool
	}{
		{"entries=1k", 1_000, 2, false},
		{"entries=10k", 10_000, 2, false},
		{"entries=10k,pushes=100k", 10_000, 10, false},
		{"entries=10k,force-pushes=10k", 10_000, 2, true},
	} {
		b.Run(test.name, func(b *testing.B) {
			past, log := longPast(b, test.entries, test.pushes, test.forced)
			least := time.Duration(1<<63 - 1)
			for b.Loop() {
				before := cpu(b)
				past.Records = past.Records[:0]
				for _, c := range log {
					past.Records = append(past.Records, ledger.Ledger{}.Record(c))
				}
				if got := measure.Run(past)[0]; got.Promotions != test.entries || got.Unarrived > 0 || got.Failed == 0 {
					b.Fatalf("%d promotions, %d commits left out, %d failed", got.Promotions, got.Unarrived, got.Failed)
				}
				least = min(least, cpu(b)-before)
			}
			b.ReportMetric(least.Seconds(), "cpu-s/run")
			// A single run on a busy machine proves nothing.
			if os.Getenv("BENCH_LIMITS") != "" && least > limit {
				b.Errorf("the measures cost %s of CPU, at most %s are allowed", least, limit)
			}
		})
	}
}

// longPast is one of a promotion an hour, each of some pushes. Every 20th commit is
// reverted, and every 50th fixed by an override.
func longPast(b *testing.B, entries, pushes int, forced bool) (measure.Past, []rollout.LedgerCommit) {
	b.Helper()
	s := newStory()
	s.past.Records = nil
	n := 0
	for i := range entries {
		from := s.head["release"]
		for j := range pushes {
			n++
			name := fmt.Sprint(n)
			message := "Change " + name
			switch {
			case n%20 == 5:
				message = fmt.Sprintf("Revert \"Change %d\"\n\nThis reverts commit %s.", n-pushes, sha(fmt.Sprint(n-pushes)))
			case n%50 == 7:
				message += fmt.Sprintf("\n\nFixes: %s", sha(fmt.Sprint(n - pushes))[:12])
			}
			at := hour(float64(i) + float64(j)/float64(pushes+1))
			before := sha(s.head["main"])
			s.past.Commits = append(s.past.Commits, rollout.Commit{SHA: sha(name), Parents: []rollout.SHA{before}, Message: message})
			if forced {
				// Somebody replaced a commit that nothing has any more.
				s.past.Movements = append(s.past.Movements, rollout.Movement{Before: before, After: sha("side" + name), At: at})
				s.past.Movements = append(s.past.Movements, rollout.Movement{Before: sha("side" + name), After: before, At: at, Forced: true})
			}
			s.past.Movements = append(s.past.Movements, rollout.Movement{Before: before, After: sha(name), At: at})
			s.head["main"] = name
		}
		kind := rollout.EntryPromotion
		if i%10 == 0 {
			kind = rollout.EntryOverride
		}
		s.past.Records = append(s.past.Records, rollout.Record{Entry: rollout.Entry{
			Kind: kind, Stage: "apps", Branch: "release", From: sha(from), To: sha(s.head["main"]), At: hour(float64(i) + 0.9), By: "ada",
			Reason: "it arrived 2026-03-02 09:00 UTC and has soaked 24h of the 24h that apps asks for", Commits: pushes,
		}})
		s.head["release"] = s.head["main"]
	}
	s.past.At, s.past.Head = hour(float64(entries)), sha(s.head["main"])
	return newestFirst(b, s.past)
}

// newestFirst turns what was told from old to new around, and writes the ledger.
func newestFirst(b *testing.B, p measure.Past) (measure.Past, []rollout.LedgerCommit) {
	b.Helper()
	var log []rollout.LedgerCommit
	for i := len(p.Records) - 1; i >= 0; i-- {
		draft, err := ledger.Ledger{}.Draft(p.Records[i].Entry, rollout.State{})
		if err != nil {
			b.Fatal(err)
		}
		log = append(log, rollout.LedgerCommit{SHA: sha(fmt.Sprint("entry", i)), Message: draft.Message})
	}
	for i, j := 0, len(p.Movements)-1; i < j; i, j = i+1, j-1 {
		p.Movements[i], p.Movements[j] = p.Movements[j], p.Movements[i]
	}
	return p, log
}

// cpu is the time that this process has worked.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
