package gitrepo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/diff"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/monosense/k8s-ops/rollout"
)

var _ rollout.Matcher = (*Remote)(nil)

// Equivalents implements [rollout.Matcher]. First it fetches the directories alone,
// and compares which files commits change; files are fetched of those only that
// change the same.
func (r *Remote) Equivalents(ctx context.Context, of, among []rollout.Commit) (map[rollout.SHA]rollout.SHA, error) {
	of, among = single(of), single(among)
	if len(of) == 0 || len(among) == 0 {
		return nil, nil
	}
	changes, err := r.Changes(ctx, slices.Concat(of, among))
	if err != nil {
		return nil, err
	}
	same := func(a, b rollout.Commit) bool { return slices.Equal(changes[a.SHA][0], changes[b.SHA][0]) }
	like := func(others []rollout.Commit) func(rollout.Commit) bool {
		return func(c rollout.Commit) bool {
			return !slices.ContainsFunc(others, func(other rollout.Commit) bool { return same(c, other) })
		}
	}
	of = slices.DeleteFunc(of, like(among))
	among = slices.DeleteFunc(among, like(of))
	return r.matches(ctx, of, among)
}

// single are the commits that have one parent: what a merge changes is not one
// thing.
func single(commits []rollout.Commit) []rollout.Commit {
	return slices.DeleteFunc(slices.Clone(commits), func(c rollout.Commit) bool { return len(c.Parents) != 1 })
}

// matches compares what commits change, line by line.
func (r *Remote) matches(ctx context.Context, of, among []rollout.Commit) (map[rollout.SHA]rollout.SHA, error) {
	if len(of) == 0 {
		return nil, nil
	}
	w := want{depth: 1}
	for _, c := range slices.Concat(of, among) {
		w.tips = append(w.tips, hash(c.SHA), hash(c.Parents[0]))
	}
	slices.SortFunc(w.tips, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	w.tips = slices.Compact(w.tips)
	store, err := r.fetchSingly(ctx, w)
	if err != nil {
		return nil, err
	}
	by := map[string]rollout.SHA{}
	for _, c := range among {
		id, err := r.patchID(ctx, store, c)
		if err != nil {
			return nil, err
		}
		by[id] = c.SHA
	}
	found := map[rollout.SHA]rollout.SHA{}
	for _, c := range of {
		id, err := r.patchID(ctx, store, c)
		if err != nil {
			return nil, err
		}
		if twin, ok := by[id]; ok {
			found[c.SHA] = twin
		}
	}
	return found, nil
}

// patchID is the same for two commits that make the same change, wherever in the
// files it stands: as `git patch-id` has it, but for white space, which means
// something in YAML.
func (r *Remote) patchID(ctx context.Context, store storer.EncodedObjectStorer, c rollout.Commit) (string, error) {
	where := fmt.Sprintf("what %s of %s changes", c.SHA.Short(), r.where)
	after, err := object.GetCommit(store, hash(c.SHA))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", where, err)
	}
	before, err := object.GetCommit(store, hash(c.Parents[0]))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", where, err)
	}
	patch, err := before.PatchContext(ctx, after)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", where, err)
	}
	var text strings.Builder
	for _, file := range patch.FilePatches() {
		addFile(&text, file)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:]), nil
}

// addFile adds what changes in a file, with the lines around it. What is not text is
// the same only if all of it is.
func addFile(text *strings.Builder, patch diff.FilePatch) {
	from, to := patch.Files()
	for _, side := range []diff.File{from, to} {
		if side == nil {
			text.WriteString("nothing\x00")
			continue
		}
		fmt.Fprintf(text, "%s\x00%s\x00", side.Path(), side.Mode())
		if patch.IsBinary() {
			fmt.Fprintf(text, "%s\x00", side.Hash())
		}
	}
	chunks := patch.Chunks()
	for i, chunk := range chunks {
		part := chunk.Content()
		if chunk.Type() == diff.Equal {
			part = around(part, i > 0, i < len(chunks)-1)
		}
		fmt.Fprintf(text, "%d\x00%s\x00", chunk.Type(), part)
	}
}

// linesAround is how many lines that stay count as part of a change, as in Git.
const linesAround = 3

// around are the lines of a part that stays which stand next to a change: the first
// ones where something changes before it, and the last where something does after.
func around(text string, before, after bool) string {
	lines := slices.Collect(strings.Lines(text))
	keep := 0
	if before {
		keep += linesAround
	}
	if after {
		keep += linesAround
	}
	if len(lines) <= keep {
		return text
	}
	var kept []string
	if before {
		kept = append(kept, lines[:linesAround]...)
	}
	if after {
		kept = append(kept, lines[len(lines)-linesAround:]...)
	}
	return strings.Join(kept, "")
}
