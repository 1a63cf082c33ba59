package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An OverrideRequest is what an operator asks for.
type OverrideRequest struct {
	// Revision is what to promote. Default is the newest.
	Revision Prefix
	// Reason is recorded. Default is [NoReason].
	Reason string
	// ThroughHold goes through holds. Default is to refuse.
	ThroughHold bool
}

// DecideOverride says what an override would do: promote a revision although
// the policy does not allow it yet. It goes through the soak, the health, the
// windows and, where it is asked to, through holds. It refuses whatever is not
// a fast-forward to a revision of the upstream, and what is known to be bad.
func DecideOverride(now time.Time, stage Stage, s Snapshot, request OverrideRequest) (Decision, error) {
	d, v := decide(now, stage, s)
	wanted := request.Revision
	switch {
	case d.Action == Diverged:
		return d, diverged(s)
	case wanted != "" && wanted.Of(s.Target.SHA):
		return Decision{Stage: stage, Action: Nothing, Verdicts: d.Verdicts, Reason: fmt.Sprintf("%s stands at %s already", s.Target.Branch, s.Target.SHA.Short())}, nil
	case d.Action == Nothing && wanted != "":
		return d, notPending(s, wanted)
	case d.Action == Nothing:
		return d, nil
	}
	one, err := v.pick(d.Verdicts, wanted)
	if err == nil {
		err = v.mayOverride(one, request)
	}
	if err != nil {
		return d, err
	}
	return v.override(d, one), nil
}

// override describes an override to a revision.
func (v *survey) override(d Decision, one Verdict) Decision {
	o := Decision{
		Stage: v.stage, Action: Promote, Revision: &one.Revision,
		Verdicts: d.Verdicts, Record: d.Record, Blocks: d.Blocks, Taints: d.Taints, Complaints: d.Complaints,
		GoesOut: v.g.ancestry(v.g.index[one.Revision.SHA]),
		Reason:  fmt.Sprintf("an override promotes %s: %s", one.Revision.SHA.Short(), one.Reason()),
	}
	for _, b := range slices.Concat(one.Blocks, v.closed(v.now)) {
		// The verdict speaks of the windows when all else has passed; the
		// override goes through those of now.
		if later := b.Gate == GateWindow && len(v.closed(v.now)) == 0; !later && !slices.Contains(o.Skipped, b.Gate) {
			o.Skipped = append(o.Skipped, b.Gate)
		}
	}
	if one.has(GateHold) {
		o.Through = v.holds
	}
	if !one.same {
		o.Unsoaked = v.unsoaked(o.GoesOut)
	}
	if len(o.Unsoaked) > 0 && !slices.Contains(o.Skipped, GateSoak) {
		o.Skipped = append(o.Skipped, GateSoak)
	}
	if v.unlooked(*o.Revision) && !slices.Contains(o.Skipped, GateExposure) {
		o.Skipped = append(o.Skipped, GateExposure)
	}
	o.expose(v)
	return o
}

// mayOverride refuses what an override does not go through.
func (v *survey) mayOverride(one Verdict, request OverrideRequest) error {
	sha := one.Revision.SHA.Short()
	for _, b := range one.Blocks {
		switch {
		case b.Gate == GateFastForward:
			return &Problem{
				Kind: ErrRefused,
				What: fmt.Sprintf("%s does not contain %s, the head of %s: moving there would take commits away from the stage, and an override only ever fast-forwards",
					sha, v.s.Target.SHA.Short(), v.s.Target.Branch),
				Ways: []string{"leave the revision out, to take the newest one"},
			}
		case b.Gate == GateTaint:
			return v.refuseTainted(one, b)
		case b.Gate == GateHold && !request.ThroughHold:
			return &Problem{
				Kind: ErrRefused,
				What: fmt.Sprintf("%s: an override goes through a hold only if it is told to", b.Reason()),
				Ways: []string{"ask whoever holds it, and lift it: mage release:resume", "or go through it, which the ledger will say: the same command with -throughHold"},
			}
		}
	}
	return nil
}

func (v *survey) refuseTainted(one Verdict, b Block) error {
	p := &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s cannot go out: %s. An override never goes through a taint", one.Revision.SHA.Short(), b.Reason()),
	}
	if one.Unblocks != "" {
		p.Ways = append(p.Ways, fmt.Sprintf("take %s, which is free of it: the same command with -sha=%s", one.Unblocks.Short(), one.Unblocks.Short()))
	} else {
		p.Ways = append(p.Ways, fmt.Sprintf("revert %s on %s, and override to the revert", b.Commit.Short(), v.s.first()))
	}
	p.Ways = append(p.Ways, fmt.Sprintf("if it is not bad after all: mage release:clear %s <reason>", b.Commit.Short()))
	return p
}

func pendingHas(s Snapshot, sha SHA) bool {
	return slices.ContainsFunc(s.Pending, func(c Commit) bool { return c.SHA == sha })
}

// pick finds the verdict of the revision that is asked for.
func (v *survey) pick(verdicts []Verdict, wanted Prefix) (Verdict, error) {
	if wanted == "" {
		// The first is the upstream's head, which contains the stage's.
		return verdicts[0], nil
	}
	var found []Verdict
	for _, one := range verdicts {
		for _, c := range one.Revision.Brings {
			if wanted.Of(c.SHA) {
				found = append(found, v.within(one, c))
			}
		}
	}
	switch {
	case len(found) == 0:
		return Verdict{}, notPending(v.s, wanted)
	case len(found) > 1:
		return Verdict{}, usagef("%s is the beginning of %d pending commits; give more digits", wanted, len(found))
	}
	one := found[0]
	if !isRevision(verdicts, one.Revision.SHA) && !couldHaveBeenHead(v.s, verdicts, one.Revision) {
		return Verdict{}, &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s is not a revision: %s never pointed at it, so no cluster ever ran it by itself", one.Revision.SHA.Short(), v.s.Upstream.Branch),
			Ways: []string{fmt.Sprintf("promote %s, with which it came", bringer(verdicts, one.Revision.SHA).Short())},
		}
	}
	return one, nil
}

// within is the verdict of one of the commits that a revision brings: it
// arrived with the revision.
func (v *survey) within(one Verdict, c Commit) Verdict {
	if c.SHA == one.Revision.SHA {
		return one
	}
	position := v.g.index[c.SHA]
	r := one.Revision
	r.Commit = c
	r.FastForward = v.g.containing(v.s.Target.SHA)[position]
	return v.judge(r, position, v.taints.in(position), v.health.pastOf(position))
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
	bring := fmt.Sprintf("if it is not on %s, push it there first: an override skips the soak, nothing else", s.Upstream.Branch)
	if s.first() != s.Upstream.Branch {
		bring = fmt.Sprintf("if it is not on %s, promote it there first: an override takes only what the stage before has", s.Upstream.Branch)
	}
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is not a commit that %s has and %s has not", wanted, s.Upstream.Branch, s.Target.Branch),
		Ways: []string{
			fmt.Sprintf("if %s has it already, there is nothing to do: `git branch -r --contains %s`", s.Target.Branch, wanted),
			bring,
		},
	}
}

// unsoaked lists those commits that have part of their soak before them, each
// with what is left of it. It counts for itself, since a revision that could
// not be promoted for another reason may not have soaked either.
func (v *survey) unsoaked(goesOut []Commit) []Unsoaked {
	left := map[SHA]time.Duration{}
	for i, r := range v.revisions {
		remaining := v.soak(v.brings[i][0]) - v.soaked(r.Arrival, v.now)
		if remaining <= 0 {
			continue
		}
		for _, c := range r.Brings {
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

// longestReason is how many bytes of a reason are taken. A workflow input
// takes 65,535 characters; nobody reads as many at night.
const longestReason = 4000

// PreviewOverride observes and says what an override would do, without doing
// it.
func (e *Engine) PreviewOverride(ctx context.Context, stage Stage, request OverrideRequest) (Receipt, error) {
	s, _, err := e.observeForOverride(ctx, stage)
	if err != nil {
		return Receipt{}, err
	}
	d, err := e.decideOverride(ctx, stage, &s, request)
	return Receipt{Decision: d, Snapshot: s}, err
}

// observeForOverride does without evidence that cannot be read: an override
// goes through the health of a revision anyway, and is what one needs when
// things are down. The ledger will say that it did.
func (e *Engine) observeForOverride(ctx context.Context, stage Stage) (Snapshot, Observation, error) {
	defer Begin(ctx, observing(stage)).End()
	s, o, err := e.survey(ctx, stage)
	if err != nil {
		return s, o, err
	}
	if err := e.gather(ctx, &s, stage); err != nil {
		s.Evidence = nil
	}
	return s, o, ctx.Err()
}

// decideOverride decides, and finds out whether a commit that is not pending
// is on the stage already: then there is nothing to do. Two operators can
// have had the same thought.
func (e *Engine) decideOverride(ctx context.Context, stage Stage, s *Snapshot, request OverrideRequest) (Decision, error) {
	d, err := DecideOverride(s.At, stage, *s, request)
	if err == nil && d.Look != "" {
		e.exposeOverride(ctx, s, d)
		d, err = DecideOverride(s.At, stage, *s, request)
	}
	wanted := request.Revision
	if !errors.Is(err, ErrRefused) || len(wanted) != shaLength || pendingHas(*s, SHA(wanted)) {
		return d, err
	}
	missing, lookErr := e.History.Between(ctx, s.Target.SHA, SHA(wanted))
	if lookErr != nil || len(missing) > 0 {
		return d, err
	}
	reason := fmt.Sprintf("%s has %s already", s.Target.Branch, SHA(wanted).Short())
	return Decision{Stage: stage, Action: Nothing, Verdicts: d.Verdicts, Reason: reason}, nil
}

// Override promotes a revision that the policy does not allow yet, and records
// it as an override, with the reason and with every gate that it went through.
func (e *Engine) Override(ctx context.Context, stage Stage, request OverrideRequest) (Receipt, error) {
	reason, err := e.Reason(request.Reason)
	if err != nil {
		return Receipt{}, err
	}
	return e.repeat(ctx, stage, e.observeForOverride, func(s Snapshot, o Observation) (Receipt, error) {
		d, err := e.decideOverride(ctx, stage, &s, request)
		r := Receipt{Decision: d, Snapshot: s}
		if err != nil || d.Action == Nothing {
			return r, err
		}
		entry := e.entry(EntryOverride, r, o)
		entry.Reason = reason
		entry.Unsoaked, entry.Skipped, entry.Holds = d.Unsoaked, d.Skipped, d.Through
		return e.carryOut(ctx, r, o, entry)
	})
}

// Reason checks what an operator gave as a reason for an override, as the plan
// asks, and is what will be recorded.
func (e *Engine) Reason(given string) (string, error) {
	if strings.TrimSpace(given) == "" && e.Plan.Override.ReasonRequired {
		return "", &Problem{Kind: ErrUsage, What: "the plan requires a reason for an override, and none was given", Ways: []string{`give one: -reason="what happened"`}}
	}
	return optional(given)
}
