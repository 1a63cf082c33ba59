package planfile

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// anyTime is where windows without bounds are looked at, if nobody said what
// time it is. They come again and again, so one time is as good as another.
var anyTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// checkOpens refuses windows between which a stage never takes anything.
func (c *calendar) checkOpens(section stageSection, allow, deny []bounded) {
	from := c.now
	if from.IsZero() {
		if slices.ContainsFunc(allow, reaches) {
			return // it may be open in the time that it has
		}
		from, deny = anyTime, slices.DeleteFunc(slices.Clone(deny), reaches)
	}
	if last, over := c.over(allow, from); over {
		c.fail(section.Windows.At, "add a window to allow, or move the until of one",
			"%s never takes anything: all windows of allow are over, the last since %s", section, rollout.FormatTime(last))
		return
	}
	if _, opens := (rollout.Windows{Allow: plain(allow), Deny: plain(deny)}).Opening(from); !opens {
		c.fail(section.Windows.At, "leave some time that deny does not close",
			"%s never takes anything: within five years its windows leave no moment open", section)
	}
}

func reaches(w bounded) bool { return !w.bounds.None() }

// over tells whether all windows are over, and since when.
func (c *calendar) over(allow []bounded, now time.Time) (time.Time, bool) {
	var last time.Time
	for _, each := range allow {
		if _, comes := each.window.Schedule.Next(now); comes {
			return time.Time{}, false
		}
		if each.bounds.Until.After(last) {
			last = each.bounds.Until
		}
	}
	return last, len(allow) > 0
}
