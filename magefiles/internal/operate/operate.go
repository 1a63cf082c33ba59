// Package operate is what an operator sees: each command observes or acts
// through the library, and prints what came of it.
//
// # Model
//
// An [Operator] has the library's parts, wired for one repository, and a
// place to read from and to write to. The targets call it, and so does the
// demo: what the demo shows is what the targets do.
//
// # Invariants
//
// Every argument is checked before anything is changed. Everything that is
// printed comes from rollout/report.
//
// # Concurrency
//
// One command at a time.
//
// # Not handled
//
// Exit codes; they are package wire's.
package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Clusters are the live ones, to look at and to steer.
type Clusters interface {
	rollout.Clusters
	rollout.SteeredClusters
}

// An Operator runs commands.
type Operator struct {
	// Root is the checkout's root directory, and File the plan in it.
	Root string
	File *planfile.File
	// Engine is nil for commands that need only the checkout.
	Engine *rollout.Engine
	// Mender mends what the engine works on.
	Mender   *rollout.Mender
	Settings rollout.Settings
	// Workflows is nil where there is nobody to dispatch to: on a plain Git
	// remote.
	Workflows rollout.Workflows
	// Ticks is nil where nothing runs workflows: on a plain Git remote.
	Ticks rollout.Ticks
	// Examiner is nil where there is no forge to ask. Push tells whether what pushes
	// from here may, and Pushing what that is. PlanTrouble is what is wrong with the
	// plan, for [Operator.Doctor] alone: then there is neither File nor Engine.
	Examiner    rollout.Examiner
	Push        func(context.Context) error
	Pushing     rollout.Credential
	PlanTrouble error
	// PlanOptions are those that the plan was read with.
	PlanOptions planfile.Options
	// NewRequest makes the unique name of a dispatched override.
	NewRequest func() string
	// OpenRepository opens a repository on this machine by its path.
	OpenRepository func(path string) (Repository, error)
	// OpenTrees opens the repository whose root is a directory, for what is
	// committed there.
	OpenTrees func(ctx context.Context, root string) (Trees, error)

	// OpenClusters prepares to speak to the live clusters of a plan.
	OpenClusters func(plan rollout.Plan) (Clusters, error)

	Out io.Writer
	// Page is what is printed on, and Zone where whoever reads it is. Default is a
	// log, and UTC.
	Page report.Page
	Zone *time.Location
	// Screen is nil where what is printed is not seen at once, or nobody is there.
	Screen *Screen
	// In answers questions. It is nil where nobody is there to answer.
	In io.Reader
	// Summary, where it is not nil, gets what is printed as Markdown.
	Summary io.Writer
	// Promoted, where it is not nil, is told what went out, once it has.
	Promoted func([]Promotion)
}

// ErrNotYet says that there is something to promote, and that it may not go out
// yet: time alone lets it out, or somebody has to.
var ErrNotYet = errors.New("not yet")

// ErrFindings says that a verification found something.
var ErrFindings = errors.New("the verification found something")

// ErrAlarm says that the watchdog saw something that somebody has to look at.
var ErrAlarm = errors.New("the watchdog sees something wrong")

// show prints a document, for people and for the job's summary.
func (o *Operator) show(d report.Document) error {
	if err := d.Draw(o.Out, o.Page); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if o.Summary == nil {
		return nil
	}
	if err := d.WriteMarkdown(o.Summary); err != nil {
		return fmt.Errorf("write the job's summary: %w", err)
	}
	return nil
}

// prefix is what a flag names a commit by, and empty where it is not given.
func prefix(flag string) (rollout.Prefix, error) {
	if flag == "" {
		return "", nil
	}
	return rollout.ParsePrefix(flag)
}

// stages are those that an argument names: one, or all that something can be
// promoted into.
func (o *Operator) stages(name string) ([]rollout.Stage, error) {
	if name == "" {
		return o.Engine.Plan.Downstream(), nil
	}
	stage, err := o.Engine.Plan.Stage(name)
	if err != nil {
		return nil, err
	}
	if _, ok := o.Engine.Plan.Upstream(name); !ok {
		return nil, &rollout.Problem{
			Kind: rollout.ErrUsage,
			What: fmt.Sprintf("stage %s is the first: it takes every change at once, and nothing is promoted into it", name),
		}
	}
	return []rollout.Stage{stage}, nil
}

// Init are the arguments of `release:init`.
type Init struct {
	DryRun, Strict bool
	App            int
}

// Init sets a repository up.
func (o *Operator) Init(ctx context.Context, args Init) error {
	if args.App < 0 {
		return &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf("-app=%d is not the ID of a GitHub App", args.App)}
	}
	request := rollout.InitRequest{Strict: args.Strict || args.App > 0, App: int64(args.App)}
	changes, err := o.Engine.Survey(ctx, o.Settings, request)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	var steps []rollout.Step
	collect := func(s rollout.Step) { steps = append(steps, s) }
	if args.DryRun {
		rollout.Outline(changes, collect)
	} else {
		err = rollout.Apply(ctx, changes, collect)
	}
	return errors.Join(o.show(report.Setup(steps)), err)
}

// Promote are the arguments of `release:promote`.
type Promote struct {
	Stage  string
	DryRun bool
	// Wait waits until the clusters have applied what was promoted.
	Wait bool
}

// Promote promotes what may go out. The error is ErrNotYet where something is
// pending and nothing could be promoted: it soaks, is held, or is not good.
func (o *Operator) Promote(ctx context.Context, args Promote) error {
	stages, err := o.stages(args.Stage)
	if err != nil {
		return err
	}
	var failures []error
	var waiting []string
	var moved []Promotion
	for _, stage := range stages {
		r, err := o.promote(ctx, stage, args)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		switch r.Decision.Action {
		case rollout.Promote:
			moved = append(moved, promotion(r))
		case rollout.Wait, rollout.Blocked:
			waiting = append(waiting, notYet(r))
		}
	}
	if !args.DryRun {
		o.tell(moved)
	}
	if args.Wait && !args.DryRun {
		failures = append(failures, o.await(ctx, moved)...)
	}
	switch {
	case len(failures) > 0:
		return errors.Join(failures...)
	case len(waiting) > 0 && len(moved) == 0:
		return fmt.Errorf("%w: %s", ErrNotYet, strings.Join(waiting, "; "))
	}
	return nil
}

// A Promotion is how the branch of a stage moved.
type Promotion struct {
	Stage    string
	From, To rollout.SHA
}

func promotion(r rollout.Receipt) Promotion {
	return Promotion{Stage: r.Decision.Stage.Name, From: r.Snapshot.Target.SHA, To: r.Decision.Revision.SHA}
}

func (o *Operator) tell(moved []Promotion) {
	if len(moved) > 0 && o.Promoted != nil {
		o.Promoted(moved)
	}
}

func (o *Operator) promote(ctx context.Context, stage rollout.Stage, args Promote) (rollout.Receipt, error) {
	if args.DryRun {
		r, err := o.Engine.Preview(ctx, stage)
		if err != nil {
			return r, err
		}
		return r, o.show(report.Preview(r))
	}
	r, err := o.Engine.Promote(ctx, stage)
	if err != nil {
		return r, err
	}
	return r, o.show(report.Promotion(r))
}

// notYet is what keeps a stage where it is, and when to come back, in a few
// words.
func notYet(r rollout.Receipt) string {
	d := r.Decision
	v, ok := report.Next(d)
	if !ok {
		return fmt.Sprintf("%s: %s", d.Stage.Name, blocked(d))
	}
	next := fmt.Sprintf("takes %s at %s, in %s", v.Revision.SHA.Short(),
		rollout.FormatTime(v.RetryAt), rollout.FormatDuration(v.RetryAt.Sub(r.Snapshot.At)))
	if len(d.Blocks) == 0 {
		return d.Stage.Name + " " + next
	}
	return fmt.Sprintf("%s: %s; it %s", d.Stage.Name, blocked(d), next)
}

// blocksShown is how many holds and windows an error names.
const blocksShown = 5

// blocked is what keeps the stage as a whole where it stands, and whose it is,
// in a few words: what was printed has the sentences. Where nothing does, it is
// why nothing goes out.
func blocked(d rollout.Decision) string {
	if len(d.Blocks) == 0 {
		return d.Reason
	}
	var words []string
	for _, b := range d.Blocks[:min(blocksShown, len(d.Blocks))] {
		text := string(b.Outcome)
		if b.By != "" {
			text += " by " + rollout.Printable(b.By, 60)
		}
		if !b.Until.IsZero() {
			text += " until " + rollout.FormatTime(b.Until)
		}
		words = append(words, text)
	}
	if more := len(d.Blocks) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// Status are the arguments of `release:status`.
type Status struct {
	JSON bool
}

// recordsShown is how many ledger entries a status ends with.
const recordsShown = 5

// glancePatience is how long a status waits for a cluster: whoever looks at it in a
// hurry looks at the rest meanwhile.
const glancePatience = 5 * time.Second

// Status shows where every stage stands.
func (o *Operator) Status(ctx context.Context, args Status) error {
	s, err := o.Engine.Status(ctx, rollout.StatusQuery{Records: recordsShown, Glance: o.glance(), Patience: glancePatience})
	if s.At.IsZero() {
		return err
	}
	if args.JSON {
		return errors.Join(report.WriteStatusJSON(o.Out, s), err)
	}
	return errors.Join(o.show(report.Status(s, recordsShown, o.Zone)), err)
}

// glance asks clusters, if there is anything to ask them by. What is wrong with a
// kubeconfig hides nothing of the rest; verify:clusters says it.
func (o *Operator) glance() func(context.Context, string) (rollout.LiveCluster, error) {
	if o.OpenClusters == nil {
		return nil
	}
	clusters, err := o.OpenClusters(o.Engine.Plan)
	if err != nil {
		return nil
	}
	return clusters.Glance
}

// History are the arguments of `release:history`.
type History struct {
	JSON  bool
	Limit int
}

// History shows the audit trail.
func (o *Operator) History(ctx context.Context, args History) error {
	if args.Limit < 0 {
		return &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf("-limit=%d is not a number of entries", args.Limit)}
	}
	records, err := o.Engine.Trail(ctx, args.Limit)
	if err != nil {
		return err
	}
	if args.JSON {
		return report.WriteHistoryJSON(o.Out, records)
	}
	return o.show(report.History(records))
}
