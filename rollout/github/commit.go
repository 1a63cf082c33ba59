package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
)

// Commit implements [rollout.Remote] with three requests: the ledger's tree,
// its commit, and one updateRefs that moves the stage's branch and the ledger.
// "All updates are performed atomically, meaning that if one of them is
// rejected, no other ref will be modified" (GitHub's GraphQL schema). Tree and
// commit alone change nothing that anybody can see.
func (c *Client) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	if err := checkDraft(t.Draft); err != nil {
		return "", err
	}
	known, err := c.repository(ctx)
	if err != nil {
		return "", err
	}
	commit, err := c.writeCommit(ctx, t)
	if err != nil {
		return "", err
	}
	if err := c.updateRefs(ctx, known.ID, t, commit); err != nil {
		if errors.Is(err, rollout.ErrUncertain) {
			return commit, err
		}
		return "", err
	}
	return commit, nil
}

// checkDraft refuses what would not be read back as it was written: JSON has
// only text, and Observe reads the tree's root.
func checkDraft(d rollout.Draft) error {
	if !utf8.ValidString(d.Message) {
		return usagef("the ledger entry's message is not UTF-8")
	}
	for name, content := range d.Files {
		switch {
		case !utf8.Valid(content):
			return usagef("the ledger's file %q is not UTF-8", name)
		case name == "" || strings.Contains(name, "/") || !utf8.ValidString(name):
			return usagef("%q cannot be the name of a file of the ledger", name)
		}
	}
	return nil
}

type treeEntry struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Content string `json:"content"`
}

// writeCommit makes the ledger's commit. Its author is the token's owner, which
// GitHub fills in, and signs where it can. A lost answer leaves nothing behind
// but an object that nobody refers to.
func (c *Client) writeCommit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	entries := []treeEntry{}
	for _, name := range slices.Sorted(maps.Keys(t.Draft.Files)) {
		entries = append(entries, treeEntry{Path: name, Mode: "100644", Type: "blob", Content: string(t.Draft.Files[name])})
	}
	tree, err := c.object(ctx, "write the state of "+t.Ledger.Branch, "git/trees", map[string]any{"tree": entries})
	if err != nil {
		return "", err
	}
	parents := []rollout.SHA{}
	if t.Ledger.SHA != "" {
		parents = append(parents, t.Ledger.SHA)
	}
	return c.object(ctx, "write the entry of "+t.Ledger.Branch, "git/commits",
		map[string]any{"message": t.Draft.Message, "tree": tree, "parents": parents})
}

// object makes a Git object.
func (c *Client) object(ctx context.Context, doing, resource string, body any) (rollout.SHA, error) {
	var made struct{ SHA string }
	err := c.send(ctx, http.MethodPost, c.path(resource), body, &made)
	switch {
	case err != nil && isUnclear(err):
		return "", c.uncertain(doing, err)
	case err != nil:
		return "", c.explain(doing, err)
	}
	sha, err := rollout.ParseSHA(made.SHA)
	if err != nil {
		return "", c.uncertain(doing, &garbledError{err})
	}
	return sha, nil
}

type refUpdate struct {
	Name      string `json:"name"`
	BeforeOID string `json:"beforeOid"`
	AfterOID  string `json:"afterOid"`
	Force     bool   `json:"force"`
}

func move(branch string, from, to rollout.SHA) refUpdate {
	u := refUpdate{Name: qualified(branch), BeforeOID: string(from), AfterOID: string(to)}
	if from == "" {
		u.BeforeOID = noOID // "verifies that the ref does not exist"
	}
	return u
}

func (c *Client) updateRefs(ctx context.Context, id string, t rollout.Transaction, commit rollout.SHA) error {
	updates := []refUpdate{move(t.Ledger.Branch, t.Ledger.SHA, commit)}
	if t.Branch != "" {
		branch := move(t.Branch, t.From, t.To)
		branch.Force = t.Backup != ""
		updates = append([]refUpdate{branch}, updates...)
	}
	if t.Backup != "" {
		updates = append(updates, move(t.Backup, "", t.From))
	}
	var answer struct {
		UpdateRefs *struct{ ClientMutationID *string }
	}
	err := c.mutate(ctx, `mutation Commit($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}`, map[string]any{"input": map[string]any{"repositoryId": id, "refUpdates": updates}}, &answer)
	if err == nil && answer.UpdateRefs == nil {
		err = &garbledError{errors.New("it is empty")}
	}
	switch {
	case err == nil:
		return nil
	case isUnclear(err):
		return c.uncertain(moving(t), err)
	default:
		return c.refusal(ctx, t, err)
	}
}

func moving(t rollout.Transaction) string {
	if t.Branch == "" {
		return "move " + t.Ledger.Branch
	}
	return fmt.Sprintf("move %s to %s and %s with it", t.Branch, t.To.Short(), t.Ledger.Branch)
}

// refusal finds out why GitHub refused to move the refs; it has moved none.
// What it says of a head that moved is documented nowhere, so the heads
// themselves are looked at.
func (c *Client) refusal(ctx context.Context, t rollout.Transaction, refused error) error {
	explained := c.explain(moving(t), refused)
	switch {
	case t.Backup != "" && isRuleViolation(c.said(refused)):
		return c.rewindForbidden(t, refused)
	case errors.Is(explained, rollout.ErrNotPermitted) && t.Branch != "":
		// The token could write the entry, so it is not Contents that it lacks.
		if err := c.compareWorkflowFiles(ctx, t.To); errors.Is(err, rollout.ErrNotPermitted) {
			return errors.Join(explained, err)
		}
		return explained
	case !errors.Is(explained, rollout.ErrRefused), isRuleViolation(c.said(refused)):
		return explained
	}
	now, err := c.heads(ctx, heads(t))
	if err != nil {
		return errors.Join(explained, err)
	}
	for branch, from := range expected(t) {
		if now[branch] != from {
			return &rollout.Problem{
				Kind: rollout.ErrMoved,
				What: fmt.Sprintf("%s moved %s while deciding: nothing was changed", branch, fromTo(from, now[branch])),
			}
		}
	}
	return explained
}

// expected is where the heads stand if the transaction can be carried out.
func expected(t rollout.Transaction) map[string]rollout.SHA {
	at := map[string]rollout.SHA{t.Ledger.Branch: t.Ledger.SHA}
	if t.Branch != "" {
		at[t.Branch] = t.From
	}
	if t.Backup != "" {
		at[t.Backup] = ""
	}
	return at
}

// rewindForbidden is the refusal of a rule that nobody rewinds the branch: it is
// there for that, and is lifted for this once by whoever may.
func (c *Client) rewindForbidden(t rollout.Transaction, refused error) error {
	return &rollout.Problem{
		Kind: rollout.ErrRefused,
		What: fmt.Sprintf("%s of %s: a rule keeps everybody from rewinding %s, as it should, and nothing was changed: %s", moving(t), c.slug(), t.Branch, c.said(refused)),
		Ways: []string{
			fmt.Sprintf("let an administrator disable that ruleset for the moment: https://%s/%s/settings/rules", c.options.Host, c.slug()),
			"run the same command again; then `mage release:init`, which switches the ruleset on again",
			"or leave the branch where it stands, and have its commits absorbed, which needs no force: mage release:repair",
		},
	}
}

func heads(t rollout.Transaction) []string {
	return slices.Sorted(maps.Keys(expected(t)))
}

func fromTo(from, to rollout.SHA) string {
	name := func(sha rollout.SHA) string {
		if sha == "" {
			return "nothing"
		}
		return sha.Short()
	}
	return fmt.Sprintf("from %s to %s", name(from), name(to))
}
