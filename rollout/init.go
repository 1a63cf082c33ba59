package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EnvironmentName is the deployment environment in which a push waits.
const EnvironmentName = "staged-rollout"

// EnvironmentWait is how long a push waits there. The timer is a trigger and
// no proof of a soak; a day is what a soak of 24 hours wants.
const EnvironmentWait = 1440 * time.Minute

// ProtectionName is the ruleset that keeps the branches from being deleted or
// rewound.
const ProtectionName = "staged rollout"

// A Step is one line of what `release:init` has to say.
type Step struct {
	// What it is about, how it was Found, and what was Done or would be.
	What, Found, Done string
}

// InitRequest says how to set a repository up.
type InitRequest struct {
	// Strict also keeps everybody but a deploy key, or the GitHub App with
	// the ID App, from updating the protected branches.
	Strict bool
	App    int64
}

// Survey finds out what there is to do before a rollout can begin. It changes
// nothing.
func (e *Engine) Survey(ctx context.Context, settings Settings, request InitRequest) ([]Change, error) {
	branches := make([]string, len(e.Plan.Stages))
	for i, stage := range e.Plan.Stages {
		branches[i] = stage.Branch
	}
	defer Begin(ctx, Effort{What: "surveying " + e.Plan.Repository.Slug()}).End()
	o, err := e.Remote.Observe(ctx, Query{Branches: branches, Ledger: e.Plan.Ledger})
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	if first := branches[0]; o.Heads[first] == "" {
		return nil, e.exist(Snapshot{Upstream: Head{Branch: first}})
	}
	changes, err := e.surveyLedger(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, stage := range e.Plan.Downstream() {
		change, err := e.surveyBranch(ctx, o, stage)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	set, err := e.surveySettings(ctx, settings, request)
	return append(changes, set...), err
}

// surveyLedger sees to the ledger. It comes first: what is created after it
// is an entry of it.
func (e *Engine) surveyLedger(ctx context.Context, o Observation) ([]Change, error) {
	c := Change{What: "ledger " + e.Plan.Ledger, Required: true}
	if o.Ledger != "" {
		c.Found = "at " + o.Ledger.Short()
		_, err := e.state(ctx, o)
		return []Change{c}, err
	}
	c.Found = "missing"
	c.Intent = "create it"
	c.Apply = func(ctx context.Context) error {
		return e.initEntry(ctx, Entry{Kind: EntryInit, Reason: "the ledger begins"})
	}
	return []Change{c}, nil
}

// surveyBranch sees to the branch of one stage.
func (e *Engine) surveyBranch(ctx context.Context, o Observation, stage Stage) (Change, error) {
	upstream, _ := e.Plan.Upstream(stage.Name)
	head, from := o.Heads[stage.Branch], o.Heads[upstream.Branch]
	if head == "" {
		return e.surveyMissing(ctx, o, stage, upstream)
	}
	c := Change{What: "branch " + stage.Branch, Found: "at " + head.Short(), Required: true}
	foreign, err := e.History.Between(ctx, from, head)
	if err != nil {
		return c, fmt.Errorf("compare %s with %s: %w", stage.Branch, upstream.Branch, err)
	}
	if len(foreign) > 0 {
		return c, diverged(Snapshot{Upstream: Head{upstream.Branch, from}, Target: Head{stage.Branch, head}, Foreign: foreign})
	}
	return c, nil
}

// surveyMissing sees to a branch that is not there. It begins at its
// upstream's head, so that the first thing that soaks is the next push; or it
// is put back where the ledger last saw it.
func (e *Engine) surveyMissing(ctx context.Context, o Observation, stage, upstream Stage) (Change, error) {
	from := o.Heads[upstream.Branch]
	c := Change{What: "branch " + stage.Branch, Found: "missing", Required: true}
	c.Intent = fmt.Sprintf("create it at %s, the head of %s", from.Short(), upstream.Branch)
	reason := fmt.Sprintf("%s begins at %s", stage.Branch, from.Short())
	last, err := e.lastSeen(ctx, o, stage)
	if err != nil {
		return c, err
	}
	if last != "" {
		if err := e.stillUpstream(ctx, stage, upstream, from, last); err != nil {
			return c, err
		}
		from = last
		c.Found = "missing, and was there before"
		c.Intent = fmt.Sprintf("put it back at %s, where the ledger last saw it", last.Short())
		reason = fmt.Sprintf("%s is put back at %s, where the ledger last saw it", stage.Branch, last.Short())
	}
	// The stage after this one begins where this one is about to.
	o.Heads[stage.Branch] = from
	c.Apply = func(ctx context.Context) error {
		return e.initEntry(ctx, Entry{Kind: EntryInit, Stage: stage.Name, Branch: stage.Branch, To: from, Reason: reason})
	}
	return c, nil
}

// lastSeen is where the ledger last saw a stage's branch. It is empty where
// the ledger has never seen it. A branch that was deleted is put back there:
// begun anew at the upstream's head it would take out what has not soaked. The
// stage may have had another name then.
func (e *Engine) lastSeen(ctx context.Context, o Observation, stage Stage) (SHA, error) {
	records, err := e.Records(ctx, o.Ledger, 0)
	if err != nil {
		return "", err
	}
	for _, r := range records {
		if r.Branch == stage.Branch && r.To != "" && r.Kind.moves() {
			return r.To, nil
		}
	}
	return "", nil
}

// moves tells whether an entry says where a branch came to stand. An arrival
// says what else stands on it, waiting.
func (k EntryKind) moves() bool {
	return k == EntryInit || k == EntryPromotion || k == EntryOverride
}

// stillUpstream refuses to put a branch back at a commit that its upstream no
// longer has.
func (e *Engine) stillUpstream(ctx context.Context, stage, upstream Stage, head, last SHA) error {
	foreign, err := e.History.Between(ctx, head, last)
	if err == nil && len(foreign) == 0 {
		return nil
	}
	return &Problem{
		Kind:  ErrDiverged,
		What:  fmt.Sprintf("%s is missing; the ledger last saw it at %s, which %s has not", stage.Branch, last.Short(), upstream.Branch),
		Cause: err,
		Ways: []string{
			fmt.Sprintf("if %s was force-pushed, push what it had before", upstream.Branch),
			fmt.Sprintf("or decide which commit of %s the stage shall have, and push that: git push origin <commit>:refs/heads/%s", upstream.Branch, Quote(stage.Branch)),
		},
	}
}

func (e *Engine) surveySettings(ctx context.Context, settings Settings, request InitRequest) ([]Change, error) {
	environment, err := surveyEnvironment(ctx, settings)
	if err != nil {
		return nil, err
	}
	protection, err := e.surveyProtection(ctx, settings, request)
	if err != nil {
		return nil, err
	}
	return []Change{environment, protection}, nil
}

// surveyEnvironment sees to the environment in which a push waits.
func surveyEnvironment(ctx context.Context, settings Settings) (Change, error) {
	change, err := settings.Environment(ctx, Environment{Name: EnvironmentName, Wait: EnvironmentWait})
	if err != nil {
		return change, fmt.Errorf("look at environment %s: %w", EnvironmentName, err)
	}
	return change, nil
}

// surveyProtection sees to the rules for the branches that only promotions move.
func (e *Engine) surveyProtection(ctx context.Context, settings Settings, request InitRequest) (Change, error) {
	protected := []string{e.Plan.Ledger}
	for _, stage := range e.Plan.Downstream() {
		protected = append(protected, stage.Branch)
	}
	change, err := settings.Protection(ctx, Protection{
		Name: ProtectionName, Branches: protected, Strict: request.Strict, App: request.App,
	})
	if err != nil {
		return change, fmt.Errorf("look at ruleset %q: %w", ProtectionName, err)
	}
	return change, nil
}

// initEntry writes an entry of `release:init`, and with it the branch that it
// speaks of.
func (e *Engine) initEntry(ctx context.Context, entry Entry) error {
	var err error
	for range attempts {
		if err = e.tryInitEntry(ctx, entry); !errors.Is(err, ErrMoved) {
			return err
		}
	}
	return err
}

func (e *Engine) tryInitEntry(ctx context.Context, entry Entry) error {
	q := Query{Ledger: e.Plan.Ledger}
	if entry.Branch != "" {
		q.Branches = []string{entry.Branch}
	}
	o, err := e.Remote.Observe(ctx, q)
	if err != nil {
		return err
	}
	made := o.Ledger
	if entry.Branch != "" {
		made = o.Heads[entry.Branch]
	}
	if made != "" {
		return nil // somebody else was quicker
	}
	var state State
	if o.Ledger != "" {
		if state, err = e.state(ctx, o); err != nil {
			return err
		}
	}
	draft, err := e.Ledger.Draft(e.sign(entry, o), state)
	if err != nil {
		return err
	}
	_, err = e.commit(ctx, Transaction{
		Branch: entry.Branch, To: entry.To,
		Ledger: Head{e.Plan.Ledger, o.Ledger}, Draft: draft,
	})
	return err
}

// Apply carries out what a survey found to do, and reports each step as it is
// done. What the account or the token does not allow is no failure, unless
// the rollout is impossible without it.
func Apply(ctx context.Context, changes []Change, report func(Step)) error {
	phase := Begin(ctx, Effort{What: "setting up", Parts: "steps", Total: len(changes)})
	defer phase.End()
	for _, c := range changes {
		step := c.Step("nothing to do")
		if c.Apply != nil {
			err := c.Apply(ctx)
			switch {
			case err == nil:
				step.Done = "done: " + c.Intent
			case c.Required || !(errors.Is(err, ErrNotPermitted) || errors.Is(err, ErrRefused)):
				return fmt.Errorf("%s: %w", c.What, err)
			default:
				step.Done = fmt.Sprintf("not possible (%s); instead: %s", err, c.Instead)
			}
		}
		report(step)
		phase.Add(1)
	}
	return nil
}

// Outline reports what a survey found to do, and does nothing.
func Outline(changes []Change, report func(Step)) {
	for _, c := range changes {
		step := c.Step("nothing to do")
		if c.Apply != nil {
			step.Done = "would: " + c.Intent
		}
		report(step)
	}
}

// Step is the change as a line of the report.
func (c Change) Step(done string) Step {
	if c.Apply == nil && c.Instead != "" {
		done = "not possible; instead: " + c.Instead
	}
	return Step{What: c.What, Found: c.Found, Done: done}
}
