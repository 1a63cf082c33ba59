package demo

import (
	"context"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// tell plays the scenes in order.
func (d *demo) tell(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{
		d.setUp, d.soak, d.latePush, d.knownBad, d.unexercised, d.hold, d.override, d.divergence, d.trail, d.board,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) setUp(ctx context.Context) error {
	d.say("A repository with a plan: infra follows main, apps follows release, 24 hours later.")
	return d.run("mage release:init", func() error { return d.operator.Init(ctx, operate.Init{}) }, nil)
}

func (d *demo) soak(ctx context.Context) error {
	d.say("A change is merged. infra gets it at once.")
	if err := d.push("Ben", "Upgrade the ingress controller"); err != nil {
		return err
	}
	d.say("apps does not: it waits, and says until when.")
	if err := d.promote(ctx, operate.ErrNotYet); err != nil {
		return err
	}
	if err := d.run("mage release:status", func() error { return d.operator.Status(ctx, operate.Status{}) }, nil); err != nil {
		return err
	}
	d.pass(24 * time.Hour)
	return d.promote(ctx, nil)
}

func (d *demo) latePush(ctx context.Context) error {
	d.say("Another change; and 23 hours later one more. The late one must not ride along.")
	if err := d.push("Cleo", "Raise the database's memory limit"); err != nil {
		return err
	}
	d.pass(23 * time.Hour)
	if err := d.push("Ben", "Try a new scheduler"); err != nil {
		return err
	}
	d.pass(time.Hour)
	return d.promote(ctx, nil)
}

func (d *demo) knownBad(ctx context.Context) error {
	// The scheduler of the scene before goes out first.
	d.pass(24 * time.Hour)
	if err := d.promote(ctx, nil); err != nil {
		return err
	}
	d.say("A change breaks infra, and is reverted two hours later.")
	const subject = "Switch the DNS provider"
	file := file(everywhere, subject)
	bad, err := d.commit(rollouttest.Change{Message: subject, Author: "Cleo", Files: adds(everywhere, subject)})
	if err != nil {
		return err
	}
	d.clock.Advance(2 * time.Hour)
	if err := d.revert("Cleo", subject, bad, file); err != nil {
		return err
	}
	d.say("The bad commit never goes out alone, however old it gets. Why?")
	if err := d.run("mage release:explain -sha="+bad.Short(), func() error {
		return d.operator.Explain(ctx, operate.Explain{Revision: string(bad)})
	}, nil); err != nil {
		return err
	}
	d.say("Together with its revert it is no change, so nobody has to wait for a second soak.")
	return d.promote(ctx, nil)
}

func (d *demo) unexercised(ctx context.Context) error {
	d.say("A change that apps alone renders. infra has nothing to try it with: it soaks for nothing.")
	const subject = "Raise the shop's limits"
	if _, err := d.commit(rollouttest.Change{Message: subject, Author: "Ben", Files: adds(appsAlone, subject)}); err != nil {
		return err
	}
	if err := d.run("mage release:explain", func() error { return d.operator.Explain(ctx, operate.Explain{}) }, nil); err != nil {
		return err
	}
	d.pass(24 * time.Hour)
	d.say("The plan asks to be warned of such changes (exposure: warn); with exposure: require this one would stay in.")
	return d.promote(ctx, nil)
}

func (d *demo) hold(ctx context.Context) error {
	d.say("A change soaks. Before its time comes, something about apps looks wrong: somebody presses the stop button.")
	if err := d.push("Ben", "Rotate the certificates"); err != nil {
		return err
	}
	const reason = "error rate of apps is up, looking"
	if err := d.run(`mage release:hold "`+reason+`" -until=2d`, func() error {
		return d.operator.Hold(ctx, operate.Hold{Reason: reason, Until: "2d"})
	}, nil); err != nil {
		return err
	}
	d.pass(24 * time.Hour)
	if err := d.promote(ctx, operate.ErrNotYet); err != nil {
		return err
	}
	d.say("It was something else. The hold is lifted, and the rollout goes on.")
	if err := d.run("mage release:resume", func() error { return d.operator.Resume(ctx, operate.Resume{}) }, nil); err != nil {
		return err
	}
	return d.promote(ctx, nil)
}

func (d *demo) override(ctx context.Context) error {
	d.say("Night, and apps needs a fix now. The override runs the workflow, with a reason, and follows it.")
	if err := d.push("Ada", "Fix the certificate renewal"); err != nil {
		return err
	}
	const reason = "certificates run out at 04:00"
	return d.run(`mage release:override -reason="`+reason+`"`, func() error {
		return d.operator.Override(ctx, operate.Override{Reason: reason})
	}, nil)
}

func (d *demo) divergence(ctx context.Context) error {
	d.say("Somebody with administrator's rights commits to release itself. The next promotion refuses, and says what to do.")
	head, err := d.repo.Head("release")
	if err != nil {
		return err
	}
	if err := d.push("Cleo", "Add a dashboard"); err != nil {
		return err
	}
	if _, err := d.repo.Commit("release", rollouttest.Change{
		Message: "Quick fix, straight to apps", Author: "Mallory", Files: map[string]string{"hotfix.yaml": "x: 1\n"},
	}); err != nil {
		return err
	}
	if err := d.promote(ctx, rollout.ErrDiverged); err != nil {
		return err
	}
	d.say("The commit is taken back by hand, and the rollout goes on.")
	if err := d.repo.SetBranch("release", head); err != nil {
		return err
	}
	return d.promote(ctx, operate.ErrNotYet)
}

func (d *demo) trail(ctx context.Context) error {
	d.say("Who did what, and why: the ledger knows.")
	return d.run("mage release:history", func() error { return d.operator.History(ctx, operate.History{}) }, nil)
}

func (d *demo) board(ctx context.Context) error {
	d.say("All of that on one page, to open in a browser.")
	return d.run("mage release:board -out="+d.boards, func() error { return d.operator.Board(ctx, operate.Board{Dir: d.boards}) }, nil)
}

func (d *demo) promote(ctx context.Context, ends error) error {
	return d.run("mage release:promote", func() error { return d.operator.Promote(ctx, operate.Promote{}) }, ends)
}
