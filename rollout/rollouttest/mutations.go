package rollouttest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

func (c *call) resolveMutation(name string, args arguments) (any, error) {
	switch name {
	case "updateRefs":
		return c.updateRefs(args)
	case "createCommitOnBranch":
		return c.createCommitOnBranch(args)
	}
	return nil, noField("Mutation", name)
}

// input reads a mutation's input, which the schema has checked, into a struct.
func input(args arguments, into any) error {
	data, err := json.Marshal(args["input"])
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// updateRefs moves several refs, all or none.
func (c *call) updateRefs(args arguments) (any, error) {
	var in struct {
		ClientMutationID *string
		RepositoryID     string
		RefUpdates       []struct {
			Name, AfterOid string
			BeforeOid      *string
			Force          bool
		}
	}
	if err := input(args, &in); err != nil {
		return nil, err
	}
	kind, r, _ := c.readNodeID(in.RepositoryID)
	if r == nil || kind != "R" {
		return nil, &graphqlError{
			Type:    typeNotFound,
			Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'", in.RepositoryID),
		}
	}
	if !c.who.may(r, "contents", "write") {
		return nil, c.forbidden()
	}
	var updates []refUpdate
	seen := map[string]bool{}
	for _, u := range in.RefUpdates {
		before := ""
		if u.BeforeOid != nil {
			before = *u.BeforeOid
		}
		if !isOID(u.AfterOid) || before != "" && !isOID(before) {
			return nil, &graphqlError{Type: typeUnprocessable, Message: fmt.Sprintf("%s: not an object id", u.Name)}
		}
		if seen[u.Name] {
			return nil, &graphqlError{Type: typeUnprocessable, Message: fmt.Sprintf("%s is updated twice", u.Name)}
		}
		seen[u.Name] = true
		updates = append(updates, refUpdate{ref: u.Name, before: before, after: u.AfterOid, force: u.Force})
	}
	if len(updates) > 0 {
		if err := r.push(c.r.Context(), c.who, updates); err != nil {
			return nil, c.refusedMutation(err)
		}
	}
	return fields{"clientMutationId": orNil(in.ClientMutationID)}, nil
}

func orNil(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

// refusedMutation puts a refusal into GraphQL's words. Those for a ref that is
// not where beforeOid says, and for what is not a fast-forward, are our own.
func (c *call) refusedMutation(err error) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	switch no.kind {
	case refusedRules:
		return &graphqlError{Type: typeUnprocessable, Message: ruleMessage(no.lines)}
	case refusedWorkflows:
		return c.forbidden()
	}
	return &graphqlError{Type: typeUnprocessable, Message: no.Error()}
}

// fileChanges are those of a commit to make; the contents are Base64.
type fileChanges struct {
	Additions []struct{ Path, Contents string }
	Deletions []struct{ Path string }
}

// changeFiles applies the changes to a tree.
func (r *Repository) changeFiles(tree string, in fileChanges) (string, error) {
	var changes []treeChange
	for _, deletion := range in.Deletions {
		changes = append(changes, treeChange{path: deletion.Path})
	}
	for _, addition := range in.Additions {
		content, err := base64.StdEncoding.DecodeString(addition.Contents)
		if err != nil {
			return "", &graphqlError{Type: typeUnprocessable, Message: addition.Path + ": contents are not Base64"}
		}
		oid, err := r.objects.write("blob", content)
		if err != nil {
			return "", err
		}
		changes = append(changes, treeChange{path: addition.Path, mode: "100644", oid: oid})
	}
	changed, err := r.objects.changeTree(tree, changes)
	if err != nil {
		return "", &graphqlError{Type: typeUnprocessable, Message: err.Error()}
	}
	return changed, nil
}

// createCommitOnBranch makes a commit with the token's owner as its author.
func (c *call) createCommitOnBranch(args arguments) (any, error) {
	var in struct {
		ClientMutationID *string
		ExpectedHeadOid  string
		Branch           struct{ BranchName, ID, RepositoryNameWithOwner *string }
		Message          struct {
			Headline string
			Body     *string
		}
		FileChanges fileChanges
	}
	if err := input(args, &in); err != nil {
		return nil, err
	}
	r, name, err := c.committable(in.Branch.ID, in.Branch.RepositoryNameWithOwner, in.Branch.BranchName)
	if err != nil {
		return nil, err
	}
	if !c.who.may(r, "contents", "write") {
		return nil, c.forbidden()
	}
	parent, err := r.objects.commit(in.ExpectedHeadOid)
	if err != nil || r.resolve(name) != in.ExpectedHeadOid {
		return nil, staleBranch(in.ExpectedHeadOid)
	}
	tree, err := r.changeFiles(parent.tree, in.FileChanges)
	if err != nil {
		return nil, err
	}
	message := in.Message.Headline
	if in.Message.Body != nil && *in.Message.Body != "" {
		message += "\n\n" + *in.Message.Body
	}
	by := signature{name: c.who.Login, email: mailOf(c.who.Login), when: c.now}
	oid, err := r.objects.writeCommit(commit{
		tree: tree, parents: []string{parent.oid}, author: by, message: message,
		committer: signature{name: "GitHub", email: "noreply@github.com", when: c.now},
	})
	if err != nil {
		return nil, err
	}
	err = r.push(c.r.Context(), c.who, []refUpdate{{ref: name, before: in.ExpectedHeadOid, after: oid}})
	var no *refusal
	if errors.As(err, &no) && no.kind == refusedStale {
		return nil, staleBranch(in.ExpectedHeadOid)
	}
	if err != nil {
		return nil, c.refusedMutation(err)
	}
	made, err := r.objects.commit(oid)
	if err != nil {
		return nil, err
	}
	return fields{
		"clientMutationId": orNil(in.ClientMutationID), "commit": gqlCommit{r, made}, "ref": c.refNode(r, name),
	}, nil
}

// staleBranch is GitHub's own text, two spaces and all (reported by users).
func staleBranch(expected string) error {
	return &graphqlError{
		Type:    typeStaleData,
		Message: fmt.Sprintf("Expected branch to point to %q but it did not.  Pull and try again.", expected),
	}
}

// committable is the branch that a CommittableBranch names: by its id, or by
// the repository's name and its own.
func (c *call) committable(id, slug, branch *string) (*Repository, string, error) {
	if id != nil {
		if kind, r, name := c.readNodeID(*id); r != nil && kind == "REF" && r.resolve(name) != "" {
			return r, name, nil
		}
		return nil, "", &graphqlError{
			Type: typeNotFound, Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'", *id),
		}
	}
	if slug == nil || branch == nil {
		return nil, "", &graphqlError{
			Type: typeUnprocessable, Message: "A branch is named by its id, or by repositoryNameWithOwner and branchName",
		}
	}
	owner, repo, _ := strings.Cut(*slug, "/")
	r := c.g.find(owner, repo)
	if r == nil || !c.who.sees(r) {
		return nil, "", &graphqlError{
			Type: typeNotFound, Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", *slug),
		}
	}
	name := "refs/heads/" + strings.TrimPrefix(*branch, "refs/heads/")
	if r.resolve(name) == "" {
		return nil, "", &graphqlError{Type: typeNotFound, Message: fmt.Sprintf("No such branch: %s", *branch)}
	}
	return r, name, nil
}
