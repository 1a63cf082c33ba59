package rollouttest

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Repository is one repository of a [GitHub]. Its methods set a scene: they
// act at once, on the server's own disk, and no ruleset, permission or failure
// injection stands in their way.
type Repository struct {
	github  *GitHub
	owner   string
	name    string
	private bool
	head    string // the default branch
	plan    Plan
	id      int64
	created time.Time
	path    string
	objects *objectStore

	refsMu sync.Mutex // one change of refs after the other; taken before mu

	mu           sync.Mutex
	activity     []ActivityRow // in the order in which they happened
	statuses     map[string][]status
	environments []*environment
	rulesets     []*ruleset
	runs         []*run
	pulls        []*pull       // numbered from 1
	merges       []MergeMethod // that are allowed; nil for all
	// disabled are the workflows that are not started, by their path.
	disabled map[string]WorkflowState
	keys     []*DeployKey
	secrets  map[string]string // what gh encrypted, by name
}

// Change is one commit to make.
type Change struct {
	// Message of the commit. Default names the files.
	Message string
	// Author is a login; the address is login@users.noreply.github.com.
	// Default is DefaultLogin.
	Author string
	// Files maps paths to what they shall contain.
	Files map[string]string
	// Delete lists paths to remove.
	Delete []string
	// Date is what the author's clock says. Default is the clock's time.
	Date time.Time
}

// Slug is owner/name.
func (r *Repository) Slug() string { return r.owner + "/" + r.name }

// Path is the bare repository's directory.
func (r *Repository) Path() string { return r.path }

// DefaultBranch is the branch that HEAD names.
func (r *Repository) DefaultBranch() string { return r.head }

// Git runs git in the bare repository and returns what it prints. A ref that it
// moves makes no activity row.
func (r *Repository) Git(args ...string) (string, error) {
	return r.github.git.run(r.github.ctx, r.path, nil, args...)
}

// Head is the id of the commit that a branch points at.
func (r *Repository) Head(branch string) (string, error) {
	if oid := r.resolve("refs/heads/" + branch); oid != "" {
		return oid, nil
	}
	return "", fmt.Errorf("%s has no branch %s", r.Slug(), branch)
}

// Commit makes one commit on top of a branch, which begins to exist if it did
// not, and pushes it as its author. It returns the commit's id.
func (r *Repository) Commit(branch string, change Change) (string, error) {
	oids, err := r.Push(branch, change)
	if err != nil {
		return "", err
	}
	return oids[0], nil
}

// Push makes commits on top of a branch and pushes them at once, as the last
// one's author: one activity row. It returns their ids, oldest first.
func (r *Repository) Push(branch string, changes ...Change) ([]string, error) {
	return r.pushOnto(branch, r.resolve("refs/heads/"+branch), changes)
}

// ForcePush rewinds a branch to a commit, makes commits on top of it, and
// forces them in: one activity row.
func (r *Repository) ForcePush(branch, onto string, changes ...Change) ([]string, error) {
	if len(changes) == 0 {
		return nil, r.place(DefaultLogin, []refUpdate{{ref: "refs/heads/" + branch, after: onto, force: true}})
	}
	return r.pushOnto(branch, onto, changes)
}

func (r *Repository) pushOnto(branch, parent string, changes []Change) ([]string, error) {
	if len(changes) == 0 {
		return nil, fmt.Errorf("push to %s of %s: nothing to commit", branch, r.Slug())
	}
	var oids []string
	for _, change := range changes {
		oid, err := r.build(r.objects, change, parent)
		if err != nil {
			return nil, fmt.Errorf("commit to %s of %s: %w", branch, r.Slug(), err)
		}
		oids = append(oids, oid)
		parent = oid
	}
	err := r.place(author(changes[len(changes)-1]), []refUpdate{{ref: "refs/heads/" + branch, after: parent, force: true}})
	if err != nil {
		return nil, fmt.Errorf("push to %s of %s: %w", branch, r.Slug(), err)
	}
	return oids, nil
}

// Merge makes a merge commit of other (a branch or an id) into a branch, with
// the branch's tree changed as the change says, and records it as a merged
// pull request.
func (r *Repository) Merge(branch, other string, change Change) (string, error) {
	head, err := r.Head(branch)
	if err != nil {
		return "", err
	}
	merged, err := r.revision(other)
	if err != nil {
		return "", fmt.Errorf("merge into %s of %s: %w", branch, r.Slug(), err)
	}
	oid, err := r.build(r.objects, change, head, merged.oid)
	if err != nil {
		return "", fmt.Errorf("merge into %s of %s: %w", branch, r.Slug(), err)
	}
	update := refUpdate{ref: "refs/heads/" + branch, before: head, after: oid, merge: true}
	if err := r.place(author(change), []refUpdate{update}); err != nil {
		return "", fmt.Errorf("merge into %s of %s: %w", branch, r.Slug(), err)
	}
	return oid, nil
}

// SetBranch points a branch at a commit, wherever it pointed before.
func (r *Repository) SetBranch(branch, oid string) error {
	if err := r.place(DefaultLogin, []refUpdate{{ref: "refs/heads/" + branch, after: oid, force: true}}); err != nil {
		return fmt.Errorf("point %s of %s at %s: %w", branch, r.Slug(), oid, err)
	}
	return nil
}

// DeleteBranch removes a branch.
func (r *Repository) DeleteBranch(branch string) error {
	if err := r.place(DefaultLogin, []refUpdate{{ref: "refs/heads/" + branch, after: zeroOID}}); err != nil {
		return fmt.Errorf("delete %s of %s: %w", branch, r.Slug(), err)
	}
	return nil
}

// History makes n commits on top of a branch, pushed perPush at a time. The
// last push happens at the clock's time and each one before it a step of every
// earlier; the commits carry their push's time. It returns the ids, oldest
// first.
func (r *Repository) History(branch string, n, perPush int, every time.Duration) ([]string, error) {
	if n < 1 || perPush < 1 {
		return nil, fmt.Errorf("make a history of %d commits, %d to a push: both have to be at least 1", n, perPush)
	}
	name := "refs/heads/" + branch
	start := cmp.Or(r.resolve(name), zeroOID)
	draft := r.objects.draft()
	oids, rows, err := r.draftHistory(draft, name, n, perPush, every)
	if err == nil {
		err = draft.publish(r.github.ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("make a history on %s of %s: %w", branch, r.Slug(), err)
	}
	r.refsMu.Lock()
	defer r.refsMu.Unlock()
	if err := r.moveRefs(r.github.ctx, []refUpdate{{ref: name, before: start, after: oids[n-1]}}); err != nil {
		return nil, fmt.Errorf("make a history on %s of %s: %w", branch, r.Slug(), err)
	}
	for _, row := range rows {
		r.record(row)
	}
	return oids, nil
}

// draftHistory builds the commits of a history and the rows of its pushes.
func (r *Repository) draftHistory(draft *objectStore, name string, n, perPush int, every time.Duration) ([]string, []ActivityRow, error) {
	pushes := (n + perPush - 1) / perPush
	now := r.github.clock().UTC()
	parent := r.resolve(name)
	before := cmp.Or(parent, zeroOID)
	var oids []string
	var rows []ActivityRow
	for push := range pushes {
		at := now.Add(-time.Duration(pushes-1-push) * every)
		for len(oids) < min(n, (push+1)*perPush) {
			number := len(oids) + 1
			oid, err := r.build(draft, Change{
				Message: fmt.Sprintf("Change %d", number),
				Files:   map[string]string{"history/" + strings.TrimPrefix(name, "refs/heads/"): fmt.Sprintf("%d\n", number)},
				Date:    at,
			}, parent)
			if err != nil {
				return nil, nil, err
			}
			oids = append(oids, oid)
			parent = oid
		}
		kind := ActivityPush
		if before == zeroOID {
			kind = ActivityBranchCreation
		}
		rows = append(rows, ActivityRow{
			Before: before, After: parent, Ref: name, Type: kind, Actor: DefaultLogin, Timestamp: at,
		})
		before = parent
	}
	return oids, rows, nil
}

// Import makes the content of a local directory one commit on top of a branch:
// afterwards the branch's tree is that of the directory. Symbolic links are
// kept as links; ".git" is left out.
func (r *Repository) Import(dir, branch string) (string, error) {
	var changes []treeChange
	draft := r.objects.draft()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		change, err := importFile(draft, dir, path, entry)
		if err != nil || change.oid == "" {
			return err
		}
		changes = append(changes, change)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("import %s: %w", dir, err)
	}
	tree, err := draft.changeTree("", changes)
	if err != nil {
		return "", fmt.Errorf("import %s: %w", dir, err)
	}
	parent := r.resolve("refs/heads/" + branch)
	oid, err := r.buildTree(draft, Change{Message: "Import " + filepath.Base(dir)}, tree, parent)
	if err != nil {
		return "", fmt.Errorf("import %s: %w", dir, err)
	}
	if err := draft.publish(r.github.ctx); err != nil {
		return "", fmt.Errorf("import %s: %w", dir, err)
	}
	if err := r.SetBranch(branch, oid); err != nil {
		return "", fmt.Errorf("import %s: %w", dir, err)
	}
	return oid, nil
}

// importFile stores one file of a directory. What is neither a file nor a link
// is left out.
func importFile(store *objectStore, dir, path string, entry fs.DirEntry) (treeChange, error) {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return treeChange{}, err
	}
	change := treeChange{path: filepath.ToSlash(name), mode: "100644"}
	var content []byte
	switch info, err := entry.Info(); {
	case err != nil:
		return treeChange{}, err
	case entry.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return treeChange{}, err
		}
		change.mode, content = "120000", []byte(target)
	case !entry.Type().IsRegular() || entry.Name() == ".git":
		return treeChange{}, nil
	default:
		if info.Mode()&0o111 != 0 {
			change.mode = "100755"
		}
		if content, err = os.ReadFile(path); err != nil {
			return treeChange{}, err
		}
	}
	change.oid, err = store.write("blob", content)
	return change, err
}

// build stores a commit that changes its first parent's tree.
func (r *Repository) build(store *objectStore, change Change, parents ...string) (string, error) {
	base := ""
	if parents[0] != "" {
		parent, err := store.commit(parents[0])
		if err != nil {
			return "", err
		}
		base = parent.tree
	}
	var changes []treeChange
	for _, path := range slices.Sorted(maps.Keys(change.Files)) {
		oid, err := store.write("blob", []byte(change.Files[path]))
		if err != nil {
			return "", err
		}
		changes = append(changes, treeChange{path: path, mode: "100644", oid: oid})
	}
	for _, path := range change.Delete {
		changes = append(changes, treeChange{path: path})
	}
	tree, err := store.changeTree(base, changes)
	if err != nil {
		return "", err
	}
	return r.buildTree(store, change, tree, parents...)
}

// buildTree stores a commit with a tree of its own.
func (r *Repository) buildTree(store *objectStore, change Change, tree string, parents ...string) (string, error) {
	date := change.Date
	if date.IsZero() {
		date = r.github.clock()
	}
	message := change.Message
	if message == "" {
		message = fmt.Sprintf("Change %v", slices.Sorted(maps.Keys(change.Files)))
	}
	by := signature{name: author(change), email: mailOf(author(change)), when: date}
	return store.writeCommit(commit{
		tree: tree, author: by, committer: by, message: message,
		parents: slices.DeleteFunc(slices.Clone(parents), func(oid string) bool { return oid == "" }),
	})
}

// author is the login of a change's author.
func author(change Change) string { return cmp.Or(change.Author, DefaultLogin) }
