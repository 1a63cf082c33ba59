package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Watchdog are the arguments of `release:watchdog`.
type Watchdog struct {
	// After and Silence are lengths of time.
	After, Silence string
	JSON           bool
}

// What is too long where nobody says so. The schedule has a tick in each hour: so
// two that are late or lost are no alarm.
const (
	defaultAfter   = 2 * time.Hour
	defaultSilence = 3 * time.Hour
)

// Watchdog looks whether every stage gets what it may get. The error is ErrAlarm
// where one does not, or where nobody can know.
func (o *Operator) Watchdog(ctx context.Context, args Watchdog) error {
	request := rollout.WatchdogRequest{Ticks: o.Ticks}
	var err error
	if request.After, err = patience("after", args.After, defaultAfter); err != nil {
		return err
	}
	if request.Silence, err = patience("silence", args.Silence, defaultSilence); err != nil {
		return err
	}
	w, err := o.Engine.Watchdog(ctx, request)
	if err != nil {
		return err
	}
	if args.JSON {
		err = report.WriteWatchdogJSON(o.Out, w)
	} else {
		err = o.show(report.Watchdog(w))
	}
	return errors.Join(err, alarmed(w))
}

// patience is the length of time that a flag gives, which is more than none.
func patience(flag, text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := rollout.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("-%s=%s is no length of time", flag, rollout.Printable(text, 40)),
			Ways: []string{"write it as in 90m, 2h or 1d"},
		}
	}
	return d, nil
}

// alarmed is the error of what the watchdog saw, in a few words.
func alarmed(w rollout.Watchdog) error {
	if len(w.Alarms) == 0 {
		return nil
	}
	var words []string
	for _, a := range w.Alarms {
		words = append(words, strings.TrimPrefix(a.Stage+" "+string(a.Kind), " "))
	}
	return fmt.Errorf("%w: %s", ErrAlarm, strings.Join(words, ", "))
}
