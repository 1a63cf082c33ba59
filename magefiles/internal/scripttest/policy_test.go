package scripttest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// reports posts a commit status, as the Flux of an upstream cluster does.
func reports(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, 4, "reports SHA CONTEXT STATE [DESCRIPTION]")
	s := rollouttest.CommitStatus{Context: args[1], State: args[2]}
	if len(args) == 4 {
		s.Description = args[3]
	}
	ts.Check(in(ts).repo.SetStatus(args[0], s))
}

// twins pushes a merge of two commits whose names begin with the same seven
// digits, which a large repository has sooner or later.
func twins(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "twins VAR OTHER")
	w := in(ts)
	head, err := w.repo.Head("main")
	ts.Check(err)
	tree, err := w.repo.Git("rev-parse", head+"^{tree}")
	ts.Check(err)
	draft := func(message string, parents ...string) string {
		text := "tree " + strings.TrimSpace(tree) + "\n"
		for _, parent := range parents {
			text += "parent " + parent + "\n"
		}
		who := fmt.Sprintf("ben <ben@example.com> %d +0000", w.clock.Now().Unix())
		return fmt.Sprintf("%sauthor %s\ncommitter %s\n\n%s\n", text, who, who, message)
	}
	one, other := alike(func(n int) string { return draft(fmt.Sprintf("Try %d", n), head) })
	merge := draft("Merge the tries", head, w.store(ts, one), w.store(ts, other))
	ts.Check(w.repo.SetBranch("main", w.store(ts, merge)))
	remember(ts, args[0], objectName(one))
	remember(ts, args[1], objectName(other))
}

// alike draws commits until the names of two begin alike: with seven digits
// that takes some twenty thousand.
func alike(draft func(n int) string) (one, other string) {
	seen := map[string]string{}
	for n := 0; ; n++ {
		text := draft(n)
		short := objectName(text)[:7]
		if earlier, ok := seen[short]; ok {
			return earlier, text
		}
		seen[short] = text
	}
}

// objectName is the name that Git gives to a commit.
func objectName(commit string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "commit %d\x00%s", len(commit), commit))
	return hex.EncodeToString(sum[:])
}

// store adds a commit to the repository.
func (w *world) store(ts *testscript.TestScript, commit string) string {
	path := filepath.Join(w.work, "commit-"+objectName(commit))
	ts.Check(os.WriteFile(path, []byte(commit), 0o600))
	name, err := w.repo.Git("hash-object", "-w", "-t", "commit", path)
	ts.Check(err)
	return strings.TrimSpace(name)
}
