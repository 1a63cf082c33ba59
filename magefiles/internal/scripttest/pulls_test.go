package scripttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// ask makes a REST request of the stand-in about the repository, as the script's
// operator, and reads the answer.
func (w *world) ask(token, method, path string, body, into any) (status int, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, fmt.Sprintf("%s/api/v3/repos/%s/%s/%s", w.github.URL(), owner, name, path), bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "token "+token)
	client := http.Client{Transport: w.github.Transport()}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, json.NewDecoder(response.Body).Decode(into)
}

// mergepull merges a pull request, as its page does, and remembers the commit.
func mergepull(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: mergepull HOW NUMBER [VAR]")
	}
	var merged struct{ SHA, Message string }
	status, err := in(ts).ask(ts.Getenv("GH_ENTERPRISE_TOKEN"), http.MethodPut, "pulls/"+args[1]+"/merge", map[string]string{"merge_method": args[0]}, &merged)
	ts.Check(err)
	if (status == http.StatusOK) == neg {
		ts.Fatalf("merging #%s by %s was answered %d: %s", args[1], args[0], status, merged.Message)
	}
	if len(args) == 3 {
		remember(ts, args[2], merged.SHA)
	}
}

// pull looks for an open pull request, and writes its text to a file.
func pull(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 4, "pull NUMBER BRANCH BASE [FILE]")
	var found struct {
		State, Body string
		Head, Base  struct{ Ref string }
	}
	_, err := in(ts).ask(ts.Getenv("GH_ENTERPRISE_TOKEN"), http.MethodGet, "pulls/"+args[0], nil, &found)
	ts.Check(err)
	if found.State != "open" || !strings.HasPrefix(found.Head.Ref, args[1]) || found.Base.Ref != args[2] {
		ts.Fatalf("#%s is %s, of %s into %s", args[0], found.State, found.Head.Ref, found.Base.Ref)
	}
	if len(args) == 4 {
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(found.Body), 0o600))
	}
}

// branches counts the branches below a name.
func branches(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "branches NAME N")
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	listed, err := in(ts).repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/"+args[0])
	ts.Check(err)
	if got := len(strings.Fields(listed)); got != want {
		ts.Fatalf("%d branches are named %s, want %d:\n%s", got, args[0], want, listed)
	}
}

// allows sets which methods of merging the repository allows.
func allows(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, 3, "allows METHOD…")
	var methods []rollouttest.MergeMethod
	for _, method := range args {
		methods = append(methods, rollouttest.MergeMethod(method))
	}
	in(ts).repo.AllowMerges(methods...)
}

// What differs from run to run: commits, and where the stand-ins are.
var (
	commitLike = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
	here       = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// cmpshort compares a file with another, whatever the commits are. A space without
// width stands in it as an escape.
func cmpshort(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "cmpshort GOT WANT")
	plain := func(name string) string {
		text := here.ReplaceAllString(commitLike.ReplaceAllString(ts.ReadFile(name), "…"), "…")
		return strings.ReplaceAll(text, "\u200b", `\u200b`)
	}
	got, want := plain(args[0]), plain(args[1])
	if got != want {
		ts.Fatalf("%s is\n%s\nwant %s\n%s", args[0], got, args[1], want)
	}
}

// unprotect takes all rulesets away, as an administrator does for the moment.
func unprotect(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, 0, "unprotect")
	w := in(ts)
	var all []struct{ ID int }
	_, err := w.ask(rollouttest.DefaultToken, http.MethodGet, "rulesets", nil, &all)
	ts.Check(err)
	for _, ruleset := range all {
		var changed any
		status, err := w.ask(rollouttest.DefaultToken, http.MethodPut, fmt.Sprintf("rulesets/%d", ruleset.ID), map[string]string{"enforcement": "disabled"}, &changed)
		ts.Check(err)
		if status != http.StatusOK {
			ts.Fatalf("disabling a ruleset was answered %d", status)
		}
	}
}

// rewrite makes the newest commits of a branch anew, with the same changes and
// another author, as somebody does who rebases what was pushed.
func rewrite(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "rewrite BRANCH N")
	w := in(ts)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	git := func(args ...string) string {
		out, err := w.repo.Git(args...)
		ts.Check(err)
		return strings.TrimSpace(out)
	}
	onto := git("rev-parse", fmt.Sprintf("%s~%d", args[0], n))
	for i := range n {
		old := git("rev-parse", fmt.Sprintf("%s~%d", args[0], n-1-i))
		onto = git("-c", "user.name=ben", "-c", "user.email=ben@rebased.example", "commit-tree", old+"^{tree}", "-p", onto, "-m", git("log", "-1", "--format=%B", old))
		remember(ts, fmt.Sprintf("%s_%d", strings.ToUpper(args[0]), i+1), onto)
	}
	ts.Check(w.repo.SetBranch(args[0], onto))
}
