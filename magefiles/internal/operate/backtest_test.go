package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

const localPlan = `repository: /nowhere/fleet.git
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - {name: canary, branch: canary, clusters: [canary], soak: 24h}
  - {name: apps, branch: release, clusters: [apps], soak: 24h}
override: {reason: optional}
`

// later is when the local repositories of these tests are looked at.
var later = time.Date(2026, time.March, 9, 0, 0, 0, 0, time.UTC)

// offline is an operator who can reach no forge.
func offline(t *testing.T) (*operate.Operator, *bytes.Buffer) {
	t.Helper()
	file, err := planfile.Parse("clusters/rollout.yaml", []byte(localPlan), planfile.Options{})
	check(t, err)
	out := &bytes.Buffer{}
	return &operate.Operator{File: file, Out: out, OpenRepository: func(path string) (operate.Repository, error) {
		return gitrepo.Open(gitrepo.Options{URL: path, Now: func() time.Time { return later }})
	}}, out
}

func TestBacktestRefuses(t *testing.T) {
	for _, test := range []struct {
		args operate.Backtest
		says string
	}{
		{args: operate.Backtest{JSON: true, SVG: true}, says: "-json and -svg are two ways to write one result"},
		{args: operate.Backtest{Branch: "main"}, says: "there is no -repo"},
		{args: operate.Backtest{Policy: "plan,hope"}, says: `there is no policy "hope"`},
		{args: operate.Backtest{Policy: "plan,hope"}, says: "plan,tip,quiet,restart,age"},
		{args: operate.Backtest{Since: "yesterday"}, says: "-since=yesterday is no date"},
		{args: operate.Backtest{Since: "2026-02-30"}, says: "-since=2026-02-30 is no date"},
		{args: operate.Backtest{Since: "\x1b[2J"}, says: `-since=\x1b[2J is no date`},
		{args: operate.Backtest{Stage: "moon"}, says: `no stage "moon"`},
		{args: operate.Backtest{Stage: "infra"}, says: "name another: canary, apps"},
		{args: operate.Backtest{Repo: "no/such\npath"}, says: `-repo=no/such\x0apath is not the path of a Git repository`},
		{args: operate.Backtest{Repo: "git@example.com:fleet.git"}, says: "is not the path of a Git repository"},
	} {
		o, out := offline(t)
		err := o.Backtest(context.Background(), test.args)
		if !errors.Is(err, rollout.ErrUsage) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: ended with %v", test.args, err)
		}
		if out.Len() > 0 {
			t.Errorf("%+v: printed %s", test.args, out)
		}
	}
}

// repository makes a repository by Git's own commands, which are separated by
// semicolons.
func repository(t *testing.T, commands string) string {
	t.Helper()
	dir := t.TempDir()
	for command := range strings.SplitSeq(commands, ";") {
		args := strings.Fields(command)
		date, err := time.Parse("2T15", args[0])
		if err == nil {
			args = args[1:]
		}
		git := exec.Command("git", args...)
		git.Dir = dir
		at := time.Date(2026, time.March, date.Day(), date.Hour(), 0, 0, 0, time.UTC).Format(time.RFC3339)
		git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
			"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_COMMITTER_DATE="+at)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return dir
}

const commit = " commit -q --allow-empty -m change;"

func TestBacktestOfALocalRepository(t *testing.T) {
	const begin = "init -q -b main;" + "2T00" + commit + "2T10" + commit + "2T12" + commit
	for _, test := range []struct {
		name, commands string
		args           operate.Backtest
		branch         string
		revisions      int
		refused        error
	}{
		{name: "the branch of the plan", commands: begin + "checkout -q -b topic;" + "3T09" + commit + "status", branch: "main", revisions: 2},
		{name: "the branch that was asked for", commands: begin + "checkout -q -b topic;" + "3T09" + commit + "status", args: operate.Backtest{Branch: "topic"}, branch: "topic", revisions: 3},
		{name: "the branch of HEAD", commands: begin + "branch -q -m trunk", branch: "trunk", revisions: 2},
		{name: "another stage", commands: begin + "branch canary;2T15" + commit + "status", args: operate.Backtest{Stage: "apps"}, branch: "canary", revisions: 2},
		{name: "since a day", commands: begin + "4T11" + commit + "status", args: operate.Backtest{Since: "2026-03-03"}, branch: "main", revisions: 1},
		{name: "since a day to come", commands: begin + "status", args: operate.Backtest{Since: "2030-01-01"}, branch: "main"},
		{name: "one commit", commands: "init -q -b main;2T00" + commit + "status", branch: "main"},
		{name: "no such branch", commands: begin + "status", args: operate.Backtest{Branch: "topic"}, refused: rollout.ErrNoBranch},
		{name: "nothing checked out", commands: begin + "checkout -q --detach;branch -q -m main trunk", refused: rollout.ErrNoBranch},
		{name: "no commit", commands: "init -q", refused: rollout.ErrNoBranch},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, out := offline(t)
			test.args.Repo, test.args.JSON = repository(t, test.commands), true
			err := o.Backtest(context.Background(), test.args)
			if !errors.Is(err, test.refused) {
				t.Fatalf("ended with %v, want %v", err, test.refused)
			}
			if test.refused != nil {
				return
			}
			var r report.BacktestJSON
			check(t, json.Unmarshal(out.Bytes(), &r))
			if r.Branch != test.branch || r.Revisions != test.revisions || !r.Guessed || len(r.Policies) != 5 {
				t.Errorf("%d revisions of %s, guessed %v, %d policies; want %d of %s", r.Revisions, r.Branch, r.Guessed, len(r.Policies), test.revisions, test.branch)
			}
		})
	}
}

// A bare repository can be replayed, too, and drawn.
func TestBacktestOfABareRepository(t *testing.T) {
	work := repository(t, "init -q -b main;2T00"+commit+"2T10"+commit+"clone -q --bare . bare.git")
	o, out := offline(t)
	check(t, o.Backtest(context.Background(), operate.Backtest{Repo: filepath.Join(work, "bare.git"), SVG: true, Policy: "age"}))
	if !strings.HasPrefix(out.String(), "<svg ") || !strings.Contains(out.String(), "1 revision of main") {
		t.Errorf("no picture of it:\n%s", out)
	}
}

// On a forge that keeps a log of pushes arrivals come from there: the three
// commits of one push are one revision. Where the log has lost everything, the
// dates of commits stand for it.
func TestBacktestOfTheForge(t *testing.T) {
	clock := rollouttest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	hub := rollouttest.New(t, rollouttest.Options{Clock: clock.Now})
	repo, err := hub.Repository("octo-org", "fleet")
	check(t, err)
	_, err = repo.Commit("main", rollouttest.Change{Message: "Begin"})
	check(t, err)
	clock.Advance(time.Hour)
	_, err = repo.Push("main", rollouttest.Change{Message: "One"}, rollouttest.Change{Message: "Two"}, rollouttest.Change{Message: "Three"})
	check(t, err)
	clock.Advance(72 * time.Hour)

	o, out := offline(t)
	o.File.Plan.Repository = rollout.Repository{
		URL: "https://" + hub.Host() + "/octo-org/fleet.git", Forge: rollout.ForgeGitHub, Host: hub.Host(), Owner: "octo-org", Name: "fleet",
	}
	o.Engine = &rollout.Engine{Plan: o.File.Plan}
	check(t, wire.GitHub(o, wire.Access{Token: rollouttest.DefaultToken, Transport: hub.Transport()}))
	for _, want := range []struct {
		revisions int
		guessed   bool
	}{{1, false}, {3, true}} {
		out.Reset()
		check(t, o.Backtest(context.Background(), operate.Backtest{JSON: true}))
		var r report.BacktestJSON
		check(t, json.Unmarshal(out.Bytes(), &r))
		if r.Revisions != want.revisions || r.Commits != 3 || r.Guessed != want.guessed || r.Policies[0].Out != want.revisions {
			t.Errorf("%d revisions of %d commits, guessed %v, %d out; want %+v", r.Revisions, r.Commits, r.Guessed, r.Policies[0].Out, want)
		}
		repo.DropActivity(func(rollouttest.ActivityRow) bool { return true })
	}
}
