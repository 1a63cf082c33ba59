package rollout

import (
	"context"
	"fmt"
	"slices"
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
	held, err := e.suspended(ctx, cluster)
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

// ResumeSuspended lifts the holds for the suspended source of a cluster, whosever
// they are. It is false where there are none.
func (e *Engine) ResumeSuspended(ctx context.Context, cluster, reason string) (Receipt, bool, error) {
	held, err := e.suspended(ctx, cluster)
	if err != nil || len(held) == 0 {
		return Receipt{}, false, err
	}
	r, err := e.Resume(ctx, ResumeRequest{Suspended: cluster, Reason: reason})
	return r, err == nil, err
}

// suspended are the holds for the suspended source of a cluster.
func (e *Engine) suspended(ctx context.Context, cluster string) ([]Hold, error) {
	s, _, err := e.readState(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(s.Holds), func(h Hold) bool { return h.Suspended != cluster }), nil
}

// behind are a stage and the next, as far as something is promoted into them.
func (p Plan) behind(stage Stage) []string {
	names := p.StageNames()
	at := slices.Index(names, stage.Name)
	return names[max(at, 1):min(at+2, len(names))]
}
