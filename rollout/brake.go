package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// HoldSuspended holds what has to stand still while the source of a cluster is
// suspended: the cluster's own stage, since the cluster takes nothing that is
// promoted into it, and the one after, for which nothing soaks there. A stage that
// is held for that already is left as it is. The receipts are of what was written;
// with an error, they are of what was written before it.
func (e *Engine) HoldSuspended(ctx context.Context, cluster, reason string) ([]Receipt, error) {
	stage, err := e.Plan.StageOf(cluster)
	if err != nil {
		return nil, err
	}
	held, err := e.HeldBySuspension(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var receipts []Receipt
	for _, name := range e.Plan.behind(stage) {
		if slices.ContainsFunc(held, func(h Hold) bool { return h.Stage == name }) {
			continue
		}
		r, err := e.Hold(ctx, HoldRequest{Stage: name, Reason: reason, Suspended: cluster})
		if err != nil {
			return receipts, fmt.Errorf("hold %s: %w", name, err)
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

// HeldBySuspension are the holds for the suspended source of a cluster, whosever they
// are. [Engine.Resume] lifts them.
func (e *Engine) HeldBySuspension(ctx context.Context, cluster string) ([]Hold, error) {
	s, _, err := e.readState(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(s.Holds), func(h Hold) bool { return h.Suspended != cluster }), nil
}

// A Suspension is a time in which the source of a cluster was suspended.
type Suspension struct {
	// Stage is the one for which revisions soak on the cluster.
	Stage   string    `json:"stage"`
	Cluster string    `json:"cluster"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
}

// suspendedUntil remembers of holds that are lifted when the cluster took nothing, for
// the stages that its revisions soak for. If it is not resumed although they are
// lifted, that is an operator's word, and as far as it is known.
func (e *Engine) suspendedUntil(now time.Time, s State, lifted []Hold) State {
	s.Suspensions = slices.Clone(s.Suspensions)
	for _, h := range lifted {
		upstream, ok := e.Plan.Upstream(h.Stage)
		if h.Suspended != "" && ok && slices.Contains(upstream.Clusters, h.Suspended) && !now.Before(h.At) {
			s.Suspensions = append(s.Suspensions, Suspension{Stage: h.Stage, Cluster: h.Suspended, From: h.At, To: now})
		}
	}
	return s
}

// withoutOldSuspensions drops those that are over for longer than anything soaks.
func (s State) withoutOldSuspensions(now time.Time) State {
	s.Suspensions = slices.DeleteFunc(slices.Clone(s.Suspensions), func(one Suspension) bool { return one.To.Before(now.Add(-MaxSoak)) })
	return s
}

// tookEffect is how long a cluster may need to apply what has arrived: what came so
// shortly before a suspension may not have come through.
const tookEffect = 5 * time.Minute

// soaksFrom is when the soak of what arrived at a moment begins: then, or when the
// last cluster was resumed that was suspended at that moment. There are few
// suspensions.
func (v *survey) soaksFrom(arrival time.Time) (begins time.Time, by Suspension) {
	begins = arrival
	for moved := true; moved; {
		moved = false
		for _, one := range v.s.State.Suspensions {
			if one.Stage == v.stage.Name && !begins.Before(one.From.Add(-tookEffect)) && begins.Before(one.To) {
				begins, by, moved = one.To, one, true
			}
		}
	}
	return begins, by
}

// soaked is how long what arrived at a moment has soaked by another.
func (v *survey) soaked(arrival, by time.Time) time.Duration {
	begins, _ := v.soaksFrom(arrival)
	return v.healthy.soaked(begins, by)
}

// arrived says when a revision arrived, and what kept its soak from beginning.
func (v *survey) arrived(arrival time.Time) string {
	begins, by := v.soaksFrom(arrival)
	text := "it arrived " + FormatTime(arrival)
	if !begins.Equal(arrival) {
		text += fmt.Sprintf(" while %s was suspended, until %s,", Printable(by.Cluster, 80), FormatTime(begins))
	}
	return text
}

// behind are a stage and the next, as far as something is promoted into them.
func (p Plan) behind(stage Stage) []string {
	names := p.StageNames()
	at := slices.Index(names, stage.Name)
	return names[max(at, 1):min(at+2, len(names))]
}
