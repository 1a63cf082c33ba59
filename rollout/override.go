package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// An OverrideRequest is what an operator asks for.
type OverrideRequest struct {
	// Revision is what to promote. Default is the newest.
	Revision Prefix
	// Reason is recorded. Default is [NoReason].
	Reason string
}

// DecideOverride says what an override would do: promote a revision although
// it has not soaked. It skips the soak and nothing else; whatever is not a
// fast-forward to a revision of the upstream is refused.
func DecideOverride(now time.Time, stage Stage, s Snapshot, wanted Prefix) (Decision, error) {
	d := Decide(now, stage, s)
	if d.Action == Diverged {
		return d, diverged(s)
	}
	switch {
	case wanted != "" && wanted.Of(s.Target.SHA):
		return Decision{Stage: stage, Action: Nothing, Verdicts: d.Verdicts, Reason: fmt.Sprintf("%s stands at %s already", s.Target.Branch, s.Target.SHA.Short())}, nil
	case d.Action == Nothing && wanted != "":
		return d, notPending(s, wanted)
	case d.Action == Nothing:
		return d, nil
	}
	v, err := pick(s, d.Verdicts, wanted)
	if err != nil {
		return d, err
	}
	if !v.Revision.FastForward {
		return d, &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s does not contain %s, the head of %s: moving there would take commits away from the stage, and an override only ever fast-forwards",
				v.Revision.SHA.Short(), s.Target.SHA.Short(), s.Target.Branch),
			Ways: []string{"leave the revision out, to take the newest one"},
		}
	}
	o := Decision{Stage: stage, Action: Promote, Verdicts: d.Verdicts, Record: d.Record}
	o.Revision = &v.Revision
	o.GoesOut = goesOut(s, v.Revision.SHA)
	o.Unsoaked = unsoaked(now, stage, d.Verdicts, o.GoesOut)
	o.Reason = fmt.Sprintf("an override promotes %s: %s", v.Revision.SHA.Short(), v.Reason)
	return o, nil
}

func pendingHas(s Snapshot, sha SHA) bool {
	return slices.ContainsFunc(s.Pending, func(c Commit) bool { return c.SHA == sha })
}

// pick finds the verdict of the revision that is asked for.
func pick(s Snapshot, verdicts []Verdict, wanted Prefix) (Verdict, error) {
	if wanted == "" {
		// The first is the upstream's head, which contains the stage's.
		return verdicts[0], nil
	}
	var found []Verdict
	for _, v := range verdicts {
		for _, c := range v.Revision.Brings {
			if wanted.Of(c.SHA) {
				found = append(found, within(s, v, c))
			}
		}
	}
	switch {
	case len(found) == 0:
		return Verdict{}, notPending(s, wanted)
	case len(found) > 1:
		return Verdict{}, usagef("%s is the beginning of %d pending commits; give more digits", wanted, len(found))
	}
	v := found[0]
	if !isRevision(verdicts, v.Revision.SHA) && !couldHaveBeenHead(s, verdicts, v.Revision) {
		return Verdict{}, &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s is not a revision: %s never pointed at it, so no cluster ever ran it by itself", v.Revision.SHA.Short(), s.Upstream.Branch),
			Ways: []string{fmt.Sprintf("promote %s, with which it came", bringer(verdicts, v.Revision.SHA).Short())},
		}
	}
	return v, nil
}

// within is the verdict of one of the commits that a revision brings: it
// arrived with the revision.
func within(s Snapshot, v Verdict, c Commit) Verdict {
	if c.SHA == v.Revision.SHA {
		return v
	}
	g := newGraph(s.Upstream.SHA, s.Pending)
	v.Revision.Commit = c
	v.Revision.FastForward = g.containing(s.Target.SHA)[g.index[c.SHA]]
	return v
}

func isRevision(verdicts []Verdict, sha SHA) bool {
	return slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Revision.SHA == sha })
}

func bringer(verdicts []Verdict, sha SHA) SHA {
	for _, v := range verdicts {
		if slices.ContainsFunc(v.Revision.Brings, func(c Commit) bool { return c.SHA == sha }) {
			return v.Revision.SHA
		}
	}
	return ""
}

// couldHaveBeenHead tells whether a commit may have been the upstream's head
// without anybody having noticed: where no push log says what was pushed with
// what, and the commit lies on the first-parent line of what came next. In an
// emergency the benefit of the doubt is the operator's.
func couldHaveBeenHead(s Snapshot, verdicts []Verdict, r Revision) bool {
	if len(s.Movements) > 0 {
		return false // the log says what was pushed, or will in a moment
	}
	next := bringer(verdicts, r.SHA)
	parents := map[SHA][]SHA{}
	for _, c := range s.Pending {
		parents[c.SHA] = c.Parents
	}
	for at := next; at != r.SHA; at = parents[at][0] {
		if len(parents[at]) == 0 {
			return false
		}
	}
	return true
}

func notPending(s Snapshot, wanted Prefix) error {
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is not a commit that %s has and %s has not", wanted, s.Upstream.Branch, s.Target.Branch),
		Ways: []string{
			fmt.Sprintf("if %s has it already, there is nothing to do: `git branch -r --contains %s`", s.Target.Branch, wanted),
			fmt.Sprintf("if it is not on %s, push it there first: an override skips the soak, nothing else", s.Upstream.Branch),
		},
	}
}

// unsoaked lists those commits that have part of their soak before them, each
// with what is left of it. It counts for itself, since a revision that could
// not be promoted for another reason may not have soaked either.
func unsoaked(now time.Time, stage Stage, verdicts []Verdict, goesOut []Commit) []Unsoaked {
	left := map[SHA]time.Duration{}
	for _, v := range verdicts {
		remaining := v.Revision.Arrival.Add(stage.Soak).Sub(now)
		if remaining <= 0 {
			continue
		}
		for _, c := range v.Revision.Brings {
			left[c.SHA] = remaining
		}
	}
	var found []Unsoaked
	for _, c := range goesOut {
		if remaining, ok := left[c.SHA]; ok {
			found = append(found, Unsoaked{Commit: c.SHA, Remaining: remaining})
		}
	}
	return found
}

// PreviewOverride observes and says what an override would do, without doing
// it.
func (e *Engine) PreviewOverride(ctx context.Context, stage Stage, wanted Prefix) (Receipt, error) {
	s, err := e.Observe(ctx, stage)
	if err != nil {
		return Receipt{}, err
	}
	d, err := e.decideOverride(ctx, stage, s, wanted)
	return Receipt{Decision: d, Snapshot: s}, err
}

// decideOverride decides, and finds out whether a commit that is not pending
// is on the stage already: then there is nothing to do. Two operators can
// have had the same thought.
func (e *Engine) decideOverride(ctx context.Context, stage Stage, s Snapshot, wanted Prefix) (Decision, error) {
	d, err := DecideOverride(s.At, stage, s, wanted)
	if !errors.Is(err, ErrRefused) || len(wanted) != shaLength || pendingHas(s, SHA(wanted)) {
		return d, err
	}
	missing, lookErr := e.History.Between(ctx, s.Target.SHA, SHA(wanted))
	if lookErr != nil || len(missing) > 0 {
		return d, err
	}
	reason := fmt.Sprintf("%s has %s already", s.Target.Branch, SHA(wanted).Short())
	return Decision{Stage: stage, Action: Nothing, Verdicts: d.Verdicts, Reason: reason}, nil
}

// Override promotes a revision that has not soaked, and records it as an
// override, with the reason.
func (e *Engine) Override(ctx context.Context, stage Stage, request OverrideRequest) (Receipt, error) {
	reason, err := e.Reason(request.Reason)
	if err != nil {
		return Receipt{}, err
	}
	return e.repeat(ctx, stage, func(s Snapshot, o Observation) (Receipt, error) {
		d, err := e.decideOverride(ctx, stage, s, request.Revision)
		r := Receipt{Decision: d, Snapshot: s}
		if err != nil || d.Action == Nothing {
			return r, err
		}
		entry := e.entry(EntryOverride, r, o)
		entry.Reason = reason
		entry.Unsoaked = d.Unsoaked
		if len(d.Unsoaked) > 0 {
			entry.Skipped = []Gate{GateSoak}
		}
		return e.carryOut(ctx, r, o, entry)
	})
}

// longestReason is how many bytes of a reason are taken. A workflow input
// takes 65,535 characters; nobody reads as many at night.
const longestReason = 4000

// Reason checks what an operator gave as a reason, as the plan asks, and is
// what will be recorded.
func (e *Engine) Reason(given string) (string, error) {
	reason := strings.TrimSpace(given)
	switch {
	case reason == "" && e.Plan.Override.ReasonRequired:
		return "", &Problem{Kind: ErrUsage, What: "the plan requires a reason for an override, and none was given", Ways: []string{`give one: -reason="what happened"`}}
	case reason == "":
		return NoReason, nil
	case !utf8.ValidString(reason):
		return "", usagef("the reason is not UTF-8, and could not be recorded as it was given")
	case len(reason) > longestReason:
		return "", usagef("the reason is %d bytes long, and at most %d are recorded", len(reason), longestReason)
	}
	return reason, nil
}
