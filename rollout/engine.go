package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Engine observes, decides and commits.
type Engine struct {
	Plan    Plan
	Remote  Remote
	History History
	Ledger  Ledger
	// Exposer is asked by stages with a policy of exposure. Default is none: then
	// nothing can be promoted into one that requires it.
	Exposer Exposer
	// By is who is recorded as having run it. Default is whom the forge
	// takes the caller for.
	By string
	// Run is the address of the workflow run that it is part of, if any.
	Run string
}

// attempts is how often a decision is made anew when a head moved between
// observation and commit. Each failure means that somebody else succeeded, so
// more than a few say that something is wrong.
const attempts = 5

// A Receipt is what came of a decision.
type Receipt struct {
	Decision Decision
	Snapshot Snapshot
	// Entry is what the ledger gained, and Commit where, if it gained
	// anything.
	Entry  *Entry
	Commit SHA
	// Unmerged tells that no stage has what was tainted, nor waits for it.
	Unmerged bool
	// Remaining are the reverts by which a commit stays known bad whose taint
	// was taken back.
	Remaining []SHA
}

// Observe reads what is true of a stage now.
func (e *Engine) Observe(ctx context.Context, stage Stage) (Snapshot, error) {
	s, _, err := e.observe(ctx, stage)
	return s, err
}

func (e *Engine) observe(ctx context.Context, stage Stage) (Snapshot, Observation, error) {
	defer Begin(ctx, observing(stage)).End()
	s, o, err := e.survey(ctx, stage)
	if err == nil {
		err = e.gather(ctx, &s, stage)
	}
	return s, o, err
}

// observing is what an observation of a stage is called.
func observing(stage Stage) Effort { return Effort{What: "observing " + stage.Name} }

// survey reads all that is true of a stage but the evidence.
func (e *Engine) survey(ctx context.Context, stage Stage) (Snapshot, Observation, error) {
	upstream, ok := e.Plan.Upstream(stage.Name)
	if !ok {
		return Snapshot{}, Observation{}, usagef("stage %s has no upstream: it follows %s and takes every change at once", stage.Name, stage.Branch)
	}
	q := Query{Branches: []string{upstream.Branch, stage.Branch}, Ledger: e.Plan.Ledger}
	if first := e.Plan.Stages[0].Branch; first != upstream.Branch {
		q.Branches = append(q.Branches, first)
	}
	o, err := e.Remote.Observe(ctx, q)
	if err != nil {
		return Snapshot{}, o, fmt.Errorf("observe %s: %w", stage.Name, err)
	}
	s, err := e.surveyFrom(ctx, stage, o)
	return s, o, err
}

// surveyFrom reads what an observation of a stage's branch, of its upstream's and of
// the first stage's does not say.
func (e *Engine) surveyFrom(ctx context.Context, stage Stage, o Observation) (Snapshot, error) {
	upstream, _ := e.Plan.Upstream(stage.Name)
	first := e.Plan.Stages[0].Branch
	s := Snapshot{
		At:         o.At,
		Upstream:   Head{upstream.Branch, o.Heads[upstream.Branch]},
		Target:     Head{stage.Branch, o.Heads[stage.Branch]},
		Ledger:     Head{e.Plan.Ledger, o.Ledger},
		Entered:    e.newest(o).At,
		PushLog:    o.PushLog,
		Tree:       o.Trees[stage.Branch],
		Repository: e.Plan.Repository,
		First:      first,
	}
	err := e.exist(s)
	if err != nil {
		return s, err
	}
	if s.State, err = e.state(ctx, o); err == nil {
		err = e.knownHolds(s.State, o.At)
	}
	if err != nil {
		return s, err
	}
	if err := e.compare(ctx, &s); err != nil {
		return s, fmt.Errorf("observe %s: %w", stage.Name, err)
	}
	if len(s.Pending) == 0 || len(s.Foreign) > 0 {
		return s, nil
	}
	if err := e.lookAhead(ctx, &s, Head{first, o.Heads[first]}); err != nil {
		return s, fmt.Errorf("observe %s: %w", stage.Name, err)
	}
	return s, nil
}

// lookAhead reads what the first stage has and the upstream has not yet: it
// may revert what is about to go out.
func (e *Engine) lookAhead(ctx context.Context, s *Snapshot, first Head) (err error) {
	switch {
	case first.Branch == s.Upstream.Branch:
		return nil
	case first.SHA == "":
		return e.exist(Snapshot{Upstream: first})
	}
	s.Ahead, err = e.History.Between(ctx, s.Upstream.SHA, first.SHA)
	return err
}

// exist refuses to work without a branch. A ledger that is gone is not made
// anew on the way: it may have held somebody's word that nothing goes out.
func (e *Engine) exist(s Snapshot) error {
	if s.Upstream.SHA == "" {
		return &Problem{
			Kind: ErrNoBranch,
			What: fmt.Sprintf("%s has no branch %s, or nothing has been pushed to it yet", e.Plan.Repository.Slug(), s.Upstream.Branch),
			Ways: []string{"run `mage release:init`, which makes the branches of all stages but the first", "push a first commit to the first stage's branch, or correct the branch in the plan"},
		}
	}
	if s.Ledger.SHA == "" && s.Target.SHA == "" {
		return &Problem{
			Kind: ErrNoBranch,
			What: fmt.Sprintf("%s has no branch %s and no ledger %s", e.Plan.Repository.Slug(), s.Target.Branch, s.Ledger.Branch),
			Ways: []string{"run `mage release:init`, which sets the rollout up"},
		}
	}
	if s.Ledger.SHA == "" {
		return &Problem{
			Kind: ErrNoBranch,
			What: fmt.Sprintf("%s has no branch %s", e.Plan.Repository.Slug(), s.Ledger.Branch),
			Ways: []string{
				fmt.Sprintf("if it was there before, find out who deleted it, and put it back: the repository's activity says where it stood; git push origin <commit>:refs/heads/%s", Quote(s.Ledger.Branch)),
				"if the rollout was never set up here, run `mage release:init`, which begins a new ledger",
			},
		}
	}
	if s.Target.SHA == "" {
		return &Problem{
			Kind: ErrNoBranch,
			What: fmt.Sprintf("%s has no branch %s", e.Plan.Repository.Slug(), s.Target.Branch),
			Ways: []string{
				"run `mage release:init`, which puts it back where the ledger last saw it",
				"if it was there before, find out who deleted it",
			},
		}
	}
	return nil
}

// compare fills in what each head has that the other has not, and since when.
func (e *Engine) compare(ctx context.Context, s *Snapshot) error {
	if s.Upstream.SHA == s.Target.SHA {
		return nil
	}
	var err error
	if s.Pending, err = e.History.Between(ctx, s.Target.SHA, s.Upstream.SHA); err != nil {
		return err
	}
	if !contains(s.Pending, s.Target.SHA) {
		s.Foreign, err = e.History.Between(ctx, s.Upstream.SHA, s.Target.SHA)
		return err
	}
	if s.PushLog {
		s.Movements, err = e.Remote.Movements(ctx, s.Upstream.Branch, settled(s.Pending))
	}
	return err
}

// contains tells whether the history of pending commits leads to a commit:
// then one of them has it as a parent.
func contains(pending []Commit, sha SHA) bool {
	return slices.ContainsFunc(pending, func(c Commit) bool { return slices.Contains(c.Parents, sha) })
}

// set is for asking whether a commit is one of many.
func set(commits []Commit) map[SHA]bool {
	is := make(map[SHA]bool, len(commits))
	for _, c := range commits {
		is[c.SHA] = true
	}
	return is
}

// settled tells when the push log has been read far enough: at an ordinary
// push from something that is not pending to something that is, since what
// came before it held nothing that is pending now. It gives up after twice as
// many rows as there are commits, so that a long history of force-pushes
// cannot make every promotion read the whole log; an arrival that is not
// found then is recorded as of now.
func settled(pending []Commit) func(Movement) bool {
	is := set(pending)
	left := 2*len(pending) + 100
	return func(m Movement) bool {
		left--
		return left == 0 || (!m.Forced && is[m.After] && !is[m.Before])
	}
}

// Preview observes and decides, and changes nothing. Its errors are those of
// [Engine.Promote]: a stage that has diverged, or a token that could not do
// what was decided.
func (e *Engine) Preview(ctx context.Context, stage Stage) (Receipt, error) {
	s, o, err := e.observe(ctx, stage)
	if err != nil {
		return Receipt{}, err
	}
	d, _, err := e.decide(ctx, stage, &s)
	r := Receipt{Decision: d, Snapshot: s}
	if err != nil {
		return r, err
	}
	if r.Decision.Action == Diverged {
		return r, diverged(s)
	}
	return r, e.mayPromote(ctx, o, r.Decision)
}

// Promote observes, decides, and does what was decided. A head that moved in
// between makes it start again.
func (e *Engine) Promote(ctx context.Context, stage Stage) (Receipt, error) {
	return e.repeat(ctx, stage, e.observe, func(s Snapshot, o Observation) (Receipt, error) {
		d, _, err := e.decide(ctx, stage, &s)
		r := Receipt{Decision: d, Snapshot: s}
		switch {
		case err != nil:
			return r, err
		case d.Action == Diverged:
			return r, diverged(s)
		case d.Action == Promote:
			return e.carryOut(ctx, r, o, e.entry(EntryPromotion, r, o))
		case d.Record != nil:
			return e.recordArrival(ctx, r, o)
		case len(departed(s)) > 0:
			return e.carryOut(ctx, r, o, e.departure(r, o))
		default:
			return r, nil
		}
	})
}

// recordArrival writes down that a revision was seen, and decides again with
// that in mind: its soak has begun.
func (e *Engine) recordArrival(ctx context.Context, r Receipt, o Observation) (Receipt, error) {
	after := e.stateAfter(r)
	r, err := e.carryOut(ctx, r, o, e.entry(EntryArrival, r, o))
	if err != nil {
		return r, err
	}
	r.Snapshot.State = after
	r.Decision, _, err = e.decide(ctx, r.Decision.Stage, &r.Snapshot)
	return r, err
}

// departed are the revisions whose arrival the ledger has, and which are no
// longer pending although they were not promoted: a force-push took them
// away. Were their arrivals kept, they would come back as if they had soaked
// meanwhile.
func departed(s Snapshot) []SHA {
	pending := set(s.Pending)
	var gone []SHA
	for _, a := range s.State.Arrivals[s.Upstream.Branch] {
		if !pending[a.Revision] {
			gone = append(gone, a.Revision)
		}
	}
	return gone
}

// departure describes that the ledger forgets arrivals.
func (e *Engine) departure(r Receipt, o Observation) Entry {
	gone := departed(r.Snapshot)
	entry := e.sign(Entry{Kind: EntryDeparture, Stage: r.Decision.Stage.Name}, o)
	entry.Branch, entry.To = r.Snapshot.Upstream.Branch, gone[0]
	entry.Reason = fmt.Sprintf("%s no longer waits on %s, so its arrival is forgotten", gone[0].Short(), r.Snapshot.Upstream.Branch)
	if len(gone) > 1 {
		entry.Reason = fmt.Sprintf("%s and %d more no longer wait on %s, so their arrivals are forgotten", gone[0].Short(), len(gone)-1, r.Snapshot.Upstream.Branch)
	}
	return entry
}

// repeat runs one step until no head moved under it.
func (e *Engine) repeat(ctx context.Context, stage Stage, observe func(context.Context, Stage) (Snapshot, Observation, error), step func(Snapshot, Observation) (Receipt, error)) (Receipt, error) {
	var moved error
	for range attempts {
		var r Receipt
		s, o, err := observe(ctx, stage)
		if err == nil {
			r, err = step(s, o)
		}
		if !errors.Is(err, ErrMoved) {
			return r, err
		}
		moved = err
	}
	return Receipt{}, &Problem{
		Kind:  ErrMoved,
		What:  fmt.Sprintf("promote %s: gave up after %d attempts, in each of which something else moved first", stage.Name, attempts),
		Cause: moved,
		Ways:  []string{"look at `mage release:history` for who else is writing, and run it again"},
	}
}

// entry describes what a decision is about to do.
func (e *Engine) entry(kind EntryKind, r Receipt, o Observation) Entry {
	d := r.Decision
	entry := e.sign(Entry{Kind: kind, Stage: d.Stage.Name}, o)
	if kind == EntryArrival {
		entry.Branch, entry.To = r.Snapshot.Upstream.Branch, d.Record.Revision
		entry.Reason = fmt.Sprintf("nothing says when %s arrived, so its soak starts now", d.Record.Revision.Short())
		return entry
	}
	entry.Branch, entry.From, entry.To = r.Snapshot.Target.Branch, r.Snapshot.Target.SHA, d.Revision.SHA
	entry.Commits = len(d.GoesOut)
	entry.Reason = d.Because
	return entry
}

// sign adds to an entry who makes it, and when.
func (e *Engine) sign(entry Entry, o Observation) Entry {
	entry.At, entry.By, entry.Run = o.At.UTC().Truncate(time.Second), e.By, e.Run
	if entry.By == "" {
		entry.By = o.Viewer
	}
	return entry
}

// carryOut makes one transaction of a decision and its entry.
func (e *Engine) carryOut(ctx context.Context, r Receipt, o Observation, entry Entry) (Receipt, error) {
	if err := e.mayPromote(ctx, o, r.Decision); err != nil {
		return r, err
	}
	state := e.stateAfter(r)
	draft, err := e.Ledger.Draft(entry, state)
	if err != nil {
		return r, fmt.Errorf("write ledger entry: %w", err)
	}
	t := Transaction{Ledger: r.Snapshot.Ledger, Draft: draft}
	if r.Decision.Action == Promote {
		t.Branch, t.From, t.To = entry.Branch, entry.From, entry.To
	}
	if r.Commit, err = e.commit(ctx, t); err != nil {
		return r, fmt.Errorf("%s %s: %w", entry.Kind, r.Decision.Stage.Name, err)
	}
	r.Entry = &entry
	return r, nil
}

func (e *Engine) mayPromote(ctx context.Context, o Observation, d Decision) error {
	keeper, ok := e.Remote.(Gatekeeper)
	if !ok || d.Action != Promote {
		return nil
	}
	if err := keeper.MayMove(ctx, o, d.Revision.SHA); err != nil {
		return fmt.Errorf("promote %s to %s: %w", d.Stage.Name, d.Revision.SHA.Short(), err)
	}
	return nil
}

// stateAfter is the ledger's state once the decision is carried out: arrivals
// of revisions that are no longer pending are dropped, a new one is added,
// and what was promoted has now arrived on the stage's own branch, for the
// stage after it. Holds that ran out long ago, marks that nothing waits for any
// more and restorations of a stage that goes on are dropped, too.
func (e *Engine) stateAfter(r Receipt) State {
	s, d := r.Snapshot, r.Decision
	pending := set(s.Pending)
	for _, c := range d.GoesOut {
		delete(pending, c.SHA)
	}
	still := func(sha SHA) bool { return pending[sha] }
	state := s.State.lasting(s.At).Without(s.Upstream.Branch, still)
	if d.Record != nil && still(d.Record.Revision) {
		state = state.WithArrival(s.Upstream.Branch, Arrival{d.Record.Revision, s.notBefore(d.Record.At)}, still)
	}
	if d.Action == Promote {
		state = state.withoutRestorations(d.Stage.Name)
	}
	if d.Action == Promote && !e.feeds(d.Stage) {
		// What has passed the last stage waits for none.
		out := set(d.GoesOut)
		passed := func(m Mark) bool { return out[m.Commit] }
		state.Taints = slices.DeleteFunc(slices.Clone(state.Taints), passed)
		out[s.Target.SHA], out[s.Reported] = true, true
		if last, fails := failingHead(s, d); fails {
			delete(out, last)
		}
		state.Cleared = slices.DeleteFunc(slices.Clone(state.Cleared), passed)
	}
	if d.Action == Promote && !s.PushLog && e.feeds(d.Stage) {
		arrival := Arrival{d.Revision.SHA, s.notBefore(s.At)}
		state = state.WithArrival(s.Target.Branch, arrival, func(SHA) bool { return true })
	}
	return state
}

// failingHead is the one of the stage's heads, once the decision is carried out,
// that was last reported of, and whether a context failed on it: that still
// counts for what comes after it.
func failingHead(s Snapshot, d Decision) (last SHA, fails bool) {
	last = cmp.Or(s.Reported, s.Target.SHA)
	if d.Stage.Health.reported(s.Evidence[d.Revision.SHA]) {
		last = d.Revision.SHA
	}
	return last, !d.Stage.Health.failed(s.Evidence[last]).IsZero()
}

// notBefore is the time as which an arrival is recorded that is seen at a moment.
// Time does not go back: where the newest entry is later, one of two clocks is
// wrong. Nobody can tell which, and the later one is the safe side.
func (s Snapshot) notBefore(t time.Time) time.Time { return roundUp(later(t, s.Entered)) }

// roundUp is the first whole second that is not before a moment: an arrival
// must not be recorded as earlier than it was.
func roundUp(t time.Time) time.Time {
	return t.UTC().Add(time.Second - 1).Truncate(time.Second)
}

// feeds tells whether another stage takes its revisions from this one.
func (e *Engine) feeds(stage Stage) bool {
	return stage.Name != e.Plan.Stages[len(e.Plan.Stages)-1].Name
}

// diverged is the error of a stage that has commits its upstream has not.
func diverged(s Snapshot) error {
	what := fmt.Sprintf("%s has %s that %s has not, so it cannot be fast-forwarded:",
		s.Target.Branch, countCommits(len(s.Foreign)), s.Upstream.Branch)
	return &Problem{Kind: ErrDiverged, What: what + listCommits(s.Foreign), Ways: waysBack(s)}
}

// waysBack are the ways out of a divergence.
func waysBack(s Snapshot) []string {
	return []string{
		fmt.Sprintf("bring them to %s by a pull request or a merge, if they are wanted: then %s can be fast-forwarded again", s.Upstream.Branch, s.Target.Branch),
		fmt.Sprintf("if they are not, have a pull request make them part of %s without changing its files, which needs no force: mage release:repair", s.first()),
		fmt.Sprintf("or take them off %s, by force and with a record: mage release:repair -how=reset -reason=<reason>", s.Target.Branch),
		fmt.Sprintf("if %s was force-pushed, push what it had before: `git reflog`, or the repository's activity page", s.Upstream.Branch),
	}
}

// listed is how many commits an error names before it only counts the rest.
const listed = 20

func listCommits(commits []Commit) string {
	var text string
	for i, c := range commits {
		if i == listed {
			return text + fmt.Sprintf("\n  … and %d more", len(commits)-listed)
		}
		text += fmt.Sprintf("\n  %s %s (%s)", c.SHA.Short(), Printable(c.Subject(), 72), Printable(c.Author, 40))
	}
	return text
}
