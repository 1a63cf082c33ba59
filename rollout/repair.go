package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Mender brings a stage on its way again that cannot go on by itself.
type Mender struct {
	Engine *Engine
	// Branches and Trees are the remote's.
	Branches Branches
	Trees    Trees
	// Proposals is nil where there are none: on a plain Git remote.
	Proposals Proposals
}

// A Rift is what keeps a stage's branch from being fast-forwarded: commits that
// its upstream has not. There is none where Foreign is empty.
type Rift struct {
	Stage    Stage
	Snapshot Snapshot
	// First is the first stage's branch: where commits come from.
	First Head
	// Foreign are the commits that the stage has and its upstream has not, the
	// newest first.
	Foreign []Stray
	// Common is the newest commit of the stage's history that its upstream has,
	// too. It is empty where no one of them is the newest.
	Common SHA
	// Unknown says why nobody looked for equivalents. Default is that somebody
	// did.
	Unknown string
}

// A Stray is a commit that a stage has and its upstream has not.
type Stray struct {
	Commit
	// Same is a commit of the first stage that makes the same change.
	Same SHA
}

// Examine finds out what a stage has that its upstream has not.
func (m *Mender) Examine(ctx context.Context, stage Stage) (Rift, error) {
	s, o, err := m.Engine.survey(ctx, stage)
	r := Rift{Stage: stage, Snapshot: s, First: Head{s.First, o.Heads[s.First]}}
	if err != nil || len(s.Foreign) == 0 {
		return r, err
	}
	g := newGraph(s.Target.SHA, s.Foreign)
	for _, c := range g.commits {
		r.Foreign = append(r.Foreign, Stray{Commit: c})
	}
	if r.Common, err = m.common(ctx, g.commits); err != nil {
		return r, fmt.Errorf("look where %s left %s: %w", s.Target.Branch, s.Upstream.Branch, err)
	}
	return r, m.compare(ctx, &r, g.commits)
}

// common is the newest commit that both branches have: the one parent of foreign
// commits that is not foreign, or the one that contains the others.
func (m *Mender) common(ctx context.Context, foreign []Commit) (SHA, error) {
	is := set(foreign)
	var parents []SHA
	for _, c := range foreign {
		for _, parent := range c.Parents {
			if !is[parent] && !slices.Contains(parents, parent) {
				parents = append(parents, parent)
			}
		}
	}
	for _, candidate := range parents[:min(listed, len(parents))] {
		newest := true
		for _, other := range parents {
			missing, err := m.Engine.History.Between(ctx, candidate, other)
			if err != nil {
				return "", err
			}
			newest = newest && len(missing) == 0
		}
		if newest {
			return candidate, nil
		}
	}
	return "", nil
}

// compare looks for commits of the first stage that make the same changes. Not to
// know them keeps nobody from a repair.
func (m *Mender) compare(ctx context.Context, r *Rift, foreign []Commit) error {
	among, err := m.Engine.History.Between(ctx, r.Snapshot.Target.SHA, r.First.SHA)
	var same map[SHA]SHA
	if err == nil {
		same, err = m.Engine.equivalents(ctx, foreign, among, r.Snapshot.Target.Branch, r.First.Branch)
	}
	if err != nil {
		r.Unknown = OneLine(err.Error(), 300)
		return ctx.Err()
	}
	for i := range r.Foreign {
		r.Foreign[i].Same = same[r.Foreign[i].SHA]
	}
	return nil
}

// A ResetRequest is what an operator asks for.
type ResetRequest struct {
	// To is where the branch is to stand. Default is the newest commit of its
	// history that its upstream has, too.
	To Prefix
	// Reason is required, and recorded.
	Reason string
}

// A Reset is a forced move of a stage's branch, as it was decided.
type Reset struct {
	Rift
	To SHA
	// Backup is the branch that keeps where it stood.
	Backup string
	Reason string
	// Loses are the commits that the stage has had and will not have, and Gains
	// those that it gets instead, the newest first.
	Loses, Gains []Commit
}

// PlanReset decides on a reset, and changes nothing. It refuses whatever the
// upstream does not have, and to bring to the stage what is known to be bad, or
// anything new where somebody holds it.
func (m *Mender) PlanReset(ctx context.Context, stage Stage, request ResetRequest) (Reset, error) {
	reason, err := required(request.Reason)
	if err != nil {
		return Reset{}, err
	}
	rift, err := m.Examine(ctx, stage)
	if err != nil {
		return Reset{}, err
	}
	p := Reset{
		Rift: rift, Reason: reason,
		Backup: fmt.Sprintf("rollout/backup/%s/%s", stage.Name, rift.Snapshot.At.UTC().Format("20060102T150405Z")),
	}
	if len(rift.Foreign) == 0 {
		return p, notDiverged(rift)
	}
	if p.To, err = p.target(request.To); err != nil {
		return p, err
	}
	if err := m.onUpstream(ctx, p); err != nil {
		return p, err
	}
	from := p.Snapshot.Target.SHA
	if p.Loses, err = m.between(ctx, p.To, from); err != nil {
		return p, err
	}
	if p.Gains, err = m.between(ctx, from, p.To); err != nil {
		return p, err
	}
	return p, p.mayGain()
}

func notDiverged(r Rift) error {
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s has nothing that %s has not, so there is nothing to reset", r.Snapshot.Target.Branch, r.Snapshot.Upstream.Branch),
		Ways: []string{fmt.Sprintf("to take back what %s runs, revert it on %s, and override to the revert", r.Stage.Name, r.First.Branch)},
	}
}

// between lists commits, the newest first.
func (m *Mender) between(ctx context.Context, have, want SHA) ([]Commit, error) {
	commits, err := m.Engine.History.Between(ctx, have, want)
	if err != nil {
		return nil, err
	}
	return newGraph(want, commits).commits, nil
}

// target is the commit that is asked for, before it is looked for.
func (p Reset) target(wanted Prefix) (SHA, error) {
	found := []SHA{}
	for _, sha := range append([]SHA{p.Common}, commitSHAs(p.Snapshot.Pending)...) {
		if sha != "" && wanted.Of(sha) && !slices.Contains(found, sha) {
			found = append(found, sha)
		}
	}
	switch {
	case wanted == "" && p.Common != "":
		return p.Common, nil
	case wanted == "":
		return "", &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("of the commits that %s and %s both have none is the newest, so nobody knows where to", p.Snapshot.Target.Branch, p.Snapshot.Upstream.Branch),
			Ways: []string{fmt.Sprintf("name a commit of %s: -to=1a2b3c4", p.Snapshot.Upstream.Branch)},
		}
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", usagef("%s is the beginning of %d commits; give more digits", wanted, len(found))
	case len(wanted) == shaLength:
		return SHA(wanted), nil
	}
	return "", usagef("%s is no commit that %s has and %s has not; of one that both have, give all 40 digits", wanted, p.Snapshot.Upstream.Branch, p.Snapshot.Target.Branch)
}

func commitSHAs(commits []Commit) []SHA {
	all := make([]SHA, len(commits))
	for i, c := range commits {
		all[i] = c.SHA
	}
	return all
}

// onUpstream refuses a target that is not on the upstream: the branch would be as
// foreign as before.
func (m *Mender) onUpstream(ctx context.Context, p Reset) error {
	upstream := p.Snapshot.Upstream
	seen, err := m.Engine.sight(ctx, upstream.SHA, p.To)
	if err != nil {
		return fmt.Errorf("look for %s on %s: %w", p.To.Short(), upstream.Branch, err)
	}
	if seen.out {
		return nil
	}
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s is no commit of %s, and %s is only ever reset to one", p.To.Short(), upstream.Branch, p.Snapshot.Target.Branch),
		Ways: []string{"leave -to out, for the newest commit that both have"},
	}
}

// mayGain refuses to bring to the stage by force what nothing else may bring there.
func (p Reset) mayGain() error {
	if len(p.Gains) == 0 {
		return nil
	}
	s := p.Snapshot
	if holds := s.State.holds(p.Stage, s.At); len(holds) > 0 {
		return &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s, and a reset to %s would bring %s to it", describeHold(holds[0]), p.To.Short(), countCommits(len(p.Gains))),
			Ways: []string{"leave -to out: what the stage has had already, a hold does not keep from it", "or ask whoever holds it, and lift it: mage release:resume"},
		}
	}
	g := newGraph(s.Upstream.SHA, s.Pending)
	bad := findTaints(g, s)
	position, known := g.index[p.To]
	if !known {
		return nil
	}
	for _, i := range bad.in(position) {
		t := &bad.all[i]
		return &Problem{
			Kind: ErrRefused,
			What: fmt.Sprintf("%s cannot go out: it contains %s, which %s. No reset brings that to %s", p.To.Short(), t.Commit.SHA.Short(), t.Why(), p.Stage.Name),
			Ways: []string{"leave -to out, for the newest commit that both have", "if it is not bad after all: mage release:clear " + t.Commit.SHA.Short() + " <reason>"},
		}
	}
	return nil
}

// Reset moves the branch as it was decided, keeps where it stood, and records it:
// all of that or nothing. Whatever else is written to the ledger meanwhile is no
// obstacle; that the branch has moved is, since somebody confirmed what it had.
func (m *Mender) Reset(ctx context.Context, p Reset) (Receipt, error) {
	var err error
	for range attempts {
		var r Receipt
		if r, err = m.tryReset(ctx, p); !errors.Is(err, ErrMoved) || errors.Is(err, errHeadMoved) {
			return r, err
		}
	}
	return Receipt{}, &Problem{
		Kind: ErrMoved, What: fmt.Sprintf("reset %s: gave up after %d attempts, in each of which something else moved first", p.Stage.Name, attempts),
		Cause: err, Ways: []string{"run it again"},
	}
}

// errHeadMoved says that the branch to reset is not where it was.
var errHeadMoved = errors.New("it has moved")

func (m *Mender) tryReset(ctx context.Context, p Reset) (Receipt, error) {
	e := m.Engine
	s, o, err := e.survey(ctx, p.Stage)
	if err != nil {
		return Receipt{}, err
	}
	if s.Target.SHA != p.Snapshot.Target.SHA {
		return Receipt{}, &Problem{
			Kind: ErrMoved, Cause: errHeadMoved,
			What: fmt.Sprintf("reset %s: %s stood at %s and stands at %s, and nothing was changed", p.Stage.Name, s.Target.Branch, p.Snapshot.Target.SHA.Short(), s.Target.SHA.Short()),
			Ways: []string{"look what came: mage release:repair -how=reset -dryRun", "then run it again"},
		}
	}
	if len(s.Foreign) == 0 {
		return Receipt{}, notDiverged(p.Rift)
	}
	p.Snapshot = s
	if err := cmp.Or(m.onUpstream(ctx, p), p.mayGain()); err != nil {
		return Receipt{}, err
	}
	if keeper, ok := e.Remote.(Gatekeeper); ok {
		if err := keeper.MayMove(ctx, o, p.To); err != nil {
			return Receipt{}, fmt.Errorf("reset %s to %s: %w", p.Stage.Name, p.To.Short(), err)
		}
	}
	entry := e.sign(Entry{
		Kind: EntryReset, Stage: p.Stage.Name, Branch: s.Target.Branch, From: s.Target.SHA, To: p.To,
		Commits: len(p.Loses), Reason: p.Reason, Backup: p.Backup,
	}, o)
	draft, err := e.Ledger.Draft(entry, s.State.lasting(s.At))
	if err != nil {
		return Receipt{}, fmt.Errorf("write ledger entry: %w", err)
	}
	r := Receipt{Snapshot: s, Entry: &entry}
	r.Commit, err = e.commit(ctx, Transaction{
		Branch: entry.Branch, From: entry.From, To: entry.To, Backup: p.Backup, Ledger: s.Ledger, Draft: draft,
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("reset %s: %w", p.Stage.Name, err)
	}
	return r, nil
}

// An Absorption is how a stage's foreign commits become part of the first stage's
// history without changing its files: by a merge that somebody makes.
type Absorption struct {
	Rift
	// Work is the branch with the merge, and what is proposed of it.
	Work
	// NoMergeCommits tells that the repository's settings do not let it be merged
	// as it has to be.
	NoMergeCommits bool
	// Absorbed tells that the first stage has the commits already. What the
	// stage waits for is then its own upstream.
	Absorbed bool
}

// AbsorbRequest is what an operator asks for.
type AbsorbRequest struct {
	// Reason stands in the pull request. Default is none.
	Reason string
	// DryRun changes nothing.
	DryRun bool
}

// Absorb proposes a merge with the files of the first stage's head and, as its
// second parent, the head of the stage. Once it is merged, the stage's branch can
// be fast-forwarded again, and no cluster sees it rewound. Done again it finds
// what there is.
func (m *Mender) Absorb(ctx context.Context, stage Stage, request AbsorbRequest) (Absorption, error) {
	reason, err := optional(request.Reason)
	if err != nil {
		return Absorption{}, err
	}
	rift, err := m.Examine(ctx, stage)
	a := Absorption{Rift: rift}
	if err != nil || len(rift.Foreign) == 0 {
		return a, err
	}
	head := rift.Snapshot.Target
	a.Branch = fmt.Sprintf("rollout/absorb/%s/%s", stage.Name, head.SHA[:12])
	missing, err := m.between(ctx, rift.First.SHA, head.SHA)
	if err != nil {
		return a, err
	}
	if a.Absorbed = len(missing) == 0; a.Absorbed {
		return a, nil
	}
	if err := m.findMerge(ctx, &a, missing); err != nil {
		return a, err
	}
	if m.Proposals != nil {
		allowed, err := m.Proposals.MergeCommits(ctx)
		if err != nil {
			return a, err
		}
		a.NoMergeCommits = !allowed
	}
	return a, m.work(ctx, &a.Work, workRequest{
		base: a.First.Branch, title: fmt.Sprintf("Absorb %s into %s", head.Branch, a.First.Branch), body: a.body(reason),
		commit: NewCommit{Message: a.message(), Parents: []SHA{a.First.SHA, head.SHA}, Like: a.First.SHA}, dryRun: request.DryRun,
	})
}

// findMerge looks whether the branch is there, from a run before this one. It is
// taken for ours only if it is exactly what would be made.
func (m *Mender) findMerge(ctx context.Context, a *Absorption, missing []Commit) error {
	o, err := m.Engine.Remote.Observe(ctx, Query{Branches: []string{a.Branch}, Ledger: m.Engine.Plan.Ledger})
	if err != nil {
		return fmt.Errorf("look for %s: %w", a.Branch, err)
	}
	if a.Head = o.Heads[a.Branch]; a.Head == "" {
		return nil
	}
	brings, err := m.between(ctx, a.First.SHA, a.Head)
	if err != nil {
		return fmt.Errorf("look at %s: %w", a.Branch, err)
	}
	if ours, err := m.isMerge(ctx, *a, brings, len(missing)); err != nil || ours {
		return err
	}
	return &Problem{
		Kind: ErrRefused,
		What: fmt.Sprintf("%s stands at %s, which is not the merge of %s into %s as they are now: somebody pushed to it, or %s was rewritten since", a.Branch, a.Head.Short(), a.Snapshot.Target.Branch, a.First.Branch, a.First.Branch),
		Ways: []string{fmt.Sprintf("look at it, delete it, and run this again: git push origin --delete %s", Quote(a.Branch))},
	}
}

// isMerge tells whether a branch brings one commit besides the foreign ones, a
// merge of the stage's head that has the files of its other parent.
func (m *Mender) isMerge(ctx context.Context, a Absorption, brings []Commit, foreign int) (bool, error) {
	if len(brings) != foreign+1 || len(brings[0].Parents) != 2 || brings[0].Parents[1] != a.Snapshot.Target.SHA {
		return false, nil
	}
	different, err := m.Trees.Differences(ctx, brings[0].Parents[0], a.Head, a.Head)
	return err == nil && len(different) == 0, err
}

// message is that of the merge.
func (a Absorption) message() string {
	target := a.Snapshot.Target
	return fmt.Sprintf("Absorb %s into %s\n\nThis merge has the files of %s at %s and changes none of them. It\nmakes %s, the head of %s, an ancestor of %s, so that\n%s can be fast-forwarded again.\n",
		target.Branch, a.First.Branch, a.First.Branch, a.First.SHA.Short(), target.SHA.Short(), target.Branch, a.First.Branch, target.Branch)
}

// body is what the pull request says.
func (a Absorption) body(reason string) string {
	s := a.Snapshot
	var b strings.Builder
	fmt.Fprintf(&b, "`%s` has %s that `%s` has not, so it cannot be fast-forwarded. This merge makes its head, %s, an ancestor of `%s`, and changes no file of it.\n\n",
		s.Target.Branch, countCommits(len(a.Foreign)), s.Upstream.Branch, s.Target.SHA, a.First.Branch)
	b.WriteString("**Merge it with a merge commit.** A squash or a rebase would lose the parent, and with it what this is for.\n\n")
	fmt.Fprintf(&b, "What these commits change, and `%s` does not have, leaves `%s` with the next promotion:\n\n", a.First.Branch, a.Stage.Name)
	b.WriteString("```text\n")
	for _, c := range a.Foreign[:min(listed, len(a.Foreign))] {
		b.WriteString(inertCommit(c.Commit))
		if c.Same != "" {
			fmt.Fprintf(&b, ", on %s as %s", a.First.Branch, c.Same.Short())
		}
		b.WriteString("\n")
	}
	if more := len(a.Foreign) - listed; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	b.WriteString("```\n")
	if reason != NoReason {
		b.WriteString("\n" + inertReason(reason))
	}
	return b.String()
}
