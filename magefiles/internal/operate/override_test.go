package operate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

const plan = `repository: https://%s/octo-org/fleet
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - {name: apps, branch: release, clusters: [apps], soak: 24h}
override: {reason: %s}
`

// A desk is an operator at a terminal, with a repository that has one
// un-soaked commit.
type desk struct {
	*operate.Operator
	repo    *rollouttest.Repository
	out     *bytes.Buffer
	pending string
}

func sit(t *testing.T, answers, reason string) desk {
	t.Helper()
	clock := rollouttest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	hub := rollouttest.New(t, rollouttest.Options{Clock: clock.Now})
	repo, err := hub.Repository("octo-org", "fleet")
	check(t, err)
	_, err = repo.Commit("main", rollouttest.Change{Message: "Begin"})
	check(t, err)

	file, err := planfile.Parse("clusters/rollout.yaml", fmt.Appendf(nil, plan, hub.Host(), reason), planfile.Options{GitHubHosts: []string{hub.Host()}})
	check(t, err)
	d := desk{Operator: &operate.Operator{File: file, NewRequest: func() string { return "request-1" }}, repo: repo, out: &bytes.Buffer{}}
	d.Engine = &rollout.Engine{Plan: file.Plan, Ledger: ledger.Ledger{}}
	d.Out = d.out
	if answers != "" {
		d.In = strings.NewReader(answers)
	}
	check(t, wire.GitHub(d.Operator, wire.Access{Token: rollouttest.DefaultToken, Transport: hub.Transport()}))
	check(t, d.Init(context.Background(), operate.Init{}))
	d.out.Reset()

	clock.Advance(time.Hour)
	d.pending, err = repo.Commit("main", rollouttest.Change{Message: "Fix the outage", Author: "ada"})
	check(t, err)
	return d
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOverrideAsks(t *testing.T) {
	for _, test := range []struct {
		name, answers, plan string
		args                operate.Override
		kind                error
		shows               string
		recorded            string
	}{
		{name: "reason and yes", answers: "podinfo is down\ny\n", shows: "Fix the outage", recorded: "podinfo is down"},
		{name: "no reason", answers: "\nyes\n", recorded: rollout.NoReason},
		{name: "reason given", answers: "y\n", args: operate.Override{Reason: "down"}, recorded: "down"},
		{name: "no", answers: "down\nn\n", kind: rollout.ErrRefused},
		{name: "only a line break", answers: "down\n\n", kind: rollout.ErrRefused},
		{name: "gone before the yes", answers: "down\n", kind: rollout.ErrRefused},
		{name: "gone before the reason", answers: "dow", kind: rollout.ErrRefused},
		{name: "yes without asking", answers: "n\n", args: operate.Override{Yes: true, Reason: "down"}, recorded: "down"},
		{name: "nobody there", recorded: rollout.NoReason},
		{name: "nobody there, reason required", plan: "required", kind: rollout.ErrUsage},
		{name: "asked, reason required, none given", answers: "\ny\n", plan: "required", kind: rollout.ErrUsage},
		{name: "asked, reason required", answers: "down\ny\n", plan: "required", recorded: "down"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.plan == "" {
				test.plan = "optional"
			}
			d := sit(t, test.answers, test.plan)
			test.args.Direct = true
			err := d.Override(context.Background(), test.args)
			if !errors.Is(err, test.kind) {
				t.Fatalf("ended with %v, want %v", err, test.kind)
			}
			head, headErr := d.repo.Head("release")
			check(t, headErr)
			if moved := head == d.pending; moved != (test.kind == nil) {
				t.Errorf("release moved: %v", moved)
			}
			if !strings.Contains(d.out.String(), test.shows) {
				t.Errorf("not shown: %s\n%s", test.shows, d.out)
			}
			if test.recorded == "" {
				return
			}
			records, err := d.Engine.Trail(context.Background(), 1)
			check(t, err)
			if records[0].Reason != test.recorded || records[0].By != rollouttest.DefaultLogin {
				t.Errorf("recorded: %q by %q", records[0].Reason, records[0].By)
			}
		})
	}
}

// An interrupt at a question ends the command at once, although nothing can
// end the reading of the answer.
func TestInterruptAtAQuestion(t *testing.T) {
	d := sit(t, "", "optional")
	answers, terminal := io.Pipe()
	defer terminal.Close()
	d.In = answers
	ctx, interrupt := context.WithCancel(context.Background())
	d.Out = writerFunc(func(text []byte) (int, error) {
		if strings.Contains(string(text), "Reason") {
			interrupt()
		}
		return len(text), nil
	})
	err := d.Override(ctx, operate.Override{Direct: true})
	if err == nil || !strings.Contains(err.Error(), "interrupted, so nothing was changed") {
		t.Errorf("ended with %v", err)
	}
	if head, err := d.repo.Head("release"); err != nil || head == d.pending {
		t.Errorf("release stands at %s, %v", head, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }
