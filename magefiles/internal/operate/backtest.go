package operate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A Repository is read, and nothing else.
type Repository interface {
	rollout.History
	Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error)
}

// Backtest are the arguments of `release:backtest`.
type Backtest struct {
	// Repo is the path of a repository to replay in the place of the plan's,
	// and Branch the branch of it.
	Repo, Branch string
	// Since is a date, Policy a list of names, Stage a stage of the plan.
	Since, Policy, Stage string
	JSON, SVG            bool
}

// Backtest replays the history of a stage's upstream branch, and compares what
// would have come of it under several policies. It changes nothing.
func (o *Operator) Backtest(ctx context.Context, args Backtest) error {
	options, err := o.backtestOptions(args)
	if err != nil {
		return err
	}
	history, err := o.history(ctx, args, options.Stage)
	if err != nil {
		return fmt.Errorf("backtest of %s: %w", options.Stage.Name, err)
	}
	options.Progress = rollout.ProgressOf(ctx)
	result, err := backtest.Run(history, options)
	if err != nil {
		return err
	}
	switch {
	case args.JSON:
		return report.WriteBacktestJSON(o.Out, result)
	case args.SVG:
		return report.WriteBacktestSVG(o.Out, result)
	default:
		return o.show(report.Backtest(result))
	}
}

// backtestOptions checks the arguments before anything is read.
func (o *Operator) backtestOptions(args Backtest) (options backtest.Options, err error) {
	if args.JSON && args.SVG {
		return options, &rollout.Problem{Kind: rollout.ErrUsage, What: "-json and -svg are two ways to write one result", Ways: []string{"give one of them"}}
	}
	if args.Branch != "" && args.Repo == "" {
		return options, &rollout.Problem{
			Kind: rollout.ErrUsage, What: "-branch is a branch of the repository that -repo names, and there is no -repo",
			Ways: []string{"name a stage of the plan: its upstream's branch is what is replayed", "give -repo=. for the checkout that you are in"},
		}
	}
	if options.Policies, err = backtest.ParsePolicies(args.Policy); err != nil {
		return options, err
	}
	if options.Since, err = dateSince(args.Since); err != nil {
		return options, err
	}
	options.Stage, err = o.backtestStage(args.Stage)
	return options, err
}

// backtestStage is the stage that an argument names, or else the first that
// something is promoted into: it takes what people push.
func (o *Operator) backtestStage(name string) (rollout.Stage, error) {
	plan := o.File.Plan
	if name == "" {
		return plan.Downstream()[0], nil
	}
	stage, err := plan.Stage(name)
	if err != nil {
		return stage, err
	}
	if _, ok := plan.Upstream(name); !ok {
		return stage, &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("stage %s is the first: it takes every change at once, so there is nothing to compare", name),
			Ways: []string{"name another: " + strings.Join(plan.StageNames()[1:], ", ")},
		}
	}
	return stage, nil
}

// history is what is to be replayed.
func (o *Operator) history(ctx context.Context, args Backtest, stage rollout.Stage) (backtest.History, error) {
	upstream, _ := o.File.Plan.Upstream(stage.Name)
	if args.Repo != "" {
		return o.localHistory(ctx, args, upstream.Branch)
	}
	plan, remote := o.Engine.Plan, o.Engine.Remote
	seen, err := remote.Observe(ctx, rollout.Query{Branches: []string{upstream.Branch}, Ledger: plan.Ledger})
	if err != nil {
		return backtest.History{}, err
	}
	if seen.Heads[upstream.Branch] == "" {
		return backtest.History{}, noBranch(plan.Repository.Slug(), upstream.Branch)
	}
	h, err := readHistory(ctx, o.Engine.History, seen, upstream.Branch)
	h.Repository = plan.Repository
	if err != nil || !seen.PushLog {
		return h, err
	}
	phase := rollout.Begin(ctx, rollout.Effort{What: "reading the push log", Parts: "pushes"})
	defer phase.End()
	h.Movements, err = remote.Movements(ctx, upstream.Branch, func(rollout.Movement) bool {
		phase.Add(1)
		return false
	})
	// A log that has lost every row says nothing.
	h.PushLog = len(h.Movements) > 0
	return h, err
}

// localHistory is that of a repository on this machine: of the branch that was
// asked for, or the one that the plan names, or the one that is checked out.
func (o *Operator) localHistory(ctx context.Context, args Backtest, planned string) (backtest.History, error) {
	dir, err := gitDirectory(args.Repo)
	if err != nil {
		return backtest.History{}, err
	}
	repository, err := o.OpenRepository(dir)
	if err != nil {
		return backtest.History{}, err
	}
	branches := []string{args.Branch}
	if args.Branch == "" {
		branches = []string{planned, checkedOut(dir)}
	}
	seen, err := repository.Observe(ctx, rollout.Query{Branches: branches})
	if err != nil {
		return backtest.History{}, err
	}
	for _, branch := range branches {
		if seen.Heads[branch] != "" {
			h, err := readHistory(ctx, repository, seen, branch)
			h.Repository = o.File.Plan.Repository
			return h, err
		}
	}
	return backtest.History{}, noBranch(args.Repo, branches[0])
}

func noBranch(where, branch string) error {
	return &rollout.Problem{
		Kind: rollout.ErrNoBranch,
		What: fmt.Sprintf("%s has no branch %s, or it has no commit yet", rollout.Printable(where, 200), rollout.Printable(branch, 100)),
		Ways: []string{"name one that it has: -repo=<path> -branch=<name>"},
	}
}

// readHistory reads all commits of a branch.
func readHistory(ctx context.Context, from rollout.History, seen rollout.Observation, branch string) (backtest.History, error) {
	h := backtest.History{Branch: branch, Head: seen.Heads[branch], Until: seen.At}
	var err error
	h.Commits, err = from.Between(ctx, "", h.Head)
	return h, err
}

// gitDirectory is where a repository keeps its objects: the path itself where
// it is bare, and its .git where it is a work tree.
func gitDirectory(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", rollout.Printable(path, 200), err)
	}
	for _, dir := range []string{whole, filepath.Join(whole, ".git")} {
		if _, err := os.Stat(filepath.Join(dir, "objects")); err == nil {
			return dir, nil
		}
	}
	return "", &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf("-repo=%s is not the path of a Git repository", rollout.Printable(path, 200)),
		Ways: []string{"name its root, or a bare repository; for a linked worktree, the repository that it belongs to"},
	}
}

// checkedOut is the branch that a repository's HEAD names. It is empty where it
// names none.
func checkedOut(dir string) string {
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	branch, ok := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: refs/heads/")
	if err != nil || !ok {
		return ""
	}
	return branch
}
