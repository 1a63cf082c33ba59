package gitrepo_test

import (
	"errors"
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

// write writes files of the work tree and commits them; an empty text removes one.
func (r *repository) write(message string, files map[string]string) rollout.SHA {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.work, name)
		if text == "" {
			r.git("rm", "--quiet", name)
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message", message)
	return r.head("HEAD")
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
