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
	// Until is when the hold runs out by itself, For in how long it does, and
	// Clock at what time of the day, which comes next: both counted from when
	// the forge says that it is written. At most one of them is given. Default
	// is never.
	Until time.Time
	For   time.Duration
	Clock *TimeOfDay
	// Suspended is the cluster because of whose suspended source it is held.
	// Default is that it is for another reason.
	Suspended string
}

// A TimeOfDay is a time on the clock, in UTC.
type TimeOfDay struct{ Hour, Minute int }

// next is when the clock shows it next.
func (c TimeOfDay) next(now time.Time) time.Time {
	now = now.UTC()
	at := time.Date(now.Year(), now.Month(), now.Day(), c.Hour, c.Minute, 0, 0, time.UTC)
	if !at.After(now) {
		return at.AddDate(0, 0, 1)
	}
	return at
}

// longestHold is how many years a hold can last that has an end: one that is
// further away is a slip, or meant for good.
const longestHold = 10

// end is when the hold runs out by itself.
func (r HoldRequest) end(now time.Time) (time.Time, error) {
	ends := 0
	for _, given := range []bool{!r.Until.IsZero(), r.For != 0, r.Clock != nil} {
		if given {
			ends++
		}
	}
	switch {
	case r.For < 0 || ends > 1:
		return time.Time{}, usagef("a hold runs out at a time, or after a while from now: one of them, and not in the past")
	case r.Clock != nil:
		return r.Clock.next(now), nil
	case r.For > 0:
		return roundUp(now.Add(r.For)), nil
	case r.Until.IsZero():
		return time.Time{}, nil
	}
	until := r.Until.UTC().Truncate(time.Second)
	if !until.After(now) {
		return until, usagef("a hold until %s would be over already: it is %s", FormatTime(until), FormatTime(now))
	}
	if until.After(now.AddDate(longestHold, 0, 0)) {
		return until, &Problem{
			Kind: ErrUsage,
			What: fmt.Sprintf("a hold until %s would last longer than %d years", FormatTime(until), longestHold),
			Ways: []string{"leave the end out for a hold that lasts until somebody lifts it"},
		}
	}
	return until, nil
}

// A ResumeRequest asks that holds are lifted.
type ResumeRequest struct {
	// Stage limits it to the holds of one stage. Default is every hold; one
	// of all stages is not lifted for a single stage.
	Stage string
	// By is whose holds are lifted: as they are shown, or the name or the
	// address alone where one holder only has it, in upper or lower case.
	// Default is the caller's own.
	By string
	// All lifts everybody's, those for a suspended source included, which nothing
	// else does that is not for the same cluster.
	All bool
	// Suspended lifts the holds for the suspended source of a cluster, whosever
	// they are, and no other; and of these only those in Known, if there are any:
	// somebody may have suspended it again meanwhile.
	Suspended string
	Known     []Hold
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
		entry := e.sign(Entry{Kind: EntryHold, Stage: request.Stage, Reason: reason, Until: until, Suspended: request.Suspended}, o)
		s.Holds = append(slices.Clone(s.Holds), Hold{
			Stage: entry.Stage, By: entry.By, Reason: reason, At: entry.At, Until: until, Suspended: request.Suspended,
		})
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
		var err error
		entry := e.sign(Entry{Kind: EntryResume, Stage: request.Stage, Reason: reason, Suspended: request.Suspended}, o)
		whose := entry.By
		if request.By != "" {
			if whose, err = holder(s.Holds, request); err != nil {
				return entry, s, err
			}
		}
		var left []Hold
		for _, h := range s.Holds {
			if request.lifts(h, whose) && h.Holds(h.Stage, o.At) {
				entry.Holds = append(entry.Holds, h)
			} else {
				left = append(left, h)
			}
		}
		if len(entry.Holds) == 0 {
			return entry, s, nothingToLift(s, request, whose, o.At)
		}
		s.Holds = left
		return entry, e.suspendedUntil(o.At, s, entry.Holds), nil
	})
}

// lifts tells whether a hold is among those that are meant.
func (r ResumeRequest) lifts(h Hold, whose string) bool {
	if r.Stage != "" && h.Stage != r.Stage {
		return false
	}
	if r.Known != nil && !slices.ContainsFunc(r.Known, h.same) {
		return false
	}
	return r.All || h.Suspended == r.Suspended && (h.Suspended != "" || h.By == whose)
}

// holder is who is meant by the name of somebody who holds.
func holder(holds []Hold, request ResumeRequest) (string, error) {
	var called []string
	for _, by := range holders(holds, request.Stage) {
		if by == request.By {
			return by, nil
		}
		if isCalled(by, request.By) {
			called = append(called, by)
		}
	}
	switch len(called) {
	case 0:
		return request.By, nil
	case 1:
		return called[0], nil
	default:
		return "", &Problem{
			Kind: ErrUsage,
			What: fmt.Sprintf("%s could be any of %d who hold", Printable(request.By, 60), len(called)),
			Ways: waysToLift(called, request.Stage),
		}
	}
}

// isCalled tells whether a name is that of a holder, who is recorded as a
// login, or by name and address as Git writes them.
func isCalled(by, name string) bool {
	known, address, _ := strings.Cut(strings.TrimSuffix(by, ">"), " <")
	name = strings.TrimSpace(name)
	return strings.EqualFold(by, name) || strings.EqualFold(known, name) || (address != "" && strings.EqualFold(address, strings.Trim(name, "<>")))
}

// holders are those who hold a stage alone, or any where it is empty, each
// once. Who holds for a suspended source is not among them.
func holders(holds []Hold, stage string) []string {
	var all []string
	for _, h := range holds {
		if h.Suspended == "" && (stage == "" || h.Stage == stage) && !slices.Contains(all, h.By) {
			all = append(all, h.By)
		}
	}
	return all
}

// waysToLift are the commands that lift somebody's holds.
func waysToLift(holders []string, stage string) []string {
	var ways []string
	for i, by := range holders {
		if i == waysShown {
			return append(ways, fmt.Sprintf("and %d more: mage release:status", len(holders)-i))
		}
		way := "mage release:resume -by=" + Quote(Printable(by, 200))
		if stage != "" {
			way += " -stage=" + Quote(stage)
		}
		ways = append(ways, way)
	}
	return ways
}

// waysShown is how many commands an error offers that differ in a name only.
const waysShown = 5

func nothingToLift(s State, request ResumeRequest, whose string, now time.Time) error {
	p := &Problem{Kind: ErrRefused, What: "there is no hold to lift"}
	others := s.current(now).Holds
	var described []string
	for _, h := range others {
		described = append(described, describeHold(h))
	}
	if len(others) == 0 {
		return p
	}
	p.What = fmt.Sprintf("%s has no such hold; %s", Printable(whose, 60), strings.Join(described, "; "))
	if request.Stage != "" {
		p.What = fmt.Sprintf("%s has no hold of %s alone; %s", Printable(whose, 60), request.Stage, strings.Join(described, "; "))
		p.Ways = append(p.Ways, "a hold of all stages is lifted for all of them: leave the stage out")
	}
	stage := request.Stage
	if len(holders(others, stage)) == 0 {
		stage = ""
	}
	p.Ways = append(p.Ways, waysToResume(others)...)
	p.Ways = append(p.Ways, "ask them; or lift somebody else's, or everybody's: mage release:resume -all")
	p.Ways = append(p.Ways, waysToLift(holders(others, stage), stage)...)
	return p
}

// waysToResume are the commands that lift holds for a suspended source.
func waysToResume(holds []Hold) []string {
	var ways []string
	for _, h := range holds {
		way := "mage release:resume -cluster=" + Quote(Printable(h.Suspended, 80))
		if h.Suspended != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return ways[:min(len(ways), waysShown)]
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
	if h.Suspended != "" {
		until += fmt.Sprintf(" while the source of the cluster %s is suspended", Printable(h.Suspended, 80))
	}
	return fmt.Sprintf("%s holds %s%s: %s", Printable(h.By, 60), what, until, OneLine(h.Reason, 200))
}
