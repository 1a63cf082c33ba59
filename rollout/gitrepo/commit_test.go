package gitrepo_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// begun has main at B, release at A, and a ledger.
func begun(t *testing.T) (r *repository, a, b, ledger rollout.SHA) {
	t.Helper()
	r = newRepository(t)
	a = r.head("main")
	b = r.commit("B")
	r.git("push", "--quiet", "origin", "main")
	ledger, err := open(t, r.bare).Commit(t.Context(), promotion("", a, ""))
	if err != nil {
		t.Fatal(err)
	}
	return r, a, b, ledger
}

// unchanged checks that the branches stand where begun left them.
func unchanged(t *testing.T, r *repository, a, b, ledger rollout.SHA) {
	t.Helper()
	want := map[string]rollout.SHA{"main": b, "release": a, ledgerBranch: ledger}
	if diff := cmp.Diff(want, r.stands()); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
}

// What is written is an ordinary commit: git takes it, and shows it as it was
// meant.
func TestCommitsAreSound(t *testing.T) {
	r, a, b, first := begun(t)
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.FixedZone("", -3*60*60))
	remote := open(t, r.bare, clock(at))
	second, err := remote.Commit(t.Context(), promotion(a, b, first))
	if err != nil {
		t.Fatal(err)
	}
	r.in(r.bare, "fsck", "--strict", "--no-dangling")
	got := r.in(r.bare, "show", "--no-patch", "--format=%H %P%n%an <%ae> %cn <%ce>%n%aI %cI%n%B", ledgerBranch)
	want := strings.Join([]string{
		string(second) + " " + string(first),
		"Rollout <rollout@example.com> Rollout <rollout@example.com>",
		"2026-03-02T08:00:00-03:00 2026-03-02T08:00:00-03:00",
		"promotion",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("git show (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("README.md\nstate.json", r.in(r.bare, "ls-tree", "--name-only", ledgerBranch)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	unchanged(t, r, b, b, second)
}

// A stale old value of either ref changes nothing of both, even where the
// remote has not told of it beforehand.
func TestStaleHeads(t *testing.T) {
	for _, moves := range []string{"release", ledgerBranch} {
		t.Run(moves, func(t *testing.T) {
			r, a, b, ledger := begun(t)
			s := serve(t, r)
			other := run(t, r.bare, "", "commit-tree", string(b)+"^{tree}", "-p", string(a), "-m", "meanwhile")
			s.before = func(_ http.ResponseWriter, req *http.Request) bool {
				if strings.HasSuffix(req.URL.Path, "/git-receive-pack") {
					run(t, r.bare, "", "update-ref", "refs/heads/"+moves, other)
				}
				return true
			}
			made, err := open(t, s.url()).Commit(t.Context(), promotion(a, b, ledger))
			if !errors.Is(err, rollout.ErrMoved) || errors.Is(err, rollout.ErrUncertain) || made != "" {
				t.Errorf("Commit: %s, %v", made, err)
			}
			says(t, err, moves+" was at ", "and is at "+other[:7])
			want := map[string]rollout.SHA{"main": b, "release": a, ledgerBranch: ledger}
			want[moves] = rollout.SHA(other)
			if diff := cmp.Diff(want, r.stands()); diff != "" {
				t.Errorf("branches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutAtomic(t *testing.T) {
	r, a, b, ledger := begun(t)
	r.in(r.bare, "config", "receive.advertiseAtomic", "false")
	for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
		_, err := open(t, url).Commit(t.Context(), promotion(a, b, ledger))
		if !errors.Is(err, rollout.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		says(t, err, "does not offer `atomic`", "receive.advertiseAtomic=true")
	}
	unchanged(t, r, a, b, ledger)
}

func TestHooksThatRefuse(t *testing.T) {
	for _, hook := range []string{"pre-receive", "update"} {
		t.Run(hook, func(t *testing.T) {
			r, a, b, ledger := begun(t)
			writeHook(t, r, hook, "#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n")
			for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
				made, err := open(t, url).Commit(t.Context(), promotion(a, b, ledger))
				if !errors.Is(err, rollout.ErrRefused) || errors.Is(err, rollout.ErrMoved) || made != "" {
					t.Errorf("%s: %s, %v", name, made, err)
				}
				says(t, err, "refused the transaction, and changed nothing", "hook", "look at the hooks")
			}
			unchanged(t, r, a, b, ledger)
		})
	}
}

func TestRulesOfTheRemote(t *testing.T) {
	r, a, b, ledger := begun(t)
	r.in(r.bare, "config", "receive.denyNonFastForwards", "true")
	_, err := open(t, r.bare).Commit(t.Context(), rollout.Transaction{Branch: "main", From: b, To: a, Ledger: rollout.Head{Branch: ledgerBranch, SHA: ledger}, Draft: draft("x")})
	if !errors.Is(err, rollout.ErrRefused) {
		t.Errorf("a rewind: %v", err)
	}
	unchanged(t, r, a, b, ledger)
}

// A branch and the ledger cannot be one file and one directory.
func TestBranchInTheWayOfTheLedger(t *testing.T) {
	r := newRepository(t)
	r.git("push", "--quiet", "origin", "main:refs/heads/rollout")
	_, err := open(t, r.bare).Commit(t.Context(), promotion("", r.head("main"), ""))
	if !errors.Is(err, rollout.ErrRefused) || len(r.stands()) != 2 {
		t.Errorf("%v, %v", err, r.stands())
	}
}

func TestLostAnswers(t *testing.T) {
	cases := []struct {
		name string
		lose func(w http.ResponseWriter)
	}{
		{"a cut connection", func(w http.ResponseWriter) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}},
		{"a 500", func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }},
		{"an empty answer", func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }},
		{"a web page", func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, a, b, ledger := begun(t)
			s := serve(t, r)
			s.before = func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/git-receive-pack") {
					return true
				}
				request, err := io.ReadAll(req.Body)
				if err != nil {
					t.Error(err)
				}
				behind := serve(t, r)
				answer, err := http.Post(behind.URL+req.URL.Path, req.Header.Get("Content-Type"), bytes.NewReader(request))
				if err != nil {
					t.Error(err)
				}
				_ = answer.Body.Close()
				c.lose(w)
				return false
			}
			made, err := open(t, s.url()).Commit(t.Context(), promotion(a, b, ledger))
			if !errors.Is(err, rollout.ErrUncertain) || errors.Is(err, rollout.ErrMoved) {
				t.Errorf("Commit: %v", err)
			}
			unchanged(t, r, b, b, made)
		})
	}
}

func TestAnAnswerThatDoesNotCome(t *testing.T) {
	r, a, b, ledger := begun(t)
	s := serve(t, r)
	s.before = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, req.Body)
			<-req.Context().Done()
			return false
		}
		return true
	}
	made, err := open(t, s.url(), timeout(200*time.Millisecond)).Commit(t.Context(), promotion(a, b, ledger))
	if !errors.Is(err, rollout.ErrUncertain) || made == "" {
		t.Errorf("Commit: %s, %v", made, err)
	}
	says(t, err, "no answer in time")
	unchanged(t, r, a, b, ledger)
}

// Neither git nor a hook of the repository sees the caller's environment.
func TestNothingLeaksToHooks(t *testing.T) {
	r, a, b, ledger := begun(t)
	dump := filepath.Join(t.TempDir(), "environment")
	writeHook(t, r, "pre-receive", "#!/bin/sh\nenv > '"+dump+"'\n")
	t.Setenv("GH_TOKEN", "s3cret-1")
	t.Setenv("ANYTHING", "s3cret-2")
	t.Setenv("GIT_DIR", "/s3cret-3")
	t.Setenv("GIT_TRACE", "/dev/stderr")
	if _, err := open(t, r.bare, token("s3cret-4")).Commit(t.Context(), promotion(a, b, ledger)); err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(seen, []byte("PATH=")) || bytes.Contains(seen, []byte("s3cret")) || bytes.Contains(seen, []byte("GIT_TRACE=")) {
		t.Errorf("the hook saw:\n%s", seen)
	}
}

func TestLog(t *testing.T) {
	r, a, b, first := begun(t)
	remote := open(t, r.bare)
	second, err := remote.Commit(t.Context(), promotion(a, b, first))
	if err != nil {
		t.Fatal(err)
	}
	all := []rollout.LedgerCommit{{SHA: second, Message: "promotion\n"}, {SHA: first, Message: "promotion\n"}}
	for limit, want := range map[int][]rollout.LedgerCommit{0: all, 1: all[:1], 2: all, 9: all} {
		got, err := remote.Log(t.Context(), rollout.Head{Branch: ledgerBranch, SHA: second}, limit)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Log(%d): %v (-want +got):\n%s", limit, err, diff)
		}
	}
}

func writeHook(t *testing.T, r *repository, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.bare, "hooks", name), []byte(script), 0o700); err != nil { //nolint:gosec // hooks are run
		t.Fatal(err)
	}
}

// A hook keeps git's output open after git was killed. Nothing here measures
// how long that takes: were the hook waited for, its end would come first.
func TestAHookThatHangs(t *testing.T) {
	r, a, b, ledger := begun(t)
	over := filepath.Join(t.TempDir(), "over")
	writeHook(t, r, "pre-receive", "#!/bin/sh\nsleep 20\n: > '"+over+"'\n")
	_, err := open(t, r.bare, timeout(500*time.Millisecond)).Commit(t.Context(), promotion(a, b, ledger))
	if !errors.Is(err, rollout.ErrUncertain) {
		t.Errorf("Commit: %v, want kind %q", err, rollout.ErrUncertain)
	}
	if _, err := os.Stat(over); err == nil {
		t.Error("the hook was waited for")
	}
}
