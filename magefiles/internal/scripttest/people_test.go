package scripttest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// as goes on with the token of somebody else, who may do everything, too.
func as(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 1, "as LOGIN")
	ts.Setenv("GH_ENTERPRISE_TOKEN", in(ts).person(args[0]))
}

// person is the token of somebody who may do everything.
func (w *world) person(login string) (token string) {
	token = "token-of-" + login
	w.github.AddToken(token, rollouttest.Identity{Login: login, Permissions: rollouttest.AllPermissions()})
	return token
}

// between lets somebody run the targets in the instant before the next request
// of a kind is looked at: after whoever makes it has decided.
func between(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 99, "between OPERATION LOGIN ARGS…")
	w := in(ts)
	env := w.environment("GH_ENTERPRISE_TOKEN=" + w.person(args[1]))
	w.github.Before(rollouttest.Match{Operation: args[0]}, func() {
		command := exec.Command(w.binary, args[2:]...)
		command.Dir, command.Env = w.work, env
		log, err := command.CombinedOutput()
		_ = os.WriteFile(filepath.Join(w.work, "between.log"), fmt.Appendf(log, "%v\n", err), 0o644)
	})
}

// revert makes the commit that git revert makes of a push of one commit.
func revert(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "revert VAR PUSHED")
	reverted := ts.Getenv(args[1])
	subject, err := in(ts).repo.Git("log", "-1", "--format=%s", reverted)
	ts.Check(err)
	sha, err := in(ts).repo.Commit("main", rollouttest.Change{
		Message: fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", strings.TrimSpace(subject), reverted),
		Author:  "ben", Delete: slices.Collect(maps.Keys(file(args[1]))),
	})
	ts.Check(err)
	remember(ts, args[0], sha)
}

// merge pushes a merge of a branch that begins at the head of main.
func merge(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "merge VAR BRANCH")
	w := in(ts)
	git := func(args ...string) string {
		out, err := w.repo.Git(args...)
		ts.Check(err)
		return strings.TrimSpace(out)
	}
	branch := git("rev-parse", args[1])
	sha := git("-c", "user.name=ben", "-c", "user.email=ben@example.com", "commit-tree", branch+"^{tree}",
		"-p", git("rev-parse", "main"), "-p", branch, "-m", fmt.Sprintf("Merge branch '%s'", args[1]))
	ts.Check(w.repo.SetBranch("main", sha))
	remember(ts, args[0], sha)
}

// tree remembers the tree of a commit, whose name looks like any other.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "tree VAR COMMIT")
	name, err := in(ts).repo.Git("rev-parse", args[1]+"^{tree}")
	ts.Check(err)
	remember(ts, args[0], strings.TrimSpace(name))
}

// tip remembers where a branch stands.
func tip(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "tip VAR BRANCH")
	head, err := in(ts).repo.Head(args[1])
	ts.Check(err)
	remember(ts, args[0], head)
}

var variable = regexp.MustCompile(`\$[A-Z]\w*`)

// tell makes a commit whose message is a file of the script, with the script's
// variables in it.
func tell(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 3, "tell VAR FILE [PUSHED]")
	message := variable.ReplaceAllStringFunc(ts.ReadFile(args[1]), func(name string) string { return ts.Getenv(name[1:]) })
	change := rollouttest.Change{Message: message, Author: "ben", Files: file(args[0])}
	if len(args) == 3 {
		change.Files, change.Delete = nil, slices.Collect(maps.Keys(file(args[2])))
	}
	sha, err := in(ts).repo.Commit("main", change)
	ts.Check(err)
	remember(ts, args[0], sha)
}

// remember makes a commit known to the script, in full and as people write it.
func remember(ts *testscript.TestScript, name, sha string) {
	in(ts).remember(name, sha)
	ts.Setenv(name, sha)
	ts.Setenv(name+"_SHORT", sha[:7])
	ts.Setenv(name+"_BRANCH", sha[:12])
}

// A named commit is one that the script calls by a name.
type named struct{ name, sha string }

// remember names a commit. The first name is the one that counts.
func (w *world) remember(name, sha string) {
	w.named = append(w.named, named{name, sha})
}
