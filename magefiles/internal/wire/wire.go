// Package wire is the composition root: from the environment and the plan to
// the adapters, and from an error to an exit code.
//
// # Model
//
// [Run] gives a target an [operate.Operator] for the repository that the plan
// names, and turns what comes of it into mage's way of failing. It is the one
// place that reads the environment and the clock.
//
// # Invariants
//
// A token or key goes to the forge's adapters and nowhere else. Nothing is asked
// of the forge before the plan and the arguments are known to be right.
//
// # Concurrency
//
// One target at a time.
//
// # Not handled
//
// Targets that need no plan, like demo and test, do without it.
package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cli/go-gh/v2/pkg/term"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/magefiles/internal/progress"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/cluster"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/ledger"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/report"
)

// planPath is where the plan is, below the repository's root.
var planPath = filepath.FromSlash(rollout.PlanPath)

// A Command is what a target has an operator do.
type Command = func(context.Context, *operate.Operator) error

// Run runs a command that speaks to the forge.
func Run(ctx context.Context, do Command) error {
	return run(ctx, Words{}, load, connect, do)
}

// Words are what a target takes by their position, as a reason is one, and how
// it is used rightly.
type Words struct {
	Given []string
	Usage string
}

// RunWith is Run for a target that takes words, and not only flags.
func RunWith(ctx context.Context, words Words, do Command) error {
	return run(ctx, words, load, connect, do)
}

// RunOffline runs a command that needs the checkout alone.
func RunOffline(ctx context.Context, do Command) error {
	return run(ctx, Words{}, load, do)
}

// RunOfflineWith is RunOffline for a target that takes words by their position.
func RunOfflineWith(ctx context.Context, words Words, do Command) error {
	return run(ctx, words, load, do)
}

// Given is the value of an optional flag, and the zero value without it.
func Given[T any](flag *T) T {
	if flag == nil {
		return *new(T)
	}
	return *flag
}

// run opens the job's summary first, so that whatever goes wrong stands there
// too.
func run(ctx context.Context, words Words, steps ...Command) error {
	summary, err := openSummary()
	if err != nil {
		return Exit(err)
	}
	err = attempt(ctx, summary, words, steps)
	if err != nil && code(err) != exitNotYet {
		err = errors.Join(err, report.Failure(target(os.Args[1:]), err).WriteMarkdown(summary))
	}
	return Exit(errors.Join(err, summary.Close()))
}

func attempt(ctx context.Context, summary *summary, words Words, steps []Command) error {
	if err := refuseStray(os.Args[1:], words); err != nil {
		return err
	}
	return inSight(ctx, func(ctx context.Context, d *progress.Display) error {
		o, err := open(summary, d)
		if err != nil {
			return err
		}
		for _, do := range steps {
			if err := do(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// load reads the plan.
func load(_ context.Context, o *operate.Operator) (err error) {
	o.PlanOptions = planfile.Options{GitHubHosts: gitHubHosts(), Now: time.Now()}
	o.File, err = planfile.Load(planPath, o.PlanOptions)
	return err
}

// open finds out who is there to talk to.
func open(summary *summary, d *progress.Display) (*operate.Operator, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the repository's root: %w", err)
	}
	out := term.FromEnv()
	o := &operate.Operator{Root: root, Out: d.Over(os.Stdout), Page: page(out), Screen: screen(out), Zone: time.Local, Summary: summary, NewRequest: rand.Text}
	o.OpenRepository = func(path string) (operate.Repository, error) {
		return gitrepo.Open(gitrepo.Options{URL: path, Now: time.Now})
	}
	o.OpenTrees = func(ctx context.Context, root string) (operate.Trees, error) {
		return gitrepo.OpenCheckout(ctx, root)
	}
	if path := os.Getenv("GITHUB_OUTPUT"); path != "" {
		o.Promoted = func(moved []operate.Promotion) { notePromotions(path, moved, d.Over(os.Stderr)) }
	}
	o.OpenClusters = func(plan rollout.Plan) (operate.Clusters, error) {
		// A kubeconfig can have a program log in, which may ask for a password on
		// the terminal.
		d.Silence()
		if err := withhold(); err != nil {
			return nil, err
		}
		return cluster.Open(cluster.Options{Source: plan.Source, Contexts: plan.Contexts, Here: os.Getenv("ROLLOUT_CLUSTER"), Now: time.Now})
	}
	if term.IsTerminal(os.Stdin) {
		o.In = os.Stdin
	}
	return o, nil
}

// withhold takes the forge's tokens and keys out of the environment, which programs
// inherit that this one starts. The adapters that need them have them by now.
func withhold() error {
	for _, name := range []string{
		"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GIT_TOKEN", "ROLLOUT_DEPLOY_KEY",
	} {
		if err := os.Unsetenv(name); err != nil {
			return fmt.Errorf("withhold %s from other programs: %w", name, err)
		}
	}
	return nil
}

// target is the first target on the command line.
func target(args []string) string {
	if at := slices.IndexFunc(args, isTarget); at >= 0 {
		return args[at]
	}
	return "the target"
}

// gitHubHosts are the hosts that are GitHub although their names do not say
// so.
func gitHubHosts() []string {
	if host := os.Getenv("GH_HOST"); host != "" {
		return []string{host}
	}
	return nil
}

// openSummary opens the job's summary, of which there is one in a GitHub
// workflow only; elsewhere what is written to it goes nowhere.
func openSummary() (*summary, error) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		path = os.DevNull
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the job's summary: %w", err)
	}
	return newSummary(f)
}

// connect wires the adapters of the forge that the plan names.
func connect(ctx context.Context, o *operate.Operator) error {
	plan := o.File.Plan
	repository, err := atWork(plan.Repository)
	if err != nil {
		return err
	}
	if repository.Slug() != plan.Repository.Slug() {
		fmt.Fprintf(os.Stderr, "GH_REPO names %s; the plan names %s, and is not followed in that.\n", repository.Slug(), plan.Repository.Slug())
	}
	plan.Repository = repository
	o.Engine = &rollout.Engine{Plan: plan, Ledger: ledger.Ledger{}, By: actor(), Run: runURL()}
	o.Mender = &rollout.Mender{Engine: o.Engine}
	if repository.Forge == rollout.ForgeGitHub {
		token, source := github.Token(repository.Host)
		err := GitHub(o, Access{Token: token, TokenSource: source, DeployKey: deployKey(ctx)})
		if errors.Is(err, rollout.ErrNotPermitted) {
			o.Engine.Remote, err = absent{err}, nil
		}
		return err
	}
	name, email := identity(ctx)
	remote, err := gitrepo.Open(gitrepo.Options{
		URL: repository.URL, Token: os.Getenv("GIT_TOKEN"), Key: []byte(os.Getenv("ROLLOUT_DEPLOY_KEY")),
		Name: name, Email: email, Now: time.Now,
	})
	if err != nil {
		return err
	}
	o.Engine.Remote, o.Engine.History, o.Settings = remote, remote, gitrepo.Settings{}
	o.Engine.Exposer = newExposer(remote, plan)
	o.Push, o.Pushing = remote.MayPush, rollout.CredentialGit
	o.Mender.Branches, o.Mender.Trees = remote, remote
	return nil
}

// Access is how GitHub is reached.
type Access struct {
	Token, TokenSource string
	// DeployKey makes the promotions. Default is to let the token make them.
	DeployKey *DeployKey
	// Transport carries all requests. Default is http.DefaultTransport.
	Transport http.RoundTripper
}

// GitHub wires the adapters for the repository of the operator's engine.
func GitHub(o *operate.Operator, access Access) error {
	repository := o.Engine.Plan.Repository
	client, err := github.New(github.Options{
		Host: repository.Host, Owner: repository.Owner, Name: repository.Name,
		Token: access.Token, TokenSource: access.TokenSource, Transport: access.Transport, Now: time.Now,
	})
	if err != nil {
		return err
	}
	history, err := gitrepo.Open(gitrepo.Options{URL: repository.URL, Token: access.Token, Transport: access.Transport, Now: time.Now})
	if err != nil {
		return err
	}
	o.Engine.Remote, o.Engine.History, o.Settings, o.Workflows = client, history, client, client
	o.Ticks = client
	o.Engine.Exposer = newExposer(history, o.Engine.Plan)
	o.Mender = &rollout.Mender{Engine: o.Engine, Branches: client, Trees: history, Proposals: client}
	o.Examiner, o.Push, o.Pushing = client, history.MayPush, rollout.CredentialToken
	if access.DeployKey == nil {
		return nil
	}
	pushed, err := newKeyed(client, *access.DeployKey)
	if err == nil {
		o.Engine.Remote, o.Push, o.Pushing = pushed, pushed.pushing.MayPush, rollout.CredentialKey
	}
	return err
}

// atWork is the repository to work on: the plan's, or the one that GH_REPO
// names, as for gh. In a workflow it has to be the one that the workflow runs
// in: a copy of somebody's plan must not act on their repository.
func atWork(r rollout.Repository) (rollout.Repository, error) {
	if r.Forge != rollout.ForgeGitHub {
		return r, nil
	}
	if name := os.Getenv("GH_REPO"); name != "" {
		named, err := parseRepo(name, r.Host)
		if err != nil {
			return r, err
		}
		r = named
	}
	here := os.Getenv("GITHUB_REPOSITORY")
	if os.Getenv("GITHUB_ACTIONS") == "true" && here != "" && !strings.EqualFold(here, r.Slug()) {
		return r, &rollout.Problem{
			Kind: errPlan,
			What: fmt.Sprintf("%s names the repository %s, but this workflow runs in %s", planPath, r.Slug(), here),
			Ways: []string{fmt.Sprintf("write `repository: https://%s/%s` into it", r.Host, here)},
		}
	}
	return r, nil
}

// parseRepo takes GH_REPO: owner/name, or host/owner/name.
func parseRepo(name, host string) (rollout.Repository, error) {
	parts := strings.Split(name, "/")
	if len(parts) == 3 {
		host, parts = parts[0], parts[1:]
	}
	if len(parts) != 2 || host == "" || parts[0] == "" || parts[1] == "" {
		return rollout.Repository{}, &rollout.Problem{Kind: rollout.ErrUsage, What: fmt.Sprintf("GH_REPO=%q is not a repository", name), Ways: []string{"write owner/name, or host/owner/name"}}
	}
	return rollout.Repository{
		URL:   fmt.Sprintf("https://%s/%s/%s.git", host, parts[0], parts[1]),
		Forge: rollout.ForgeGitHub, Host: host, Owner: parts[0], Name: parts[1],
	}, nil
}

// actor is who is recorded as having run it: who dispatched the workflow that
// this is part of. For any other run the forge knows whose the token is; its
// GITHUB_ACTOR is whoever pushed last, or changed the schedule.
func actor() string {
	if os.Getenv("GITHUB_ACTIONS") != "true" || os.Getenv("GITHUB_EVENT_NAME") != "workflow_dispatch" {
		return ""
	}
	// Whoever ran it again, where it is not the first attempt.
	if again := os.Getenv("GITHUB_TRIGGERING_ACTOR"); again != "" {
		return again
	}
	return os.Getenv("GITHUB_ACTOR")
}

func runURL() string {
	server, repository, id := os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_RUN_ID")
	if server == "" || repository == "" || id == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%s", server, repository, id)
}

// identity is who writes the ledger on a plain Git remote.
func identity(ctx context.Context) (name, email string) {
	name, email = gitrepo.Identity(ctx)
	if name != "" {
		return name, email
	}
	host, _ := os.Hostname()
	login := "unknown"
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	return login, login + "@" + host
}

// refuseStray refuses what mage would only stumble over after the target has
// run: `release:override 1a2b3c4` would override to the newest revision, and
// then complain that 1a2b3c4 is no target. Words are those that the target
// takes by their position.
func refuseStray(args []string, words Words) error {
	if err := refuseFlags(words); err != nil {
		return err
	}
	at := slices.IndexFunc(args, isTarget)
	if at < 0 {
		return nil
	}
	rest := args[at+1:]
	return refuseArguments(rest[min(len(words.Given), len(rest)):])
}

// RefuseAfter refuses the same for a target of that name, which stands in no
// namespace and needs no plan.
func RefuseAfter(name string) error {
	args := os.Args[1:]
	at := slices.IndexFunc(args, func(arg string) bool { return strings.EqualFold(arg, name) })
	return refuseArguments(args[at+1:])
}

// refuseArguments refuses what no flags can be, and flags that are given and
// empty, among what follows a target and its words.
func refuseArguments(args []string) error {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			return &rollout.Problem{
				Kind: rollout.ErrUsage,
				What: fmt.Sprintf("%q is no flag, so nothing was done", arg),
				Ways: []string{
					"write flags as -name=value, and quote what has spaces: -sha=1a2b3c4, \"what happened\", -reason=\"what happened\"",
					"run one target at a time",
				},
			}
		}
		if err := refuseEmpty(arg); err != nil {
			return err
		}
	}
	return nil
}

// refuseEmpty refuses a flag that is given and empty. Most likely a variable is
// not set, and what the flag means without it is the most there is: all stages,
// the newest revision, for good.
func refuseEmpty(arg string) error {
	name, value, given := strings.Cut(arg, "=")
	if !given || strings.TrimSpace(value) != "" {
		return nil
	}
	return &rollout.Problem{
		Kind: rollout.ErrUsage,
		What: fmt.Sprintf("%s is given, and empty, so nothing was done", rollout.Printable(name, 80)),
		Ways: []string{"if it comes from a variable, look whether that is set", "leave the flag out for its default"},
	}
}

func isTarget(arg string) bool {
	return strings.Contains(arg, ":") && !strings.HasPrefix(arg, "-")
}

// refuseFlags refuses a flag that stands where a word has to. Mage takes it for
// the word: `release:hold -stage=apps "what happened"` would hold all stages,
// because of "-stage=apps".
func refuseFlags(words Words) error {
	for _, word := range words.Given {
		if strings.HasPrefix(word, "-") {
			return &rollout.Problem{
				Kind: rollout.ErrUsage,
				What: fmt.Sprintf("%q stands where no flag can stand, so nothing was done", rollout.Printable(word, 80)),
				Ways: []string{"write it so: " + words.Usage, "let a reason begin with something other than a dash"},
			}
		}
	}
	return nil
}
