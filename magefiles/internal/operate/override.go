package operate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Override are the arguments of `release:override`.
type Override struct {
	Reason, Stage, Revision string
	// Direct moves the branch from here; Yes asks nothing; ThroughHold goes
	// through holds.
	Direct, Yes, ThroughHold bool
	// Wait waits until the clusters have applied it.
	Wait bool
}

// Override promotes what the policy would keep in. It shows first what would go
// out, and asks where somebody is there to answer.
func (o *Operator) Override(ctx context.Context, args Override) error {
	stage, wanted, err := o.overrideTarget(args)
	if err != nil {
		return err
	}
	request := rollout.OverrideRequest{Revision: wanted, ThroughHold: args.ThroughHold}
	r, err := o.Engine.PreviewOverride(ctx, stage, request)
	if err != nil {
		return fmt.Errorf("override %s: %w", stage.Name, err)
	}
	if err := report.OverridePreview(r).Draw(o.Out, o.Page); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if r.Decision.Action == rollout.Nothing {
		return nil
	}
	if request.Reason, err = o.consent(ctx, args); err != nil {
		return err
	}
	// What was shown goes out, and nothing that came since.
	request.Revision = rollout.Prefix(r.Decision.Revision.SHA)
	carryOut := o.overrideThere
	if args.Direct || o.Workflows == nil {
		carryOut = o.overrideHere
	}
	if err := carryOut(ctx, stage, request); err != nil || !args.Wait {
		return err
	}
	return errors.Join(o.await(ctx, []Promotion{promotion(r)})...)
}

// overrideTarget checks the arguments before anything is asked or done.
func (o *Operator) overrideTarget(args Override) (rollout.Stage, rollout.Prefix, error) {
	stage, err := o.oneStage(args.Stage)
	if err != nil {
		return stage, "", err
	}
	wanted, err := prefix(args.Revision)
	if err != nil {
		return stage, "", err
	}
	return stage, wanted, o.reasonGiven(args)
}

// oneStage is the stage of that name, and without a name the only one that
// something is promoted into.
func (o *Operator) oneStage(name string) (rollout.Stage, error) {
	stages, err := o.stages(name)
	if err != nil {
		return rollout.Stage{}, err
	}
	if len(stages) == 1 {
		return stages[0], nil
	}
	var names []string
	for _, s := range stages {
		names = append(names, s.Name)
	}
	return rollout.Stage{}, &rollout.Problem{
		Kind: rollout.ErrUsage,
		What: "the plan has several stages to promote into: " + strings.Join(names, ", "),
		Ways: []string{"name one: -stage=" + names[0]},
	}
}

// reasonGiven refuses an override that lacks the reason which the plan asks
// for, where nobody is there to be asked for it.
func (o *Operator) reasonGiven(args Override) error {
	if o.In != nil && args.Reason == "" {
		return nil
	}
	_, err := o.Engine.Reason(args.Reason)
	return err
}

// consent asks for the reason and for a yes, where somebody is there to
// answer.
func (o *Operator) consent(ctx context.Context, args Override) (string, error) {
	if o.In == nil || args.Yes {
		return o.Engine.Reason(args.Reason)
	}
	answers := bufio.NewReader(o.In)
	given := args.Reason
	if given == "" {
		answer, err := o.ask(ctx, answers, o.reasonQuestion())
		if err != nil {
			return "", err
		}
		given = answer
	}
	reason, err := o.Engine.Reason(given)
	if err != nil {
		return "", err
	}
	answer, err := o.ask(ctx, answers, "Send this out now? [y/N] ")
	if err != nil {
		return "", err
	}
	if yes := strings.ToLower(answer); yes != "y" && yes != "yes" {
		return "", &rollout.Problem{Kind: rollout.ErrRefused, What: "not confirmed, so nothing was changed"}
	}
	return reason, nil
}

func (o *Operator) reasonQuestion() string {
	if o.Engine.Plan.Override.ReasonRequired {
		return "Reason (required; it is recorded): "
	}
	return "Reason (it is recorded; empty for none): "
}

// ask puts a question and waits for a line, or for an interrupt. The reading
// goes on after an interrupt, since nothing can end it but a line; the process
// is about to end.
func (o *Operator) ask(ctx context.Context, answers *bufio.Reader, question string) (string, error) {
	fmt.Fprint(o.Out, question) //nolint:errcheck // the answer tells
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := answers.ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", &rollout.Problem{Kind: rollout.ErrRefused, What: "interrupted, so nothing was changed"}
	case answer := <-read:
		if answer.err != nil {
			return "", &rollout.Problem{Kind: rollout.ErrRefused, What: "nobody answered, so nothing was changed"}
		}
		return strings.TrimSpace(answer.text), nil
	}
}

func (o *Operator) overrideHere(ctx context.Context, stage rollout.Stage, request rollout.OverrideRequest) error {
	r, err := o.Engine.Override(ctx, stage, request)
	if err != nil {
		return err
	}
	if r.Decision.Action == rollout.Promote {
		o.tell([]Promotion{promotion(r)})
	}
	return o.show(report.Override(r))
}

func (o *Operator) overrideThere(ctx context.Context, stage rollout.Stage, request rollout.OverrideRequest) error {
	d := rollout.Dispatcher{Engine: o.Engine, Workflows: o.Workflows, Request: o.NewRequest(), Progress: o.progress}
	if request.Reason == rollout.NoReason {
		request.Reason = ""
	}
	if _, err := d.Override(ctx, stage, request); err != nil {
		return fmt.Errorf("override %s: %w", stage.Name, err)
	}
	fmt.Fprintf(o.Out, "%s: %s has %s\n", stage.Name, stage.Branch, rollout.SHA(request.Revision).Short()) //nolint:errcheck // it is done
	return nil
}

// progress prints what a run has come to.
func (o *Operator) progress(run rollout.Run) {
	fmt.Fprintln(o.Out, report.Going(run)) //nolint:errcheck // progress only
}
