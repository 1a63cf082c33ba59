package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// examiner is a forge on which everything is as it should be, until a test changes
// that.
type examiner struct {
	plan, workflow []byte
	state          rollout.WorkflowState
	keys           []rollout.DeployKey
	rights         rollout.Rights
	// versions are the earlier ones of any file, newest first.
	versions []string
	err      error
	// hangs is the question that is never answered.
	hangs string
}

func (x *examiner) ask(ctx context.Context, question string) error {
	if x.hangs == question {
		<-ctx.Done()
		return fmt.Errorf("ask for the %s: %w", question, ctx.Err())
	}
	return x.err
}

func (x *examiner) DefaultBranch(ctx context.Context) (string, error) {
	return "main", x.ask(ctx, "branch")
}

func (x *examiner) File(ctx context.Context, path string, at rollout.SHA) ([]byte, error) {
	if at != "" {
		return []byte(name(at)), nil
	}
	if path == rollout.PlanPath {
		return x.plan, x.ask(ctx, "plan")
	}
	return x.workflow, x.ask(ctx, "workflow")
}

func (x *examiner) FileLog(ctx context.Context, _ string, _ int) ([]rollout.SHA, error) {
	var all []rollout.SHA
	for _, version := range x.versions {
		all = append(all, sha(version))
	}
	return all, x.ask(ctx, "log")
}

func (x *examiner) WorkflowState(ctx context.Context, _ string) (rollout.WorkflowState, error) {
	return x.state, x.ask(ctx, "state")
}

func (x *examiner) DeployKeys(ctx context.Context) ([]rollout.DeployKey, error) {
	return x.keys, x.ask(ctx, "keys")
}

func (x *examiner) Rights(ctx context.Context) (rollout.Rights, error) {
	return x.rights, x.ask(ctx, "rights")
}

// live clusters are as their branches are.
type allWell struct{ r *remote }

func (a allWell) Look(_ context.Context, cluster string) (rollout.LiveCluster, error) {
	branch := map[string]string{"infra": "main", "apps": "release"}[cluster]
	return rollout.LiveCluster{Context: cluster, Source: &rollout.LiveSource{
		Name: "flux-system/fleet", Revision: rollout.LiveRevision(branch + "@sha1:" + string(a.r.branches[branch])),
	}}, nil
}

// rightFile is a workflow with which nothing is wrong.
func rightFile() rollout.WorkflowFile {
	return rollout.WorkflowFile{
		Push: true, Branches: []string{"main"}, Schedules: []string{"17 * * * *"},
		Dispatch: true, Inputs: []string{"reason", "request", "revision", "skip_wait", "stage", "through_hold"},
		RunName: "Promote ${{ inputs.request }}",
		Jobs: []rollout.WorkflowJob{{
			Name: "promote", Given: true, Permissions: map[string]string{"contents": "write", "statuses": "read"},
			Uses: []rollout.WorkflowUse{{Name: "actions/checkout@" + strings.Repeat("a", 40), Line: 9}},
		}},
	}
}

// newDoctor examines a repository on GitHub in which all is well. A file is right
// that says so.
func newDoctor(t *testing.T) (*rollout.Doctor, *remote, *examiner) {
	t.Helper()
	r := newRemote(t, "main", "release")
	x := &examiner{
		plan: []byte("right"), workflow: []byte("right"), state: rollout.WorkflowActive,
		rights: rollout.Rights{Scoped: true, Scopes: []string{"repo", "workflow"}},
	}
	plan := twoStages
	plan.Repository = rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "octo", Name: "fleet"}
	wrong := errors.New("it is wrong")
	return &rollout.Doctor{
		Engine: r.engine(plan), Settings: &settings{}, Examiner: x, Patience: time.Minute,
		Push: func(context.Context) error { return nil }, Pushing: rollout.CredentialToken,
		ReadPlan: func(data []byte) error {
			if !strings.HasPrefix(string(data), "right") {
				return wrong
			}
			return nil
		},
		ReadWorkflow: func(data []byte) (rollout.WorkflowFile, error) {
			if string(data) != "right" {
				return rollout.WorkflowFile{}, wrong
			}
			return rightFile(), nil
		},
		Checkout:     func(string) ([]byte, error) { return []byte("right"), nil },
		OpenClusters: func() (rollout.Clusters, error) { return allWell{r}, nil },
		Inspect:      func(string, [][]byte) []rollout.Finding { return nil },
	}, r, x
}

// bad are the diagnoses that are not fine, each on a line.
func bad(all []rollout.Diagnosis) []string {
	var lines []string
	for _, d := range all {
		if d.Level != rollout.LevelFine {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s", d.Level, d.Check, d.Of, d.What))
		}
	}
	return lines
}

// Every check is there when all is well, in the order in which they are reported, and
// nothing has a command.
func TestNothingIsWrong(t *testing.T) {
	d, _, _ := newDoctor(t)
	all := d.Examine(t.Context())
	if found := bad(all); len(found) > 0 || rollout.Worst(all) != rollout.LevelFine {
		t.Errorf("found %q", found)
	}
	var checks []rollout.Check
	for _, one := range all {
		checks = append(checks, one.Check)
		if one.Fix != "" || one.Why != "" {
			t.Errorf("%s is fine, and yet %q mends it", one.Check, one.Fix)
		}
	}
	want := []rollout.Check{
		rollout.CheckPlan, rollout.CheckForge, rollout.CheckLedger, rollout.CheckBranch, rollout.CheckDivergence, rollout.CheckEnvironment,
		rollout.CheckProtection, rollout.CheckWorkflow, rollout.CheckSchedule, rollout.CheckToken, rollout.CheckKey, rollout.CheckCluster,
	}
	if diff := cmp.Diff(want, slices.Compact(checks)); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

// Whatever question is never answered, the others are, and it is said in time that
// nobody knows.
func TestOneThatHangsHidesNone(t *testing.T) {
	for _, question := range []string{"branch", "plan", "workflow", "state", "keys", "rights"} {
		t.Run(question, func(t *testing.T) {
			d, _, x := newDoctor(t)
			whole := checksOf(d.Examine(t.Context()))
			x.hangs = question
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				all := d.Examine(t.Context())
				if took := time.Since(begun); took > d.Patience {
					t.Errorf("it took %s", took)
				}
				if rollout.Worst(all) != rollout.LevelUnknown || !strings.Contains(strings.Join(bad(all), "\n"), "no answer in time") {
					t.Errorf("found %q", bad(all))
				}
				if diff := cmp.Diff(whole, checksOf(all)); diff != "" {
					t.Errorf("checks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// checksOf are the checks of which there are diagnoses.
func checksOf(all []rollout.Diagnosis) []rollout.Check {
	var checks []rollout.Check
	for _, one := range all {
		checks = append(checks, one.Check)
	}
	return slices.Compact(checks)
}

// Everything at once: nothing hides anything.
func TestEverythingIsWrong(t *testing.T) {
	d, r, x := newDoctor(t)
	r.push("release", 1, "B")
	r.files["state.json"] = []byte("nonsense")
	x.plan, x.workflow, x.state = nil, []byte("wrong"), rollout.WorkflowDisabledManually
	x.keys = []rollout.DeployKey{{ID: 7, Title: "old", Created: epoch.AddDate(-2, 0, 0)}}
	x.rights = rollout.Rights{Scoped: true}
	d.Settings = &settings{apply: func(context.Context) error { return nil }, instead: "pushes do not wait"}
	d.Push = func(context.Context) error { return &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "no"} }
	d.OpenClusters = func() (rollout.Clusters, error) { return nil, errors.New("no kubeconfig") }
	want := []string{
		"stops plan of main: there is no clusters/rollout.yaml",
		"stops ledger rollout/ledger: ",
		"stops divergence apps: release has 1 commit that main has not",
		"warning environment : environment staged-rollout, 24h: missing",
		"warning protection : ruleset staged rollout: missing",
		"stops workflow of main: it is wrong",
		"stops schedule : somebody has disabled release-promote.yaml",
		"warning token pushing: the token may not push",
		"warning token workflow files: the token may not promote changes of them: it has not the scope workflow",
		"warning key old: nobody has used it for 730d",
		"unknown cluster : no kubeconfig",
	}
	found := bad(d.Examine(t.Context()))
	for i, line := range found {
		if i >= len(want) || !strings.HasPrefix(line, want[i]) {
			t.Fatalf("found %q, want %q", found, want)
		}
	}
	if len(found) != len(want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

func TestFlawsOfAWorkflow(t *testing.T) {
	tag := []rollout.WorkflowUse{{Name: "actions/checkout@v4", Line: 9}}
	for name, test := range map[string]struct {
		change func(*rollout.WorkflowFile)
		want   string
	}{
		"nothing":                 {func(*rollout.WorkflowFile) {}, ""},
		"any branch":              {func(f *rollout.WorkflowFile) { f.Branches = nil }, ""},
		"a pattern":               {func(f *rollout.WorkflowFile) { f.Branches = []string{"m*"} }, ""},
		"an excluding pattern":    {func(f *rollout.WorkflowFile) { f.Branches = []string{"**", "!main"} }, "warning workflow of main: no push to main starts it"},
		"another branch":          {func(f *rollout.WorkflowFile) { f.Branches = []string{"mains", "a/main"} }, "warning workflow of main: no push to main starts it"},
		"no schedule":             {func(f *rollout.WorkflowFile) { f.Schedules = nil }, "warning workflow of main: no schedule starts it"},
		"neither":                 {func(f *rollout.WorkflowFile) { f.Schedules, f.Push = nil, false }, "stops workflow of main: neither a push to main nor a schedule starts it"},
		"no dispatch":             {func(f *rollout.WorkflowFile) { f.Dispatch = false }, "warning workflow of main: nobody can start it"},
		"an input less":           {func(f *rollout.WorkflowFile) { f.Inputs = f.Inputs[1:] }, "warning workflow of main: it does not take what an override gives it: reason"},
		"another name of its run": {func(f *rollout.WorkflowFile) { f.RunName = "Promote" }, "warning workflow of main: its run-name"},
		"no permissions":          {func(f *rollout.WorkflowFile) { f.Jobs[0] = rollout.WorkflowJob{} }, "warning workflow of main: it gives its token no permissions"},
		"reads":                   {func(f *rollout.WorkflowFile) { f.Jobs[0].Permissions["contents"] = "read" }, "stops workflow of main: no job has the permission contents: write"},
		"all, of reading": {
			func(f *rollout.WorkflowFile) { f.Jobs[0].Permissions, f.Jobs[0].PermissionsAll = nil, "read" },
			"stops workflow of main: no job has the permission contents: write",
		},
		"all of them": {
			func(f *rollout.WorkflowFile) { f.Jobs[0].Permissions, f.Jobs[0].PermissionsAll = nil, "write" },
			"warning workflow of main: the job promote has every permission",
		},
		"no statuses": {func(f *rollout.WorkflowFile) { delete(f.Jobs[0].Permissions, "statuses") }, "stops workflow of main: no job has the permission statuses: read"},
		"a tag":       {func(f *rollout.WorkflowFile) { f.Jobs[0].Uses = tag }, "warning workflow of main: it runs what is not pinned"},
		"a local one": {func(f *rollout.WorkflowFile) { f.Jobs[0].Uses[0].Name = "./.github/actions/x" }, ""},
		"a short SHA": {func(f *rollout.WorkflowFile) { f.Jobs[0].Uses[0].Name = "a/b@1a2b3c4" }, "warning workflow of main: it runs what is not pinned"},
		"an image":    {func(f *rollout.WorkflowFile) { f.Jobs[0].Uses[0].Name = "docker://a:1" }, "warning workflow of main: it runs what is not pinned"},
		"an image by its digest": {
			func(f *rollout.WorkflowFile) { f.Jobs[0].Uses[0].Name = "docker://a@sha256:" + strings.Repeat("a", 64) }, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, _ := newDoctor(t)
			d.Engine.Plan.Stages = slices.Clone(d.Engine.Plan.Stages)
			d.Engine.Plan.Stages[1].Health.Required = []rollout.Requirement{{}}
			d.ReadWorkflow = func([]byte) (rollout.WorkflowFile, error) {
				f := rightFile()
				test.change(&f)
				return f, nil
			}
			found := strings.Join(bad(d.Examine(t.Context())), "\n")
			if found = workflowLines(found); (test.want == "") != (found == "") || !strings.HasPrefix(found, test.want) || strings.Contains(found, "\n") {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// A star stops at a slash, and two do not.
func TestPatternsOfBranches(t *testing.T) {
	for pattern, want := range map[string]bool{"env*": false, "env/*": true, "*": false, "**": true, "env/main": true, "env.main": false} {
		d, r, _ := newDoctor(t)
		r.move("env/main", sha("A"), hour(0))
		d.Engine.Plan.Stages = slices.Clone(d.Engine.Plan.Stages)
		d.Engine.Plan.Stages[0].Branch = "env/main"
		d.ReadWorkflow = func([]byte) (rollout.WorkflowFile, error) {
			f := rightFile()
			f.Branches = []string{pattern}
			return f, nil
		}
		found := workflowLines(strings.Join(bad(d.Examine(t.Context())), "\n"))
		if got := found == ""; got != want {
			t.Errorf("%s covers env/main is %v: %s", pattern, got, found)
		}
	}
}

// workflowLines are those that are about the workflow.
func workflowLines(lines string) string {
	var kept []string
	for line := range strings.SplitSeq(lines, "\n") {
		if strings.Contains(line, " workflow of ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// What was right last is put back, and nothing is made up where nothing was.
func TestPutBack(t *testing.T) {
	for name, test := range map[string]struct {
		versions []string
		want     string
	}{
		"the newest that was right": {[]string{"wrong", "right", "right"}, "git checkout " + string(sha("right")) + " -- " + rollout.WorkflowPath},
		"none was":                  {[]string{"wrong"}, ""},
		"there was none":            {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, x := newDoctor(t)
			x.workflow, x.versions = []byte("wrong"), test.versions
			for _, one := range d.Examine(t.Context()) {
				if one.Check != rollout.CheckWorkflow {
					continue
				}
				if (one.Fix == "") != (test.want == "") || !strings.Contains(one.Fix, test.want) {
					t.Errorf("%q, want %q", one.Fix, test.want)
				}
				if one.Fix == "" && !strings.Contains(one.Why, "adopt-it") {
					t.Errorf("nothing says how it should be: %s", one.Why)
				}
			}
		})
	}
}

func TestKeys(t *testing.T) {
	const day = 24 * time.Hour
	ago := func(d time.Duration) time.Time { return epoch.Add(-d) }
	for name, test := range map[string]struct {
		key  rollout.DeployKey
		want string
	}{
		"in use":              {rollout.DeployKey{Created: ago(364 * day), LastUsed: ago(day)}, ""},
		"old":                 {rollout.DeployKey{Created: ago(366 * day), LastUsed: ago(day)}, "warning key k: it is 366d old"},
		"new, and not used":   {rollout.DeployKey{Created: ago(89 * day)}, ""},
		"never used":          {rollout.DeployKey{Created: ago(91 * day)}, "warning key k: nobody has used it for 91d"},
		"used long ago":       {rollout.DeployKey{Created: ago(300 * day), LastUsed: ago(91 * day)}, "warning key k: nobody has used it for 91d"},
		"turned off":          {rollout.DeployKey{Created: ago(day), Disabled: true}, "warning key k: GitHub takes it no more"},
		"old, and only reads": {rollout.DeployKey{Created: ago(900 * day), ReadOnly: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, x := newDoctor(t)
			test.key.Title = "k"
			x.keys = []rollout.DeployKey{test.key}
			if found := strings.Join(bad(d.Examine(t.Context())), "\n"); found != test.want {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// A deploy key that may not push stops the rollout; a token, from here alone.
func TestWhatMayNotPush(t *testing.T) {
	refused := &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "no"}
	for name, test := range map[string]struct {
		pushing rollout.Credential
		err     error
		want    rollout.Level
	}{
		"token":            {rollout.CredentialToken, refused, rollout.LevelWarning},
		"deploy key":       {rollout.CredentialKey, refused, rollout.LevelStops},
		"whatever Git has": {rollout.CredentialGit, refused, rollout.LevelStops},
		"no answer":        {rollout.CredentialKey, errors.New("cut"), rollout.LevelUnknown},
		"all is well":      {rollout.CredentialKey, nil, rollout.LevelFine},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, _ := newDoctor(t)
			d.Pushing, d.Push = test.pushing, func(context.Context) error { return test.err }
			all := d.Examine(t.Context())
			if got := rollout.Worst(all); got != test.want {
				t.Errorf("%s: %q", got, bad(all))
			}
		})
	}
}

// blind is a forge that does not tell this token what clusters report.
type blind struct {
	*remote
	err error
}

func (b blind) Evidence(context.Context, []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	return nil, b.err
}

func (b blind) EvidenceLog(context.Context, []rollout.SHA) (map[rollout.SHA][]rollout.Evidence, error) {
	return nil, b.err
}

// What clusters report has to be read only where the plan asks for it.
func TestStatusesThatMayNotBeRead(t *testing.T) {
	refused := &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "no"}
	for name, test := range map[string]struct {
		asks bool
		err  error
		want string
	}{
		"asked for, and told":     {true, nil, ""},
		"asked for, and not told": {true, refused, "warning token statuses: the token may not read what clusters report"},
		"no answer":               {true, errors.New("cut"), "unknown token statuses: cut"},
		"not asked for":           {false, refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, r, _ := newDoctor(t)
			d.Engine.Remote = blind{r, test.err}
			d.Engine.Plan.Stages = slices.Clone(d.Engine.Plan.Stages)
			if test.asks {
				d.Engine.Plan.Stages[1].Health.Required = []rollout.Requirement{{}}
			}
			if found := strings.Join(bad(d.Examine(t.Context())), "\n"); found != test.want {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// What the account or the token cannot have, or see, is not known.
func TestSettingsThatCannotBeHad(t *testing.T) {
	d, _, _ := newDoctor(t)
	d.Settings = &settings{instead: "pushes do not wait"}
	all := d.Examine(t.Context())
	if got := rollout.Worst(all); got != rollout.LevelUnknown || len(bad(all)) != 2 {
		t.Errorf("%s: %q", got, bad(all))
	}
}

// matching is a history in which the commit X makes the same change as Y.
type matching struct{ rollout.History }

func (matching) Equivalents(_ context.Context, of, among []rollout.Commit) (map[rollout.SHA]rollout.SHA, error) {
	found := map[rollout.SHA]rollout.SHA{}
	has := func(all []rollout.Commit, one string) bool {
		return slices.ContainsFunc(all, func(c rollout.Commit) bool { return c.SHA == sha(one) })
	}
	if has(of, "X") && has(among, "Y") {
		found[sha("X")] = sha("Y")
	}
	return found, nil
}

// What is on a stage alone is taken in as it is only where nothing is lost by it.
func TestDiverged(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*rollout.Doctor, *remote)
		detail  string
		merge   string
	}{
		"a commit of its own": {func(_ *rollout.Doctor, r *remote) { r.push("release", 1, "X") }, "X (Ada): main has no such change", "--no-ff"},
		"nobody can tell":     {func(d *rollout.Doctor, r *remote) { r.push("release", 1, "X") }, "main has no such change", "--no-ff"},
		"the same change": {func(_ *rollout.Doctor, r *remote) {
			r.push("release", 1, "X")
			r.push("main", 2, "Y")
		}, "main has the same change, as " + sha("Y").Short(), "-s ours"},
		"one of two": {func(_ *rollout.Doctor, r *remote) {
			r.push("release", 1, "X")
			r.push("release", 1, "Z")
			r.push("main", 2, "Y")
		}, "main has no such change", "--no-ff"},
		"main was rewritten": {func(_ *rollout.Doctor, r *remote) {
			r.push("main", 1, "X")
			r.move("release", sha("X"), hour(2))
			r.move("main", sha("A"), hour(3))
		}, "main was rewritten: it had " + sha("X").Short(), "-s ours"},
	} {
		t.Run(name, func(t *testing.T) {
			d, r, _ := newDoctor(t)
			d.Engine.History = matching{r}
			if name == "nobody can tell" {
				d.Engine.History = r
				test.detail = "whether main has the same change is not known: nothing here compares changes"
			}
			test.happens(d, r)
			for _, one := range d.Examine(t.Context()) {
				if one.Check != rollout.CheckDivergence {
					continue
				}
				if one.Level != rollout.LevelStops || !strings.Contains(strings.Join(one.Details, "\n"), test.detail) || !strings.Contains(one.Fix, "git merge "+test.merge+" ") {
					t.Errorf("%s %q, mended by %s", one.Level, one.Details, one.Fix)
				}
			}
		})
	}
}

// long is a history in which main has so many commits more than it has.
type long struct {
	matching
	main rollout.SHA
	more int
}

func (l long) Between(ctx context.Context, have, want rollout.SHA) ([]rollout.Commit, error) {
	commits, err := l.matching.Between(ctx, have, want)
	if want == l.main {
		commits = append(commits, make([]rollout.Commit, l.more)...)
	}
	return commits, err
}

// TestTooManyToCompare: neither the doctor nor a repair compares what a stage has alone
// with thousands of commits, and both say so in the same words.
func TestTooManyToCompare(t *testing.T) {
	for more, says := range map[int]string{
		1999: "",
		2000: "main has 2001 commits that release has not, which are too many to compare",
	} {
		d, r, _ := newDoctor(t)
		r.push("release", 1, "X")
		r.push("main", 2, "Y")
		d.Engine.History = long{matching{r}, sha("Y"), more}
		var details []string
		for _, one := range d.Examine(t.Context()) {
			if one.Check == rollout.CheckDivergence {
				details = one.Details
			}
		}
		want := "main has the same change, as " + sha("Y").Short()
		if says != "" {
			want = "whether main has the same change is not known: " + says
		}
		if !strings.Contains(strings.Join(details, "\n"), want) {
			t.Errorf("of %d commits the doctor says %q, want %q", more, details, want)
		}
		rift, err := (&rollout.Mender{Engine: d.Engine}).Examine(t.Context(), d.Engine.Plan.Stages[1])
		if err != nil || rift.Unknown != says || (says == "") != (rift.Foreign[0].Same == sha("Y")) {
			t.Errorf("of %d commits a repair says %q, and finds %q: %v", more, rift.Unknown, rift.Foreign[0].Same, err)
		}
	}
}

// Text of others keeps to its line, and a branch's name to its place in a command.
func TestDiagnosesAreSafe(t *testing.T) {
	const evil = "x\x1b[2J\n::error::forged ##[error] $(touch pwned) 'y'"
	d, r, x := newDoctor(t)
	r.messages[sha("E")] = evil + "\n"
	r.push("release", 1, "E")
	d.Engine.Plan.Ledger = "a'$(touch pwned)"
	x.workflow, x.state = []byte("wrong"), rollout.WorkflowState(evil)
	x.keys = []rollout.DeployKey{{Title: evil, Created: epoch.AddDate(-2, 0, 0)}}
	d.ReadWorkflow = func([]byte) (rollout.WorkflowFile, error) { return rollout.WorkflowFile{}, errors.New(evil) }
	for _, one := range d.Examine(t.Context()) {
		for _, text := range append([]string{one.Of, one.What, one.Why, one.Fix}, one.Details...) {
			if strings.ContainsAny(text, "\x1b\n") || strings.HasPrefix(text, "::") || strings.Contains(text, "##[") {
				t.Errorf("%s says %q", one.Check, text)
			}
		}
		if strings.Contains(one.Fix, " a'$(touch") {
			t.Errorf("a name can become a command: %s", one.Fix)
		}
	}
}

func TestUnreadPlan(t *testing.T) {
	wrong := errors.New("clusters/rollout.yaml:3: no\n  hint: yes")
	all := rollout.Unread(wrong, sha("A"))
	if len(all) != 12 || all[0].Level != rollout.LevelStops || all[0].Details[0] != "hint: yes" || all[0].Fix != "git checkout "+string(sha("A"))+" -- clusters/rollout.yaml" {
		t.Errorf("found %+v", all)
	}
	if one := rollout.Unread(wrong, "")[0]; one.Fix != "" || !strings.Contains(one.Why, "write it as") {
		t.Errorf("nobody knows one that was right: %+v", one)
	}
}
