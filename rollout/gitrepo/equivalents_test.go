package gitrepo_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/rollouttest/sshserver"
)

// write commits files, and removes those whose text is empty.
func (r *repository) write(message string, files map[string]string) rollout.SHA {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.work, name)
		if text == "" {
			r.git("rm", "--quiet", name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
		r.git("add", name)
	}
	r.git("commit", "--quiet", "--allow-empty", "--message", message)
	return r.head("HEAD")
}

// lines are n lines, some of which say something else.
func lines(n int, other map[int]string) string {
	var text strings.Builder
	for i := range n {
		if line, ok := other[i]; ok {
			fmt.Fprintln(&text, line)
		} else {
			fmt.Fprintln(&text, "line", i)
		}
	}
	return text.String()
}

// forked has two branches of which some commits make the same change, in files
// that differ elsewhere: those that `git cherry` says.
func forked(t *testing.T) (r *repository, release rollout.SHA) {
	t.Helper()
	r = newRepository(t)
	r.write("Begin", map[string]string{"deploy.yaml": lines(60, nil), "other": "x\n", "binary": "a\x00b", "large": lines(60, nil) + "\x00", "gone": "g\n"})
	r.git("branch", "release")
	r.write("Far away", map[string]string{"deploy.yaml": lines(60, map[int]string{2: "two"})})
	r.write("Fix", map[string]string{"deploy.yaml": lines(60, map[int]string{2: "two", 40: "forty"})})
	r.write("Binary", map[string]string{"binary": "a\x00c"})
	r.write("Remove", map[string]string{"gone": ""})
	r.write("Far away in bytes", map[string]string{"large": lines(60, map[int]string{2: "two"}) + "\x00"})
	r.write("Bytes", map[string]string{"large": lines(60, map[int]string{2: "two", 40: "forty"}) + "\x00"})
	r.write("Nearly", map[string]string{"other": "y\n"})
	r.git("push", "--quiet", "origin", "main", "release")
	r.git("switch", "--quiet", "release")
	r.write("Fix at night", map[string]string{"deploy.yaml": lines(60, map[int]string{40: "forty"})})
	r.write("Its own", map[string]string{"deploy.yaml": lines(60, map[int]string{40: "forty", 50: "fifty"})})
	r.write("The same bytes", map[string]string{"binary": "a\x00c"})
	r.write("Remove", map[string]string{"gone": ""})
	r.write("Other bytes", map[string]string{"large": lines(60, map[int]string{40: "forty"}) + "\x00"})
	r.write("Not nearly enough", map[string]string{"other": "z\n"})
	r.git("merge", "--quiet", "--no-ff", "-s", "ours", "-m", "Merge", "main~6")
	r.git("push", "--quiet", "origin", "release")
	return r, r.head("release")
}

func TestEquivalentsAreThoseOfGit(t *testing.T) {
	r, release := forked(t)
	main := r.head("main")
	want := map[string]bool{}
	for line := range strings.Lines(r.git("cherry", "main", "release")) {
		if sign, sha, _ := strings.Cut(strings.TrimSpace(line), " "); sign == "-" {
			want[sha] = true
		}
	}
	if len(want) != 3 {
		t.Fatalf("git finds %d equivalents, and the story has 3", len(want))
	}
	remotes := map[string]*gitrepo.Remote{"by its path": open(t, r.bare), "over http": open(t, serve(t, r).url())}
	for _, given := range []string{"true", "false"} {
		r.in(r.bare, "config", "uploadpack.allowAnySHA1InWant", given)
		for name, remote := range remotes {
			foreign, err := remote.Between(t.Context(), main, release)
			if err != nil {
				t.Fatal(err)
			}
			among, err := remote.Between(t.Context(), release, main)
			if err != nil {
				t.Fatal(err)
			}
			found, err := remote.Equivalents(t.Context(), foreign, among)
			if err != nil {
				t.Fatalf("%s, any commit %s: %v", name, given, err)
			}
			got := map[string]bool{}
			for sha, same := range found {
				got[string(sha)] = true
				if sha == same {
					t.Errorf("%s is said to be its own equivalent", sha)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, any commit %s (-want +got):\n%s", name, given, diff)
			}
		}
	}
}

func TestDifferencesNameThreeSides(t *testing.T) {
	r := newRepository(t)
	before := r.write("Before", map[string]string{"same": "1\n", "a/b": "1\n", "gone": "1\n", "later": "1\n"})
	after := r.write("After", map[string]string{"a/b": "2\n", "gone": "", "new/file": "2\n", "later": "2\n"})
	r.write("Now", map[string]string{"later": "3\n", "unrelated": "3\n", "new/file": ""})
	now := r.write("A file where a directory was", map[string]string{"new": "3\n"})
	r.git("push", "--quiet", "origin", "main")
	for name, remote := range map[string]*gitrepo.Remote{"by its path": open(t, r.bare), "over http": open(t, serve(t, r).url())} {
		got, err := remote.Differences(t.Context(), before, after, now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file := func(commit rollout.SHA, path string) rollout.File {
			fields := strings.Fields(r.git("ls-tree", string(commit), path))
			if len(fields) == 0 {
				return rollout.File{}
			}
			return rollout.File{Mode: fields[0], Blob: rollout.SHA(fields[2])}
		}
		var want []rollout.Difference
		for _, path := range []string{"a/b", "gone", "later", "new/file"} {
			want = append(want, rollout.Difference{Path: path, Before: file(before, path), After: file(after, path), Now: file(now, path)})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if none, err := remote.Differences(t.Context(), now, now, now); err != nil || len(none) != 0 {
			t.Errorf("%s: a commit differs from itself in %v (%v)", name, none, err)
		}
	}
}

// numbered are lines to change something in the middle of.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("x", i) + "\n")
	}
	return b.String()
}

// What is picked from one branch to another is known again, although other things
// changed beside it; what only looks like it is not.
func TestEquivalents(t *testing.T) {
	r := newRepository(t)
	text := numbered(40)
	changed := strings.Replace(text, strings.Repeat("x", 30)+"\n", "y\n", 1)
	r.write("Begin", map[string]string{"app": text, "other": text, "gone": text, "binary": "\x00a"})
	r.git("push", "--quiet", "origin", "main")
	r.git("switch", "--quiet", "--create", "release")
	picked := r.write("Change app", map[string]string{"app": changed})
	removed := r.write("Remove", map[string]string{"gone": ""})
	binary := r.write("Change binary", map[string]string{"binary": "\x00b"})
	space := r.write("Indent", map[string]string{"other": strings.Replace(text, "xxx\n", "  xxx\n", 1)})
	elsewhere := r.write("Change app again", map[string]string{"app": strings.Replace(changed, "xx\n", "z\n", 1)})
	empty := r.write("Nothing", nil)
	r.git("push", "--quiet", "origin", "release")

	r.git("switch", "--quiet", "main")
	r.write("Above", map[string]string{"app": "first\n" + text})
	twin := r.write("Change app, too", map[string]string{"app": "first\n" + changed})
	twinRemoved := r.write("Remove, too", map[string]string{"gone": ""})
	r.write("Another binary", map[string]string{"binary": "\x00c"})
	r.write("Indent otherwise", map[string]string{"other": strings.Replace(text, "xxx\n", "xxx \n", 1)})
	r.write("Another change of app", map[string]string{"app": "first\n" + strings.Replace(changed, "xx\n", "w\n", 1)})
	r.git("merge", "--quiet", "-s", "ours", "-m", "Merge", string(empty))
	r.git("push", "--quiet", "origin", "main")

	_, _, _ = binary, space, elsewhere
	want := map[rollout.SHA]rollout.SHA{picked: twin, removed: twinRemoved}
	for name, remote := range map[string]*gitrepo.Remote{"by its path": open(t, r.bare), "over http": open(t, serve(t, r).url())} {
		base := rollout.SHA(r.git("rev-parse", "release~6"))
		of, err := remote.Between(t.Context(), base, r.head("release"))
		if err != nil {
			t.Fatal(err)
		}
		among, err := remote.Between(t.Context(), r.head("release"), r.head("main"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Equivalents(t.Context(), of, among)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, none := range [][]rollout.Commit{nil, of[:0]} {
			if got, err := remote.Equivalents(t.Context(), none, among); err != nil || len(got) != 0 {
				t.Errorf("%s, of nothing: %v, %v", name, got, err)
			}
		}
	}
}

// Whether a remote takes pushes is found out without one.
func TestMayPush(t *testing.T) {
	r := newRepository(t)
	before := r.stands()
	plain, closed := serve(t, r), serve(t, r)
	closed.before = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.RawQuery, "git-receive-pack") {
			w.WriteHeader(http.StatusForbidden)
			return false
		}
		return true
	}
	secret := serve(t, r)
	secret.token = "right"
	host := sshHost(t, r)
	stranger, _ := sshserver.NewKey(t)
	with401 := func(token string) func(*gitrepo.Options) { return func(o *gitrepo.Options) { o.Token = token } }
	for name, test := range map[string]struct {
		remote *gitrepo.Remote
		may    bool
	}{
		"by its path":      {open(t, r.bare), true},
		"over http":        {open(t, plain.url()), true},
		"to read alone":    {open(t, closed.url()), false},
		"with a token":     {open(t, secret.url(), with401("right")), true},
		"with a wrong one": {open(t, secret.url(), with401("wrong")), false},
		"with a key":       {open(t, host.URL("k8s-ops.git"), with(host.NewKey(t), host.HostKeys())), true},
		"with another key": {open(t, host.URL("k8s-ops.git"), with(stranger, host.HostKeys())), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.remote.MayPush(t.Context())
			if (err == nil) != test.may || (err != nil && !errors.Is(err, rollout.ErrNotPermitted)) {
				t.Errorf("may push is %v, and %v", test.may, err)
			}
		})
	}
	if diff := cmp.Diff(before, r.stands()); diff != "" {
		t.Errorf("something was pushed (-before +after):\n%s", diff)
	}
	if err := open(t, empty(t).bare).MayPush(t.Context()); err != nil {
		t.Errorf("to an empty one: %v", err)
	}
}
