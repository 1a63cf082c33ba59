package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Diagnosis is what an examination says of one thing between the plan and the
// clusters.
type Diagnosis struct {
	// Check is which examination it comes from, and Of what was examined, where
	// there is more than one of its kind.
	Check Check
	Of    string
	Level Level
	// What was found, and Details of it, one sentence each. Why is what follows
	// from it, empty where nothing does.
	What    string
	Details []string
	Why     string
	// Fix is the command that mends it. It is empty where no command can, and Why
	// says then what does.
	Fix string
}

// Check is one examination. The names are stable.
type Check string

// The checks, in the order in which they are reported.
const (
	CheckPlan        Check = "plan"
	CheckForge       Check = "forge"
	CheckLedger      Check = "ledger"
	CheckBranch      Check = "branch"
	CheckDivergence  Check = "divergence"
	CheckEnvironment Check = "environment"
	CheckProtection  Check = "protection"
	CheckWorkflow    Check = "workflow"
	CheckSchedule    Check = "schedule"
	CheckToken       Check = "token"
	CheckKey         Check = "key"
	CheckCluster     Check = "cluster"
)

// Level is how bad a diagnosis is.
type Level string

// The levels.
const (
	LevelFine Level = "fine"
	// LevelUnknown: nobody could find out. That is not fine.
	LevelUnknown Level = "unknown"
	// LevelWarning: the rollout goes on, for now or with less comfort.
	LevelWarning Level = "warning"
	// LevelStops: nothing, or not everything, is promoted or applied any more.
	LevelStops Level = "stops"
)

// Worst is the worst level of some diagnoses: what is not known counts more than
// what is fine, and less than what is known to be wrong.
func Worst(all []Diagnosis) Level {
	order := []Level{LevelFine, LevelUnknown, LevelWarning, LevelStops}
	worst := LevelFine
	for _, d := range all {
		if slices.Index(order, d.Level) > slices.Index(order, worst) {
			worst = d.Level
		}
	}
	return worst
}

// PlanPath is where a repository has its plan.
const PlanPath = "clusters/rollout.yaml"

// WorkflowPath is where a repository has the workflow that promotes.
const WorkflowPath = ".github/workflows/" + PromoteWorkflow

// A Doctor examines everything between the plan and the clusters. Each check is
// made for itself, side by side with the others, so that one that fails, or
// hangs, hides none.
type Doctor struct {
	Engine *Engine
	// Settings and Examiner are the forge's. They are nil where there is nobody to
	// ask: on a plain Git remote, and without a token.
	Settings Settings
	Examiner Examiner
	// Push finds out, without pushing, whether what promotes here may push. Pushing
	// is what that is, in a few words.
	Push    func(context.Context) error
	Pushing Credential
	// ReadPlan and ReadWorkflow read a file. ReadPlan's error says what is wrong
	// with a plan.
	ReadPlan     func([]byte) error
	ReadWorkflow func([]byte) (WorkflowFile, error)
	// Checkout reads a file of the checkout.
	Checkout func(path string) ([]byte, error)
	// OpenClusters prepares to ask the live clusters, and Inspect finds what is wrong
	// with what one of them follows.
	OpenClusters func() (Clusters, error)
	Inspect      func(cluster string, manifests [][]byte) []Finding
	// Patience is how long each check may take.
	Patience time.Duration
}

// ofCheckout is what a file is of that was read here.
const ofCheckout = "of this checkout"

// Credential is what a push is made with.
type Credential string

// The credentials.
const (
	CredentialToken Credential = "token"
	CredentialKey   Credential = "deploy key"
	// CredentialGit is whatever Git is let in with by a remote without a forge.
	CredentialGit Credential = "access"
)

// Examine makes all checks. There are always diagnoses of each of them.
func (d *Doctor) Examine(ctx context.Context) []Diagnosis {
	checks := []func(context.Context) []Diagnosis{
		d.plan, d.refs, d.environment, d.protection, d.workflow, d.schedule, d.token, d.keys, d.clusters,
	}
	found := make([][]Diagnosis, len(checks))
	var done sync.WaitGroup
	for i, check := range checks {
		done.Go(func() {
			within, cancel := context.WithTimeout(ctx, d.Patience)
			defer cancel()
			found[i] = check(within)
		})
	}
	done.Wait()
	return slices.Concat(found...)
}

// Unread is the diagnosis of a plan that cannot be read, or not be followed here,
// and of all that hangs on it. Right is the commit of the newest plan that is right,
// empty where nobody knows one.
func Unread(err error, right SHA) []Diagnosis {
	found := Diagnosis{Check: CheckPlan, Of: ofCheckout, Level: LevelStops, Why: "nothing can be promoted without a plan, nor by this one"}
	found.What, found.Details = sentences(err)
	if right == "" {
		found.Why += "; no earlier version was right either: write it as https://github.com/monosense/k8s-ops#the-plan has it"
	} else {
		found.Why += "; the command puts the newest back that was right"
		found.Fix = fmt.Sprintf("git checkout %s -- %s", right, PlanPath)
	}
	all := []Diagnosis{found}
	for _, check := range []Check{
		CheckForge, CheckLedger, CheckBranch, CheckDivergence, CheckEnvironment, CheckProtection,
		CheckWorkflow, CheckSchedule, CheckToken, CheckKey, CheckCluster,
	} {
		all = append(all, Diagnosis{Check: check, Level: LevelUnknown, What: "not asked: only the plan says where"})
	}
	return all
}

// sentences takes an error apart: what happened, and the rest of what it says. All
// of it is made safe to show.
func sentences(err error) (what string, rest []string) {
	for line := range strings.Lines(Plain(err).Error()) {
		if line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "→")); line != "" {
			rest = append(rest, Printable(line, 1000))
		}
	}
	if len(rest) == 0 {
		return "something went wrong that says nothing of itself", nil
	}
	return rest[0], rest[1:]
}

// unknown is the diagnosis of what could not be examined, and why.
func unknown(check Check, of string, err error) Diagnosis {
	what, details := sentences(err)
	if errors.Is(err, context.DeadlineExceeded) {
		what, details = "not known: no answer in time", nil
	}
	return Diagnosis{
		Check: check, Of: of, Level: LevelUnknown, What: what, Details: details,
		Why: "so nobody knows whether it is as it should be",
	}
}

// unasked is the diagnosis of what only a forge could say, where there is none to
// ask. Of a Git remote without a forge that is no shortcoming of anybody's.
func (d *Doctor) unasked(check Check, what string) Diagnosis {
	reason := "not asked: there is no way to the forge"
	if d.Engine.Plan.Repository.Forge != ForgeGitHub {
		reason = "not known: " + what
	}
	return Diagnosis{Check: check, Level: LevelUnknown, What: reason}
}

// plan says whether the workflow has the same plan as this checkout: it checks out
// the default branch. That the checkout's own can be read is known by now.
func (d *Doctor) plan(ctx context.Context) []Diagnosis {
	here := Diagnosis{Check: CheckPlan, Of: ofCheckout, Level: LevelFine, What: strings.Join(d.Engine.Plan.StageNames(), " → ")}
	if d.Examiner == nil {
		return []Diagnosis{here}
	}
	branch, err := d.Examiner.DefaultBranch(ctx)
	if err != nil {
		return []Diagnosis{here, unknown(CheckPlan, "of the default branch", err)}
	}
	of := "of " + branch
	theirs, err := d.Examiner.File(ctx, PlanPath, "")
	if err != nil {
		return []Diagnosis{here, unknown(CheckPlan, of, err)}
	}
	found := Diagnosis{Check: CheckPlan, Of: of, Level: LevelFine, What: "the same as in this checkout"}
	ours, err := d.Checkout(PlanPath)
	wrong := d.ReadPlan(theirs)
	switch {
	case theirs == nil:
		found.Level, found.What = LevelStops, "there is no "+PlanPath
		found.Why = "the workflow checks out " + branch + ", and promotes nothing without a plan"
		found.Fix = d.putBack(ctx, PlanPath, branch, d.isPlan, onBranch(branch, "git add "+PlanPath+" && git commit -m 'Add the plan of the rollout' -- "+PlanPath))
	case wrong != nil:
		found.Level = LevelStops
		found.What, found.Details = sentences(wrong)
		found.Why = "the workflow checks out " + branch + ", and promotes nothing by a plan that is wrong"
		found.Fix = d.putBack(ctx, PlanPath, branch, d.isPlan, "")
	case err != nil:
		return []Diagnosis{here, unknown(CheckPlan, of, err)}
	case string(ours) != string(theirs):
		found.Level, found.What = LevelWarning, "another plan than in this checkout"
		found.Why = "the workflow promotes by that of " + branch + ", and commands from here by this one; unless you are about to change it, take the other"
		found.Fix = "git fetch origin && git checkout " + Quote("origin/"+branch) + " -- " + PlanPath
	}
	return []Diagnosis{here, found}
}

func (d *Doctor) isPlan(data []byte) bool { return d.ReadPlan(data) == nil }

// versionsTried is how many earlier versions of a file are looked at for one that
// was right.
const versionsTried = 20

// putBack is the command that puts a file of a branch back as it was when it was
// right the last time. Where nobody finds such a version it is the other command.
func (d *Doctor) putBack(ctx context.Context, path, branch string, right func([]byte) bool, or string) string {
	versions, err := d.Examiner.FileLog(ctx, path, versionsTried)
	if err != nil {
		return or
	}
	for _, version := range versions {
		data, err := d.Examiner.File(ctx, path, version)
		if err != nil {
			return or
		}
		if data != nil && right(data) {
			return onBranch(branch, fmt.Sprintf("git checkout %s -- %s && git commit -m 'Put back %s as of %s'", version, path, path, version.Short()))
		}
	}
	return or
}

// onBranch is the command that does something on top of a branch, and pushes it.
func onBranch(branch, do string) string {
	return fmt.Sprintf("git switch %s && git pull --ff-only && %s && git push origin %s", Quote(branch), do, Quote(branch))
}

// setting is the diagnosis of a change that `release:init` sees to.
func setting(check Check, c Change, err error) Diagnosis {
	found := Diagnosis{Check: check, Level: LevelFine, What: c.What + ": " + c.Found}
	switch {
	case err != nil:
		return unknown(check, "", err)
	case c.Apply == nil && c.Instead != "":
		found.Level, found.Why = LevelUnknown, "as far as can be seen, "+c.Instead
	case c.Apply != nil:
		found.Level, found.Why = LevelWarning, cmp.Or(c.Instead, "release:init would "+c.Intent)
		if c.Required {
			found.Level, found.Why = LevelStops, "nothing can be promoted without it"
		}
		found.Fix = "go tool mage release:init"
	}
	return found
}

// environment examines what a push waits in.
func (d *Doctor) environment(ctx context.Context) []Diagnosis {
	if d.Settings == nil {
		return []Diagnosis{d.unasked(CheckEnvironment, "a Git remote without a forge has no environments")}
	}
	c, err := surveyEnvironment(ctx, d.Settings)
	return []Diagnosis{setting(CheckEnvironment, c, err)}
}

// protection examines what keeps the branches from being deleted and rewound.
func (d *Doctor) protection(ctx context.Context) []Diagnosis {
	if d.Settings == nil {
		return []Diagnosis{d.unasked(CheckProtection, "a Git remote without a forge has no rulesets")}
	}
	c, err := d.Engine.surveyProtection(ctx, d.Settings, InitRequest{})
	return []Diagnosis{setting(CheckProtection, c, err)}
}
