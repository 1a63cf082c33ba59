package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

var (
	_ rollout.Remote  = (*Forge)(nil)
	_ rollout.History = (*Forge)(nil)
	_ rollout.Witness = (*Forge)(nil)
)

// Observe implements [rollout.Remote].
func (f *Forge) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	var o rollout.Observation
	err := f.read("Observe", func() (err error) {
		o, err = f.observe(ctx, q)
		return err
	})
	return o, err
}

func (f *Forge) observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	now := f.options.Clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	o := rollout.Observation{
		At: now, Heads: map[string]rollout.SHA{}, Trees: map[string]rollout.SHA{},
		PushLog: f.options.PushLog, Viewer: f.options.Viewer, Ledger: f.heads[q.Ledger],
	}
	for _, branch := range q.Branches {
		if c, exists := f.find(f.heads[branch]); exists {
			o.Heads[branch], o.Trees[branch] = c.SHA, c.Tree
		}
	}
	if c, exists := f.find(o.Ledger); exists {
		o.Files, o.Log = copied(f.trees[c.Tree]), f.ledgerLog(c, max(q.Entries, 1))
	}
	return o, ctx.Err()
}

// Movements implements [rollout.Remote].
func (f *Forge) Movements(ctx context.Context, branch string, enough func(rollout.Movement) bool) ([]rollout.Movement, error) {
	var rows []rollout.Movement
	err := f.read("Movements", func() error {
		f.mu.Lock()
		log := f.log[branch]
		f.mu.Unlock()
		// Rows are appended and never changed, so those that were there stay
		// what they were.
		for _, row := range slices.Backward(log) {
			rows = append(rows, row)
			if enough(row) {
				break
			}
		}
		return ctx.Err()
	})
	return rows, err
}

// Log implements [rollout.Remote].
func (f *Forge) Log(ctx context.Context, ledger rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	var log []rollout.LedgerCommit
	err := f.read("Log", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		c, known := f.find(ledger.SHA)
		if !known {
			return fmt.Errorf("read the log of %s: nobody has %s", ledger.Branch, ledger.SHA)
		}
		log = f.ledgerLog(c, limit)
		return ctx.Err()
	})
	return log, err
}

// ledgerLog reads a log from a commit back. A limit of 0 means all. The lock is held.
func (f *Forge) ledgerLog(c rollout.Commit, limit int) []rollout.LedgerCommit {
	var log []rollout.LedgerCommit
	for known := true; known && (limit == 0 || len(log) < limit); {
		log = append(log, rollout.LedgerCommit{SHA: c.SHA, Message: c.Message})
		if len(c.Parents) == 0 {
			break
		}
		c, known = f.find(c.Parents[0])
	}
	return log
}

// pending is a transaction with the ledger commit that was made for it.
type pending struct {
	rollout.Transaction
	made rollout.SHA
}

// Commit implements [rollout.Remote].
func (f *Forge) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	fate := f.ask(Call{Port: "Commit", Transaction: &t})
	switch fate {
	case KilledBefore:
		panic(Killed{"Commit"})
	case Unavailable:
		return "", unavailable("Commit", fate)
	}
	p, err := f.draft(t)
	if err != nil {
		return "", err
	}
	err = f.receive(p, fate)
	switch fate {
	case KilledAfter, KilledLate:
		panic(Killed{"Commit"})
	case LostRequest, LostAnswer, Late:
		return p.made, uncertain(fate)
	}
	if err != nil {
		return "", err
	}
	return p.made, nil
}

// draft makes the ledger's commit. Nothing points at it yet.
func (f *Forge) draft(t rollout.Transaction) (pending, error) {
	c := rollout.Commit{Author: f.options.Viewer, Message: t.Draft.Message, Tree: f.AddTree(copied(t.Draft.Files))}
	if t.Ledger.SHA != "" {
		c.Parents = []rollout.SHA{t.Ledger.SHA}
	}
	made, err := f.Add(c)
	return pending{t, made}, err
}

// receive carries out what was still on its way, and then a transaction, if
// it comes that far. The error is that of the latter.
func (f *Forge) receive(p pending, fate Fate) error {
	now := f.options.Clock()
	f.mu.Lock()
	queue := f.late
	f.late = nil
	switch fate {
	case LostRequest:
	case Late, KilledLate:
		f.late = []pending{p}
	default:
		queue = append(queue, p)
	}
	var effects []Effect
	var err error
	for _, next := range queue {
		if err = f.carryOut(next, now); err == nil {
			effects = append(effects, Effect{next.Transaction, next.made, now})
		}
	}
	tell := f.watch
	f.mu.Unlock()
	for _, effect := range effects {
		if tell != nil {
			tell(effect)
		}
	}
	return err
}

// carryOut compares and swaps.
func (f *Forge) carryOut(p pending, at time.Time) error {
	if head := f.heads[p.Ledger.Branch]; head != p.Ledger.SHA {
		return moved(p.Ledger.Branch, p.Ledger.SHA, head)
	}
	if p.Branch != "" {
		if head := f.heads[p.Branch]; head != p.From {
			return moved(p.Branch, p.From, head)
		}
		if _, known := f.index[p.To]; !known {
			return refused("nobody has %s", p.To)
		}
		if p.From != "" && p.Backup == "" && !f.contains(p.To, p.From) {
			return refused("%s to %s is no fast-forward of %s", p.From.Short(), p.To.Short(), p.Branch)
		}
		if p.Backup != "" {
			if head := f.heads[p.Backup]; head != "" {
				return moved(p.Backup, "", head)
			}
			f.move(p.Backup, p.From, at)
		}
		f.move(p.Branch, p.To, at)
	}
	f.move(p.Ledger.Branch, p.made, at)
	return nil
}

func moved(branch string, from, head rollout.SHA) error {
	return fmt.Errorf("%w: %s stands at %q, not at %q", rollout.ErrMoved, branch, head.Short(), from.Short())
}

func refused(format string, args ...any) error {
	return &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf(format, args...)}
}
