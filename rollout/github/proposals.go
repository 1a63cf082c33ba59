package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
)

// The ports for what somebody is to merge.
var (
	_ rollout.Branches  = (*Client)(nil)
	_ rollout.Proposals = (*Client)(nil)
)

// changedEntry is an entry of a tree that is made from another: with the ID of
// what is there already, or null for what goes
// (https://docs.github.com/en/rest/git/trees#create-a-tree).
type changedEntry struct {
	Path string  `json:"path"`
	Mode string  `json:"mode"`
	Type string  `json:"type"`
	SHA  *string `json:"sha"`
}

// Begin implements [rollout.Branches]. The commit's author is the token's owner,
// as of the ledger's. Nothing refers to it before the last request, which makes
// the branch, or is refused because there is one.
func (c *Client) Begin(ctx context.Context, branch string, commit rollout.NewCommit) (rollout.SHA, error) {
	if !utf8.ValidString(commit.Message) {
		return "", usagef("the message of a commit for %s is not UTF-8", branch)
	}
	tree, err := c.changedTree(ctx, branch, commit)
	if err != nil {
		return "", err
	}
	made, err := c.object(ctx, "write a commit for "+branch, "git/commits",
		map[string]any{"message": commit.Message, "tree": tree, "parents": commit.Parents})
	if err != nil {
		return "", err
	}
	doing := "begin " + branch
	err = c.send(ctx, http.MethodPost, c.path("git/refs"), map[string]any{"ref": qualified(branch), "sha": made}, nil)
	switch {
	case err == nil:
		return made, nil
	case isUnclear(err):
		return "", c.uncertain(doing, err)
	case isStatus(err, http.StatusUnprocessableEntity) && strings.Contains(c.said(err), "already exists"):
		return "", fmt.Errorf("%w: %s exists already", rollout.ErrMoved, branch)
	default:
		return "", c.explain(doing, err)
	}
}

// changedTree is the tree of a commit to make.
func (c *Client) changedTree(ctx context.Context, branch string, commit rollout.NewCommit) (rollout.SHA, error) {
	var like struct{ Tree struct{ SHA rollout.SHA } }
	if _, err := c.get(ctx, c.path("git/commits/"+string(commit.Like)), &like); err != nil {
		return "", c.explain("read "+commit.Like.Short(), err)
	}
	if len(commit.Changes) == 0 {
		return like.Tree.SHA, nil
	}
	files := map[string]bool{}
	for _, change := range commit.Changes {
		files[change.Path] = change.File != (rollout.File{})
	}
	var entries []changedEntry
	for _, change := range commit.Changes {
		if isBelow(change.Path, files) {
			continue // the file that comes takes the place of the whole directory
		}
		if !utf8.ValidString(change.Path) {
			return "", usagef("%q cannot be written through the API of GitHub: it is not UTF-8", change.Path)
		}
		entry := changedEntry{Path: change.Path, Mode: "100644", Type: "blob"}
		if files[change.Path] {
			sha := string(change.Blob)
			entry.Mode, entry.SHA = change.Mode, &sha
		}
		if change.Mode == "160000" {
			entry.Type = "commit"
		}
		entries = append(entries, entry)
	}
	return c.object(ctx, "write the files of "+branch, "git/trees", map[string]any{"base_tree": like.Tree.SHA, "tree": entries})
}

// isBelow tells whether a path has one of some files as a directory.
func isBelow(path string, files map[string]bool) bool {
	for at := strings.LastIndex(path, "/"); at > 0; at = strings.LastIndex(path, "/") {
		if path = path[:at]; files[path] {
			return true
		}
	}
	return false
}

// pull is what is read of a pull request.
type pull struct {
	Number   int
	HTMLURL  string `json:"html_url"`
	State    string
	MergedAt *string     `json:"merged_at"`
	Merged   rollout.SHA `json:"merge_commit_sha"`
	Head     struct{ Ref string }
	Base     struct{ Ref string }
}

func (p pull) proposal() rollout.Proposal {
	found := rollout.Proposal{
		Branch: p.Head.Ref, Base: p.Base.Ref, Number: p.Number, URL: p.HTMLURL, State: rollout.ProposalOpen,
	}
	switch {
	case p.MergedAt != nil:
		// Of one that is not merged it is a trial of GitHub's own.
		found.State, found.Merged = rollout.ProposalMerged, p.Merged
	case p.State != "open":
		found.State = rollout.ProposalClosed
	}
	return found
}

// Propose implements [rollout.Proposals]
// (https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request).
func (c *Client) Propose(ctx context.Context, p rollout.Proposal) (rollout.Proposal, error) {
	var made pull
	err := c.send(ctx, http.MethodPost, c.path("pulls"),
		map[string]any{"title": p.Title, "body": p.Body, "head": p.Branch, "base": p.Base}, &made)
	switch {
	case err == nil:
		return made.proposal(), nil
	case isUnclear(err):
		return rollout.Proposal{}, c.uncertain("propose "+p.Branch, err)
	}
	err = c.explain("propose "+p.Branch, err)
	var problem *rollout.Problem
	if errors.As(err, &problem) {
		problem.Ways = append(problem.Ways, fmt.Sprintf("the branch is there: open the pull request by hand, https://%s/%s/compare/%s...%s?expand=1", c.options.Host, c.slug(), p.Base, p.Branch))
	}
	return rollout.Proposal{}, err
}

// Proposed implements [rollout.Proposals]. A branch is looked for as owner:branch
// (https://docs.github.com/en/rest/pulls/pulls#list-pull-requests).
func (c *Client) Proposed(ctx context.Context, branch, base string) (rollout.Proposal, error) {
	query := url.Values{"head": {c.options.Owner + ":" + branch}, "base": {base}, "state": {"all"}, "per_page": {"1"}}
	var found []pull
	if _, err := c.get(ctx, c.path("pulls?"+query.Encode()), &found); err != nil {
		return rollout.Proposal{}, c.explain("look for the pull request of "+branch, err)
	}
	if len(found) == 0 || found[0].Head.Ref != branch {
		return rollout.Proposal{}, nil
	}
	return found[0].proposal(), nil
}

// MergeCommits implements [rollout.Proposals]. GitHub's description lets the setting
// be missing from an answer: then it is taken to be as it is by default.
func (c *Client) MergeCommits(ctx context.Context) (bool, error) {
	var settings struct {
		Allowed *bool `json:"allow_merge_commit"`
	}
	if _, err := c.get(ctx, "repos/"+c.slug(), &settings); err != nil {
		return false, c.explain("read how pull requests are merged", err)
	}
	return settings.Allowed == nil || *settings.Allowed, nil
}
