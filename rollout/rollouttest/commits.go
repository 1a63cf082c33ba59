package rollouttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// log lists commits as "git rev-list" finds them.
func (r *Repository) log(c *call, args ...string) ([]*commit, error) {
	out, err := r.github.git.run(c.r.Context(), r.path, nil, append([]string{"rev-list"}, args...)...)
	if err != nil {
		return nil, err
	}
	var list []*commit
	for oid := range strings.FieldsSeq(out) {
		k, err := r.objects.commit(oid)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// listCommits is GET /repos/{owner}/{repo}/commits.
func listCommits(c *call) (answer, error) {
	query := c.r.URL.Query()
	start := query.Get("sha")
	if start == "" {
		start = "HEAD"
	}
	head, err := c.repo.revision(start)
	switch {
	case errors.Is(err, errNoObject) && len(c.repo.refs("refs/heads/")) == 0:
		return answer{}, &apiError{status: http.StatusConflict, message: "Git Repository is empty."}
	case err != nil:
		return answer{}, err
	}
	args := []string{"--date-order"}
	for _, key := range []string{"since", "until"} {
		value := query.Get(key)
		if value == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return answer{}, invalidRequest(key)
		}
		args = append(args, "--"+key+"="+strconv.FormatInt(at.Unix(), 10))
	}
	for _, key := range []string{"author", "committer"} {
		if value := query.Get(key); value != "" {
			args = append(args, "--fixed-strings", "--"+key+"="+value)
		}
	}
	args = append(args, head.oid, "--")
	if path := query.Get("path"); path != "" {
		args = append(args, ":(literal)"+path)
	}
	all, err := c.repo.log(c, args...)
	if err != nil {
		return answer{}, err
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, k := range page {
		list = append(list, c.commit(k))
	}
	return linked(answerJSON(http.StatusOK, list), link), nil
}

// getCommit is GET /repos/{owner}/{repo}/commits/{ref}.
func getCommit(c *call) (answer, error) {
	k, err := c.namedCommit(c.vars["ref"])
	if err != nil {
		return answer{}, err
	}
	base := emptyTree
	if len(k.parents) > 0 {
		parent, err := c.repo.objects.commit(k.parents[0])
		if err != nil {
			return answer{}, err
		}
		base = parent.tree
	}
	files, err := c.diff(base, k)
	if err != nil {
		return answer{}, err
	}
	page, link, err := paged(c, files)
	if err != nil {
		return answer{}, err
	}
	shown := c.commit(k)
	shown["files"] = page
	additions, deletions := 0, 0
	for _, file := range files {
		additions += file["additions"].(int)
		deletions += file["deletions"].(int)
	}
	shown["stats"] = fields{"additions": additions, "deletions": deletions, "total": additions + deletions}
	return linked(answerJSON(http.StatusOK, shown), link), nil
}

// namedCommit is the commit that a {ref} means; 422 where there is none, as
// the commits resource has it.
func (c *call) namedCommit(name string) (*commit, error) {
	k, err := c.repo.revision(name)
	if errors.Is(err, errNoObject) {
		return nil, unprocessable("No commit found for SHA: %s", name)
	}
	return k, err
}

// listBranches is GET /repos/{owner}/{repo}/branches.
func listBranches(c *call) (answer, error) {
	query := c.r.URL.Query()
	all := []fields{}
	for _, found := range c.repo.refs("refs/heads/") {
		protected := len(c.repo.rulesFor(found.name)) > 0
		if query.Has("protected") && query.Get("protected") != strconv.FormatBool(protected) {
			continue
		}
		all = append(all, fields{
			"name":   strings.TrimPrefix(found.name, "refs/heads/"),
			"commit": fields{"sha": found.oid, "url": c.repoURL("/commits/%s", found.oid)}, "protected": protected,
		})
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	return linked(answerJSON(http.StatusOK, page), link), nil
}

// getBranch is GET /repos/{owner}/{repo}/branches/{branch}.
func getBranch(c *call) (answer, error) {
	name := c.vars["branch"]
	oid := c.repo.resolve("refs/heads/" + name)
	if oid == "" {
		return answer{}, &apiError{status: http.StatusNotFound, message: "Branch not found"}
	}
	k, err := c.repo.objects.commit(oid)
	if err != nil {
		return answer{}, err
	}
	self := c.repoURL("/branches/%s", name)
	return answerJSON(http.StatusOK, fields{
		"name": name, "commit": c.commit(k), "_links": fields{"self": self, "html": c.webURL("/tree/%s", name)},
		"protected":  len(c.repo.rulesFor("refs/heads/"+name)) > 0,
		"protection": fields{"enabled": false}, "protection_url": self + "/protection",
	}), nil
}

// getContents is GET /repos/{owner}/{repo}/contents/{path}.
func getContents(c *call) (answer, error) {
	path := strings.Trim(c.vars["path"], "/")
	name := c.r.URL.Query().Get("ref")
	if name == "" {
		name = "HEAD"
	}
	head, err := c.repo.revision(name)
	if err != nil {
		return answer{}, &apiError{status: http.StatusNotFound, message: "No commit found for the ref " + name}
	}
	entry, found, err := c.repo.objects.find(head.tree, path)
	if err != nil {
		return answer{}, err
	}
	if !found {
		return answer{}, notFound()
	}
	if entry.kind() != "tree" {
		return c.fileContents(path, name, entry)
	}
	entries, err := c.repo.objects.tree(entry.oid)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, e := range entries {
		shown, err := c.contentEntry(strings.TrimPrefix(path+"/"+e.name, "/"), name, e)
		if err != nil {
			return answer{}, err
		}
		list = append(list, shown)
	}
	return answerJSON(http.StatusOK, list), nil
}

// fileContents is the answer for one file, as JSON or raw.
func (c *call) fileContents(path, ref string, entry treeEntry) (answer, error) {
	if entry.mode != "100644" && entry.mode != "100755" {
		return answer{}, &unknownRequest{what: "the contents of what is not a file"}
	}
	o, err := c.repo.objects.read(entry.oid)
	if err != nil {
		return answer{}, err
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		raw := answer{status: http.StatusOK, header: http.Header{}, body: o.data}
		raw.header.Set("Content-Type", "application/vnd.github.raw; charset=utf-8")
		return raw, nil
	}
	shown, err := c.contentEntry(path, ref, entry)
	if err != nil {
		return answer{}, err
	}
	shown["encoding"] = "base64"
	shown["content"] = base64.StdEncoding.EncodeToString(o.data)
	return answerJSON(http.StatusOK, shown), nil
}

// contentEntry is what a file and a directory's entry have in common.
func (c *call) contentEntry(path, ref string, e treeEntry) (fields, error) {
	size := 0
	kind := map[string]string{"040000": "dir", "120000": "symlink", "160000": "submodule"}[e.mode]
	if e.kind() == "blob" {
		o, err := c.repo.objects.read(e.oid)
		if err != nil {
			return nil, err
		}
		size = len(o.data)
	}
	if kind == "" {
		kind = "file"
	}
	name := path[strings.LastIndex(path, "/")+1:]
	self := fmt.Sprintf("%s?ref=%s", c.repoURL("/contents/%s", path), ref)
	git, html := c.repoURL("/git/%ss/%s", e.kind(), e.oid), c.webURL("/blob/%s/%s", ref, path)
	return fields{
		"type": kind, "name": name, "path": path, "sha": e.oid, "size": size, "url": self, "git_url": git,
		"html_url": html, "download_url": c.webURL("/raw/%s/%s", ref, path),
		"_links": fields{"self": self, "git": git, "html": html},
	}, nil
}
