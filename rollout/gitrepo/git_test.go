package gitrepo_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

const ledgerBranch = "rollout/ledger"

// A repository is a bare one, and a work tree from which it is pushed to.
type repository struct {
	t          testing.TB
	bare, work string
}

// newRepository has a commit A on main.
func newRepository(t testing.TB) *repository {
	t.Helper()
	dir := t.TempDir()
	r := &repository{t: t, bare: filepath.Join(dir, "k8s-ops.git"), work: filepath.Join(dir, "work")}
	r.in(dir, "init", "--quiet", "--bare", "--initial-branch", "main", r.bare)
	r.in(dir, "clone", "--quiet", r.bare, r.work)
	r.commit("A")
	r.git("push", "--quiet", "origin", "main")
	return r
}

// git runs git in the work tree.
func (r *repository) git(args ...string) string {
	r.t.Helper()
	return r.in(r.work, args...)
}

func (r *repository) in(dir string, args ...string) string {
	r.t.Helper()
	return run(r.t, dir, "", args...)
}

func run(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	return runFrom(t, dir, strings.NewReader(stdin), args...)
}

func runFrom(t testing.TB, dir string, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(isolated(), "HOME="+dir)
	cmd.Stdin = stdin
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// isolated is an environment that knows nothing of whoever runs the test.
func isolated() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
}

// commit makes a commit that changes a file, on the branch checked out.
func (r *repository) commit(message string) rollout.SHA {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.work, "file"), []byte(message), 0o644); err != nil {
		r.t.Fatal(err)
	}
	r.git("add", "file")
	r.git("commit", "--quiet", "--message", message)
	return r.head("HEAD")
}

func (r *repository) head(name string) rollout.SHA {
	r.t.Helper()
	return rollout.SHA(r.git("rev-parse", name))
}

// stands is what the bare repository's branches point at.
func (r *repository) stands() map[string]rollout.SHA {
	r.t.Helper()
	all := map[string]rollout.SHA{}
	for line := range strings.Lines(r.in(r.bare, "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/")) {
		sha, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = rollout.SHA(sha)
	}
	return all
}

func open(t testing.TB, url string, with ...func(*gitrepo.Options)) *gitrepo.Remote {
	t.Helper()
	o := gitrepo.Options{URL: url, Name: "Rollout", Email: "rollout@example.com"}
	for _, f := range with {
		f(&o)
	}
	r, err := gitrepo.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func draft(message string) rollout.Draft {
	return rollout.Draft{Message: message + "\n", Files: map[string][]byte{"state.json": []byte(`{"version":1}`), "README.md": []byte("# Ledger\n")}}
}

// promotion moves release from one commit to another.
func promotion(from, to, ledger rollout.SHA) rollout.Transaction {
	return rollout.Transaction{Branch: "release", From: from, To: to, Ledger: rollout.Head{Branch: ledgerBranch, SHA: ledger}, Draft: draft("promotion")}
}

// A server serves a bare repository by git's own smart HTTP.
type server struct {
	*httptest.Server
	// token is asked for, if it is not empty.
	token string
	// before sees every request first, and says false to have it answered.
	before func(w http.ResponseWriter, r *http.Request) bool
	// seen are the credentials that arrived.
	seen []string
}

func serve(t testing.TB, r *repository) *server {
	t.Helper()
	r.in(r.bare, "config", "http.receivepack", "true")
	backend := filepath.Join(r.in(r.bare, "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Fatalf("this git has no http-backend: %v", err)
	}
	s := &server{}
	git := &cgi.Handler{
		Path: backend, Env: append(isolated(), "GIT_PROJECT_ROOT="+filepath.Dir(r.bare), "GIT_HTTP_EXPORT_ALL=1"),
		InheritEnv: []string{}, Stderr: testLog{t},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, password, ok := req.BasicAuth()
		if ok {
			s.seen = append(s.seen, password)
		}
		if s.before != nil && !s.before(w, req) {
			return
		}
		if s.token != "" && password != s.token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) url() string { return s.URL + "/k8s-ops.git" }

// testLog keeps what git says of requests out of the way.
type testLog struct{ testing.TB }

func (testLog) Write(p []byte) (int, error) { return len(p), nil }

func token(text string) func(*gitrepo.Options) {
	return func(o *gitrepo.Options) { o.Token = text }
}

func timeout(d time.Duration) func(*gitrepo.Options) {
	return func(o *gitrepo.Options) { o.Timeout = d }
}

func query(branches ...string) rollout.Query {
	return rollout.Query{Branches: branches, Ledger: ledgerBranch}
}

func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("it does not say %q: %v", text, err)
		}
	}
}
