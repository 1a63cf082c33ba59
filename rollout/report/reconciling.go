package report

import (
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// Reconciling says in one line how far a cluster has come.
func Reconciling(r rollout.Reconciliation) string {
	line := oneLine(r.Cluster) + ": " + progress(r)
	if r.Unasked != "" {
		unasked, _, _ := strings.Cut(r.Unasked, "\n")
		line += fmt.Sprintf(" (Flux could not be asked to hurry: %s)", oneLine(unasked))
	}
	return line
}

func progress(r rollout.Reconciliation) string {
	wanted := oneLine(r.Wanted.Branch) + "@" + short(r.Wanted.SHA)
	switch {
	case r.Outcome == rollout.Unreached:
		why, _, _ := strings.Cut(r.Err.Error(), "\n")
		return "not reached from here: " + oneLine(why)
	case r.Outcome == rollout.Reconciled:
		return fmt.Sprintf("%s is applied and ready, %d of %d, after %s", wanted, r.Applied, r.All, seconds(r))
	case r.Outcome == rollout.Obstructed:
		return fmt.Sprintf("%s is not applied: something stands in the way, after %s", wanted, seconds(r))
	case r.Outcome == rollout.Late:
		return fmt.Sprintf("%s is not applied yet, after %s", wanted, seconds(r))
	case r.Context == "":
		return "no answer yet: " + oneLine(r.Waiting)
	case r.Fetched != r.Wanted.SHA:
		return fmt.Sprintf("has %s, wants %s", short(r.Fetched), wanted)
	case r.All == 0:
		return fmt.Sprintf("has %s%s", wanted, waiting(r))
	default:
		return fmt.Sprintf("has %s, %d of %d applied and ready%s", wanted, r.Applied, r.All, waiting(r))
	}
}

func waiting(r rollout.Reconciliation) string {
	if r.Waiting == "" {
		return ""
	}
	return "; waiting for " + oneLine(r.Waiting)
}

// seconds is how long a cluster was watched, to a tenth where it was not long.
func seconds(r rollout.Reconciliation) string {
	if r.Took.Minutes() < 1 {
		return fmt.Sprintf("%.1f s", r.Took.Seconds())
	}
	return rollout.FormatDuration(r.Took)
}
