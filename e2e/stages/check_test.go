package stages

import (
	"strings"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
)

// least is how often every branch has to have moved, and how many revisions every
// cluster has to have had: less would prove little.
const least = 5

// forwardOnly is that no branch was ever taken back.
func (s *story) forwardOnly() {
	s.t.Helper()
	for branch, stands := range s.chronicle.stands {
		if len(stands) < least {
			s.t.Errorf("%s has only stood at %d commits", branch, len(stands))
		}
		for i := 1; i < len(stands); i++ {
			if before, now := stands[i-1].commit, stands[i].commit; !s.chronicle.contains(now, before) {
				s.t.Errorf("%s was taken from %s to %s", branch, before, now)
			}
		}
	}
}

// soaked is that every stage only got what the branch before it had pointed at, and
// that for as long as the plan says, unless somebody overrode that.
func (s *story) soaked() {
	s.t.Helper()
	for i, stage := range stages()[1:] {
		upstream := stages()[i].branch
		for _, stand := range s.chronicle.stands[stage.branch][1:] {
			at := s.chronicle.at(upstream, stand.commit)
			if at < 0 {
				s.t.Errorf("%s got %s, where %s has never stood", stage.branch, stand.commit, upstream)
				continue
			}
			soak := stand.since.Sub(s.chronicle.stands[upstream][at].since)
			if soak < stage.soak && stand.step != overriding {
				s.t.Errorf("%s got %s by %s after %s on %s, and not after %s", stage.branch, stand.commit, stand.step, soak, upstream, stage.soak)
			}
		}
	}
}

// hasNever is that a stage's branch has never had a bad commit without its revert.
func (s *story) hasNever(stage stage, bad string) {
	s.t.Helper()
	for _, stand := range s.chronicle.stands[stage.branch] {
		if s.chronicle.contains(stand.commit, bad) && !s.chronicle.contains(stand.commit, s.reverts[bad]) {
			s.t.Errorf("%s stood at %s, which has the bad %s", stage.branch, stand.commit, bad)
		}
	}
}

// keeps is that a cluster's Flux has never followed anything but its branch, has
// fetched, tried and applied only what the branch has pointed at, in that order,
// and has come to its head.
func (s *story) keeps(name, branch string) {
	s.t.Helper()
	journal := s.clusters[name].Journal()
	reached := map[string]int{}
	for _, sight := range journal.Since(0) {
		if sight.Kind == "GitRepository" && sight.Branch != branch {
			s.t.Errorf("%s did not follow %s: %s", name, branch, sight.Says())
		}
		s.steps(name, branch, sight, sight.Kind+" "+sight.Name+" has", sight.Revision, reached)
		s.steps(name, branch, sight, sight.Kind+" "+sight.Name+" tried", sight.Attempted, reached)
	}
	if commits := journal.Commits(); len(commits) < least {
		s.t.Errorf("%s has only had %v", name, commits)
	}
	for what, at := range reached {
		if last := len(s.chronicle.stands[branch]) - 1; at != last {
			s.t.Errorf("%s: %s commit %d of %s, and not the last, %d", name, what, at, branch, last)
		}
	}
}

// steps is that a revision is one of the branch, and not before the one that was
// reached.
func (s *story) steps(name, branch string, sight cluster.Sight, what, revision string, reached map[string]int) {
	s.t.Helper()
	if revision == "" {
		return
	}
	from, commit, _ := strings.Cut(revision, "@sha1:")
	at := s.chronicle.at(branch, commit)
	if from != branch || at < 0 {
		s.t.Errorf("%s has what %s has never pointed at: %s", name, branch, sight.Says())
		return
	}
	if at < reached[what] {
		s.t.Errorf("%s went back to commit %d of %s, after %d: %s", name, at, branch, reached[what], sight.Says())
	}
	reached[what] = at
}

// hasHeard is that whatever a cluster ran was what some commit of its branch has,
// and that it runs the head's now.
func (s *story) hasHeard(name, branch string) {
	s.t.Helper()
	allowed := map[string]bool{}
	var last string
	for _, stand := range s.chronicle.stands[branch] {
		word, err := s.chronicle.word(stand.commit)
		s.must(err)
		allowed[word], last = true, word
	}
	heard := s.heard(name)
	for _, word := range heard {
		if !allowed[word] {
			s.t.Errorf("%s ran %q, which %s has never had", name, word, branch)
		}
	}
	if len(heard) < least || heard[len(heard)-1] != last {
		s.t.Errorf("%s ran %q; the head of %s has %q", name, heard, branch, last)
	}
}
