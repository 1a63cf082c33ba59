//go:build linux

package backtest_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/backtest"
)

// limit is the CPU time that all policies together may take over 10,000
// commits, once they are read. `mage bench` holds them to it.
const limit = 2 * time.Second

func BenchmarkBacktest10k(b *testing.B) {
	h := generate(10_000)
	least := time.Duration(1<<63 - 1)
	for b.Loop() {
		before := cpu(b)
		if _, err := backtest.Run(h, backtest.Options{Stage: apps}); err != nil {
			b.Fatal(err)
		}
		least = min(least, cpu(b)-before)
	}
	b.ReportMetric(least.Seconds(), "cpu-s/run")
	// A single run on a busy machine proves nothing.
	if os.Getenv("BENCH_LIMITS") != "" && least > limit {
		b.Errorf("a backtest costs %s of CPU, at most %s are allowed", least, limit)
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
