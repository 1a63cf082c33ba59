package operate

import (
	"bufio"
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// Repair are the arguments of `release:repair`.
type Repair struct {
	// How is absorb, which is the default, or reset.
	How           string
	Stage, Reason string
	// To and Yes are for a reset: the commit to go to, and the branch's name as
	// whoever knows what they do types it.
	To, Yes string
	DryRun  bool
}

// Repair brings a diverged stage on its way again.
func (o *Operator) Repair(ctx context.Context, args Repair) error {
	stage, err := o.oneStage(args.Stage)
	if err != nil {
		return err
	}
	switch args.How {
	case "", "absorb":
		return o.absorb(ctx, stage, args)
	case "reset":
		return o.reset(ctx, stage, args)
	default:
		return &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("-how=%s is no way to repair", rollout.Printable(args.How, 40)),
			Ways: []string{"-how=absorb, which is the default, needs no force", "-how=reset takes commits off the branch"},
		}
	}
}

func (o *Operator) absorb(ctx context.Context, stage rollout.Stage, args Repair) error {
	if args.To != "" || args.Yes != "" {
		return &rollout.Problem{
			Kind: rollout.ErrUsage, What: "-to and -yes are for -how=reset, so nothing was done",
			Ways: []string{"leave them out: what is absorbed moves no stage's branch"},
		}
	}
	a, err := o.Mender.Absorb(ctx, stage, rollout.AbsorbRequest{Reason: args.Reason, DryRun: args.DryRun})
	if err != nil {
		return fmt.Errorf("repair %s: %w", stage.Name, err)
	}
	return o.show(report.Absorb(a))
}

// reset shows first what would be lost, and does nothing before somebody has
// typed the branch's name.
func (o *Operator) reset(ctx context.Context, stage rollout.Stage, args Repair) error {
	to, err := prefix(args.To)
	if err != nil {
		return err
	}
	if err := o.mayConfirm(stage, args); err != nil {
		return err
	}
	plan, err := o.Mender.PlanReset(ctx, stage, rollout.ResetRequest{Reason: args.Reason, To: to})
	if err != nil {
		return fmt.Errorf("repair %s: %w", stage.Name, err)
	}
	if args.DryRun {
		return o.show(report.ResetPreview(plan))
	}
	if err := report.ResetPreview(plan).Draw(o.Out, o.Page); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if err := o.typed(ctx, stage, args); err != nil {
		return err
	}
	r, err := o.Mender.Reset(ctx, plan)
	if err != nil {
		return err
	}
	return o.show(report.Reset(r))
}

// mayConfirm refuses a reset that nobody is there to confirm, and one that was
// confirmed for another branch.
func (o *Operator) mayConfirm(stage rollout.Stage, args Repair) error {
	switch {
	case args.DryRun, args.Yes == stage.Branch, args.Yes == "" && o.In != nil:
		return nil
	case args.Yes != "":
		return &rollout.Problem{
			Kind: rollout.ErrUsage,
			What: fmt.Sprintf("-yes=%s is not the branch of %s, so nothing was done", rollout.Printable(args.Yes, 80), stage.Name),
			Ways: []string{"a reset is confirmed by the name of the branch that it moves: -yes=" + rollout.Quote(stage.Branch)},
		}
	}
	return &rollout.Problem{
		Kind: rollout.ErrUsage, What: "a reset asks for the name of the branch that it moves, and nobody is there to type it, so nothing was done",
		Ways: []string{"see what would be lost: the same command with -dryRun", "then give the name: -yes=" + rollout.Quote(stage.Branch)},
	}
}

// typed asks for the branch's name, unless it was given.
func (o *Operator) typed(ctx context.Context, stage rollout.Stage, args Repair) error {
	if args.Yes != "" {
		return nil
	}
	answer, err := o.ask(ctx, bufio.NewReader(o.In), fmt.Sprintf("Type the branch's name, %s, to move it by force: ", stage.Branch))
	if err != nil {
		return err
	}
	if answer != stage.Branch {
		return &rollout.Problem{Kind: rollout.ErrRefused, What: "that is not its name, so nothing was changed"}
	}
	return nil
}
