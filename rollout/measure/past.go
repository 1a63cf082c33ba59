package measure

import (
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Past is what is known of how a rollout came to stand where it stands.
type Past struct {
	Plan rollout.Plan
	// At is when it was read. Since, where it is not zero, leaves out the
	// promotions before it.
	At, Since time.Time
	// Records are all entries of the ledger, newest first.
	Records []rollout.Record
	// Movements are the push log of the first stage's branch, newest first, as far
	// back as the oldest of Commits arrived. There are none where the forge keeps
	// no log.
	Movements []rollout.Movement
	// Head is that of the first stage's branch. Commits are those that it reaches
	// and that were not on every stage before the oldest promotion, in any order.
	Head    rollout.SHA
	Commits []rollout.Commit
}

// Promotions are what went out on a branch, overrides included, oldest first.
func (p Past) Promotions(branch string) []rollout.Record {
	var all []rollout.Record
	for _, r := range slices.Backward(p.Records) {
		if promotes(r, branch) && !r.At.Before(p.Since) {
			all = append(all, r)
		}
	}
	return all
}

func promotes(r rollout.Record, branch string) bool {
	return r.Damaged == "" && r.Branch == branch && r.To != "" &&
		(r.Kind == rollout.EntryPromotion || r.Kind == rollout.EntryOverride)
}

// begins is when what is measured does: with the first entry, or later where
// somebody asked for that.
func (p Past) begins() time.Time {
	for _, r := range slices.Backward(p.Records) {
		if r.Damaged == "" {
			return later(r.At, p.Since)
		}
	}
	return p.Since
}

// pushes are the moves of the first stage's branch, oldest first: the push log, and
// what the ledger recorded where the log does not tell. Each keeps its own order,
// which is right even where a clock was not.
func (p Past) pushes() []rollout.Movement {
	var all []rollout.Movement
	noted := p.noted()
	for _, row := range slices.Backward(p.Movements) {
		for len(noted) > 0 && !noted[0].At.After(row.At) {
			all, noted = append(all, noted[0]), noted[1:]
		}
		all = append(all, row)
	}
	return append(all, noted...)
}

// noted are the arrivals on the first stage's branch that the ledger recorded. By
// then the branch had come to the revision, from nobody knows where.
func (p Past) noted() []rollout.Movement {
	var all []rollout.Movement
	for _, r := range slices.Backward(p.Records) {
		if r.Damaged == "" && r.Kind == rollout.EntryArrival && r.Branch == p.Plan.Stages[0].Branch {
			all = append(all, rollout.Movement{After: r.To, At: r.At})
		}
	}
	return all
}

// moves are those of a stage's branch that the ledger has, oldest first: by them
// revisions arrive for the stage after it.
func (p Past) moves(branch string) []rollout.Movement {
	var all []rollout.Movement
	for _, r := range slices.Backward(p.Records) {
		if promotes(r, branch) || r.Damaged == "" && r.Kind == rollout.EntryInit && r.Branch == branch {
			all = append(all, rollout.Movement{Before: r.From, After: r.To, At: r.At})
		}
	}
	return all
}

// arriving are the moves by which revisions arrive for a stage.
func (p Past) arriving(stage rollout.Stage) []rollout.Movement {
	upstream, _ := p.Plan.Upstream(stage.Name)
	if upstream.Branch == p.Plan.Stages[0].Branch {
		return p.pushes()
	}
	return p.moves(upstream.Branch)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
