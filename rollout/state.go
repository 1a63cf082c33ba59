package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// state reads what the ledger says now, and makes sure that it is the
// rollout's own word: the newest entry names the state that it was written
// with. A commit that somebody made by hand is passed over if it left the
// state as it was. If it did not, it could hide a hold, and nothing is
// promoted.
func (e *Engine) state(ctx context.Context, o Observation) (State, error) {
	s, err := e.Ledger.State(o.Files)
	if err != nil {
		return s, fmt.Errorf("read %s at %s: %w", e.Plan.Ledger, o.Ledger.Short(), err)
	}
	head := e.newest(o)
	digest := e.Ledger.Digest(o.Files)
	if head.Damaged == "" && head.State == digest {
		return s, nil
	}
	records, err := e.Records(ctx, o.Ledger, entriesBack)
	if err != nil {
		return s, err
	}
	if head.Damaged == "" && head.State == "" && !slices.ContainsFunc(records, func(r Record) bool { return r.State != "" }) {
		return s, nil // a ledger from before entries named their state
	}
	if head.Damaged != "" {
		head = newestWhole(records)
	}
	if head.State != digest {
		return s, e.foreignState(o, head)
	}
	return s, nil
}

// newest is the ledger's newest entry. One that the observation does not have is
// damaged.
func (e *Engine) newest(o Observation) Record {
	if len(o.Log) == 0 {
		return e.Ledger.Record(LedgerCommit{SHA: o.Ledger})
	}
	return e.Ledger.Record(o.Log[0])
}

// newestWhole is the newest entry that can be read.
func newestWhole(records []Record) Record {
	for _, r := range records {
		if r.Damaged == "" {
			return r
		}
	}
	return Record{}
}

func (e *Engine) foreignState(o Observation, last Record) error {
	p := &Problem{
		Kind: ErrLedger,
		What: fmt.Sprintf("%s at %s was changed by something else than the rollout, and could hide a hold, so nothing is promoted", e.Plan.Ledger, o.Ledger.Short()),
		Ways: []string{"find out who did: git log -p " + Quote(e.Plan.Ledger)},
	}
	if last.Commit == "" {
		p.Ways = append(p.Ways, fmt.Sprintf("none of its last %d commits was made by the rollout; put back one that was", entriesBack))
		return p
	}
	p.Ways = append(p.Ways, fmt.Sprintf("put the files back as the rollout left them, with a commit on top: git checkout %s -- . && git commit && git push (on %s)",
		last.Commit.Short(), Quote(e.Plan.Ledger)))
	return p
}

// knownHolds refuses a hold of a stage that the plan does not have: most
// likely the stage was renamed, and the hold is still meant.
func (e *Engine) knownHolds(s State, now time.Time) error {
	for _, h := range s.Holds {
		if h.Holds(h.Stage, now) && h.Stage != "" && !slices.Contains(e.Plan.StageNames(), h.Stage) {
			return &Problem{
				Kind: ErrLedger,
				What: fmt.Sprintf("%s, and the plan has no such stage, so nothing is promoted", describeHold(h)),
				Ways: []string{
					"if the stage was renamed, hold it under its new name: mage release:hold <reason> -stage=<name>",
					"then lift the old hold: " + waysToLift([]string{h.By}, "")[0],
				},
			}
		}
	}
	return nil
}
