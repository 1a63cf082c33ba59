package rollouttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// refUpdate is one ref's move. Every move of a ref, from wherever it was asked
// for, is made of these.
type refUpdate struct {
	ref    string // full name
	before string // zeroOID where there is none; "" takes what is there
	after  string // zeroOID removes the ref
	force  bool   // also where it is not a fast-forward
	merge  bool   // recorded as pr_merge
}

// refusalKind is why a ref was not moved.
type refusalKind int

const (
	refusedName        refusalKind = iota // the name is none
	refusedStale                          // the ref is not where it was expected
	refusedObject                         // there is no such commit
	refusedMissing                        // the ref to remove does not exist
	refusedForward                        // not a fast-forward
	refusedRules                          // a ruleset forbids it
	refusedWorkflows                      // the identity may not change workflow files
	refusedTransaction                    // git itself would not
)

// refusal says why a ref was not moved. Each front door has its own words for
// it.
type refusal struct {
	kind   refusalKind
	update refUpdate
	at     string   // refusedStale: where the ref is
	lines  []string // refusedRules: what the rules say; refusedWorkflows: a changed file; refusedTransaction: git's words
}

func (r *refusal) Error() string {
	switch r.kind {
	case refusedName:
		return fmt.Sprintf("%s is not a valid ref name", r.update.ref)
	case refusedStale:
		return fmt.Sprintf("cannot lock ref '%s': is at %s but expected %s", r.update.ref, r.at, r.update.before)
	case refusedObject:
		return fmt.Sprintf("object %s does not exist", r.update.after)
	case refusedMissing:
		return fmt.Sprintf("%s does not exist", r.update.ref)
	case refusedForward:
		return fmt.Sprintf("%s: not a fast-forward", r.update.ref)
	}
	return strings.Join(r.lines, "; ")
}

// push moves refs as an identity, all of them or none, and writes the activity
// rows. A refusal comes back as a *refusal.
func (r *Repository) push(ctx context.Context, who Identity, updates []refUpdate) error {
	r.refsMu.Lock()
	defer r.refsMu.Unlock()
	kinds := make([]ActivityType, len(updates))
	for i := range updates {
		kind, err := r.check(ctx, who, &updates[i])
		if err != nil {
			return err
		}
		kinds[i] = kind
	}
	return r.move(ctx, who.Login, updates, kinds)
}

// place moves refs as the scene setters do: nothing is refused but what Git
// itself refuses.
func (r *Repository) place(actor string, updates []refUpdate) error {
	r.refsMu.Lock()
	defer r.refsMu.Unlock()
	kinds := make([]ActivityType, len(updates))
	for i := range updates {
		kind, err := r.classify(&updates[i])
		if err != nil {
			return err
		}
		kinds[i] = kind
	}
	return r.move(r.github.ctx, actor, updates, kinds)
}

// move is the transaction and its activity rows. The caller holds r.refsMu.
func (r *Repository) move(ctx context.Context, actor string, updates []refUpdate, kinds []ActivityType) error {
	if err := r.moveRefs(ctx, updates); err != nil {
		return &refusal{kind: refusedTransaction, update: updates[0], lines: []string{err.Error()}}
	}
	for i, u := range updates {
		if u.before != u.after && strings.HasPrefix(u.ref, "refs/heads/") {
			r.record(ActivityRow{
				Before: u.before, After: u.after, Ref: u.ref, Type: kinds[i], Actor: actor,
				Timestamp: r.github.clock().UTC(),
			})
		}
	}
	return nil
}

// check says what a move is, and refuses what GitHub refuses, in the order in
// which it does. It fills in the ref's present value.
func (r *Repository) check(ctx context.Context, who Identity, u *refUpdate) (ActivityType, error) {
	kind, err := r.classify(u)
	if err != nil {
		return "", err
	}
	if kind == ActivityForcePush && !u.force {
		return "", &refusal{kind: refusedForward, update: *u}
	}
	if lines := r.ruleViolations(who, *u, kind); len(lines) > 0 {
		return "", &refusal{kind: refusedRules, update: *u, lines: lines}
	}
	file, err := r.changedWorkflow(ctx, who, *u)
	if err != nil {
		return "", err
	}
	if file != "" {
		return "", &refusal{kind: refusedWorkflows, update: *u, lines: []string{file}}
	}
	return kind, nil
}

// classify finds the ref's present value, compares it with the one that is
// expected, and says what kind of move it is.
func (r *Repository) classify(u *refUpdate) (ActivityType, error) {
	if checkRefName(u.ref) != nil {
		return "", &refusal{kind: refusedName, update: *u}
	}
	now := r.resolve(u.ref)
	if now == "" {
		now = zeroOID
	}
	if u.before != "" && u.before != now {
		return "", &refusal{kind: refusedStale, update: *u, at: now}
	}
	u.before = now
	switch {
	case u.after == zeroOID && now == zeroOID:
		return "", &refusal{kind: refusedMissing, update: *u}
	case u.after == zeroOID:
		return ActivityBranchDeletion, nil
	}
	if _, err := r.objects.commit(u.after); err != nil {
		tag := strings.HasPrefix(u.ref, "refs/tags/")
		if _, missing := r.objects.read(u.after); !tag || missing != nil {
			return "", &refusal{kind: refusedObject, update: *u}
		}
	}
	if now == zeroOID {
		return ActivityBranchCreation, nil
	}
	forward, err := r.contains(u.after, now)
	switch {
	case errors.Is(err, errNoObject): // a tag object: never a fast-forward
		return ActivityForcePush, nil
	case err != nil:
		return "", err
	case u.merge:
		return ActivityMerge, nil
	case !forward:
		return ActivityForcePush, nil
	}
	return ActivityPush, nil
}

// workflowDir is where workflow files live.
const workflowDir = ".github/workflows"

// changedWorkflow names a workflow file in which the commit differs from the
// default branch's head, where the identity may not point a branch at such a
// commit; "" where nothing is wrong. That it is the comparison with the default
// branch which counts, and not with what the branch pointed at, is as users
// report it.
func (r *Repository) changedWorkflow(ctx context.Context, who Identity, u refUpdate) (string, error) {
	if who.Kind == KindDeployKey || who.may(r, "workflows", "write") ||
		u.after == zeroOID || !strings.HasPrefix(u.ref, "refs/heads/") {
		return "", nil
	}
	there, err := r.workflowTree(u.after)
	if err != nil {
		return "", err
	}
	here := emptyTree
	if head := r.resolve("refs/heads/" + r.head); head != "" {
		if here, err = r.workflowTree(head); err != nil {
			return "", err
		}
	}
	// A commit without workflow files creates and updates none: pages are
	// deployed with GITHUB_TOKEN to branches that have nothing else.
	if here == there || there == emptyTree {
		return "", nil
	}
	names, err := r.diffTrees(ctx, here, there)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return workflowDir + "/" + names[0], nil
}

// workflowTree is the id of a commit's workflow directory.
func (r *Repository) workflowTree(oid string) (string, error) {
	c, err := r.objects.commit(oid)
	if err != nil {
		return "", err
	}
	entry, found, err := r.objects.find(c.tree, workflowDir)
	if err != nil || !found || entry.kind() != "tree" {
		return emptyTree, err
	}
	return entry.oid, nil
}

// diffTrees names the files in which two trees differ.
func (r *Repository) diffTrees(ctx context.Context, a, b string) ([]string, error) {
	if _, err := r.objects.write("tree", nil); err != nil { // emptyTree, which may be a or b
		return nil, err
	}
	out, err := r.github.git.run(ctx, r.path, nil, "diff-tree", "-r", "-z", "--name-only", a, b)
	if err != nil {
		return nil, fmt.Errorf("compare two trees: %w", err)
	}
	return strings.FieldsFunc(out, func(c rune) bool { return c == 0 }), nil
}
