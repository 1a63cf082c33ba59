package gitrepo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// A repository can be named by its own path, by that of its work tree, and by
// a file URL.
func TestPaths(t *testing.T) {
	r := newRepository(t)
	for _, path := range []string{r.bare, r.work, filepath.Join(r.work, ".git"), "file://" + r.bare, r.bare + "/"} {
		o, err := open(t, path).Observe(t.Context(), query("main", "release"))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if diff := cmp.Diff(map[string]rollout.SHA{"main": r.head("main")}, o.Heads); diff != "" || o.Ledger != "" {
			t.Errorf("%s: ledger %q, heads (-want +got):\n%s", path, o.Ledger, diff)
		}
	}
}

func TestRelativePath(t *testing.T) {
	r := newRepository(t)
	t.Chdir(filepath.Dir(r.bare))
	if err := os.Rename(r.bare, "-u"); err != nil {
		t.Fatal(err)
	}
	if o, err := open(t, "-u").Observe(t.Context(), query("main")); err != nil || o.Heads["main"] != r.head("main") {
		t.Errorf("a path that looks like an option: %v, %v", o.Heads, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	r := newRepository(t)
	shallow := filepath.Join(t.TempDir(), "shallow")
	r.commit("B")
	r.git("push", "--quiet", "origin", "main")
	r.in(filepath.Dir(shallow), "clone", "--quiet", "--depth", "1", "file://"+r.bare, shallow)
	for name, c := range map[string]struct {
		url  string
		says []string
	}{
		"no directory":      {filepath.Join(t.TempDir(), "none"), []string{"none is not a Git repository", "git init --bare"}},
		"an empty one":      {t.TempDir(), []string{"is not a Git repository"}},
		"a shallow clone":   {shallow, []string{"is a shallow clone", "git fetch --unshallow"}},
		"no transport":      {"gopher://example.com/x.git", []string{"nothing here speaks gopher", "https://host/owner/name.git"}},
		"no address":        {"https://exa mple/%zz", []string{"is not the address of a Git repository"}},
		"a secret in a bad": {"https://ada:secret@exa mple/%zz", []string{"is not the address of a Git repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gitrepo.Open(gitrepo.Options{URL: c.url})
			if !errors.Is(err, rollout.ErrUsage) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Open: %v", err)
			}
			says(t, err, c.says...)
		})
	}
}

// A shallow repository behind a server says so only when it is asked.
func TestShallowServerIsRefused(t *testing.T) {
	r := newRepository(t)
	r.commit("B")
	r.git("push", "--quiet", "origin", "main")
	shallow := *r
	shallow.bare = filepath.Join(t.TempDir(), "k8s-ops.git")
	r.in(filepath.Dir(shallow.bare), "clone", "--quiet", "--bare", "--depth", "1", "file://"+r.bare, shallow.bare)
	remote := open(t, serve(t, &shallow).url())
	_, err := remote.Observe(t.Context(), query("main"))
	says(t, err, "is a shallow clone")
	_, err = remote.Between(t.Context(), "", r.head("main"))
	says(t, err, "is a shallow clone")
}

func TestSHA256IsRefused(t *testing.T) {
	r := &repository{t: t, bare: filepath.Join(t.TempDir(), "k8s-ops.git")}
	r.in(filepath.Dir(r.bare), "init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch", "main", r.bare)
	for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
		if _, err := open(t, url).Observe(t.Context(), query("main")); err != nil {
			t.Errorf("%s, empty: %v", name, err)
		}
	}
	tree := run(t, r.bare, "", "mktree")
	commit := run(t, r.bare, "", "commit-tree", tree, "-m", "A")
	run(t, r.bare, "", "update-ref", "refs/heads/main", commit)
	for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
		_, err := open(t, url).Observe(t.Context(), query("main"))
		if !errors.Is(err, rollout.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
		says(t, err, "SHA-256", "git init --object-format=sha1")
	}
}

func TestObserve(t *testing.T) {
	r := newRepository(t)
	main := r.head("main")
	r.git("tag", "-a", "-m", "x", "release") // a tag is no branch
	r.git("push", "--quiet", "origin", "refs/tags/release", "main:refs/heads/a/b", "main:refs/other/release")
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	asked := 0
	remote := open(t, r.bare, func(o *gitrepo.Options) {
		o.Name, o.Email = "Ada\n <x>", "ada@example.com\x00>"
		o.Now = func() time.Time { asked++; return now }
	})
	o, err := remote.Observe(t.Context(), query("main", "release", "a/b", "b", "../x", "main\n", "refs/heads/main", ""))
	if err != nil {
		t.Fatal(err)
	}
	tree := rollout.SHA(run(t, r.bare, "", "rev-parse", "main^{tree}"))
	want := rollout.Observation{
		At: now, Heads: map[string]rollout.SHA{"main": main, "a/b": main},
		Trees: map[string]rollout.SHA{"main": tree, "a/b": tree}, Viewer: "Ada x <ada@example.com>",
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("observation (-want +got):\n%s", diff)
	}
}

// The clock is read after the refs: what is pushed meanwhile must not seem to
// have arrived before.
func TestObserveReadsTheClockLast(t *testing.T) {
	r := newRepository(t)
	s := serve(t, r)
	var last time.Time
	s.before = func(http.ResponseWriter, *http.Request) bool { last = time.Now(); return true }
	o, err := open(t, s.url()).Observe(t.Context(), query("main"))
	if err != nil || o.At.Before(last) {
		t.Errorf("observed at %s, and asked at %s: %v", o.At, last, err)
	}
}

func TestADeletedBranchIsGone(t *testing.T) {
	r := newRepository(t)
	r.git("push", "--quiet", "origin", "main:release")
	remote := open(t, r.bare)
	if o, err := remote.Observe(t.Context(), query("release")); err != nil || o.Heads["release"] == "" {
		t.Fatalf("%v, %v", o.Heads, err)
	}
	r.git("push", "--quiet", "origin", ":release")
	if o, err := remote.Observe(t.Context(), query("release")); err != nil || len(o.Heads) != 0 {
		t.Errorf("%v, %v", o.Heads, err)
	}
}

func TestFilesOfTheLedger(t *testing.T) {
	r := newRepository(t)
	blob := run(t, r.bare, "{}\n", "hash-object", "-w", "--stdin")
	dir := run(t, r.bare, "100644 blob "+blob+"\tinner\n", "mktree")
	tree := run(t, r.bare, "100644 blob "+blob+"\tstate.json\n040000 tree "+dir+"\tdir\n120000 blob "+blob+"\tlink\n160000 commit "+string(r.head("main"))+"\tmodule\n", "mktree")
	run(t, r.bare, "", "update-ref", "refs/heads/"+ledgerBranch, run(t, r.bare, "", "commit-tree", tree, "-m", "x"))
	o, err := open(t, r.bare).Observe(t.Context(), query())
	if err != nil || string(o.Files["state.json"]) != "{}\n" {
		t.Fatalf("%q, %v", o.Files, err)
	}
	for _, name := range []string{"dir", "inner", "module"} {
		if _, ok := o.Files[name]; ok {
			t.Errorf("%s is no file of the ledger", name)
		}
	}
}

func TestTokens(t *testing.T) {
	r := newRepository(t)
	s := serve(t, r)
	s.token = "s3cret"
	if o, err := open(t, s.url(), token("s3cret")).Observe(t.Context(), query("main")); err != nil || o.Heads["main"] != r.head("main") {
		t.Errorf("with the token: %v, %v", o.Heads, err)
	}
	for name, given := range map[string]string{"none": "", "a wrong one": "wr0ng"} {
		remote := open(t, s.url(), token(given))
		_, err := remote.Observe(t.Context(), query("main"))
		if !errors.Is(err, rollout.ErrNotPermitted) {
			t.Errorf("%s: %v", name, err)
		}
		says(t, err, "does not let this token in", s.url())
		made, err := remote.Commit(t.Context(), promotion("", r.head("main"), ""))
		if !errors.Is(err, rollout.ErrNotPermitted) || errors.Is(err, rollout.ErrUncertain) || made != "" {
			t.Errorf("%s: Commit: %s, %v", name, made, err)
		}
	}
}

// Neither a token nor a password that stands in the address is ever shown.
func TestCredentialsAreNeverShown(t *testing.T) {
	r := newRepository(t)
	s := serve(t, r)
	for _, status := range []int{401, 403, 404} {
		s.before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return false }
		url := strings.Replace(s.url(), "http://", "http://ada:pass/word@", 1)
		url = strings.Replace(url, "pass/word", "pass%2Fword", 1)
		for _, given := range []string{"s3cret", ""} {
			remote := open(t, url, token(given))
			_, observed := remote.Observe(t.Context(), query("main"))
			_, committed := remote.Commit(t.Context(), promotion("", r.head("main"), ""))
			for _, err := range []error{observed, committed} {
				if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "pass") {
					t.Errorf("%d: %v", status, err)
				}
			}
			says(t, observed, "http://ada:…@127.0.0.1")
		}
	}
}

// A redirect takes no credentials to another host, nor does anything after it.
func TestRedirectsTakeNoTokenElsewhere(t *testing.T) {
	r := newRepository(t)
	other := serve(t, r)
	home := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer home.Close()
	home.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, other.URL+req.URL.String(), http.StatusFound)
	})
	remote := open(t, home.URL+"/k8s-ops.git", token("s3cret"))
	for range 3 {
		_, _ = remote.Observe(t.Context(), query("main"))
		_, _ = remote.Between(t.Context(), "", r.head("main"))
		_, _ = remote.Commit(t.Context(), promotion("", r.head("main"), ""))
	}
	if len(other.seen) > 0 {
		t.Errorf("the other host was told %q", other.seen)
	}
}

// A token is not for those who listen.
func TestPlainHTTPElsewhereGetsNoToken(t *testing.T) {
	var seen []string
	listener := roundTrip(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.Header.Get("Authorization"))
		return nil, errors.New("not today")
	})
	for url, want := range map[string]bool{
		"http://git.example.com/x.git": false, "http://localhost.example.com/x.git": false, "http://10.0.0.1/x.git": false,
		"https://git.example.com/x.git": true, "http://localhost:1/x.git": true, "http://127.0.0.1:1/x.git": true, "http://[::1]:1/x.git": true,
	} {
		seen = nil
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		remote := open(t, url, token("s3cret"), func(o *gitrepo.Options) { o.Transport = listener })
		_, err := remote.Observe(ctx, query("main"))
		cancel()
		if err == nil || len(seen) == 0 || (seen[0] != "") != want {
			t.Errorf("%s was sent %q, %v", url, seen, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestServersThatFail(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	hijacked := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = c.Write([]byte(text))
				_ = c.Close()
			}
		}
	}
	cases := []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   error
		says   string
	}{
		{"401", status(401), rollout.ErrNotPermitted, "does not let this token in"},
		{"403", status(403), rollout.ErrNotPermitted, "does not let this token in"},
		{"404", status(404), rollout.ErrNotPermitted, "there is no such repository, or this token may not see it"},
		{"429", status(429), rollout.ErrUnavailable, "try again"},
		{"500", status(500), rollout.ErrUnavailable, "try again"},
		{"503", status(503), rollout.ErrUnavailable, "try again"},
		{"a cut connection", hijacked(""), rollout.ErrUnavailable, "the connection was cut"},
		{"a cut answer", hijacked("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n001e# service=git"), rollout.ErrUnavailable, "the connection was cut"},
		{"a web page", func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>Log in</html>")) }, nil, "read the branches of"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			s := serve(t, r)
			s.before = func(w http.ResponseWriter, _ *http.Request) bool { c.answer(w); return false }
			_, err := open(t, s.url()).Observe(t.Context(), query("main"))
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("Observe: %v", err)
			}
			says(t, err, c.says, s.url())
			for _, text := range []string{"EOF", "unexpected client error", "\n\n"} {
				if strings.Contains(err.Error(), text) {
					t.Errorf("an operator reads %q: %v", text, err)
				}
			}
		})
	}
}

func TestABriefFailureIsRidOut(t *testing.T) {
	r := newRepository(t)
	s := serve(t, r)
	failures := 2
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if failures--; failures >= 0 {
			w.WriteHeader(http.StatusBadGateway)
			return false
		}
		return true
	}
	if o, err := open(t, s.url()).Observe(t.Context(), query("main")); err != nil || o.Heads["main"] == "" {
		t.Errorf("%v, %v", o.Heads, err)
	}
}

func TestASlowServer(t *testing.T) {
	r := newRepository(t)
	s := serve(t, r)
	s.before = func(_ http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return false }
	began := time.Now()
	_, err := open(t, s.url(), timeout(50*time.Millisecond)).Observe(t.Context(), query("main"))
	if !errors.Is(err, rollout.ErrUnavailable) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	says(t, err, "no answer in time")
}

func TestCancelled(t *testing.T) {
	r := newRepository(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
		remote := open(t, url)
		_, observed := remote.Observe(ctx, query("main"))
		_, between := remote.Between(ctx, "", r.head("main"))
		_, logged := remote.Log(ctx, rollout.Head{Branch: ledgerBranch, SHA: r.head("main")}, 0)
		_, committed := remote.Commit(ctx, promotion("", r.head("main"), ""))
		for _, err := range []error{observed, between, logged, committed} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if diff := cmp.Diff(map[string]rollout.SHA{"main": r.head("main")}, r.stands()); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
}

func TestBareRemotesHaveNoPushLog(t *testing.T) {
	rows, err := open(t, newRepository(t).bare).Movements(t.Context(), "main", func(rollout.Movement) bool { return false })
	if len(rows) != 0 || err != nil {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestSettings(t *testing.T) {
	var all []rollout.Change
	for _, change := range []func() (rollout.Change, error){
		func() (rollout.Change, error) {
			return gitrepo.Settings{}.Environment(t.Context(), rollout.Environment{Name: "staged-rollout"})
		},
		func() (rollout.Change, error) {
			return gitrepo.Settings{}.Protection(t.Context(), rollout.Protection{Name: "staged rollout"})
		},
	} {
		c, err := change()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	var done []string
	rollout.Outline(all, func(s rollout.Step) { done = append(done, s.Done) })
	if slices.ContainsFunc(done, func(s string) bool { return !strings.HasPrefix(s, "not possible; instead: ") }) {
		t.Errorf("%q", done)
	}
}

func TestIdentity(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\n\tname = Ada\n\temail = ada@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if name, email := gitrepo.Identity(t.Context()); name != "Ada" || email != "ada@example.com" {
		t.Errorf("Identity = %q, %q", name, email)
	}
}
