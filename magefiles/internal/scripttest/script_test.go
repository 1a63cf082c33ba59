package scripttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	// What the binary is made of: or else Go would take a result from its cache that
	// is of another one.
	_ "github.com/monosense/k8s-ops/magefiles/develop"
	_ "github.com/monosense/k8s-ops/magefiles/flux"
	_ "github.com/monosense/k8s-ops/magefiles/release"
	_ "github.com/monosense/k8s-ops/magefiles/verify"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/apiserver"
)

// The repository of every script.
const (
	owner = "monosense"
	name  = "k8s-ops"
)

// start is when every script begins, by the stand-in's clock.
var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setup(t, compile(t)),
		Cmds:                commands,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// compile makes the binaries that the scripts run as `rollout` and `task`.
func compile(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, args := range [][]string{
		{"tool", "mage", "-compile", filepath.Join(dir, "rollout")},
		{"build", "-o", filepath.Join(dir, "task"), "github.com/go-task/task/v3/cmd/task"},
	} {
		command := exec.Command("go", args...)
		command.Dir = root(t)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return dir
}

// root is the root of the repository that is tested.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// world is what belongs to one script.
type world struct {
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
	clock  *rollouttest.Clock
	binary string
	work   string
	// clusters are those that the script has begun, and down those of them that are.
	clusters map[string]*apiserver.Server
	down     map[string]bool
	// named are the commits that the script knows by a name.
	named []named
	// terminal is the one that the script began last.
	terminal *terminal
}

type worldKey struct{}

func in(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func setup(t *testing.T, binaries string) func(*testscript.Env) error {
	t.Helper()
	checkout := root(t)
	return func(env *testscript.Env) error {
		w := &world{clock: rollouttest.NewClock(start), binary: filepath.Join(binaries, "rollout"), work: env.WorkDir, clusters: map[string]*apiserver.Server{}, down: map[string]bool{}}
		var err error
		w.github, err = rollouttest.Start(rollouttest.Options{
			Clock:        w.clock.Now,
			Repositories: []rollouttest.RepositoryOptions{{Owner: owner, Name: name}},
		})
		if err != nil {
			return err
		}
		env.Defer(func() {
			_ = w.github.Close()
			for _, cluster := range w.clusters {
				cluster.Close()
			}
			for _, request := range w.github.Unexpected() {
				t.Errorf("GitHub does not know the request: %s", request)
			}
		})
		if w.repo, err = w.github.Repository(owner, name); err != nil {
			return err
		}
		w.github.OnDispatch(w.runWorkflow)
		env.Values[worldKey{}] = w
		env.Vars = append(env.Vars, w.github.Env()...)
		env.Setenv("GH_REPO", w.github.Host()+"/"+owner+"/"+name)
		env.Setenv("PATH", binaries+string(os.PathListSeparator)+os.Getenv("PATH"))
		env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, ".gitconfig"))
		env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
		env.Setenv("CHECKOUT", checkout)
		env.Setenv("REPOSITORY", w.repo.Path())
		return w.furnish(env.WorkDir)
	}
}

// furnish gives the script a checkout with a plan, unless it brings its own,
// and the repository a first commit.
func (w *world) furnish(dir string) error {
	workflow, err := os.ReadFile("../../../.github/workflows/release-promote.yaml")
	if err != nil {
		return err
	}
	plan := filepath.Join(dir, "clusters", "rollout.yaml")
	if _, err := os.Stat(plan); errors.Is(err, os.ErrNotExist) {
		data, err := os.ReadFile("../../../clusters/rollout.yaml")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(plan), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(plan, data, 0o644); err != nil {
			return err
		}
	}
	gitconfig := "[user]\n\tname = Olga Operator\n\temail = olga@example.com\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(dir, ".gitconfig"), []byte(gitconfig), 0o644); err != nil {
		return err
	}
	_, err = w.repo.Commit("main", rollouttest.Change{Message: "Begin", Files: map[string]string{
		".github/workflows/release-promote.yaml": string(workflow),
	}})
	return err
}

// runWorkflow does what the workflow's step does for a dispatch: it runs the
// same target with the inputs, the run's own token, and a runner's variables.
func (w *world) runWorkflow(ctx context.Context, d rollouttest.Dispatch) rollouttest.Conclusion {
	args := []string{"release:promote"}
	if d.Inputs["skip_wait"] == "true" {
		args = []string{"release:override", "-direct", "-yes"}
		if d.Inputs["through_hold"] == "true" {
			args = append(args, "-throughHold")
		}
		for flag, input := range map[string]string{"-reason": "reason", "-sha": "revision", "-stage": "stage"} {
			if value := d.Inputs[input]; value != "" {
				args = append(args, flag+"="+value)
			}
		}
	}
	command := exec.CommandContext(ctx, w.binary, args...)
	command.Dir = w.work
	command.Env = w.environment(
		"GH_ENTERPRISE_TOKEN="+d.Token, "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_ACTOR="+d.Actor,
		"GITHUB_REPOSITORY="+owner+"/"+name,
		"GITHUB_RUN_ID="+strconv.FormatInt(d.RunID, 10), "GITHUB_SERVER_URL="+w.github.URL(),
		"GITHUB_STEP_SUMMARY="+filepath.Join(w.work, "summary.md"),
	)
	log, err := command.CombinedOutput()
	_ = os.WriteFile(filepath.Join(w.work, "run.log"), log, 0o644)
	if err != nil {
		return rollouttest.Failed
	}
	return rollouttest.Success
}

// environment is that of a process beside the script.
func (w *world) environment(more ...string) []string {
	return append(append(w.github.Env(),
		"PATH="+os.Getenv("PATH"), "HOME="+w.work, "GH_REPO="+w.github.Host()+"/"+owner+"/"+name), more...)
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":    exits,
	"as":       as,
	"push":     push,
	"revert":   revert,
	"tell":     tell,
	"merge":    merge,
	"tree":     tree,
	"tip":      tip,
	"pushes":   pushes,
	"pusheach": pusheach,
	"commit":   commit,
	"change":   change,
	"cluster":  liveCluster,
	"reset":    reset,
	"delete":   remove,
	"clock":    clock,
	"clone":    clone,
	"stands":   stands,
	"gone":     gone,
	"fails":    fails,
	"heals":    heals,
	"races":    races,
	"reports":  reports,
	"twins":    twins,
	"between":  between,
	"forget":   forget,
	"token":    token,
	"requests": requests,
	"shows":    shows,
	"waitfor":  waitfor,
	"terminal": startTerminal,
	"screen":   screen,
	"press":    press,
	"resize":   resize,
	"signal":   signalTerminal,
	"left":     left,
	"ran":      ran,
	"mends":    mends,
	"workflow": workflowState,
	"key":      deployKey,
	"keys":     deployKeys,
	"secrets":  secrets,

	"mergepull": mergepull,
	"pull":      pull,
	"branches":  branches,
	"allows":    allows,
	"cmpshort":  cmpshort,
	"unprotect": unprotect,
	"rewrite":   rewrite,
}

// need refuses a script that calls a command wrongly.
func need(ts *testscript.TestScript, neg bool, args []string, least, most int, usage string) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 99, "exits CODE COMMAND ARGS…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func push(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 3, "push VAR SUBJECT [AUTHOR]")
	author := "ben"
	if len(args) == 3 {
		author = args[2]
	}
	sha, err := in(ts).repo.Commit("main", rollouttest.Change{Message: args[1], Author: author, Files: file(args[0])})
	ts.Check(err)
	remember(ts, args[0], sha)
}

func pushes(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 3, "pushes VAR N SUBJECT")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var changes []rollouttest.Change
	for i := range n {
		changes = append(changes, rollouttest.Change{
			Message: fmt.Sprintf("%s %d", args[2], i+1), Author: "ben", Files: file(args[0] + strconv.Itoa(i)),
		})
	}
	shas, err := in(ts).repo.Push("main", changes...)
	ts.Check(err)
	ts.Setenv(args[0], shas[n-1])
	ts.Setenv(args[0]+"_FIRST", shas[0])
}

// pusheach is like pushes, but with a push for each commit: each is a revision.
func pusheach(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 3, "pusheach VAR N SUBJECT")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var last string
	for i := range n {
		last, err = in(ts).repo.Commit("main", rollouttest.Change{
			Message: fmt.Sprintf("%s %d", args[2], i+1), Author: "ben", Files: file(args[0] + strconv.Itoa(i)),
		})
		ts.Check(err)
	}
	remember(ts, args[0], last)
}

// file is a change of its own, so that no two commits have the same tree.
func file(name string) map[string]string {
	return map[string]string{"changes/" + name: name + "\n"}
}

func commit(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 3, "commit VAR BRANCH SUBJECT")
	sha, err := in(ts).repo.Commit(args[1], rollouttest.Change{Message: args[2], Author: "mallory", Files: file(args[0])})
	ts.Check(err)
	remember(ts, args[0], sha)
}

func change(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 3, "change VAR PATH [FILE]")
	message := "Change " + args[1]
	if len(args) > 2 {
		message = ts.ReadFile(args[2])
	}
	files := map[string]string{}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		path, err := filepath.Rel(ts.MkAbs("."), name)
		files[filepath.ToSlash(path)] = ts.ReadFile(name)
		return err
	}))
	sha, err := in(ts).repo.Commit("main", rollouttest.Change{Message: message, Author: "ben", Files: files})
	ts.Check(err)
	remember(ts, args[0], sha)
}

func liveCluster(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 4, "cluster NAME BRANCH SHA [failed|suspended|down|narrow|obeys|fails]")
	name, branch, revision := args[0], args[1], args[1]+"@sha1:"+args[2]
	w := in(ts)
	if w.clusters[name] == nil || w.down[name] {
		w.clusters[name], w.down[name] = apiserver.Start(), false
	}
	s := w.clusters[name]
	s.Disobey()
	s.Answer = nil
	ready, source := apiserver.Ready("True", "ReconciliationSucceeded", "Applied revision: "+revision, 1), apiserver.GitRepository("k8s-ops", "https://github.com/monosense/k8s-ops", branch, revision)
	switch state := append(args, "")[3]; state {
	case "":
	case "failed":
		ready = apiserver.Ready("False", "HealthCheckFailed", "timeout waiting for: [Deployment/podinfo]", 1)
	case "suspended":
		source["spec"].(apiserver.Object)["suspend"] = true
	case "down":
		w.down[name] = true
		defer s.Close()
	case "narrow":
		s.Answer = narrow
	case "obeys":
		obey(ts, s, branch, apiserver.Ready("True", "ReconciliationSucceeded", "applied", 1))
	case "fails":
		obey(ts, s, branch, apiserver.Ready("False", "HealthCheckFailed", "timeout waiting for: [Deployment/podinfo]", 1))
	default:
		ts.Fatalf("a cluster cannot be %s", state)
	}
	s.Set(apiserver.GitRepositories, source)
	s.Set(apiserver.Kustomizations, apiserver.Kustomization("cluster", "k8s-ops", revision, ready), apiserver.Kustomization("podinfo", "k8s-ops", revision, ready))
	path := ts.MkAbs("kubeconfig")
	ts.Check(os.WriteFile(path, []byte(apiserver.Kubeconfig(w.clusters)), 0o600))
	ts.Setenv("KUBECONFIG", path)
}

// narrow is an API server for credentials that may read what every cluster has.
func narrow(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/imageupdateautomations") {
		return false
	}
	apiserver.Fail(w, http.StatusForbidden, "Forbidden")
	return true
}

// obey has the Flux of a cluster take the head of a branch when it is asked to, and
// come to a condition with it.
func obey(ts *testscript.TestScript, s *apiserver.Server, branch string, ready apiserver.Object) {
	repo := in(ts).repo
	s.Obey(func() string {
		head, err := repo.Head(branch)
		if err != nil {
			return "" // which fails whatever waits for it
		}
		return branch + "@sha1:" + head
	}, func(string) apiserver.Object { return ready })
}

func clone(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "clone DIR")
	ts.Check(ts.Exec("git", "clone", "-q", in(ts).repo.Path(), args[0]))
}

func reset(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "reset BRANCH SHA")
	ts.Check(in(ts).repo.SetBranch(args[0], args[1]))
}

func remove(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "delete BRANCH")
	ts.Check(in(ts).repo.DeleteBranch(args[0]))
}

func clock(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "clock DURATION")
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	in(ts).clock.Advance(d)
}

func stands(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: stands BRANCH SHA")
	}
	head, err := in(ts).repo.Head(args[0])
	ts.Check(err)
	if (head == args[1]) == neg {
		ts.Fatalf("%s stands at %s", args[0], head)
	}
}

func gone(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "gone BRANCH")
	if head, err := in(ts).repo.Head(args[0]); err == nil && head != "" {
		ts.Fatalf("%s stands at %s", args[0], head)
	}
}

func fails(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 4, "fails METHOD|graphql PATH|OPERATION HOW [COUNT]")
	match := rollouttest.Match{Method: args[0], Path: args[1], Count: 1}
	if args[0] == "graphql" {
		match = rollouttest.Match{Operation: args[1], Count: 1}
	}
	if len(args) == 4 {
		n, err := strconv.Atoi(args[3])
		ts.Check(err)
		match.Count = n
	}
	how := map[string]rollouttest.Failure{
		"500":      rollouttest.ServerError(500),
		"502":      rollouttest.BadGateway(),
		"cut":      {Cut: true},
		"lost":     {Cut: true, After: true},
		"500-done": {Status: 500, Body: `{"message":"Server Error"}`, After: true},
		"limited":  rollouttest.SecondaryLimit(time.Hour),
		"hang":     {Delay: rollouttest.Hang},
	}
	failure, ok := how[args[2]]
	if !ok {
		ts.Fatalf("unknown failure %s", args[2])
	}
	in(ts).github.FailNext(match, failure)
}

func heals(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, 0, "heals")
	in(ts).github.Heal()
}

func races(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 3, "races OPERATION BRANCH SHA|gone")
	w := in(ts)
	w.github.Before(rollouttest.Match{Operation: args[0]}, func() {
		if args[2] == "gone" {
			_ = w.repo.DeleteBranch(args[1])
			return
		}
		_ = w.repo.SetBranch(args[1], args[2])
	})
}

func forget(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, 0, "forget")
	in(ts).repo.DropActivity(func(rollouttest.ActivityRow) bool { return true })
}

func token(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "token KIND")
	identities := map[string]rollouttest.Identity{
		"actions":  {Kind: rollouttest.KindActions, Permissions: rollouttest.AllPermissions()},
		"contents": {Login: "writer", Permissions: map[string]string{"contents": "write", "metadata": "read", "workflows": "write"}},
		"readonly": {Login: "reader", Permissions: map[string]string{"contents": "read", "metadata": "read"}},
		"classic":  {Login: "octocat-admin", Permissions: rollouttest.AllPermissions(), Scopes: []string{"repo", "workflow"}},
		"repo":     {Login: "octocat-admin", Permissions: rollouttest.AllPermissions(), Scopes: []string{"repo"}},
	}
	switch who, known := identities[args[0]]; {
	case known:
		in(ts).github.AddToken("token-of-"+args[0], who)
		ts.Setenv("GH_ENTERPRISE_TOKEN", "token-of-"+args[0])
	case args[0] == "none":
		ts.Setenv("GH_ENTERPRISE_TOKEN", "")
	case args[0] == "bad":
		ts.Setenv("GH_ENTERPRISE_TOKEN", "ghp_secretthatnobodyknows")
	default:
		ts.Fatalf("unknown token %s", args[0])
	}
}

func requests(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "requests N")
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	w := in(ts)
	if made := w.github.Requests(); len(made) > most {
		var all bytes.Buffer
		for _, r := range made {
			fmt.Fprintf(&all, "\n%s %s %s", r.Method, r.Path, r.Operation)
		}
		ts.Fatalf("%d requests were made, at most %d were expected:%s", len(made), most, all.String())
	}
	w.github.ResetRequests()
}

var space = regexp.MustCompile(`\s+`)

// shows looks in standard output and standard error alike, since what counts
// is what the operator reads.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: shows TEXT")
	}
	seen := space.ReplaceAllString(ts.ReadFile("stdout")+" "+ts.ReadFile("stderr"), " ")
	if strings.Contains(seen, args[0]) == neg {
		ts.Fatalf("%q: shown is %v in:\n%s", args[0], !neg, seen)
	}
}

// waitfor waits until every failure that was asked for has met its request. It
// looks again and again, since the process that asks runs in the background.
func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, 0, "waitfor")
	for range 1000 {
		if in(ts).github.PendingFailures() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("nobody made the request that was to fail")
}
