package gitrepo_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

func clock(at time.Time) func(*gitrepo.Options) {
	return func(o *gitrepo.Options) { o.Now = func() time.Time { return at } }
}

// imported is a bare repository of that many commits on main, every fifth of
// which merges a side branch, with release `behind` commits back along the
// first parents. It is packed as git packs on a server, so that commits are
// deltas of others.
func imported(t testing.TB, commits, behind int) (r *repository, release, main rollout.SHA) {
	t.Helper()
	r = &repository{t: t, bare: filepath.Join(t.TempDir(), "k8s-ops.git")}
	r.in(filepath.Dir(r.bare), "init", "--quiet", "--bare", "--initial-branch", "main", r.bare)
	r.in(r.bare, "config", "uploadpack.allowFilter", "true")
	importHistory(t, r.bare, commits)
	run(t, r.bare, "", "repack", "-a", "-d", "-q", "--window=10", "--depth=50")
	run(t, r.bare, "", "commit-graph", "write", "--reachable")
	run(t, r.bare, "", "update-ref", "refs/heads/release", fmt.Sprintf("main~%d", behind))
	return r, rollout.SHA(run(t, r.bare, "", "rev-parse", "release")), rollout.SHA(run(t, r.bare, "", "rev-parse", "main"))
}

// importHistory makes that many commits on main, each of which changes one
// file of a few hundred.
func importHistory(t testing.TB, bare string, commits int) {
	t.Helper()
	reader, writer := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(writer, 1<<20)
		writeHistory(b, commits)
		_ = b.Flush()
		_ = writer.Close()
	}()
	runFrom(t, bare, reader, "fast-import", "--quiet", "--force")
}

// writeHistory writes what fast-import reads.
func writeHistory(w *bufio.Writer, commits int) {
	last := 0
	for i := 1; i <= commits; i++ {
		switch {
		case last == 0:
			writeCommit(w, i, "main")
		case i%5 == 3 && i < commits:
			writeCommit(w, i, "side", max(1, last-7+last%3))
			continue
		case i%5 == 4:
			writeCommit(w, i, "main", last, i-1)
		default:
			writeCommit(w, i, "main", last)
		}
		last = i
	}
}

func writeCommit(w *bufio.Writer, i int, branch string, parents ...int) {
	text := fmt.Sprintf("Change %d of the cluster's workloads\n\nThe reason for it is told here, at some length,\nsince most commits of a busy repository say why.\n\nSigned-off-by: Ada <ada@example.com>\n", i)
	_, _ = fmt.Fprintf(w, "commit refs/heads/%s\nmark :%d\ncommitter Ada <ada@example.com> %d +0000\ndata %d\n%s\n", branch, i, 1600000000+i*60, len(text), text)
	for j, parent := range parents {
		_, _ = fmt.Fprintf(w, "%s :%d\n", []string{"from", "merge"}[j], parent)
	}
	content := fmt.Sprintf("image: registry.example.com/app:%d\n", i)
	_, _ = fmt.Fprintf(w, "M 100644 inline apps/%d/%d.yaml\ndata %d\n%s\n", i%20, i%400, len(content), content)
}

// What Between says is what git says, parents and all, of a history that is
// packed as servers pack it.
func TestBetweenIsWhatGitSays(t *testing.T) {
	r, release, main := imported(t, 3000, 400)
	if chains := run(t, r.bare, "", "verify-pack", "-v", pack(t, r)); !strings.Contains(chains, "chain length = ") {
		t.Fatal("no object of the pack is a delta")
	}
	for name, remote := range map[string]*gitrepo.Remote{"by its path": open(t, r.bare), "over http": open(t, serve(t, r).url())} {
		for _, pair := range [][2]rollout.SHA{{release, main}, {main, release}, {"", release}, {release, release}} {
			commits, err := remote.Between(t.Context(), pair[0], pair[1])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := map[rollout.SHA]string{}
			for _, c := range commits {
				got[c.SHA] = fmt.Sprintln(c.Parents, c.Subject(), c.Author, c.Authored.Unix(), c.Committed.Unix(), c.Tree)
			}
			want := revList(t, r, pair[0], pair[1])
			if diff := cmp.Diff(want, got); diff != "" || len(commits) != len(got) {
				t.Errorf("%s: between %q and %q: %d commits, want %d", name, pair[0].Short(), pair[1].Short(), len(commits), len(want))
				t.Log(diff[:min(len(diff), 1000)])
			}
		}
	}
}

func pack(t *testing.T, r *repository) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.bare, "objects", "pack", "*.pack"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d packs, %v", len(found), err)
	}
	return found[0]
}

// revList is what git says of the commits between two.
func revList(t *testing.T, r *repository, have, want rollout.SHA) map[rollout.SHA]string {
	t.Helper()
	args := []string{"log", "--format=%H|%P|%s|%an|%at|%ct|%T", string(want)}
	if have != "" {
		args = append(args, "^"+string(have))
	}
	all := map[rollout.SHA]string{}
	for line := range strings.Lines(run(t, r.bare, "", args...)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		all[rollout.SHA(parts[0])] = fmt.Sprintln(strings.Fields(parts[1]), parts[2], parts[3], parts[4], parts[5], parts[6])
	}
	return all
}

// A server that offers no filter sends everything, and the answer is the same.
func TestBetweenWithoutFilter(t *testing.T) {
	r, release, main := imported(t, 200, 50)
	r.in(r.bare, "config", "uploadpack.allowFilter", "false")
	s := serve(t, r)
	var asked []string
	s.before = func(_ http.ResponseWriter, req *http.Request) bool {
		asked = append(asked, req.Method+" "+req.URL.Path)
		return true
	}
	commits, err := open(t, s.url()).Between(t.Context(), release, main)
	if err != nil || len(commits) != len(revList(t, r, release, main)) {
		t.Errorf("%d commits, %v", len(commits), err)
	}
	if want := []string{"GET /k8s-ops.git/info/refs", "POST /k8s-ops.git/git-upload-pack"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// The trees of the heads come in the session that tells the heads, with nothing
// but the commits. A server that offers no filter is not asked for them.
func TestObserveAsksForTreesOnlyWithFilter(t *testing.T) {
	for name, offered := range map[string]bool{"offered": true, "not offered": false} {
		t.Run(name, func(t *testing.T) {
			r, release, main := imported(t, 20, 5)
			r.in(r.bare, "config", "uploadpack.allowFilter", fmt.Sprint(offered))
			s := serve(t, r)
			var asked []string
			s.before = func(_ http.ResponseWriter, req *http.Request) bool {
				asked = append(asked, req.Method+" "+req.URL.Path)
				return true
			}
			o, err := open(t, s.url()).Observe(t.Context(), query("main", "release", "none"))
			if err != nil {
				t.Fatal(err)
			}
			trees := map[string]rollout.SHA{}
			requests := []string{"GET /k8s-ops.git/info/refs"}
			if offered {
				requests = append(requests, "POST /k8s-ops.git/git-upload-pack")
				for branch, head := range map[string]rollout.SHA{"main": main, "release": release} {
					trees[branch] = rollout.SHA(run(t, r.bare, "", "rev-parse", string(head)+"^{tree}"))
				}
			}
			if diff := cmp.Diff(trees, o.Trees); diff != "" {
				t.Errorf("trees (-want +got):\n%s", diff)
			}
			if !slices.Equal(asked, requests) {
				t.Errorf("asked %q, want %q", asked, requests)
			}
			if want := map[string]rollout.SHA{"main": main, "release": release}; !maps.Equal(o.Heads, want) {
				t.Errorf("heads %v, want %v", o.Heads, want)
			}
		})
	}
}

// What authors and branches are called is theirs to choose.
func TestHostileCommitsAndBranches(t *testing.T) {
	r := newRepository(t)
	release := r.head("main")
	blob := func(header string) rollout.SHA {
		tree := run(t, r.bare, "", "rev-parse", "main^{tree}")
		text := "tree " + tree + "\nparent " + string(release) + "\n" + header
		return rollout.SHA(run(t, r.bare, text, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"))
	}
	cases := map[string]struct{ header, author, subject string }{
		"escapes":       {"author E\x1b[2Jve <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\n\n\x1b[31mred\u202e\n", "E\x1b[2Jve", "\x1b[31mred\u202e"},
		"no name":       {"author <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\n\nx\n", "", "x"},
		"no time":       {"author E <e@x>\ncommitter E <e@x>\n\nx\n", "E", "x"},
		"a strange one": {"author E <e@x> 99999999999999999999 +9999\ncommitter E <e@x> -5 -0000\n\nx\n", "E", "x"},
		"signed":        {"author E <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n parent 1111111111111111111111111111111111111111\n -----END PGP SIGNATURE-----\n\nx\n", "E", "x"},
		"extra headers": {"author E <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\nmergetag object 1111111111111111111111111111111111111111\n type commit\nencoding latin-1\n\nx\n", "E", "x"},
		"no message":    {"author E <e@x> 1700000000 +0000\ncommitter E <e@x> 1700000000 +0000\n", "E", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sha := blob(c.header)
			run(t, r.bare, "", "update-ref", "refs/heads/main", string(sha))
			commits, err := open(t, r.bare).Between(t.Context(), release, sha)
			if err != nil || len(commits) != 1 {
				t.Fatalf("%v, %v", commits, err)
			}
			got := commits[0]
			if got.SHA != sha || got.Author != c.author || got.Subject() != c.subject || !slices.Equal(got.Parents, []rollout.SHA{release}) {
				t.Errorf("%+v", got)
			}
		})
	}
	run(t, r.bare, "", "update-ref", "refs/heads/main", string(release))
	for _, branch := range []string{"$(id)", "a'b\"c", "ünïcode", "-x", "x;y&z|", "refs/heads/main"} {
		run(t, r.bare, "", "update-ref", "refs/heads/"+branch, string(release))
		o, err := open(t, r.bare).Observe(t.Context(), query(branch))
		if err != nil || !maps.Equal(o.Heads, map[string]rollout.SHA{branch: release}) {
			t.Errorf("%q: %v, %v", branch, o.Heads, err)
		}
	}
}

// A commit that was force-pushed away while it was decided on.
func TestACommitThatIsGone(t *testing.T) {
	r := newRepository(t)
	gone := rollout.SHA("0123456789abcdef0123456789abcdef01234567")
	for name, url := range map[string]string{"by its path": r.bare, "over http": serve(t, r).url()} {
		_, err := open(t, url).Between(t.Context(), r.head("main"), gone)
		if !errors.Is(err, rollout.ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
		says(t, err, "no longer has a commit that it had a moment ago", "run it again")
	}
}
