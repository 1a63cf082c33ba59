package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// refs are branches as branchVariables asks for them: by alias, and nil where
// one does not exist.
type refs map[string]*struct {
	Target struct {
		OID  rollout.SHA
		Tree struct{ OID rollout.SHA }
	}
}

// observation is what the query of Observe answers.
type observation struct {
	Viewer     struct{ Login string }
	Heads      refs
	Repository *struct {
		ID               string
		DefaultBranchRef *struct{ Name string }
		Ledger           *struct {
			Target struct {
				OID     rollout.SHA
				History history
				Tree    struct{ Entries []entry }
			}
		}
	}
}

// entry is a file or a directory at the root of the ledger's tree.
type entry struct {
	Name, Type string
	Object     *struct {
		Text        *string
		IsBinary    *bool
		IsTruncated bool
		ByteSize    int
	}
}

// Observe implements [rollout.Remote]. It is one request, whose answer is one
// consistent picture: the ledger's files and log are those of the very commit that is
// its head.
func (c *Client) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	names, declared, selected := branchVariables(q.Branches)
	names["ledger"], names["entries"] = qualified(q.Ledger), max(q.Entries, 1)
	var answer observation
	at, err := c.query(ctx, `query Observe($owner: String!, $name: String!, $ledger: String!, $entries: Int!`+declared+`) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    id
    defaultBranchRef { name }
    ledger: ref(qualifiedName: $ledger) {
      target {
        oid
        ... on Commit {
          history(first: $entries) { nodes { oid message } }
          tree { entries { name type object { ... on Blob { text isBinary isTruncated byteSize } } } }
        }
      }
    }
  }
  `+selected+`
}`, c.variables(names), &answer)
	if err == nil && answer.Repository == nil {
		err = errNoRepository
	}
	if err != nil {
		return rollout.Observation{}, c.explain("read the branches", err)
	}
	found := answer.Repository
	known := repository{ID: found.ID}
	if found.DefaultBranchRef != nil {
		known.DefaultBranch = found.DefaultBranchRef.Name
	}
	c.remember(known)
	o := rollout.Observation{
		At: at, Heads: answer.Heads.of(q.Branches), Trees: answer.Heads.trees(q.Branches),
		PushLog: true, Viewer: answer.Viewer.Login,
	}
	if found.Ledger != nil {
		o.Ledger, o.Log = found.Ledger.Target.OID, found.Ledger.Target.History.commits()
		o.Files, err = files(q.Ledger, o.Ledger, found.Ledger.Target.Tree.Entries)
	}
	return o, err
}

// heads reads where some branches stand, and nothing else.
func (c *Client) heads(ctx context.Context, of []string) (map[string]rollout.SHA, error) {
	names, declared, selected := branchVariables(of)
	var answer struct{ Heads refs }
	_, err := c.query(ctx, `query Heads($owner: String!, $name: String!`+declared+`) {
  `+selected+`
}`, c.variables(names), &answer)
	if err == nil && answer.Heads == nil {
		err = errNoRepository
	}
	if err != nil {
		return nil, c.explain("read the branches again", err)
	}
	return answer.Heads.of(of), nil
}

// of names the heads by branch again.
func (r refs) of(branches []string) map[string]rollout.SHA {
	heads := map[string]rollout.SHA{}
	for i, branch := range branches {
		if found := r[branchAlias(i)]; found != nil {
			heads[branch] = found.Target.OID
		}
	}
	return heads
}

// trees are those of the heads, by branch.
func (r refs) trees(branches []string) map[string]rollout.SHA {
	trees := map[string]rollout.SHA{}
	for i, branch := range branches {
		if found := r[branchAlias(i)]; found != nil && found.Target.Tree.OID != "" {
			trees[branch] = found.Target.Tree.OID
		}
	}
	return trees
}

// branchVariables asks for branches by variable: a name is never part of a
// query's text. The selection has an alias of its own, so that its answer is a
// plain map. Without branches there is none, since GraphQL takes no empty one.
func branchVariables(of []string) (values map[string]any, declared, selected string) {
	values = map[string]any{}
	if len(of) == 0 {
		return values, "", ""
	}
	var d, s strings.Builder
	s.WriteString("heads: repository(owner: $owner, name: $name) {")
	for i, branch := range of {
		alias := branchAlias(i)
		values[alias] = qualified(branch)
		fmt.Fprintf(&d, ", $%s: String!", alias)
		fmt.Fprintf(&s, "\n    %s: ref(qualifiedName: $%s) { target { oid ... on Commit { tree { oid } } } }", alias, alias)
	}
	s.WriteString("\n  }")
	return values, d.String(), s.String()
}

func branchAlias(i int) string { return fmt.Sprintf("branch%d", i) }

func qualified(branch string) string { return "refs/heads/" + branch }

// files are the ledger's, whole. What cannot be read could be what forbids a
// promotion, so it is not left out.
func files(branch string, head rollout.SHA, entries []entry) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, e := range entries {
		if e.Type != "blob" {
			continue
		}
		if why := unreadable(e); why != "" {
			return nil, &rollout.Problem{
				Kind: rollout.ErrLedger,
				What: fmt.Sprintf("%s on %s at %s %s", rollout.Printable(e.Name, shown), branch, head.Short(), why),
				Ways: []string{fmt.Sprintf("the ledger is written by the release targets alone: look with `git log %s` for who changed it, and revert that commit", branch)},
			}
		}
		all[e.Name] = []byte(*e.Object.Text)
	}
	return all, nil
}

// unreadable says why a file's content is not known, or not in full.
func unreadable(e entry) string {
	switch {
	case e.Object == nil:
		return "cannot be read: GitHub does not show it"
	case e.Object.IsBinary != nil && *e.Object.IsBinary, e.Object.Text == nil:
		return "is not text"
	case e.Object.IsTruncated:
		return fmt.Sprintf("is too long: GitHub shows only a part of its %d bytes", e.Object.ByteSize)
	case len(*e.Object.Text) != e.Object.ByteSize:
		return fmt.Sprintf("is not what GitHub shows of it: %d bytes in place of %d", len(*e.Object.Text), e.Object.ByteSize)
	default:
		return ""
	}
}
