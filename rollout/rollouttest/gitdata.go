package rollouttest

import (
	"encoding/base64"
	"errors"
	"net/http"
	"time"
)

// createBlob is POST /repos/{owner}/{repo}/git/blobs.
func createBlob(c *call) (answer, error) {
	var body struct {
		Content  *string
		Encoding string
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.Content == nil {
		return answer{}, notSupplied("content")
	}
	content := []byte(*body.Content)
	switch body.Encoding {
	case "", "utf-8":
	case "base64":
		var err error
		if content, err = base64.StdEncoding.DecodeString(*body.Content); err != nil {
			return answer{}, unprocessable("content is not valid Base64")
		}
	default:
		return answer{}, invalidRequest("encoding")
	}
	oid, err := c.repo.objects.write("blob", content)
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusCreated, fields{"sha": oid, "url": c.repoURL("/git/blobs/%s", oid)}), nil
}

// getBlob is GET /repos/{owner}/{repo}/git/blobs/{sha}.
func getBlob(c *call) (answer, error) {
	o, err := c.gitObject("blob", c.vars["sha"])
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, fields{
		"sha": o.oid, "node_id": nodeID("B", c.repo.id, o.oid), "size": len(o.data),
		"url":     c.repoURL("/git/blobs/%s", o.oid),
		"content": base64.StdEncoding.EncodeToString(o.data), "encoding": "base64",
	}), nil
}

// gitObject reads an object of a kind by its full id.
func (c *call) gitObject(kind, oid string) (object, error) {
	if !isOID(oid) {
		return object{}, unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	o, err := c.repo.objects.read(oid)
	if err == nil && o.kind != kind {
		return object{}, notFound()
	}
	return o, err
}

// newTreeEntry is one entry of POST git/trees: with content, with the id of
// what is there already, or with a null for what is to go.
type newTreeEntry struct {
	Path    string
	Mode    string
	Type    string
	SHA     optional[string]
	Content *string
}

// createTree is POST /repos/{owner}/{repo}/git/trees.
func createTree(c *call) (answer, error) {
	var body struct {
		Tree     []newTreeEntry
		BaseTree string `json:"base_tree"`
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.Tree == nil {
		return answer{}, notSupplied("tree")
	}
	base := ""
	if body.BaseTree != "" {
		o, err := c.repo.objects.read(body.BaseTree + "^{tree}")
		if errors.Is(err, errNoObject) {
			return answer{}, unprocessable("Invalid base_tree") // or a commit: GitHub takes one, too
		}
		if err != nil {
			return answer{}, err
		}
		base = o.oid
	}
	var changes []treeChange
	for _, entry := range body.Tree {
		change, err := c.treeChange(entry)
		if err != nil {
			return answer{}, err
		}
		changes = append(changes, change)
	}
	oid, err := c.repo.objects.changeTree(base, changes)
	if err != nil {
		return answer{}, unprocessable("%s", err)
	}
	shown, err := c.tree(oid, "")
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusCreated, shown), nil
}

// treeChange checks one entry of a tree to make.
func (c *call) treeChange(entry newTreeEntry) (treeChange, error) {
	change := treeChange{path: entry.Path, mode: entry.Mode}
	kinds := map[string]string{"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
	switch {
	case entry.SHA.set && entry.SHA.null: // to be removed
		return change, nil
	case kinds[entry.Mode] == "":
		return treeChange{}, unprocessable("Must supply a valid tree.mode")
	case entry.Type != "" && entry.Type != kinds[entry.Mode]:
		return treeChange{}, unprocessable("tree.mode and tree.type do not fit each other: %s", entry.Path)
	case entry.SHA.set && entry.Content != nil:
		return treeChange{}, unprocessable("Must supply either tree.sha or tree.content, not both")
	case entry.Content != nil:
		oid, err := c.repo.objects.write("blob", []byte(*entry.Content))
		change.oid = oid
		return change, err
	case !isOID(entry.SHA.value):
		return treeChange{}, unprocessable("tree.sha %s is not a valid object id", entry.SHA.value)
	}
	if o, err := c.repo.objects.read(entry.SHA.value); entry.Mode != "160000" && (err != nil || o.kind != kinds[entry.Mode]) {
		return treeChange{}, unprocessable("tree.sha %s is not a valid %s", entry.SHA.value, kinds[entry.Mode])
	}
	change.oid = entry.SHA.value
	return change, nil
}

// getTree is GET /repos/{owner}/{repo}/git/trees/{sha}; the id may also be a
// branch's name.
func getTree(c *call) (answer, error) {
	o, err := c.repo.objects.read(c.vars["sha"] + "^{tree}")
	if err != nil {
		return answer{}, err
	}
	recurse := keep
	if c.r.URL.Query().Has("recursive") { // whatever its value, as documented
		recurse = descend
	}
	shown, err := c.tree(o.oid, recurse)
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, shown), nil
}

// recursion says whether a tree is shown with what is below its directories.
type recursion string

const (
	keep    recursion = ""
	descend recursion = "recursive"
)

// tree is a tree as REST shows it.
func (c *call) tree(oid string, how recursion) (fields, error) {
	entries, err := c.treeEntries(oid, "", how)
	if err != nil {
		return nil, err
	}
	return fields{"sha": oid, "url": c.repoURL("/git/trees/%s", oid), "tree": entries, "truncated": false}, nil
}

func (c *call) treeEntries(oid, prefix string, how recursion) ([]fields, error) {
	entries, err := c.repo.objects.tree(oid)
	if err != nil {
		return nil, err
	}
	list := []fields{}
	for _, e := range entries {
		shown := fields{
			"path": prefix + e.name, "mode": e.mode, "type": e.kind(), "sha": e.oid,
			"url": c.repoURL("/git/%ss/%s", e.kind(), e.oid),
		}
		if e.kind() == "blob" {
			o, err := c.repo.objects.read(e.oid)
			if err != nil {
				return nil, err
			}
			shown["size"] = len(o.data)
		}
		list = append(list, shown)
		if e.kind() == "tree" && how == descend {
			below, err := c.treeEntries(e.oid, prefix+e.name+"/", how)
			if err != nil {
				return nil, err
			}
			list = append(list, below...)
		}
	}
	return list, nil
}

// person is an author or committer in POST git/commits.
type person struct {
	Name, Email *string
	Date        *time.Time
}

// createCommit is POST /repos/{owner}/{repo}/git/commits.
func createCommit(c *call) (answer, error) {
	var body struct {
		Message   *string
		Tree      *string
		Parents   []string
		Author    *person
		Committer *person
		Signature string
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	switch {
	case body.Message == nil:
		return answer{}, notSupplied("message")
	case body.Tree == nil:
		return answer{}, notSupplied("tree")
	case body.Signature != "":
		return answer{}, &unknownRequest{what: "body: a signature"}
	}
	if o, err := c.repo.objects.read(*body.Tree); err != nil || o.kind != "tree" {
		return answer{}, unprocessable("Tree SHA does not exist")
	}
	for _, parent := range body.Parents {
		if _, err := c.repo.objects.commit(parent); err != nil || !isOID(parent) {
			return answer{}, unprocessable("Parent SHA does not exist or is not a commit object")
		}
	}
	author, err := c.signature("author", body.Author, signature{name: c.who.Login, email: mailOf(c.who.Login), when: c.now})
	if err != nil {
		return answer{}, err
	}
	committer, err := c.signature("committer", body.Committer, author)
	if err != nil {
		return answer{}, err
	}
	oid, err := c.repo.objects.writeCommit(commit{
		tree: *body.Tree, parents: body.Parents, author: author, committer: committer, message: *body.Message,
	})
	if err != nil {
		return answer{}, err
	}
	made, err := c.repo.objects.commit(oid)
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusCreated, c.gitCommit(made)), nil
}

// signature fills what a person left out.
func (c *call) signature(who string, given *person, byDefault signature) (signature, error) {
	if given == nil {
		return byDefault, nil
	}
	if given.Name == nil || given.Email == nil {
		return signature{}, notSupplied(who + ".name and " + who + ".email")
	}
	s := signature{name: *given.Name, email: *given.Email, when: c.now}
	if given.Date != nil {
		s.when = *given.Date
	}
	return s, nil
}

// getGitCommit is GET /repos/{owner}/{repo}/git/commits/{sha}.
func getGitCommit(c *call) (answer, error) {
	o, err := c.gitObject("commit", c.vars["sha"])
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, c.gitCommit(parseCommit(o))), nil
}

// gitCommit is a commit as the git data interface shows it.
func (c *call) gitCommit(k *commit) fields {
	parents := []fields{}
	for _, oid := range k.parents {
		parents = append(parents, fields{
			"sha": oid, "url": c.repoURL("/git/commits/%s", oid), "html_url": c.webURL("/commit/%s", oid),
		})
	}
	return fields{
		"sha": k.oid, "node_id": nodeID("C", c.repo.id, k.oid), "url": c.repoURL("/git/commits/%s", k.oid),
		"html_url": c.webURL("/commit/%s", k.oid), "message": k.message,
		"author": k.author.asJSON(), "committer": k.committer.asJSON(),
		"tree":    fields{"sha": k.tree, "url": c.repoURL("/git/trees/%s", k.tree)},
		"parents": parents, "verification": unsigned(),
	}
}
