package backtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
)

// ajar is a schedule of windows that are never open, and keeps what the replay is at
// when it is asked.
type ajar struct {
	progress *rollout.Progress
	seen     **rollout.Phase
}

func (a ajar) Next(time.Time) (rollout.Span, bool) {
	*a.seen = a.progress.Now()
	return rollout.Span{}, false
}

// TestReplaySaysHowFarItIs: at its end each policy has seen every arrival, and what
// no tick came for any more is none the less seen.
func TestReplaySaysHowFarItIs(t *testing.T) {
	s := begin()
	for hour := range 40 {
		s.push(float64(10+hour), fmt.Sprint("Upgrade ", hour))
	}
	var p rollout.Progress
	var seen *rollout.Phase
	o := backtest.Options{Stage: apps, Progress: &p}
	o.Stage.Windows.Allow = []rollout.Window{{Schedule: ajar{&p, &seen}}}
	if _, err := backtest.Run(s.until(49.2), o); err != nil {
		t.Fatal(err)
	}
	if seen == nil {
		t.Fatal("nobody said what it is at")
	}
	want := 40 * len(backtest.Policies())
	if done, _ := seen.Done(); seen.What != "replaying" || done != want || seen.Total != want {
		t.Errorf("%s: %d of %d are done, want %d", seen.What, done, seen.Total, want)
	}
	if p.Now() != nil {
		t.Errorf("it is at %s, and has ended", p.Now().What)
	}
}
