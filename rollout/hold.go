package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A HoldRequest asks that a stage takes nothing new.
type HoldRequest struct {
	// Stage is the name of a stage that something is promoted into. Default
	// is all of them.
	Stage string
	// Reason is required, and recorded.
	Reason string
	// Until is when the hold runs out by itself, and For in how long it does,
	// counted from when the forge says that it is written. At most one of them
	// is given. Default is never.
	Until time.Time
	For   time.Duration
}

// end is when the hold runs out by itself.
func (r HoldRequest) end(now time.Time) (time.Time, error) {
	switch {
	case r.For < 0 || (r.For > 0 && !r.Until.IsZero()):
		return time.Time{}, usagef("a hold runs out at a time, or after a while from now: one of them, and not in the past")
	case r.For > 0:
		return roundUp(now.Add(r.For)), nil
	case r.Until.IsZero():
		return time.Time{}, nil
	}
	until := r.Until.UTC().Truncate(time.Second)
	if !until.After(now) {
		return until, usagef("a hold until %s would be over already: it is %s", FormatTime(until), FormatTime(now))
	}
	return until, nil
}

// A ResumeRequest asks that holds are lifted.
type ResumeRequest struct {
	// Stage limits it to the holds of one stage. Default is every hold; one
	// of all stages is not lifted for a single stage.
	Stage string
	// By is whose holds are lifted. Default is the caller's own.
	By string
	// All lifts everybody's.
	All bool
	// Reason is recorded. Default is [NoReason].
	Reason string
}

// Hold makes a stage take nothing new, until [Engine.Resume] or until it runs
// out. Several holds stand beside each other.
func (e *Engine) Hold(ctx context.Context, request HoldRequest) (Receipt, error) {
	reason, err := required(request.Reason)
	if err == nil {
		err = e.downstream(request.Stage)
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		until, err := request.end(o.At)
		if err != nil {
			return Entry{}, s, err
		}
		entry := e.sign(Entry{Kind: EntryHold, Stage: request.Stage, Reason: reason, Until: until}, o)
		s.Holds = append(slices.Clone(s.Holds), Hold{Stage: entry.Stage, By: entry.By, Reason: reason, At: entry.At, Until: until})
		return entry, s, nil
	})
}

// Resume lifts holds. The stage moves when the last one is lifted or has run
// out. Where there is nothing to lift it is refused, with whoever else holds.
func (e *Engine) Resume(ctx context.Context, request ResumeRequest) (Receipt, error) {
	reason, err := optional(request.Reason)
	if err == nil {
		err = e.downstream(request.Stage)
	}
	if err == nil && request.All && request.By != "" {
		err = usagef("lift everybody's holds, or those of %s: not both", Printable(request.By, 60))
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(s State, o Observation) (Entry, State, error) {
		entry := e.sign(Entry{Kind: EntryResume, Stage: request.Stage, Reason: reason}, o)
		whose := request.By
		if whose == "" {
			whose = entry.By
		}
		var left []Hold
		for _, h := range s.Holds {
			if (request.All || h.By == whose) && (request.Stage == "" || h.Stage == request.Stage) && h.Holds(h.Stage, o.At) {
				entry.Holds = append(entry.Holds, h)
			} else {
				left = append(left, h)
			}
		}
		if len(entry.Holds) == 0 {
			return entry, s, nothingToLift(s, request, whose, o.At)
		}
		s.Holds = left
		return entry, s, nil
	})
}

func nothingToLift(s State, request ResumeRequest, whose string, now time.Time) error {
	p := &Problem{Kind: ErrRefused, What: "there is no hold to lift"}
	var others []string
	for _, h := range s.Holds {
		if h.Until.IsZero() || now.Before(h.Until) {
			others = append(others, describeHold(h))
		}
	}
	if len(others) == 0 {
		return p
	}
	p.What = fmt.Sprintf("%s has no such hold; %s", Printable(whose, 60), strings.Join(others, "; "))
	if request.Stage != "" {
		p.What = fmt.Sprintf("%s has no hold of %s alone; %s", Printable(whose, 60), request.Stage, strings.Join(others, "; "))
		p.Ways = append(p.Ways, "a hold of all stages is lifted for all of them: leave the stage out")
	}
	p.Ways = append(p.Ways, "ask them; or lift somebody else's: mage release:resume -by=<name>, or everybody's: -all")
	return p
}

// downstream checks the name of a stage that holds can be put on.
func (e *Engine) downstream(name string) error {
	if name == "" {
		return nil
	}
	if _, err := e.Plan.Stage(name); err != nil {
		return err
	}
	if _, ok := e.Plan.Upstream(name); !ok {
		return usagef("stage %s is the first: it takes every change at once, and cannot be held", name)
	}
	return nil
}

// describeHold says who holds what, until when and why.
func describeHold(h Hold) string {
	what, until := "all stages", ""
	if h.Stage != "" {
		what = h.Stage
	}
	if !h.Until.IsZero() {
		until = " until " + FormatTime(h.Until)
	}
	return fmt.Sprintf("%s holds %s%s: %s", Printable(h.By, 60), what, until, Printable(h.Reason, 200))
}
