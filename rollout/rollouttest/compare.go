package rollouttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// comparison is how two commits lie to each other.
type comparison struct {
	base, head        *commit
	mergeBase         *commit
	status            string // ahead, behind, identical, diverged
	aheadBy, behindBy int
}

// errNoAncestor says that two commits have no history in common.
var errNoAncestor = errors.New("no common ancestor")

// compare compares two commits.
func (r *Repository) compare(ctx context.Context, base, head *commit) (comparison, error) {
	c := comparison{base: base, head: head, mergeBase: base, status: "identical"}
	if base.oid == head.oid {
		return c, nil
	}
	out, err := r.github.git.run(ctx, r.path, nil, "rev-list", "--left-right", "--count", base.oid+"..."+head.oid)
	if err != nil {
		return comparison{}, fmt.Errorf("compare %s with %s: %w", base.oid, head.oid, err)
	}
	if _, err := fmt.Sscan(out, &c.behindBy, &c.aheadBy); err != nil {
		return comparison{}, fmt.Errorf("compare %s with %s: git answered %q", base.oid, head.oid, out)
	}
	switch {
	case c.behindBy == 0:
		c.status = "ahead"
		return c, nil
	case c.aheadBy == 0:
		c.status, c.mergeBase = "behind", head
		return c, nil
	}
	c.status = "diverged"
	out, err = r.github.git.run(ctx, r.path, nil, "merge-base", base.oid, head.oid)
	if err != nil {
		return comparison{}, errNoAncestor
	}
	c.mergeBase, err = r.objects.commit(strings.TrimSpace(out))
	return c, err
}

// compare is GET /repos/{owner}/{repo}/compare/{base}...{head}.
func compare(c *call) (answer, error) {
	baseName, headName, found := strings.Cut(c.vars["basehead"], "...")
	if !found {
		return answer{}, notFound()
	}
	base, err := c.compared(baseName)
	if err != nil {
		return answer{}, err
	}
	head, err := c.compared(headName)
	if err != nil {
		return answer{}, err
	}
	result, err := c.repo.compare(c.r.Context(), base, head)
	if errors.Is(err, errNoAncestor) {
		return answer{}, &apiError{
			status: http.StatusNotFound, message: fmt.Sprintf("No common ancestor between %s and %s.", baseName, headName),
		}
	}
	if err != nil {
		return answer{}, err
	}
	all, err := c.repo.log(c, "--date-order", "--reverse", base.oid+".."+head.oid)
	if err != nil {
		return answer{}, err
	}
	commits, link, err := comparedPage(c, all)
	if err != nil {
		return answer{}, err
	}
	files := []fields{}
	if page := c.r.URL.Query().Get("page"); page == "" || page == "1" {
		if files, err = c.diff(result.mergeBase.tree, head); err != nil {
			return answer{}, err
		}
		files = files[:min(len(files), 300)]
	}
	list := []fields{}
	for _, k := range commits {
		list = append(list, c.commit(k))
	}
	self, html := c.repoURL("/compare/%s...%s", baseName, headName), c.webURL("/compare/%s...%s", baseName, headName)
	return linked(answerJSON(http.StatusOK, fields{
		"url": self, "html_url": html, "permalink_url": c.webURL("/compare/%s...%s", base.oid, head.oid),
		"diff_url": html + ".diff", "patch_url": html + ".patch",
		"base_commit": c.commit(base), "merge_base_commit": c.commit(result.mergeBase),
		"status": result.status, "ahead_by": result.aheadBy, "behind_by": result.behindBy, "total_commits": len(all),
		"commits": list, "files": files,
	}), link), nil
}

// compared is the commit that one side of a comparison names; the repository's
// owner may stand before it, as in "octo-org:main".
func (c *call) compared(name string) (*commit, error) {
	if owner, branch, found := strings.Cut(name, ":"); found && strings.EqualFold(owner, c.repo.owner) {
		name = branch
	}
	k, err := c.repo.revision(name)
	if errors.Is(err, errNoObject) {
		return nil, notFound()
	}
	return k, err
}

// comparedPage cuts a page out of a comparison's commits, oldest first. Without
// page numbers there are at most 250.
func comparedPage(c *call, all []*commit) ([]*commit, string, error) {
	query := c.r.URL.Query()
	if query.Has("page") || query.Has("per_page") {
		return paged(c, all)
	}
	return all[:min(len(all), 250)], "", nil
}

// diff lists the files in which a commit differs from a tree.
func (c *call) diff(base string, head *commit) ([]fields, error) {
	if _, err := c.repo.objects.write("tree", nil); err != nil { // emptyTree, which base may be
		return nil, err
	}
	out, err := c.g.git.run(c.r.Context(), c.repo.path, nil,
		"diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", "--numstat", base, head.tree)
	if err != nil {
		return nil, fmt.Errorf("compare two trees: %w", err)
	}
	files := []fields{}
	byName := map[string]fields{}
	parts := strings.Split(out, "\x00")
	for i := 0; i < len(parts); i++ {
		if raw, isRaw := strings.CutPrefix(parts[i], ":"); isRaw && i+1 < len(parts) {
			i++
			file := c.diffEntry(strings.Fields(raw), parts[i], head.oid)
			files = append(files, file)
			byName[parts[i]] = file
			continue
		}
		if counts := strings.SplitN(parts[i], "\t", 3); len(counts) == 3 {
			added, _ := strconv.Atoi(counts[0]) // "-" for a binary file, which counts nothing
			deleted, _ := strconv.Atoi(counts[1])
			file := byName[counts[2]]
			file["additions"], file["deletions"], file["changes"] = added, deleted, added+deleted
		}
	}
	return files, nil
}

// diffEntry is one file of a comparison; raw is git's line about it: two modes,
// two ids and a letter.
func (c *call) diffEntry(raw []string, name, commit string) fields {
	oid := raw[3]
	if oid == zeroOID {
		oid = raw[2] // what was removed
	}
	return fields{
		"sha": oid, "filename": name, "additions": 0, "deletions": 0, "changes": 0,
		"status":       map[string]string{"A": "added", "D": "removed", "M": "modified", "T": "changed"}[raw[4]],
		"blob_url":     c.webURL("/blob/%s/%s", commit, name),
		"raw_url":      c.webURL("/raw/%s/%s", commit, name),
		"contents_url": c.repoURL("/contents/%s?ref=%s", name, commit),
	}
}
