package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// A Checkout is a repository on this machine whose trees are read: what is
// committed, not what lies in the working tree.
type Checkout struct{ dir string }

// OpenCheckout opens the repository whose root is a directory.
func OpenCheckout(ctx context.Context, dir string) (*Checkout, error) {
	prefix, err := git(ctx, nil, "-C", dir, "rev-parse", "--show-prefix")
	var problem *rollout.Problem
	switch {
	case errors.As(err, &problem) || ctx.Err() != nil:
		return nil, err
	case err != nil || len(bytes.TrimSpace(prefix)) > 0:
		return nil, &rollout.Problem{
			Kind: rollout.ErrUsage, What: dir + " is not the root of a Git repository, so it has no revisions",
			Ways: []string{"run it in the root of a clone"},
		}
	}
	return &Checkout{dir: dir}, nil
}

// Resolve finds the commit that a name means: a SHA, or a part of one, a branch,
// a tag, HEAD~2. A branch is also looked for at the remote origin.
func (c *Checkout) Resolve(ctx context.Context, name string) (rollout.SHA, error) {
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\x00\n") {
		return "", &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("%q cannot be the name of a revision", name),
			Ways: []string{"write a SHA, or the name of a branch or tag"},
		}
	}
	for _, candidate := range []string{name, "refs/remotes/origin/" + name} {
		out, err := git(ctx, nil, "-C", c.dir, "rev-parse", "--verify", "--quiet", "--end-of-options", candidate+"^{commit}")
		if err == nil {
			return rollout.ParseSHA(strings.TrimSpace(string(out)))
		}
	}
	return "", &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf("this clone has no revision %s", rollout.Printable(name, 100)),
		Ways: []string{"git fetch origin; in a shallow clone, git fetch --unshallow origin", "write a SHA, or the name of a branch or tag"},
	}
}

// Changed lists the files that differ between two commits, sorted: slash paths
// relative to the repository's root. A renamed file is there under both names.
func (c *Checkout) Changed(ctx context.Context, from, to rollout.SHA) ([]string, error) {
	out, err := git(ctx, nil, "-C", c.dir, "diff-tree", "-r", "-z", "--no-renames", "--name-only", "--no-ext-diff", string(from), string(to))
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", from.Short(), to.Short(), err)
	}
	return names(out), nil
}

// ChangedSince lists the files of the working tree that differ from a commit,
// sorted: those that are not committed, and not tracked, too.
func (c *Checkout) ChangedSince(ctx context.Context, commit rollout.SHA) ([]string, error) {
	tracked, err := git(ctx, nil, "-C", c.dir, "diff", "-z", "--no-renames", "--name-only", "--no-ext-diff", "--no-textconv", string(commit), "--")
	if err != nil {
		return nil, fmt.Errorf("compare the working tree with %s: %w", commit.Short(), err)
	}
	untracked, err := git(ctx, nil, "-C", c.dir, "ls-files", "-z", "--others", "--exclude-standard")
	if err != nil {
		return nil, fmt.Errorf("list what is not tracked: %w", err)
	}
	return names(slices.Concat(tracked, untracked)), nil
}

// names splits what git lists with -z, and sorts it.
func names(listed []byte) []string {
	found := []string{}
	for name := range strings.SplitSeq(string(listed), "\x00") {
		if name != "" {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// Export writes the tree of a commit into an empty directory, byte for byte:
// without the conversions and filters that a checkout does, and with symbolic
// links as such. Submodules are left out. What cannot be written below the
// directory is refused.
func (c *Checkout) Export(ctx context.Context, commit rollout.SHA, into string) error {
	listed, err := git(ctx, nil, "-C", c.dir, "ls-tree", "-r", "-z", "--full-tree", string(commit))
	if err != nil {
		return fmt.Errorf("list the tree of %s: %w", commit.Short(), err)
	}
	var entries []treeEntry
	for line := range strings.SplitSeq(string(listed), "\x00") {
		if e, ok := parseEntry(line); ok {
			entries = append(entries, e)
		}
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return fmt.Errorf("export %s: %w", commit.Short(), err)
	}
	defer func() { _ = root.Close() }() // what it wrote is written
	phase := rollout.Begin(ctx, rollout.Effort{What: "reading " + commit.Short(), Parts: "files", Total: len(entries)})
	defer phase.End()
	if err := c.copy(ctx, entries, root, phase); err != nil {
		return fmt.Errorf("export %s: %w", commit.Short(), err)
	}
	return nil
}

// A treeEntry is a file or a symbolic link in a tree.
type treeEntry struct {
	mode, blob, name string
}

// parseEntry reads a line of git ls-tree: mode, type, object, a tab and the
// name.
func parseEntry(line string) (treeEntry, bool) {
	head, name, ok := strings.Cut(line, "\t")
	fields := strings.Fields(head)
	if !ok || len(fields) != 3 || fields[1] != "blob" {
		return treeEntry{}, false
	}
	return treeEntry{mode: fields[0], blob: fields[2], name: name}, true
}

const linkMode = "120000"

// copy has one git process print all the blobs, in the order of the entries.
func (c *Checkout) copy(ctx context.Context, entries []treeEntry, root *os.Root, phase *rollout.Phase) (err error) {
	var wanted bytes.Buffer
	for _, e := range entries {
		fmt.Fprintln(&wanted, e.blob)
	}
	cmd := exec.CommandContext(ctx, "git", "-C", c.dir, "cat-file", "--batch")
	cmd.Env, cmd.Stdin = environment(), &wanted
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		// What it says of being killed for an error is no second one.
		if ended := cmd.Wait(); err == nil {
			err = ended
		}
	}()
	in := bufio.NewReaderSize(printed, 1<<16)
	made := map[string]bool{".": true}
	for _, e := range entries {
		if err := e.write(in, root, made); err != nil {
			_ = cmd.Process.Kill()
			return fmt.Errorf("write the file %q of it: %w", e.name, err)
		}
		phase.Add(1)
	}
	return nil
}

func (e treeEntry) write(in *bufio.Reader, root *os.Root, made map[string]bool) error {
	content, err := readBlob(in)
	if err != nil {
		return err
	}
	return writeEntry(root, made, filepath.FromSlash(e.name), e.mode, content)
}

// writeEntry writes a file or a symbolic link below a directory; made are the
// directories that are there.
func writeEntry(root *os.Root, made map[string]bool, name, mode string, content []byte) error {
	if dir := filepath.Dir(name); !made[dir] {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		made[dir] = true
	}
	if mode == linkMode {
		return root.Symlink(string(content), name)
	}
	return root.WriteFile(name, content, 0o644)
}

// readBlob reads one answer of git cat-file --batch: a line with the object, its
// type and its size, the content, and a line break.
func readBlob(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cat-file ended early: %w", err)
	}
	var object, kind string
	var size int64
	if _, err := fmt.Sscan(line, &object, &kind, &size); err != nil {
		return nil, fmt.Errorf("git cat-file says %q", strings.TrimSpace(line))
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, fmt.Errorf("git cat-file ended early: %w", err)
	}
	return content[:size], nil
}

// Versions lists the newest commits that HEAD has and that changed a file, newest
// first.
func (c *Checkout) Versions(ctx context.Context, path string, limit int) ([]rollout.SHA, error) {
	out, err := git(ctx, nil, "-C", c.dir, "log", "--format=%H", fmt.Sprintf("--max-count=%d", limit), "--", ":(top,literal)"+path)
	if err != nil {
		return nil, fmt.Errorf("list the commits that changed %s: %w", path, err)
	}
	var all []rollout.SHA
	for name := range strings.FieldsSeq(string(out)) {
		sha, err := rollout.ParseSHA(name)
		if err != nil {
			return nil, err
		}
		all = append(all, sha)
	}
	return all, nil
}

// File reads a file as a commit has it. It is nil where there is none.
func (c *Checkout) File(ctx context.Context, commit rollout.SHA, path string) ([]byte, error) {
	name := string(commit) + ":" + path
	if _, err := git(ctx, nil, "-C", c.dir, "cat-file", "-e", name); err != nil {
		return nil, ctx.Err()
	}
	return git(ctx, nil, "-C", c.dir, "cat-file", "blob", name)
}
