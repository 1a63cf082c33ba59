package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// gather reads the evidence that the stage asks for. A forge that knows none
// gives none, and nothing goes out.
//
// All pending commits are asked about, not only those that are known to be
// revisions: the push log can have lost the row of one that Flux has failed on.
func (e *Engine) gather(ctx context.Context, s *Snapshot, stage Stage) error {
	if err := e.evidence(ctx, s, stage); err != nil {
		return fmt.Errorf("observe %s: %w", stage.Name, err)
	}
	return nil
}

func (e *Engine) evidence(ctx context.Context, s *Snapshot, stage Stage) error {
	witness, ok := e.Remote.(Witness)
	if !ok || len(stage.Health.Required) == 0 || len(s.Pending) == 0 || len(s.Foreign) > 0 {
		return nil
	}
	of := []SHA{s.Target.SHA}
	for _, c := range s.Pending {
		of = append(of, c.SHA)
	}
	var err error
	if s.Evidence, err = e.read(ctx, witness, stage, s.At, of); err != nil {
		return err
	}
	if stage.Health.reported(s.Evidence[s.Target.SHA]) {
		return nil
	}
	return e.lookBack(ctx, s, stage, witness)
}

// read reads what was reported of commits: as a rule the newest of each
// context, and all of it where the soak counts healthy time, or where a success
// has to settle, which it may have begun to do before. That costs a request for
// each commit, so those with nothing to say are left out.
func (e *Engine) read(ctx context.Context, witness Witness, stage Stage, at time.Time, of []SHA) (map[SHA][]Evidence, error) {
	newest, err := witness.Evidence(ctx, of)
	if err != nil {
		return nil, err
	}
	var more []SHA
	for _, sha := range of {
		if stage.Health.reported(newest[sha]) && (stage.SoakClock != WallClock || stage.Health.settles(newest[sha], at)) {
			more = append(more, sha)
		}
	}
	if len(more) == 0 {
		return newest, nil
	}
	all, err := witness.EvidenceLog(ctx, more)
	if err != nil {
		return nil, err
	}
	newest = maps.Clone(newest)
	maps.Copy(newest, all)
	return newest, nil
}

// settles tells whether a success has not stood for long enough, by its newest
// report.
func (h Health) settles(newest []Evidence, at time.Time) bool {
	return slices.ContainsFunc(newest, func(e Evidence) bool {
		return e.State == EvidenceSuccess && e.At.Add(h.Settle).After(at) && h.reported([]Evidence{e})
	})
}

// failedSince tells whether a cluster failed on a commit, in a context that some
// stage asks for, and an operator has not cleared it since.
func (e *Engine) failedSince(ctx context.Context, commit SHA, cleared Mark) (bool, error) {
	witness, ok := e.Remote.(Witness)
	asks := slices.ContainsFunc(e.Plan.Stages, func(s Stage) bool { return len(s.Health.Required) > 0 })
	if !ok || !asks {
		return false, nil
	}
	newest, err := witness.Evidence(ctx, []SHA{commit})
	return slices.ContainsFunc(e.Plan.Stages, func(s Stage) bool {
		failed := s.Health.failed(newest[commit])
		return !failed.IsZero() && !cleared.forgives(failed)
	}), err
}

// failed is when the last of the contexts failed that the plan asks for and that
// have not been good since. It is zero where there is none.
func (h Health) failed(evidence []Evidence) (last time.Time) {
	seen := map[string]bool{}
	for _, e := range evidence {
		bad := !seen[e.Context] && e.State != EvidenceSuccess && e.State != EvidencePending
		if seen[e.Context] = true; bad && h.reported([]Evidence{e}) {
			last = later(last, e.At)
		}
	}
	return last
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
func (e *Engine) lookBack(ctx context.Context, s *Snapshot, stage Stage, witness Witness) error {
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
	evidence, err := e.read(ctx, witness, stage, s.At, heads)
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
