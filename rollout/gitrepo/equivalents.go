package gitrepo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/go-git/go-git/v5/utils/diff"

	"github.com/monosense/k8s-ops/rollout"
)

// Equivalents implements [rollout.Equivalents]. Two commits make the same change
// as for `git cherry`: the same lines come and go, with the same three lines
// around them, wherever in the file that is. Files are read only of commits that
// change files of the same names.
func (r *Remote) Equivalents(ctx context.Context, some, among []rollout.Commit) (map[rollout.SHA]rollout.SHA, error) {
	some, among = withOneParent(some), withOneParent(among)
	changed, err := r.Changes(ctx, slices.Concat(some, among))
	if err != nil {
		return nil, err
	}
	names := func(c rollout.Commit) string { return strings.Join(changed[c.SHA][0], "\x00") }
	wanted := map[string]bool{}
	for _, c := range some {
		wanted[names(c)] = true
	}
	among = slices.DeleteFunc(among, func(c rollout.Commit) bool { return !wanted[names(c)] })
	if len(among) == 0 {
		return nil, nil
	}
	patches, err := r.patches(ctx, slices.Concat(some, among), changed)
	if err != nil {
		return nil, err
	}
	by := map[string]rollout.SHA{}
	for _, c := range among {
		by[patches[c.SHA]] = c.SHA
	}
	found := map[rollout.SHA]rollout.SHA{}
	for _, c := range some {
		if same, ok := by[patches[c.SHA]]; ok && names(c) != "" {
			found[c.SHA] = same
		}
	}
	return found, nil
}

func withOneParent(commits []rollout.Commit) []rollout.Commit {
	return slices.DeleteFunc(slices.Clone(commits), func(c rollout.Commit) bool { return len(c.Parents) != 1 })
}

// patches names what each of some commits changes.
func (r *Remote) patches(ctx context.Context, commits []rollout.Commit, changed map[rollout.SHA][][]string) (map[rollout.SHA]string, error) {
	w := want{depth: 1, without: files}
	for _, c := range commits {
		w.tips = append(w.tips, hash(c.SHA), hash(c.Parents[0]))
	}
	store, err := r.fetchSingly(ctx, w)
	if err != nil {
		return nil, err
	}
	all := make(map[rollout.SHA][]rollout.Difference, len(commits))
	for _, c := range commits {
		if all[c.SHA], err = r.differ(store, c, changed[c.SHA][0]); err != nil {
			return nil, err
		}
	}
	contents, err := r.contents(ctx, all)
	if err != nil {
		return nil, err
	}
	patches := make(map[rollout.SHA]string, len(commits))
	for sha, differences := range all {
		patches[sha] = patch(differences, contents)
	}
	return patches, nil
}

// differ is what a commit has, and its parent had, in the places that it changes.
func (r *Remote) differ(store *memory.Storage, c rollout.Commit, names []string) ([]rollout.Difference, error) {
	var places [2]finder
	for i, sha := range []rollout.SHA{c.Parents[0], c.SHA} {
		tree, err := r.tree(store, sha)
		if err != nil {
			return nil, err
		}
		places[i] = finder{tree: tree, seen: map[plumbing.Hash]map[string]object.TreeEntry{}}
	}
	all := make([]rollout.Difference, len(names))
	for i, name := range names {
		var err error
		all[i].Path = name
		if all[i].Before, err = places[0].file(name); err != nil {
			return nil, err
		}
		if all[i].After, err = places[1].file(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// contents reads the files of some differences. What is none, such as a
// submodule, is left out.
func (r *Remote) contents(ctx context.Context, all map[rollout.SHA][]rollout.Difference) (map[rollout.SHA]string, error) {
	contents := map[rollout.SHA]string{}
	var w want
	for _, differences := range all {
		for _, d := range differences {
			for _, file := range []rollout.File{d.Before, d.After} {
				if _, known := contents[file.Blob]; !known && strings.HasPrefix(file.Mode, "1") && file.Mode != submodule {
					contents[file.Blob] = ""
					w.tips = append(w.tips, hash(file.Blob))
				}
			}
		}
	}
	if len(w.tips) == 0 {
		return contents, nil
	}
	w.depth = 1
	store, err := r.fetchSingly(ctx, w)
	if err != nil {
		return nil, err
	}
	for sha := range contents {
		blob, err := object.GetBlob(store, hash(sha))
		if err != nil {
			return nil, fmt.Errorf("read a file of %s: %w", r.where, err)
		}
		text, err := read(blob)
		if err != nil {
			return nil, err
		}
		contents[sha] = string(text)
	}
	return contents, nil
}

// submodule is the mode of what is another repository's commit.
const submodule = "160000"

// patch names a change: the same for the same lines.
func patch(differences []rollout.Difference, contents map[rollout.SHA]string) string {
	var change strings.Builder
	for _, d := range differences {
		fmt.Fprintf(&change, "%q %s %s\n", d.Path, d.Before.Mode, d.After.Mode)
		before, after := contents[d.Before.Blob], contents[d.After.Blob]
		_, isFile := contents[d.After.Blob]
		if _, wasFile := contents[d.Before.Blob]; !wasFile && !isFile || strings.Contains(before+after, "\x00") {
			fmt.Fprintf(&change, "%s %s\n", d.Before.Blob, d.After.Blob)
			continue
		}
		diffs := diff.Do(before, after)
		for i, part := range diffs {
			for _, line := range kept(int8(part.Type), part.Text, i == 0, i == len(diffs)-1) {
				fmt.Fprintf(&change, "%d%q\n", part.Type, line)
			}
		}
	}
	sum := sha256.Sum256([]byte(change.String()))
	return string(sum[:])
}

// around is how many lines before and behind a change belong to it.
const around = 3

// kept are those lines of a part of a file that a change consists of: all that
// come (1) or go (-1), and of what stays (0) those next to them.
func kept(change int8, text string, first, last bool) []string {
	lines := slices.Collect(strings.Lines(text))
	if change != 0 || len(lines) <= around {
		return lines
	}
	var near []string
	if !first {
		near = append(near, lines[:around]...)
	}
	if !last {
		near = append(near, lines[max(len(lines)-around, len(near)):]...)
	}
	return near
}
