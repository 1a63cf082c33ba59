package rollout

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A WorkflowFile is what a file below .github/workflows says, as far as a promotion
// hangs on it. Its reader is rollout/workflowfile.
type WorkflowFile struct {
	// Push tells whether a push starts it, and Branches of which branches, as
	// patterns; none stands for any.
	Push     bool
	Branches []string
	// Schedules are when it starts by itself, as cron expressions.
	Schedules []string
	// Dispatch tells whether somebody can start it, and Inputs with what.
	Dispatch bool
	Inputs   []string
	// RunName is the name that its runs get.
	RunName string
	Jobs    []WorkflowJob
}

// A WorkflowJob is one job of a workflow.
type WorkflowJob struct {
	Name string
	// Permissions are those of the job's GITHUB_TOKEN, by name: its own, or else the
	// workflow's. PermissionsAll is "read" or "write" where it has all of them, and
	// Given says whether the file says anything.
	Permissions    map[string]string
	PermissionsAll string
	Given          bool
	// Uses are the actions and workflows that it runs, as they are written.
	Uses []WorkflowUse
}

// A WorkflowUse is an action or a workflow that somebody else may change.
type WorkflowUse struct {
	Name string
	Line int
}

// may tells whether the job's token has a permission, at a level.
func (j WorkflowJob) may(permission, level string) bool {
	has := func(granted string) bool { return granted == "write" || granted == level }
	return has(j.PermissionsAll) || has(j.Permissions[permission])
}

// A flaw is one thing that is wrong with a workflow file.
type flaw struct {
	level     Level
	what, why string
	details   []string
}

// flaws finds what is wrong with the workflow that promotes.
func (f WorkflowFile) flaws(plan Plan) []flaw {
	return slices.Concat(f.triggerFlaws(plan), f.dispatchFlaws(), f.permissionFlaws(plan), f.pinFlaws())
}

func (f WorkflowFile) triggerFlaws(plan Plan) []flaw {
	first := plan.Stages[0].Branch
	pushed := f.Push && f.covers(first)
	switch {
	case !pushed && len(f.Schedules) == 0:
		return []flaw{{level: LevelStops, what: "neither a push to " + first + " nor a schedule starts it", why: "nothing is promoted by itself"}}
	case len(f.Schedules) == 0:
		return []flaw{{level: LevelWarning, what: "no schedule starts it", why: "what a wait timer does not let out at the right moment, waits for the next push"}}
	case !pushed:
		return []flaw{{level: LevelWarning, what: "no push to " + first + " starts it", why: "what has soaked waits for the next tick"}}
	default:
		return nil
	}
}

// covers tells whether a push to a branch starts the workflow. A pattern that
// excludes something counts as excluding it.
func (f WorkflowFile) covers(branch string) bool {
	if len(f.Branches) == 0 {
		return true
	}
	covered := false
	for _, pattern := range f.Branches {
		name, excludes := strings.CutPrefix(pattern, "!")
		if matchesBranch(name, branch) {
			covered = !excludes
		}
	}
	return covered
}

// matchesBranch knows * and **, of which GitHub says that the one stops at a slash
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet).
func matchesBranch(pattern, branch string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(quoted, `\*\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	matched, err := regexp.MatchString("^"+quoted+"$", branch)
	return err == nil && matched
}

// dispatchFlaws are those that an override meets, which starts the workflow.
func (f WorkflowFile) dispatchFlaws() []flaw {
	if !f.Dispatch {
		return []flaw{{level: LevelWarning, what: "nobody can start it: there is no workflow_dispatch", why: "an override has to be made with -direct, and with a token that may push"}}
	}
	sends := (&Dispatcher{Request: "x"}).inputs(Stage{}, OverrideRequest{ThroughHold: true})
	var missing []string
	for _, input := range slices.Sorted(maps.Keys(sends)) {
		if !slices.Contains(f.Inputs, input) {
			missing = append(missing, input)
		}
	}
	var all []flaw
	if len(missing) > 0 {
		all = append(all, flaw{level: LevelWarning, what: "it does not take what an override gives it: " + strings.Join(missing, ", "), why: "GitHub refuses to start it, and the override has to be made with -direct"})
	}
	if !strings.Contains(f.RunName, "inputs.request") {
		all = append(all, flaw{level: LevelWarning, what: "its run-name does not contain the input `request`", why: "an override may not find its own run to follow"})
	}
	return all
}

// permissionFlaws are those of the workflow's own token. Where a deploy key or an
// App pushes, it need not write; the file does not tell.
func (f WorkflowFile) permissionFlaws(plan Plan) []flaw {
	var all []flaw
	given := slices.ContainsFunc(f.Jobs, func(j WorkflowJob) bool { return j.Given })
	any := func(permission, level string) bool {
		return slices.ContainsFunc(f.Jobs, func(j WorkflowJob) bool { return j.may(permission, level) })
	}
	asks := slices.ContainsFunc(plan.Stages, func(s Stage) bool { return len(s.Health.Required) > 0 })
	switch {
	case !given:
		return []flaw{{level: LevelWarning, what: "it gives its token no permissions", why: "what it may do then is the repository's default, which anybody can change who administers it"}}
	case !any("contents", "write"):
		all = append(all, flaw{level: LevelStops, what: "no job has the permission contents: write", why: "its token may not move a branch, nor write the ledger"})
	}
	if asks && !any("statuses", "read") {
		all = append(all, flaw{level: LevelStops, what: "no job has the permission statuses: read", why: "the plan asks for health, and its token may not read what clusters report"})
	}
	for _, j := range f.Jobs {
		if j.PermissionsAll == "write" {
			all = append(all, flaw{level: LevelWarning, what: "the job " + Printable(j.Name, 80) + " has every permission there is", why: "whatever runs in it may do more than promote"})
		}
	}
	return all
}

// pinned is an action at a commit, and image one by its digest.
var (
	pinned = regexp.MustCompile(`@[0-9a-f]{40}$`)
	image  = regexp.MustCompile(`^docker://.+@sha256:[0-9a-f]{64}$`)
)

// pinFlaws are actions that somebody else can change without a change here.
func (f WorkflowFile) pinFlaws() []flaw {
	var loose []string
	for _, j := range f.Jobs {
		for _, use := range j.Uses {
			if strings.HasPrefix(use.Name, "./") || pinned.MatchString(use.Name) || image.MatchString(use.Name) {
				continue
			}
			loose = append(loose, fmt.Sprintf("line %d: %s", use.Line, Printable(use.Name, 200)))
		}
	}
	if len(loose) == 0 {
		return nil
	}
	return []flaw{{
		level: LevelWarning, what: "it runs what is not pinned to a commit", details: loose,
		why: "whoever moves that tag or branch runs code with the right to promote",
	}}
}

// workflow examines the file by which the forge promotes: that of the default
// branch, which is the one that runs, or where nobody can ask for it, the
// checkout's.
func (d *Doctor) workflow(ctx context.Context) []Diagnosis {
	if d.Engine.Plan.Repository.Forge != ForgeGitHub {
		return []Diagnosis{{
			Check: CheckWorkflow, Level: LevelUnknown, What: "not known: a Git remote without a forge has no workflows",
			Why: "something has to run `mage release:promote` every hour, and nobody can see from here what does",
		}}
	}
	if d.Examiner == nil {
		return d.workflowHere(d.unasked(CheckWorkflow, "").What)
	}
	branch, err := d.Examiner.DefaultBranch(ctx)
	var data []byte
	if err == nil {
		data, err = d.Examiner.File(ctx, WorkflowPath, "")
	}
	if err != nil {
		what, _ := sentences(err)
		return d.workflowHere(what)
	}
	all := d.judgeWorkflow(data, "of "+branch)
	if Worst(all) == LevelFine {
		return all
	}
	fix := d.putBack(ctx, WorkflowPath, branch, d.isWorkflow, "")
	for i := range all {
		if all[i].Fix = fix; fix == "" {
			all[i].Why += "; no earlier version was right either: write it as https://github.com/monosense/k8s-ops#adopt-it has it"
		}
	}
	return all
}

// workflowHere examines the checkout's file, for want of the one that runs.
func (d *Doctor) workflowHere(reason string) []Diagnosis {
	all := []Diagnosis{{
		Check: CheckWorkflow, Of: "of the default branch", Level: LevelUnknown, What: reason,
		Why: "what runs is the file of the default branch; that of this checkout was looked at instead",
	}}
	data, err := d.Checkout(WorkflowPath)
	if err != nil {
		return append(all, unknown(CheckWorkflow, ofCheckout, err))
	}
	return append(all, d.judgeWorkflow(data, ofCheckout)...)
}

// judgeWorkflow says what is wrong with a workflow file. None is nil.
func (d *Doctor) judgeWorkflow(data []byte, of string) []Diagnosis {
	one := Diagnosis{Check: CheckWorkflow, Of: of, Level: LevelStops, What: "there is no " + WorkflowPath, Why: "nothing is promoted by itself, and no override can be dispatched"}
	if data == nil {
		return []Diagnosis{one}
	}
	file, err := d.ReadWorkflow(data)
	if err != nil {
		one.What, one.Details = sentences(err)
		one.Why = "GitHub starts no workflow that it cannot read"
		return []Diagnosis{one}
	}
	var all []Diagnosis
	for _, f := range file.flaws(d.Engine.Plan) {
		all = append(all, Diagnosis{Check: CheckWorkflow, Of: of, Level: f.level, What: f.what, Details: f.details, Why: f.why})
	}
	if len(all) == 0 {
		one.Level, one.What, one.Why = LevelFine, "triggers, permissions and pins are right", ""
		return []Diagnosis{one}
	}
	return all
}

// isWorkflow tells whether a file is a workflow with which nothing is wrong.
func (d *Doctor) isWorkflow(data []byte) bool { return Worst(d.judgeWorkflow(data, "")) == LevelFine }

// schedule examines whether the forge still starts the workflow.
func (d *Doctor) schedule(ctx context.Context) []Diagnosis {
	if d.Examiner == nil {
		return []Diagnosis{d.unasked(CheckSchedule, "a Git remote without a forge starts nothing")}
	}
	found := Diagnosis{Check: CheckSchedule, Level: LevelStops, Fix: d.gh("workflow enable " + PromoteWorkflow), Why: "nothing is promoted by itself, and no override can be dispatched"}
	state, err := d.Examiner.WorkflowState(ctx, PromoteWorkflow)
	switch {
	case err != nil:
		return []Diagnosis{unknown(CheckSchedule, "", err)}
	case state == WorkflowActive:
		found.Level, found.What, found.Why, found.Fix = LevelFine, "GitHub starts "+PromoteWorkflow, "", ""
	case state == WorkflowUnknown:
		found.What, found.Fix = "GitHub knows no workflow "+PromoteWorkflow, ""
		found.Why += "; see what is said of the workflow's file"
	case state == WorkflowDisabledIdle:
		found.What = "GitHub has disabled " + PromoteWorkflow + ": it does after 60 days without activity in a public repository"
	case state == WorkflowDisabledManually:
		found.What = "somebody has disabled " + PromoteWorkflow
	case state == WorkflowDisabledFork:
		found.What = "GitHub has disabled " + PromoteWorkflow + ", because this is a fork"
	default:
		found.What = fmt.Sprintf("the state of %s is %s", PromoteWorkflow, Printable(string(state), 80))
	}
	return []Diagnosis{found}
}

// gh is a command of gh about the repository.
func (d *Doctor) gh(command string) string {
	r := d.Engine.Plan.Repository
	return fmt.Sprintf("gh %s --repo %s", command, Quote(r.Host+"/"+r.Slug()))
}
