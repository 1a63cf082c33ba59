package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A RollbackRequest is what an operator asks for.
type RollbackRequest struct {
	// Reason is required, and recorded.
	Reason string
	// To is an earlier revision of the stage. Default is the one before the newest
	// promotion.
	To Prefix
	// DryRun changes nothing.
	DryRun bool
}

// A Rollback brings a stage back to what it ran before, by a commit on the first
// stage that restores the files and overtakes what is bad.
type Rollback struct {
	Stage    Stage
	Snapshot Snapshot
	First    Head
	// From is what the stage runs, To what it goes back to, and Promotion the
	// entry that brought it from the one to something newer.
	From, To  SHA
	Promotion Record
	// Bad are the commits that it takes back, the newest first.
	Bad []Commit
	// Restores are the files that it puts back, and Conflicts those that the first
	// stage has changed since: nobody guesses what becomes of them.
	Restores  []FileChange
	Conflicts []Difference
	// Taints are the bad commits that a later stage waits for, and which are
	// tainted therefore. Recorded is the ledger's commit that says so; empty where
	// nothing had to be written.
	Taints   []SHA
	Recorded SHA
	// Work is the branch with the restoring commit, and what is proposed of it.
	Work
	// Merged is the commit of the first stage by which it has what is restored.
	Merged SHA
	// Override is what an override to it would do, once it is merged, or Waits why
	// none can be made yet.
	Override *Receipt
	Waits    string
}

// mostReverted is how many commits are taken back at the most: each of them is
// named.
const mostReverted = 1000

// entriesOfStage is how many entries of the ledger are looked through for what the
// stage ran.
const entriesOfStage = 1000

// Rollback takes back what a stage runs. At once it taints what a later stage waits
// for, and proposes the commit that restores the files. Done again it finds what
// there is, and after the merge says what an override to it would do.
func (m *Mender) Rollback(ctx context.Context, stage Stage, request RollbackRequest) (Rollback, error) {
	reason, err := required(request.Reason)
	if err != nil {
		return Rollback{}, err
	}
	b, err := m.planRollback(ctx, stage, request.To)
	if err != nil {
		return b, err
	}
	if err := m.findRestored(ctx, &b); err != nil {
		return b, err
	}
	if b.Merged == "" {
		if err := m.restores(ctx, &b); err != nil {
			return b, err
		}
	}
	if !request.DryRun {
		if err := m.recordRollback(ctx, &b, reason); err != nil {
			return b, err
		}
	}
	switch {
	case b.Merged != "":
		return b, m.offer(ctx, &b)
	case b.Head == "" && (len(b.Conflicts) > 0 || len(b.Restores) == 0):
		return b, nil
	default:
		return b, m.proposeRollback(ctx, &b, reason, request.DryRun)
	}
}

// planRollback finds out from what to what.
func (m *Mender) planRollback(ctx context.Context, stage Stage, to Prefix) (Rollback, error) {
	s, o, err := m.Engine.survey(ctx, stage)
	b := Rollback{Stage: stage, Snapshot: s, First: Head{s.First, o.Heads[s.First]}, From: s.Target.SHA}
	if err != nil {
		return b, err
	}
	if len(s.Foreign) > 0 {
		return b, diverged(s)
	}
	records, err := m.Engine.Records(ctx, s.Ledger.SHA, entriesOfStage)
	if err != nil {
		return b, err
	}
	if err := b.choose(records, to); err != nil {
		return b, err
	}
	seen, err := m.Engine.sight(ctx, b.From, b.To)
	switch {
	case err != nil:
		return b, fmt.Errorf("look for %s on %s: %w", b.To.Short(), s.Target.Branch, err)
	case !seen.out:
		return b, &Problem{Kind: ErrRefused, What: fmt.Sprintf("%s does not contain %s any more, so there is nothing to go back to it from", s.Target.Branch, b.To.Short())}
	case len(seen.newer) > mostReverted:
		return b, &Problem{
			Kind: ErrRefused, What: fmt.Sprintf("%d commits came to %s since %s, and a rollback takes back %d at the most", len(seen.newer), stage.Name, b.To.Short(), mostReverted),
			Ways: []string{"name a newer revision of its history: -to=1a2b3c4"},
		}
	}
	b.Bad = newGraph(b.From, seen.newer).commits
	b.Branch = fmt.Sprintf("rollout/rollback/%s/%s-%s", stage.Name, b.From[:12], b.To[:12])
	b.Taints, err = m.waitingBad(ctx, b)
	return b, err
}

// choose finds in the ledger, given newest first, what the stage ran before.
func (b *Rollback) choose(records []Record, to Prefix) error {
	var moves []Record
	begun := map[SHA]bool{} // what was rolled back before the newest promotion
	for _, r := range records {
		switch {
		case r.Damaged != "" || r.Stage != b.Stage.Name:
		case r.Kind == EntryRollback && len(moves) > 0:
			begun[r.From] = true
		case r.Branch == b.Snapshot.Target.Branch && r.To != "":
			moves = append(moves, r)
		}
	}
	if len(moves) == 0 || moves[0].To != b.From {
		return &Problem{
			Kind: ErrRefused, What: fmt.Sprintf("the ledger does not say how %s came to %s, so nobody knows what it ran before", b.Snapshot.Target.Branch, b.From.Short()),
			Ways: []string{"somebody has moved it by hand: find out who, and revert what is bad on " + b.First.Branch},
		}
	}
	b.Promotion = moves[0]
	if to != "" {
		return b.chooseNamed(moves, to)
	}
	switch last := moves[0]; {
	case last.Kind != EntryPromotion && last.Kind != EntryOverride || last.From == "":
		return &Problem{Kind: ErrRefused, What: fmt.Sprintf("%s came to %s by no promotion, so there is none to take back", b.Stage.Name, b.From.Short()), Ways: []string{"name what it ran before: -to=1a2b3c4"}}
	case begun[last.From]:
		return &Problem{
			Kind: ErrRefused, What: fmt.Sprintf("%s was rolled back from %s, and has gone on to %s since", b.Stage.Name, last.From.Short(), b.From.Short()),
			Ways: []string{"to take that back, too, name what it ran before: -to=1a2b3c4; mage release:history lists it"},
		}
	default:
		b.To = last.From
		return nil
	}
}

// chooseNamed finds a revision that the stage ran.
func (b *Rollback) chooseNamed(moves []Record, to Prefix) error {
	var found []SHA
	for _, r := range moves {
		for _, sha := range []SHA{r.To, r.From} {
			if sha != "" && sha != b.From && to.Of(sha) && !slices.Contains(found, sha) {
				found = append(found, sha)
			}
		}
	}
	switch len(found) {
	case 0:
		return &Problem{
			Kind: ErrRefused, What: fmt.Sprintf("%s is no earlier revision of %s, as far as the newest %d entries of the ledger say", to, b.Stage.Name, entriesOfStage),
			Ways: []string{"see what it ran: mage release:history"},
		}
	case 1:
		b.To = found[0]
		return nil
	default:
		return usagef("%s is the beginning of %d revisions; give more digits", to, len(found))
	}
}

// waitingBad are the bad commits that a later stage waits for.
func (m *Mender) waitingBad(ctx context.Context, b Rollback) ([]SHA, error) {
	bad := set(b.Bad)
	later := false
	var waiting []SHA
	for _, stage := range m.Engine.Plan.Downstream() {
		if stage.Name == b.Stage.Name {
			later = true
			continue
		}
		if !later {
			continue
		}
		s, _, err := m.Engine.survey(ctx, stage)
		if err != nil {
			return nil, fmt.Errorf("look what %s waits for: %w", stage.Name, err)
		}
		for _, c := range newGraph(s.Upstream.SHA, s.Pending).commits {
			if bad[c.SHA] && !slices.Contains(waiting, c.SHA) {
				waiting = append(waiting, c.SHA)
			}
		}
	}
	return waiting, nil
}

// message is that of the restoring commit. It has nobody's words in it: they could
// forge what it reverts, and a forge acts on them.
func (b Rollback) message() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Roll %s back to %s\n\nThis puts back the files that differ between it and %s, which %s runs.\n", b.Stage.Name, b.To.Short(), b.From.Short(), b.Stage.Name)
	for _, c := range b.Bad {
		fmt.Fprintf(&text, "\nThis reverts commit %s.\n", c.SHA)
	}
	return text.String()
}

// findRestored looks for the restoring commit: on the first stage, where it is
// merged, or on its branch.
func (m *Mender) findRestored(ctx context.Context, b *Rollback) error {
	o, err := m.Engine.Remote.Observe(ctx, Query{Branches: []string{b.Branch}, Ledger: m.Engine.Plan.Ledger})
	if err != nil {
		return fmt.Errorf("look for %s: %w", b.Branch, err)
	}
	since, err := m.Engine.History.Between(ctx, b.From, b.First.SHA)
	if err != nil {
		return fmt.Errorf("look for the rollback on %s: %w", b.First.Branch, err)
	}
	if m.Proposals != nil {
		if b.Proposal, err = m.Proposals.Proposed(ctx, b.Branch, b.First.Branch); err != nil {
			return err
		}
	}
	g := newGraph(b.First.SHA, since)
	if b.Merged = b.mergedBy(g); b.Merged != "" {
		return nil
	}
	if _, there := g.place(b.Proposal.Merged); there && b.Proposal.State == ProposalMerged {
		b.Merged = b.Proposal.Merged
		return nil
	}
	b.Head = o.Heads[b.Branch]
	return m.isRestoring(ctx, *b)
}

// mergedBy is the oldest commit of the first stage's own line that contains the
// restoring commit.
func (b Rollback) mergedBy(g *graph) (merged SHA) {
	at := slices.IndexFunc(g.commits, b.isOurs)
	if at < 0 {
		return ""
	}
	contains := g.containingAll([]int{at})
	for position, known := 0, true; known && contains[position]; {
		c := g.commits[position]
		merged, known = c.SHA, len(c.Parents) > 0
		if known {
			position, known = g.place(c.Parents[0])
		}
	}
	return merged
}

// isOurs tells whether a commit is the restoring one: whoever has its message says
// that it reverts what this reverts.
func (b Rollback) isOurs(c Commit) bool {
	return strings.TrimSpace(c.Message) == strings.TrimSpace(b.message())
}

// isRestoring refuses a branch that has something else.
func (m *Mender) isRestoring(ctx context.Context, b Rollback) error {
	if b.Head == "" {
		return nil
	}
	brings, err := m.between(ctx, b.First.SHA, b.Head)
	if err != nil {
		return fmt.Errorf("look at %s: %w", b.Branch, err)
	}
	if slices.ContainsFunc(brings, b.isOurs) {
		return nil
	}
	return &Problem{
		Kind: ErrRefused, What: fmt.Sprintf("%s stands at %s, and has not the commit that restores %s", b.Branch, b.Head.Short(), b.To.Short()),
		Ways: []string{fmt.Sprintf("look at it, delete it, and run this again: git push origin --delete %s", Quote(b.Branch))},
	}
}

// restores works out what to put back, and what nobody can put back without
// looking.
func (m *Mender) restores(ctx context.Context, b *Rollback) error {
	differences, err := m.Trees.Differences(ctx, b.To, b.From, b.First.SHA)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", b.To.Short(), b.From.Short(), err)
	}
	b.Restores, b.Conflicts = restore(differences)
	return nil
}

// restore parts the files that were changed by what is bad: those that are as it
// left them are put back, those that are back already are left alone, and of any
// other nobody knows.
func restore(differences []Difference) (restores []FileChange, conflicts []Difference) {
	for _, d := range differences {
		switch d.Now {
		case d.Before:
		case d.After:
			restores = append(restores, FileChange{d.Path, d.Before})
		default:
			conflicts = append(conflicts, d)
		}
	}
	return restores, conflicts
}

// recordRollback writes down that somebody rolls back, so that the files of before need
// not soak again, and taints what later stages wait for: once.
func (m *Mender) recordRollback(ctx context.Context, b *Rollback, reason string) error {
	s := b.Snapshot.State
	known, goes := s.restoration(b.Stage.Name, b.From)
	untainted := slices.ContainsFunc(b.Taints, func(sha SHA) bool { return !marked(s.Taints, sha) })
	if goes && known.To == b.To && !untainted {
		return nil
	}
	tree, err := m.Trees.TreeOf(ctx, b.To)
	if err != nil {
		return fmt.Errorf("look at %s: %w", b.To.Short(), err)
	}
	r, err := m.Engine.write(ctx, func(s State, o Observation) (Entry, State, error) {
		entry := m.Engine.sign(Entry{Kind: EntryRollback, Stage: b.Stage.Name, From: b.From, To: b.To, Commits: len(b.Bad), Reason: reason, Tainted: b.Taints}, o)
		for _, sha := range b.Taints {
			if !marked(s.Taints, sha) {
				s.Cleared = without(s.Cleared, sha)
				s.Taints = append(slices.Clone(s.Taints), Mark{Commit: sha, By: entry.By, Reason: reason, At: entry.At})
			}
		}
		s = s.withoutRestorations(b.Stage.Name)
		s.Restorations = append(s.Restorations, Restoration{Stage: b.Stage.Name, From: b.From, To: b.To, Tree: tree, At: entry.At})
		return entry, s, nil
	})
	b.Recorded = r.Commit
	return err
}

func marked(marks []Mark, sha SHA) bool {
	return slices.ContainsFunc(marks, func(m Mark) bool { return m.Commit == sha })
}

// proposeRollback makes the commit and the pull request, as far as they are not
// there.
func (m *Mender) proposeRollback(ctx context.Context, b *Rollback, reason string, dryRun bool) error {
	return m.work(ctx, &b.Work, workRequest{
		base: b.First.Branch, dryRun: dryRun, title: fmt.Sprintf("Roll %s back to %s", b.Stage.Name, b.To.Short()), body: b.body(reason),
		commit: NewCommit{Message: b.message(), Parents: []SHA{b.First.SHA}, Like: b.First.SHA, Changes: b.Restores},
	})
}

// bodyReverts is how many reverted commits the text of a pull request names: GitHub
// takes 65,536 characters.
const bodyReverts = 300

// body is what the pull request says. It names what it reverts, since a squash can
// have its text as message.
func (b Rollback) body(reason string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "`%s` goes back to %s, which it ran before. This puts back the %s that differ, and nothing else. Once it is merged, `mage release:rollback` again says how it goes out at once.\n\n",
		b.Stage.Name, b.To, countFiles(len(b.Restores)))
	text.WriteString(inertReason(reason) + "\nWhat it takes back:\n\n```text\n")
	for _, c := range b.Bad[:min(listed, len(b.Bad))] {
		text.WriteString(inertCommit(c) + "\n")
	}
	if more := len(b.Bad) - listed; more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	text.WriteString("```\n")
	if len(b.Bad) <= bodyReverts {
		for _, c := range b.Bad {
			fmt.Fprintf(&text, "\nThis reverts commit %s.\n", c.SHA)
		}
	}
	return text.String()
}

func countFiles(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// offer says what an override to the merged commit would do.
func (m *Mender) offer(ctx context.Context, b *Rollback) error {
	if !pendingHas(b.Snapshot, b.Merged) {
		b.Waits = fmt.Sprintf("%s has it, and %s not yet: promote it there first", b.First.Branch, b.Snapshot.Upstream.Branch)
		return nil
	}
	r, err := m.Engine.PreviewOverride(ctx, b.Stage, OverrideRequest{Revision: Prefix(b.Merged), ThroughHold: true})
	if err != nil {
		b.Waits = err.Error()
		return ctx.Err()
	}
	b.Override = &r
	return nil
}
