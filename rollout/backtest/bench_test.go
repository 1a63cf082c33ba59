//go:build linux

package backtest_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// limit is the CPU time that all policies together may take over 10,000
// commits, once they are read. `mage bench` holds them to it.
const limit = 2 * time.Second

func BenchmarkBacktest10k(b *testing.B) {
	const day = 24 * time.Hour
	soak := func(soak time.Duration) rollout.Stage {
		stage := apps
		stage.Soak = soak
		return stage
	}
	frozen := apps
	from := midnight.AddDate(0, 1, 0)
	frozen.Windows.Deny = []rollout.Window{{Schedule: spans{{From: from, To: from.AddDate(0, 4, 0)}}, Text: "freeze"}}
	year := regularly(10_000, 30*time.Minute, 0)
	year.Commits[1000].Message += "\n\nRollout-Soak: 365d"
	hourly := regularly(10_000, time.Hour, 0)
	for _, test := range []struct {
		name    string
		history backtest.History
		stage   rollout.Stage
	}{
		{"people", generate(10_000), apps},
		{"people/soak=14d", generate(10_000), soak(14 * day)},
		{"hourly/soak=24h", hourly, apps},
		{"hourly/soak=7d", hourly, soak(7 * day)},
		{"hourly/soak=14d", hourly, soak(14 * day)},
		{"hourly/freeze=4mo", hourly, frozen},
		{"half-hourly/trailer=365d", year, apps},
		{"hourly-reverts/soak=14d", regularly(10_000, time.Hour, 400), soak(14 * day)},
		{"hourly-reverts/freeze=4mo", regularly(10_000, time.Hour, 400), frozen},
	} {
		b.Run(test.name, func(b *testing.B) {
			least := time.Duration(1<<63 - 1)
			for b.Loop() {
				before := cpu(b)
				if _, err := backtest.Run(test.history, backtest.Options{Stage: test.stage}); err != nil {
					b.Fatal(err)
				}
				least = min(least, cpu(b)-before)
			}
			b.ReportMetric(least.Seconds(), "cpu-s/run")
			// A single run on a busy machine proves nothing.
			if os.Getenv("BENCH_LIMITS") != "" && least > limit {
				b.Errorf("a backtest costs %s of CPU, at most %s are allowed", least, limit)
			}
		})
	}
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
