package rollout

import (
	"context"
	"errors"
	"fmt"
)

// looks is how often a transaction is tried that got no clear answer.
const looks = 3

// entriesBack is how many ledger entries are searched for a transaction that may
// have been carried out: more than anybody can have added in the meantime.
const entriesBack = 50

// commit carries out a transaction. Where the forge gave no clear answer it
// looks before it tries again, so that nothing happens twice and nothing goes
// unrecorded: the ledger's new commit is in the ledger exactly when the whole
// transaction took place.
func (e *Engine) commit(ctx context.Context, t Transaction) (SHA, error) {
	defer Begin(ctx, Effort{What: "committing to the ledger"}).End()
	var made []SHA
	var unclear error
	for range looks {
		sha, err := e.Remote.Commit(ctx, t)
		if sha != "" {
			made = append(made, sha)
		}
		if err == nil {
			return sha, nil
		}
		if errors.Is(err, ErrUncertain) {
			unclear = err
		}
		if unclear == nil {
			return "", err
		}
		// An earlier try can have succeeded late, so even a plain refusal of
		// this one does not say that nothing happened.
		done, again, lookErr := e.look(ctx, t, made)
		switch {
		case lookErr != nil:
			return "", notKnown(t, unclear, lookErr)
		case done != "":
			return done, nil
		case !errors.Is(err, ErrUncertain):
			return "", err
		case !again:
			return "", fmt.Errorf("%w: %w", ErrMoved, unclear)
		}
	}
	return "", notKnown(t, unclear, nil)
}

// look finds out what became of a transaction without a clear answer: the
// commit by which it is recorded; or that the heads still stand where they
// stood, so that it can be tried again; or neither, when somebody else moved
// them.
func (e *Engine) look(ctx context.Context, t Transaction, made []SHA) (done SHA, again bool, err error) {
	q := Query{Ledger: t.Ledger.Branch}
	if t.Branch != "" {
		q.Branches = []string{t.Branch}
	}
	o, err := e.Remote.Observe(ctx, q)
	if err != nil {
		return "", false, err
	}
	switch o.Ledger {
	case t.Ledger.SHA:
		return "", t.Branch == "" || o.Heads[t.Branch] == t.From, nil
	case "":
		return "", false, nil // somebody deleted it
	}
	log, err := e.Remote.Log(ctx, Head{t.Ledger.Branch, o.Ledger}, entriesBack)
	if err != nil {
		return "", false, err
	}
	for _, commit := range log {
		for _, sha := range made {
			if commit.SHA == sha {
				return sha, false, nil
			}
		}
	}
	return "", false, nil
}

func notKnown(t Transaction, unclear, look error) error {
	what := "the forge gave no clear answer, and whether the ledger was written is not known"
	if t.Branch != "" {
		what = fmt.Sprintf("the forge gave no clear answer, and whether %s moved to %s is not known; it moved if, and only if, the ledger says so",
			t.Branch, t.To.Short())
	}
	return &Problem{
		Kind:  ErrUnavailable,
		What:  what,
		Cause: errors.Join(unclear, look),
		Ways:  []string{"run the same command again: it looks first, and does nothing twice"},
	}
}
