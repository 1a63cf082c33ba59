package stages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// A chronicle is where every branch has stood, in order, and since when: Git's own
// log of the branch, read after each step of a story, with GitHub's clock.
type chronicle struct {
	repo   *rollouttest.Repository
	clock  *rollouttest.Clock
	stands map[string][]stand // by branch
}

// A stand is a commit that a branch pointed at.
type stand struct {
	commit string
	since  time.Time
	step   string // of the story, which moved the branch
}

// newChronicle has Git write down what moves a branch. The repository is empty yet.
func newChronicle(repo *rollouttest.Repository, clock *rollouttest.Clock) (*chronicle, error) {
	_, err := repo.Git("config", "core.logAllRefUpdates", "always")
	return &chronicle{repo: repo, clock: clock, stands: map[string][]stand{}}, err
}

// note takes up what Git has written since the last step.
func (c *chronicle) note(step string) error {
	for _, stage := range stages() {
		commits, err := c.log(stage.branch)
		if err != nil {
			return err
		}
		known := c.stands[stage.branch]
		for _, commit := range commits[len(known):] {
			known = append(known, stand{commit: commit, since: c.clock.Now(), step: step})
		}
		c.stands[stage.branch] = known
	}
	return nil
}

// log are the commits that a branch has pointed at, the first one first.
func (c *chronicle) log(branch string) ([]string, error) {
	out, err := c.repo.Git("reflog", "show", "--format=%H", "refs/heads/"+branch)
	commits := strings.Fields(out)
	slices.Reverse(commits)
	return commits, err
}

// at is the place of a commit among those that a branch has pointed at, or -1.
func (c *chronicle) at(branch, commit string) int {
	return slices.IndexFunc(c.stands[branch], func(s stand) bool { return s.commit == commit })
}

// contains is whether a commit is another one, or comes after it.
func (c *chronicle) contains(commit, other string) bool {
	_, err := c.repo.Git("merge-base", "--is-ancestor", other, commit)
	return err == nil
}

// word is what a commit has for the clusters to run.
func (c *chronicle) word(commit string) (string, error) {
	const path = "clusters/base/change.yaml"
	text, err := c.repo.Git("show", commit+":"+path)
	if err != nil {
		return "", err
	}
	_, word, found := strings.Cut(text, wordKey)
	if !found {
		return "", fmt.Errorf("%s has no word in %s", path, commit)
	}
	return strings.TrimSpace(word), nil
}
