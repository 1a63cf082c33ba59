// Package demo shows a whole staged rollout on a GitHub that it brings along.
//
// # Model
//
// A stand-in of GitHub with a real Git repository behind it, a clock that is
// moved by hand, and the commands that the targets run. Every step prints what
// an operator would type, and then what the operator would see.
//
// # Invariants
//
// Nothing is shown that the targets' own code did not print; a step that does
// not come out as it should is an error. Nothing is left behind but the board.
//
// # Concurrency
//
// One demo is one story, told once.
//
// # Not handled
//
// No cluster takes part: where Flux would be, the demo says what it would see.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// Where the demo takes place.
const (
	owner = "monosense"
	name  = "k8s-ops"
)

// start is the morning on which the story begins.
var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// Run tells the story. Root is the directory with this repository's clusters/
// and workflows, and boards where the board is left that it ends with.
func Run(ctx context.Context, root, boards string, out io.Writer) error {
	d, err := open(root, boards, out)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	err = d.tell(ctx)
	return errors.Join(err, d.github.Close())
}

// A demo is the stage that the story is played on.
type demo struct {
	out      io.Writer
	boards   string
	clock    *rollouttest.Clock
	github   *rollouttest.GitHub
	repo     *rollouttest.Repository
	operator *operate.Operator
	requests int
}

func open(root, boards string, out io.Writer) (*demo, error) {
	d := &demo{out: out, boards: boards, clock: rollouttest.NewClock(start)}
	var err error
	d.github, err = rollouttest.Start(rollouttest.Options{
		Clock:        d.clock.Now,
		Repositories: []rollouttest.RepositoryOptions{{Owner: owner, Name: name}},
	})
	if err != nil {
		return nil, err
	}
	if err = d.furnish(root); err != nil {
		return nil, errors.Join(err, d.github.Close())
	}
	d.github.OnDispatch(d.runWorkflow)
	return d, nil
}

// furnish pushes a first commit with this repository's own workflow, and wires
// an operator.
func (d *demo) furnish(root string) error {
	var err error
	if d.repo, err = d.github.Repository(owner, name); err != nil {
		return err
	}
	path := ".github/workflows/" + rollout.PromoteWorkflow
	workflow, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return fmt.Errorf("%w (run it from the repository's root)", err)
	}
	files := fleet()
	files[path] = string(workflow)
	if _, err := d.repo.Commit("main", rollouttest.Change{Message: "Begin the fleet", Author: "Ada", Files: files}); err != nil {
		return err
	}
	d.operator, err = d.newOperator(rollouttest.DefaultToken, d.out)
	return err
}

// newOperator wires the real adapters to the stand-in.
func (d *demo) newOperator(token string, out io.Writer) (*operate.Operator, error) {
	text := fmt.Sprintf(plan, d.github.Host(), owner, name)
	file, err := planfile.Parse("clusters/rollout.yaml", []byte(text), planfile.Options{GitHubHosts: []string{d.github.Host()}})
	if err != nil {
		return nil, err
	}
	o := &operate.Operator{File: file, Out: out, NewRequest: d.newRequest}
	o.Engine = &rollout.Engine{Plan: file.Plan, Ledger: ledger.Ledger{}, By: "ada"}
	return o, wire.GitHub(o, wire.Access{Token: token, Transport: d.github.Transport()})
}

func (d *demo) newRequest() string {
	d.requests++
	return fmt.Sprintf("demo-%d", d.requests)
}

// runWorkflow is what GitHub's runner does with a dispatched workflow: the
// same command, with the inputs as its arguments and the run's own token.
func (d *demo) runWorkflow(ctx context.Context, dispatch rollouttest.Dispatch) rollouttest.Conclusion {
	var log bytes.Buffer
	o, err := d.newOperator(dispatch.Token, &log)
	if err == nil {
		err = o.Override(ctx, operate.Override{
			Reason: dispatch.Inputs["reason"], Stage: dispatch.Inputs["stage"],
			Revision: dispatch.Inputs["revision"], ThroughHold: dispatch.Inputs["through_hold"] == "true", Direct: true, Yes: true,
		})
	}
	if err != nil {
		return rollouttest.Failed
	}
	return rollouttest.Success
}

// say prints a line of the story.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "\n# "+format+"\n", args...) //nolint:errcheck // a story that nobody can hear
}

// run shows a command and what it prints, and checks how it ends.
func (d *demo) run(command string, do func() error, ends error) error {
	fmt.Fprintf(d.out, "$ %s\n", command) //nolint:errcheck // as above
	err := do()
	if !errors.Is(err, ends) || (ends == nil && err != nil) {
		return fmt.Errorf("%s did not end as it should: %w", command, errors.Join(err, ends))
	}
	if err != nil {
		fmt.Fprintf(d.out, "Error: %s\n", strings.TrimSpace(err.Error())) //nolint:errcheck // as above
	}
	return nil
}

// push makes a commit on main, as somebody's git push would, with a file of
// its own.
func (d *demo) push(author, subject string) error {
	_, err := d.commit(rollouttest.Change{Message: subject, Author: author, Files: adds(everywhere, subject)})
	return err
}

// revert is what `git revert` makes of the commit that added a file.
func (d *demo) revert(author, subject string, sha rollout.SHA, file string) error {
	_, err := d.commit(rollouttest.Change{
		Message: fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", subject, sha), Author: author, Delete: []string{file},
	})
	return err
}

func (d *demo) commit(change rollouttest.Change) (rollout.SHA, error) {
	made, err := d.repo.Commit("main", change)
	if err != nil {
		return "", err
	}
	sha, subject := rollout.SHA(made), rollout.Commit{Message: change.Message}.Subject()
	fmt.Fprintf(d.out, "$ git push origin main   # %s, %s: %s\n  main is at %s; infra's Flux applies it within a minute\n", //nolint:errcheck // as above
		change.Author, rollout.FormatTime(d.clock.Now()), subject, sha.Short())
	return sha, nil
}

// pass moves the clock.
func (d *demo) pass(hours time.Duration) {
	d.say("%s later: %s.", rollout.FormatDuration(hours), rollout.FormatTime(d.clock.Advance(hours)))
}
