package report

import (
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// soaked is how much of a revision's soak is over, in percent. It is empty where
// nobody can tell: its arrival is not known, or only what somebody does ends it.
func soaked(now time.Time, stage rollout.Stage, v rollout.Verdict) string {
	share, known := soakedShare(now, stage, v)
	if !known {
		return ""
	}
	return percent(share)
}

func soakedShare(now time.Time, stage rollout.Stage, v rollout.Verdict) (share float64, known bool) {
	if !v.Revision.Recorded || stage.Soak == 0 {
		return 0, false
	}
	for _, b := range v.Blocks {
		if b.Gate == rollout.GateSoak {
			share, known = soakingShare(now, stage, v.Revision.Arrival, b.Until)
			return min(max(share, 0), 1), known
		}
	}
	return 1, true
}

func soakingShare(now time.Time, stage rollout.Stage, arrival, until time.Time) (share float64, known bool) {
	left := until.Sub(now)
	switch {
	case until.IsZero() || !until.After(arrival):
		return 0, false
	case stage.SoakClock == rollout.WallClock:
		// By its own length, which a commit can make longer.
		return now.Sub(arrival).Seconds() / until.Sub(arrival).Seconds(), true
	default:
		return 1 - left.Seconds()/stage.Soak.Seconds(), true
	}
}
