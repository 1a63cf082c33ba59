package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// TestHistory tests an adapter of [rollout.History]. It opens a fresh fixture
// for every case.
func TestHistory(t *testing.T, open func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		test func(s *scene)
	}{
		{"of a line", betweenLine},
		{"of nothing before it", betweenNothing},
		{"of a commit and itself", betweenSame},
		{"of an older commit and a newer one", betweenBackwards},
		{"of two lines that went apart", betweenDiverged},
		{"of two that share nothing", betweenUnrelated},
		{"across a merge", betweenMerge},
		{"across a merge of five", betweenOctopus},
		{"of three hundred commits", betweenMany},
		{"as it was written", betweenContent},
		{"of a commit that nobody has", betweenUnknown},
		{"once cancelled", betweenCancelled},
	}
	for _, c := range cases {
		t.Run("between "+c.name, func(t *testing.T) { c.test(newScene(t, open)) })
	}
}

func betweenLine(s *scene) {
	line := s.line(5, "")
	s.push("want", line[4])
	s.between(line[1], line[4], line[2], line[3], line[4])
	s.between(line[3], line[4], line[4])
}

func betweenNothing(s *scene) {
	line := s.line(3, "")
	s.push("want", line[2])
	s.between("", line[2], line...)
}

func betweenSame(s *scene) {
	line := s.line(2, "")
	s.push("want", line[1])
	s.between(line[1], line[1])
}

func betweenBackwards(s *scene) {
	line := s.line(4, "")
	s.push("have", line[3])
	s.push("want", line[1])
	s.between(line[3], line[1])
}

func betweenDiverged(s *scene) {
	line := s.line(2, "")
	left, right := s.line(2, line[1]), s.line(3, line[0])
	s.push("left", left[1])
	s.push("right", right[2])
	s.between(left[1], right[2], right...)
	s.between(right[2], left[1], line[1], left[0], left[1])
}

func betweenUnrelated(s *scene) {
	line := s.line(2, "")
	root := s.commit("another beginning")
	s.push("have", line[1])
	s.push("want", root)
	s.between(line[1], root, root)
}

func betweenMerge(s *scene) {
	line := s.line(2, "")
	left, right := s.line(2, line[1]), s.line(1, line[0])
	merge := s.commit("merge", left[1], right[0])
	s.push("want", merge)
	s.between(line[1], merge, left[0], left[1], right[0], merge)
	s.between(left[1], merge, right[0], merge)
	s.between(right[0], merge, line[1], left[0], left[1], merge)
}

func betweenOctopus(s *scene) {
	base := s.line(1, "")[0]
	var arms []rollout.SHA
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		arms = append(arms, s.commit(name, base))
	}
	merge := s.commit("octopus", arms...)
	s.push("want", merge)
	s.between(base, merge, append(slices.Clone(arms), merge)...)
	s.between(arms[2], merge, arms[0], arms[1], arms[3], arms[4], merge)
}

func betweenMany(s *scene) {
	line := s.line(301, "")
	s.push("want", line[300])
	s.between(line[0], line[300], line[1:]...)
}

func betweenContent(s *scene) {
	line := s.line(1, "")
	child := s.commit("Subject ✓\n\nBody with \"quotes\"\n", line[0])
	s.push("want", child)
	commits, err := s.History.Between(s.t.Context(), line[0], child)
	if err != nil || len(commits) != 1 {
		s.t.Fatalf("Between = %v, %v; want one commit", commits, err)
	}
	got := commits[0]
	if got.Subject() != "Subject ✓" || got.Author == "" {
		s.t.Errorf("subject %q, author %q", got.Subject(), got.Author)
	}
	if got.Authored.Unix() != 1700000000 || got.Committed.Unix() != 1700000060 {
		s.t.Errorf("authored %v, committed %v", got.Authored, got.Committed)
	}
	if diff := cmp.Diff([]rollout.SHA{line[0]}, got.Parents); diff != "" {
		s.t.Errorf("parents (-want +got):\n%s", diff)
	}
}

func betweenUnknown(s *scene) {
	line := s.line(2, "")
	s.push("want", line[1])
	if commits, err := s.History.Between(s.t.Context(), line[1], "0123456789abcdef0123456789abcdef01234567"); err == nil {
		s.t.Errorf("Between = %v, want an error", commits)
	}
}

func betweenCancelled(s *scene) {
	line := s.line(2, "")
	s.push("want", line[1])
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	if _, err := s.History.Between(ctx, line[0], line[1]); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Between: %v, want context.Canceled", err)
	}
}

// between checks which commits there are, in any order, and that each names its
// parents, for whoever walks them must not fall into a gap, its tree and its
// date.
func (s *scene) between(have, want rollout.SHA, expected ...rollout.SHA) {
	s.t.Helper()
	commits, err := s.History.Between(s.t.Context(), have, want)
	if err != nil {
		s.t.Fatalf("Between %s and %s: %v", have.Short(), want.Short(), err)
	}
	got := []rollout.SHA{}
	for _, commit := range commits {
		got = append(got, commit.SHA)
	}
	slices.Sort(got)
	expected = append([]rollout.SHA{}, expected...)
	slices.Sort(expected)
	if diff := cmp.Diff(expected, got); diff != "" {
		s.t.Errorf("between %q and %q (-want +got):\n%s", have.Short(), want.Short(), diff)
	}
	facts := s.facts(want)
	for _, commit := range commits {
		parents := []string{}
		for _, parent := range commit.Parents {
			parents = append(parents, string(parent))
		}
		got := fmt.Sprintf("on [%s], of %d, tree %s", strings.Join(parents, " "), commit.Committed.Unix(), commit.Tree)
		if got != facts[commit.SHA] {
			s.t.Errorf("%s is %s, want %s", commit.SHA.Short(), got, facts[commit.SHA])
		}
	}
}

// facts are trees, dates and parents of everything that a commit reaches, as
// git knows them.
func (s *scene) facts(of rollout.SHA) map[rollout.SHA]string {
	s.t.Helper()
	facts := map[rollout.SHA]string{}
	for line := range strings.Lines(s.git("", "log", "--format=%H on [%P], of %ct, tree %T", string(of))) {
		name, known, _ := strings.Cut(strings.TrimSpace(line), " ")
		facts[rollout.SHA(name)] = known
	}
	return facts
}
