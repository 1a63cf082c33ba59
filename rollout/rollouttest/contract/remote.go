package contract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// TestRemote tests an adapter of [rollout.Remote]. It opens a fresh fixture for
// every case.
func TestRemote(t *testing.T, open func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		test func(s *scene)
	}{
		{"observes branches that exist and branches that do not", observesBranches},
		{"observes nothing but what it is asked for", observesOnlyTheQuery},
		{"observes the trees of the heads", observesTrees},
		{"observes as much of the log as it is asked for", observesLog},
		{"creates a branch and the ledger together", createsBoth},
		{"moves a branch and the ledger together", movesBoth},
		{"writes the ledger alone", writesLedgerAlone},
		{"replaces the ledger's whole tree", replacesTree},
		{"refuses a branch that moved, and changes nothing", refusesMovedBranch},
		{"refuses a ledger that moved, and changes nothing", refusesMovedLedger},
		{"refuses to create what exists, and changes nothing", refusesExisting},
		{"refuses to move what was deleted, and changes nothing", refusesDeleted},
		{"refuses a commit that nobody has, and changes nothing", refusesUnknownCommit},
		{"rewinds a branch and keeps where it stood", rewinds},
		{"refuses to rewind what moved, or over a backup, and changes nothing", refusesRewind},
		{"lets one of two concurrent transactions win", letsOneWin},
		{"reads the log newest first, up to a limit", readsLog},
		{"reads a log of many entries", readsLongLog},
		{"gives back what hostile text it was given", roundTrips},
		{"reads the push log", readsMovements},
		{"reads no more of the push log than is enough", readsEnoughMovements},
		{"stops when its context is cancelled", stopsWhenCancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(newScene(t, open)) })
	}
}

func observesBranches(s *scene) {
	commits := s.line(2, "")
	s.push(upstream, commits[1])
	o := s.observe()
	if diff := cmp.Diff(map[string]rollout.SHA{upstream: commits[1]}, o.Heads); diff != "" {
		s.t.Errorf("heads (-want +got):\n%s", diff)
	}
	if o.Ledger != "" || len(o.Files) != 0 || len(o.Log) != 0 {
		s.t.Errorf("ledger = %q with %d files and the log %q, want none", o.Ledger, len(o.Files), o.Log)
	}
	if o.At.IsZero() {
		s.t.Error("the observation has no time")
	}
	if o.PushLog != s.PushLog {
		s.t.Errorf("PushLog = %t, want %t", o.PushLog, s.PushLog)
	}
}

func observesOnlyTheQuery(s *scene) {
	commits := s.line(1, "")
	for _, branch := range []string{upstream, "main2", "feature/main", "other"} {
		s.push(branch, commits[0])
	}
	for _, branches := range [][]string{nil, {upstream}, {"feature/main", "other", "mai", "heads/main", `") { x }`}} {
		o, err := s.Remote.Observe(s.t.Context(), rollout.Query{Branches: branches, Ledger: ledger})
		if err != nil {
			s.t.Fatalf("Observe %q: %v", branches, err)
		}
		want := slices.DeleteFunc(slices.Clone(branches), func(b string) bool { return s.heads()[b] == "" })
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(o.Heads))); diff != "" {
			s.t.Errorf("Observe %q (-want +got):\n%s", branches, diff)
		}
	}
}

func observesTrees(s *scene) {
	commits := s.line(3, "")
	s.push(upstream, commits[2])
	s.trees(map[string]rollout.SHA{upstream: commits[2]})
	s.push(target, commits[0])
	s.trees(map[string]rollout.SHA{upstream: commits[2], target: commits[0]})
	// Two branches at one commit, and two commits with one tree.
	s.push(target, commits[2])
	s.trees(map[string]rollout.SHA{upstream: commits[2], target: commits[2]})
	s.must(note("", "begin"))
	left, right := s.commit("left", commits[0]), s.commit("right", commits[1])
	s.push(upstream, left)
	s.push(target, right)
	s.trees(map[string]rollout.SHA{upstream: left, target: right})
}

// trees checks that the trees observed are those of the heads.
func (s *scene) trees(heads map[string]rollout.SHA) {
	s.t.Helper()
	want := map[string]rollout.SHA{}
	for branch, head := range heads {
		want[branch] = rollout.SHA(s.git("", "rev-parse", string(head)+"^{tree}"))
	}
	if diff := cmp.Diff(want, s.observe().Trees); diff != "" {
		s.t.Errorf("trees (-want +got):\n%s", diff)
	}
}

func createsBoth(s *scene) {
	commits := s.line(2, "")
	s.push(upstream, commits[1])
	sha := s.must(promotion("", commits[0], "", "begin"))
	s.stands(map[string]rollout.SHA{upstream: commits[1], target: commits[0], ledger: sha})
	o := s.observe()
	if o.Ledger != sha || o.Heads[target] != commits[0] {
		s.t.Errorf("observed %s and %s, want %s and %s", o.Ledger, o.Heads[target], sha, commits[0])
	}
	if diff := cmp.Diff(draft("begin").Files, o.Files); diff != "" {
		s.t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]rollout.LedgerCommit{{SHA: sha, Message: "begin"}}, trimmed(o.Log)); diff != "" {
		s.t.Errorf("log (-want +got):\n%s", diff)
	}
}

func observesLog(s *scene) {
	_, head := s.begin()
	for _, text := range []string{"one", "two", "three"} {
		head = s.must(note(head, text))
	}
	whole := s.log(head, 0)
	for entries, want := range map[int]int{0: 1, 1: 1, 2: 2, 100: len(whole)} {
		o, err := s.Remote.Observe(s.t.Context(), rollout.Query{Ledger: ledger, Entries: entries})
		if err != nil {
			s.t.Fatalf("Observe: %v", err)
		}
		if diff := cmp.Diff(whole[:want], trimmed(o.Log)); diff != "" {
			s.t.Errorf("log of %d entries (-want +got):\n%s", entries, diff)
		}
		if len(o.Files) == 0 {
			s.t.Errorf("with %d entries the ledger has no files", entries)
		}
	}
}

func movesBoth(s *scene) {
	commits, first := s.begin()
	second := s.must(promotion(commits[0], commits[2], first, "promote"))
	s.stands(map[string]rollout.SHA{upstream: commits[2], target: commits[2], ledger: second})
	if diff := cmp.Diff(draft("promote").Files, s.observe().Files); diff != "" {
		s.t.Errorf("files (-want +got):\n%s", diff)
	}
}

func writesLedgerAlone(s *scene) {
	commits, first := s.begin()
	second := s.must(note(first, "a word"))
	s.stands(map[string]rollout.SHA{upstream: commits[2], target: commits[0], ledger: second})
}

func replacesTree(s *scene) {
	_, first := s.begin()
	other := note(first, "other files")
	other.Draft.Files = map[string][]byte{"a": []byte("1\n"), "b.txt": []byte("2")}
	s.must(other)
	if diff := cmp.Diff(other.Draft.Files, s.observe().Files); diff != "" {
		s.t.Errorf("files (-want +got):\n%s", diff)
	}
}

func refusesMovedBranch(s *scene) {
	commits, first := s.begin()
	s.push(target, commits[1])
	s.refuses(promotion(commits[0], commits[2], first, "late"), rollout.ErrMoved)
}

func refusesMovedLedger(s *scene) {
	commits, first := s.begin()
	s.must(note(first, "quicker"))
	s.refuses(promotion(commits[0], commits[2], first, "late"), rollout.ErrMoved)
	s.refuses(note(first, "late"), rollout.ErrMoved)
}

func refusesExisting(s *scene) {
	commits, first := s.begin()
	s.refuses(promotion("", commits[2], first, "branch again"), rollout.ErrMoved)
	s.refuses(promotion(commits[0], commits[2], "", "ledger again"), rollout.ErrMoved)
	s.refuses(note("", "ledger again"), rollout.ErrMoved)
}

func refusesDeleted(s *scene) {
	commits, first := s.begin()
	s.push(target, "")
	s.refuses(promotion(commits[0], commits[2], first, "gone"), rollout.ErrMoved)
	s.push(ledger, "")
	s.refuses(note(first, "gone"), rollout.ErrMoved)
}

func refusesUnknownCommit(s *scene) {
	commits, first := s.begin()
	err := s.fails(promotion(commits[0], "0123456789abcdef0123456789abcdef01234567", first, "nowhere"))
	if errors.Is(err, rollout.ErrMoved) {
		s.t.Errorf("nothing moved, yet: %v", err)
	}
}

func rewinds(s *scene) {
	commits, first := s.begin()
	foreign := s.commit("straight to release", commits[0])
	s.push(target, foreign)
	second := s.must(rewind(foreign, commits[0], first, "reset"))
	s.stands(map[string]rollout.SHA{upstream: commits[2], target: commits[0], backup: foreign, ledger: second})
}

func refusesRewind(s *scene) {
	commits, first := s.begin()
	foreign := s.commit("straight to release", commits[0])
	s.push(target, foreign)
	s.refuses(rewind(commits[0], commits[0], first, "an old head"), rollout.ErrMoved)
	s.refuses(rewind(foreign, commits[0], "", "an old ledger"), rollout.ErrMoved)
	s.push(backup, commits[1])
	s.refuses(rewind(foreign, commits[0], first, "over a backup"), rollout.ErrMoved)
}

func letsOneWin(s *scene) {
	commits, first := s.begin()
	const racers = 4
	results := make([]error, racers)
	made := make([]rollout.SHA, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			made[i], results[i] = s.Remote.Commit(s.t.Context(), promotion(commits[0], commits[1+i%2], first, fmt.Sprintf("racer %d", i)))
		})
	}
	all.Wait()
	var winner []int
	for i, err := range results {
		switch {
		case err == nil:
			winner = append(winner, i)
		case !errors.Is(err, rollout.ErrMoved):
			s.t.Errorf("racer %d lost with %v, want ErrMoved", i, err)
		}
	}
	if len(winner) != 1 {
		s.t.Fatalf("%d transactions of %d were carried out, want 1", len(winner), racers)
	}
	s.stands(map[string]rollout.SHA{upstream: commits[2], target: commits[1+winner[0]%2], ledger: made[winner[0]]})
}

func readsLog(s *scene) {
	_, head := s.begin()
	want := []rollout.LedgerCommit{{SHA: head, Message: "begin"}}
	for _, text := range []string{"second", "third", "fourth"} {
		head = s.must(note(head, text))
		want = append([]rollout.LedgerCommit{{SHA: head, Message: text}}, want...)
	}
	for _, limit := range []int{0, 1, 3, 4, 50} {
		expected := want
		if limit > 0 && limit < len(want) {
			expected = want[:limit]
		}
		if diff := cmp.Diff(expected, s.log(head, limit)); diff != "" {
			s.t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	// An older head has an older log, whatever was written since.
	if diff := cmp.Diff(want[2:], s.log(want[2].SHA, 0)); diff != "" {
		s.t.Errorf("of an older head (-want +got):\n%s", diff)
	}
}

func readsLongLog(s *scene) {
	commits := s.line(230, "")
	s.push(ledger, commits[229])
	slices.Reverse(commits)
	for limit, want := range map[int]int{0: 230, 100: 100, 101: 101, 230: 230, 500: 230} {
		var got []rollout.SHA
		for _, commit := range s.log(commits[0], limit) {
			got = append(got, commit.SHA)
		}
		if diff := cmp.Diff(commits[:want], got); diff != "" {
			s.t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

// hostile is text that has broken somebody's parser before. An escape within an
// escape is what go-gh's sanitizer gets wrong.
var hostile = []string{
	"grüße 你好 🚀 \u202e right to left",
	"\"quotes\" 'single' `back` $(touch x) ${HOME} %s %d",
	"- leading dash\n-m\n--force",
	"first line\n\n  indented \t and trailing blanks   \n\n\n# a comment?\n\nlast",
	"back\\slash \\u001b \\\\u001b \\n \\0 \\\\",
	"</script><b>&amp;\u2028\u2029",
	"crlf\r\nline",
	"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
	strings.Repeat("long ", 5000),
}

func roundTrips(s *scene) {
	_, head := s.begin()
	for _, text := range hostile {
		wrote := note(head, "")
		wrote.Draft.Message = text + "\n"
		wrote.Draft.Files = map[string][]byte{
			"state.json":             []byte(text),
			"with blank & ünïcode ✓": []byte(text + "\r\n\n"),
			"empty":                  {},
		}
		head = s.must(wrote)
		o := s.observe()
		if diff := cmp.Diff(wrote.Draft.Files, o.Files); diff != "" {
			s.t.Errorf("files (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(strings.TrimSpace(text), trimmed(o.Log)[0].Message); diff != "" {
			s.t.Errorf("the head's message (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(strings.TrimSpace(text), s.log(head, 1)[0].Message); diff != "" {
			s.t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}

func readsMovements(s *scene) {
	commits := s.line(4, "")
	other := s.commit("elsewhere", commits[0])
	s.push(upstream, commits[3])
	const branch = "next/main" // a default branch could not be deleted
	for _, to := range []rollout.SHA{commits[0], commits[2], other, "", commits[3]} {
		s.push(branch, to)
	}
	all := func(rollout.Movement) bool { return false }
	got, err := s.Remote.Movements(s.t.Context(), branch, all)
	if err != nil {
		s.t.Fatalf("Movements: %v", err)
	}
	if !s.PushLog {
		if len(got) != 0 {
			s.t.Errorf("a forge without a push log told of %v", got)
		}
		return
	}
	want := []rollout.Movement{
		{After: commits[3]},
		{Before: other},
		{Before: commits[2], After: other, Forced: true},
		{Before: commits[0], After: commits[2]},
		{After: commits[0]},
	}
	for i := range got {
		if got[i].At.IsZero() || (i > 0 && got[i].At.After(got[i-1].At)) {
			s.t.Errorf("movement %d is of %v, the one before it of %v", i, got[i].At, got[max(i-1, 0)].At)
		}
	}
	if diff := cmp.Diff(want, timeless(got)); diff != "" {
		s.t.Errorf("movements (-want +got):\n%s", diff)
	}
}

func readsEnoughMovements(s *scene) {
	commits := s.line(5, "")
	for _, commit := range commits {
		s.push(upstream, commit)
	}
	var asked []rollout.SHA
	got, err := s.Remote.Movements(s.t.Context(), upstream, func(m rollout.Movement) bool {
		asked = append(asked, m.After)
		return m.After == commits[3]
	})
	if err != nil {
		s.t.Fatalf("Movements: %v", err)
	}
	if !s.PushLog {
		return
	}
	want := []rollout.Movement{{Before: commits[3], After: commits[4]}, {Before: commits[2], After: commits[3]}}
	if diff := cmp.Diff(want, timeless(got)); diff != "" {
		s.t.Errorf("movements (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]rollout.SHA{commits[4], commits[3]}, asked); diff != "" {
		s.t.Errorf("asked about (-want +got):\n%s", diff)
	}
}

func timeless(movements []rollout.Movement) []rollout.Movement {
	var all []rollout.Movement
	for _, m := range movements {
		all = append(all, rollout.Movement{Before: m.Before, After: m.After, Forced: m.Forced})
	}
	return all
}

func stopsWhenCancelled(s *scene) {
	commits, first := s.begin()
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	before := s.heads()
	if _, err := s.Remote.Observe(ctx, rollout.Query{Branches: []string{upstream}, Ledger: ledger}); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Observe: %v, want context.Canceled", err)
	}
	if _, err := s.Remote.Log(ctx, rollout.Head{Branch: ledger, SHA: first}, 0); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Log: %v, want context.Canceled", err)
	}
	if _, err := s.Remote.Commit(ctx, promotion(commits[0], commits[1], first, "cancelled")); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Commit: %v, want context.Canceled", err)
	}
	s.stands(before)
}

// begin sets out three commits on main, a release branch at the first, and a
// ledger with one entry.
func (s *scene) begin() (commits []rollout.SHA, head rollout.SHA) {
	s.t.Helper()
	commits = s.line(3, "")
	s.push(upstream, commits[2])
	return commits, s.must(promotion("", commits[0], "", "begin"))
}

// refuses checks that a transaction fails with an error of a kind and leaves
// every branch alone.
func (s *scene) refuses(t rollout.Transaction, kind error) {
	s.t.Helper()
	if err := s.fails(t); !errors.Is(err, kind) {
		s.t.Errorf("Commit: %v, want kind %q", err, kind)
	}
}

// fails checks that a transaction fails and leaves every branch alone.
func (s *scene) fails(t rollout.Transaction) error {
	s.t.Helper()
	before := s.heads()
	sha, err := s.Remote.Commit(s.t.Context(), t)
	if err == nil {
		s.t.Errorf("Commit was carried out as %s, want it refused", sha)
	}
	s.stands(before)
	return err
}

// stands checks where the remote's branches are, with git.
func (s *scene) stands(want map[string]rollout.SHA) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.heads()); diff != "" {
		s.t.Errorf("the remote's branches (-want +got):\n%s", diff)
	}
}

// log reads the ledger. White space at the end of a message is cut: GitHub's
// API does not give it back.
func (s *scene) log(head rollout.SHA, limit int) []rollout.LedgerCommit {
	s.t.Helper()
	log, err := s.Remote.Log(s.t.Context(), rollout.Head{Branch: ledger, SHA: head}, limit)
	if err != nil {
		s.t.Fatalf("Log: %v", err)
	}
	return trimmed(log)
}

func trimmed(log []rollout.LedgerCommit) []rollout.LedgerCommit {
	for i := range log {
		log[i].Message = strings.TrimSpace(log[i].Message)
	}
	return log
}
