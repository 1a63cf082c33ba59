package rollout

import (
	"context"
	"errors"
	"fmt"
	"regexp"
)

// Branches begins branches of the rollout's own, each with one commit, for
// somebody to merge. Optional; adapters: rollout/github and rollout/gitrepo.
type Branches interface {
	// Begin makes a commit and a branch that points at it. ErrMoved: there is
	// such a branch already, and nothing was changed.
	Begin(ctx context.Context, branch string, c NewCommit) (SHA, error)
}

// A NewCommit is a commit to make.
type NewCommit struct {
	Message string
	Parents []SHA
	// Like is the commit whose files it has, but for the Changes.
	Like    SHA
	Changes []FileChange
}

// A FileChange puts a file in a place, or takes it away.
type FileChange struct {
	Path string
	// File is one that the repository has. The zero value takes away what is
	// there.
	File
}

// A File is what a tree has in a place, as Git names it. The zero value is
// nothing.
type File struct {
	Mode string
	Blob SHA
}

// Trees compares the files of commits. Its adapter is rollout/gitrepo.
type Trees interface {
	// Differences lists the files in which two commits differ, sorted by path,
	// and what a third has in their places.
	Differences(ctx context.Context, before, after, now SHA) ([]Difference, error)
	// TreeOf is what all files of a commit are called together.
	TreeOf(ctx context.Context, commit SHA) (SHA, error)
}

// A Difference is one place in three trees.
type Difference struct {
	Path               string
	Before, After, Now File
}

// Equivalents is a [History] that knows which commits make the same change,
// wherever they make it. Optional.
type Equivalents interface {
	// Equivalents finds, for some commits, one among others that makes the same
	// change to its parent. A merge has none.
	Equivalents(ctx context.Context, some, among []Commit) (map[SHA]SHA, error)
}

// Proposals are pull requests. Optional: a plain Git remote has none.
type Proposals interface {
	// Propose opens a pull request.
	Propose(ctx context.Context, p Proposal) (Proposal, error)
	// Proposed finds the newest pull request of a branch into another, open or
	// not. The number is 0 where there is none.
	Proposed(ctx context.Context, branch, base string) (Proposal, error)
	// MergeCommits tells whether the repository lets pull requests be merged by
	// a merge commit.
	MergeCommits(ctx context.Context) (bool, error)
}

// A Proposal is a pull request.
type Proposal struct {
	Branch, Base string
	Title, Body  string
	Number       int
	URL          string
	State        ProposalState
	// Merged is the commit by which it was merged.
	Merged SHA
}

// ProposalState is what became of a pull request.
type ProposalState string

// The states of a pull request.
const (
	ProposalOpen   ProposalState = "open"
	ProposalMerged ProposalState = "merged"
	ProposalClosed ProposalState = "closed"
)

// inert is text of others as a pull request and a commit can hold it: on a forge
// a name notifies somebody there, and "fixes #1" closes an issue. What does so is
// broken by a space without width.
func inert(text string, width int) string {
	return acts.ReplaceAllString(OneLine(text, width), "$0\u200b")
}

// acts is the first part of what acts: of a name, of an issue's number however it
// is written, of an address
// (https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls,
// https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue).
var acts = regexp.MustCompile(`@|#|(?i:\bgh)|:`)

// inertCommit names a commit in a block of code, on a line of its own.
func inertCommit(c Commit) string {
	return fmt.Sprintf("%s %s (%s)", c.SHA.Short(), inert(c.Subject(), 72), inert(c.Author, 40))
}

// inertReason is what an operator gave as a reason.
func inertReason(reason string) string {
	return fmt.Sprintf("Why:\n\n```text\n| %s\n```\n", inert(reason, longestReason))
}

// Work is a branch of the rollout's own, with a commit for somebody to merge.
type Work struct {
	// Branch stands at Head. Without a head it does not exist yet.
	Branch string
	Head   SHA
	// Begun tells that the branch was made just now, and Proposed that the pull
	// request was.
	Begun, Proposed bool
	// Proposal is the pull request. Its number is 0 where there is none.
	Proposal Proposal
	// Commands merge the branch where there are no pull requests.
	Commands []string
}

// A workRequest is what there is to do.
type workRequest struct {
	base, title, body string
	commit            NewCommit
	dryRun            bool
}

// work makes the branch and the pull request, as far as they are not there. Each
// step can be the last: done again, it goes on where it ended.
func (m *Mender) work(ctx context.Context, w *Work, r workRequest) (err error) {
	if w.Head == "" && !r.dryRun {
		if w.Head, err = m.Branches.Begin(ctx, w.Branch, r.commit); err != nil {
			return again(fmt.Errorf("begin %s: %w", w.Branch, err))
		}
		w.Begun = true
	}
	if m.Proposals == nil {
		w.Commands = mergeCommands(r.base, w.Branch)
		return nil
	}
	if w.Proposal, err = m.Proposals.Proposed(ctx, w.Branch, r.base); err != nil || r.dryRun || w.Proposal.State == ProposalOpen {
		return err
	}
	w.Proposal, err = m.Proposals.Propose(ctx, Proposal{Branch: w.Branch, Base: r.base, Title: r.title, Body: r.body})
	w.Proposed = err == nil
	return again(err)
}

// again tells whoever lost a race, or got no clear answer, to do the same again:
// it finds what there is.
func again(err error) error {
	kind := ErrMoved
	switch {
	case errors.Is(err, ErrUncertain):
		kind = ErrUnavailable
	case !errors.Is(err, ErrMoved):
		return err
	}
	return &Problem{Kind: kind, What: "what was to be made may be there by now", Cause: err, Ways: []string{"run the same command again: it looks first, and does nothing twice"}}
}

// mergeCommands merge a branch by hand.
func mergeCommands(base, branch string) []string {
	return []string{
		fmt.Sprintf("git fetch origin && git switch %s && git merge --ff-only origin/%s && git merge --no-edit origin/%s", Quote(base), Quote(base), Quote(branch)),
		fmt.Sprintf("git push origin %s", Quote(base)),
	}
}
