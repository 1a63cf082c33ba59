package rollout

import (
	"context"
	"maps"
	"slices"
)

// gather reads the evidence that the stage asks for. A forge that knows none
// gives none, and nothing goes out.
func (e *Engine) gather(ctx context.Context, s *Snapshot, stage Stage) error {
	witness, ok := e.Remote.(Witness)
	if !ok || len(stage.Health.Required) == 0 {
		return nil
	}
	read := witness.Evidence
	if stage.SoakClock != WallClock {
		read = witness.EvidenceLog
	}
	of := []SHA{s.Target.SHA}
	pending, _ := revisions(s.At, *s, newGraph(s.Upstream.SHA, s.Pending))
	for _, r := range pending {
		of = append(of, r.SHA)
	}
	var err error
	if s.Evidence, err = read(ctx, of); err != nil {
		return err
	}
	if stage.Health.reported(s.Evidence[s.Target.SHA]) {
		return nil
	}
	return e.lookBack(ctx, s, stage, read)
}

// reported tells whether anything was reported that the plan asks for.
func (h Health) reported(evidence []Evidence) bool {
	return slices.ContainsFunc(evidence, func(e Evidence) bool {
		return slices.ContainsFunc(h.Required, func(r Requirement) bool { return r.Contexts.Match(e.Context) })
	})
}

// lookBack finds the newest of the stage's earlier heads that anything was
// reported of. Flux may have skipped the head, and its contexts are asked for
// all the same.
func (e *Engine) lookBack(ctx context.Context, s *Snapshot, stage Stage, read func(context.Context, []SHA) (map[SHA][]Evidence, error)) error {
	records, err := e.Records(ctx, s.Ledger.SHA, entriesBack)
	if err != nil {
		return err
	}
	var heads []SHA
	for _, r := range records {
		if r.Damaged == "" && r.Branch == stage.Branch && r.From != "" {
			heads = append(heads, r.From)
		}
	}
	if len(heads) == 0 {
		return nil
	}
	evidence, err := read(ctx, heads)
	if err != nil {
		return err
	}
	if s.Evidence == nil {
		s.Evidence = map[SHA][]Evidence{}
	}
	for _, head := range heads {
		if stage.Health.reported(evidence[head]) {
			s.Reported = head
			s.Evidence = maps.Clone(s.Evidence)
			s.Evidence[head] = evidence[head]
			return nil
		}
	}
	return nil
}
