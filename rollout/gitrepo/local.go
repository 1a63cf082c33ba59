package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// local reaches a repository by its path, through the git binary.
//
// go-git's file transport would do but for one thing: it hands the whole
// environment, tokens included, to git and so to the repository's hooks.
// Opening the repository with go-git, or fetching from it, reads the index of
// all its objects (seen with go-git 5.19 and with Git 2.39), which grows with
// the history; what is asked here does not.
type local struct{ path string }

func (l local) heads(ctx context.Context) (refs, error) {
	out, err := git(ctx, nil, "--git-dir="+l.path, "for-each-ref", "--format=%(objectname) %(refname)")
	if err != nil {
		return nil, err
	}
	found := refs{}
	for line := range strings.Lines(string(out)) {
		sha, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if len(sha) != 2*len(plumbing.ZeroHash) {
			return nil, errHashAlgorithm
		}
		found[plumbing.ReferenceName(name)] = plumbing.NewHash(sha)
	}
	return found, nil
}

func (l local) look(ctx context.Context, branches []string) (refs, []rollout.Commit, error) {
	found, err := l.heads(ctx)
	if err != nil {
		return nil, nil, err
	}
	tips := found.of(branches)
	if len(tips) == 0 {
		return found, nil, nil
	}
	commits, err := l.commits(ctx, want{tips: tips, depth: 1})
	return found, commits, err
}

// commits has git print commits in one go: looking a second time for each of
// them, as fetch does, costs as much as the first.
func (l local) commits(ctx context.Context, w want) ([]rollout.Commit, error) {
	phase := rollout.Begin(ctx, rollout.Effort{What: "reading history", Parts: "commits"})
	defer phase.End()
	out := commitPrint{phase: phase}
	err := l.list(ctx, w, &out, "--encoding=UTF-8", "--format=%P%x00%T%x00%an%x00%at%x00%ct%x00%B%x00")
	if err != nil {
		return nil, err
	}
	var all []rollout.Commit
	for text := out.text.String(); text != ""; {
		var c rollout.Commit
		if c, text, err = takeCommit(text); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// commitFields is how many fields of a commit git is asked for, each with a NUL
// behind it.
const commitFields = 6

// takeCommit reads one commit, and returns what comes after it. No part of a
// commit holds a NUL.
func takeCommit(text string) (c rollout.Commit, rest string, err error) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, "commit "), "\n")
	parts := strings.SplitN(rest, "\x00", commitFields+1)
	if !ok || len(parts) <= commitFields {
		return c, "", fmt.Errorf("git rev-list: unexpected answer %q", name)
	}
	c = rollout.Commit{
		SHA: rollout.SHA(name), Tree: rollout.SHA(parts[1]), Author: parts[2], Message: parts[5],
		Authored: date(parts[3]), Committed: date(parts[4]),
	}
	for parent := range strings.FieldsSeq(parts[0]) {
		c.Parents = append(c.Parents, rollout.SHA(parent))
	}
	return c, strings.TrimPrefix(parts[commitFields], "\n"), nil
}

// date reads seconds. A date that is none is the zero time: nothing depends on
// it.
func date(text string) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// list has git list what is wanted. There can be more tips than a command line
// takes.
func (l local) list(ctx context.Context, w want, out io.Writer, options ...string) error {
	list := append([]string{"--git-dir=" + l.path, "rev-list", "--stdin"}, options...)
	var named bytes.Buffer
	for _, tip := range w.tips {
		fmt.Fprintln(&named, tip)
	}
	if !w.have.IsZero() {
		fmt.Fprintln(&named, "^"+w.have.String())
	}
	switch {
	case w.depth == 1:
		list = append(list, "--no-walk")
	case w.depth > 1:
		// Somebody's merge must not make the count end in a side line.
		list = append(list, "--first-parent", fmt.Sprintf("--max-count=%d", w.depth))
	}
	return gitInto(ctx, &named, out, list...)
}

// fetch has git list objects, and then print them.
func (l local) fetch(ctx context.Context, w want) (*memory.Storage, error) {
	var options []string
	if w.without != treesAndFiles {
		options = append(options, "--objects", "--no-object-names")
	}
	if w.without == files {
		options = append(options, "--filter="+string(files))
	}
	var names bytes.Buffer
	if err := l.list(ctx, w, &names, options...); err != nil {
		return nil, err
	}
	printed, err := git(ctx, &names, "--git-dir="+l.path, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	store := memory.NewStorage()
	for len(printed) > 0 {
		if printed, err = takeObject(printed, store); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// takeObject reads one object as `git cat-file --batch` prints it, and returns
// what comes after it.
func takeObject(printed []byte, store *memory.Storage) (rest []byte, err error) {
	var name, kind string
	var size int
	header, rest, _ := bytes.Cut(printed, []byte("\n"))
	if _, err := fmt.Sscanf(string(header), "%s %s %d", &name, &kind, &size); err != nil || size < 0 || size >= len(rest) {
		return nil, fmt.Errorf("git cat-file: unexpected answer %q", header)
	}
	object := store.NewEncodedObject()
	is, err := plumbing.ParseObjectType(kind)
	if err != nil {
		return nil, err
	}
	object.SetType(is)
	if err := write(object, rest[:size]); err != nil {
		return nil, err
	}
	_, err = store.SetEncodedObject(object)
	return rest[size+1:], err
}

func (l local) has(ctx context.Context, commit, _ plumbing.Hash) (bool, error) {
	_, err := git(ctx, nil, "--git-dir="+l.path, "cat-file", "-e", commit.String()+"^{commit}")
	var refused *exec.ExitError
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, err
}

func (l local) writing() (transport.ReceivePackSession, error) {
	return localSession(l), nil
}

// A localSession pushes as git does over http: one process a question, so that
// nothing is left running when the caller goes away.
type localSession struct{ path string }

// AdvertisedReferences implements [transport.Session].
func (s localSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements [transport.Session].
func (s localSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	out, err := git(ctx, nil, "receive-pack", "--advertise-refs", "--", s.path)
	if err != nil {
		return nil, err
	}
	offered := packp.NewAdvRefs()
	if err := offered.Decode(bytes.NewReader(out)); err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs) {
		return nil, err
	}
	return offered, nil
}

// ReceivePack implements [transport.ReceivePackSession].
func (s localSession) ReceivePack(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	var in bytes.Buffer
	if err := request.Encode(&in); err != nil {
		return nil, err
	}
	out, err := git(ctx, &in, "receive-pack", "--stateless-rpc", "--", s.path)
	if err != nil {
		return nil, err
	}
	report := packp.NewReportStatus()
	if err := report.Decode(bytes.NewReader(out)); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close implements [transport.Session].
func (s localSession) Close() error { return nil }

// git runs git, and returns what it prints.
func git(ctx context.Context, in io.Reader, args ...string) ([]byte, error) {
	var out bytes.Buffer
	if err := gitInto(ctx, in, &out, args...); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// gitInto runs git, which prints into out.
func gitInto(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
	command := exec.CommandContext(ctx, "git", args...)
	command.Env = environment()
	command.Stdin = in
	var errs bytes.Buffer
	command.Stdout, command.Stderr = out, &errs
	// A hook that hangs keeps git's output open after git was killed.
	command.WaitDelay = 5 * time.Second
	if err := command.Run(); err != nil {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, exec.ErrNotFound):
			return &rollout.Problem{
				Kind: rollout.ErrUsage, What: "git is not installed, or not in PATH",
				Ways: []string{"install Git: https://git-scm.com/downloads"},
			}
		}
		return fmt.Errorf("git: %s: %w", rollout.Printable(strings.TrimSpace(errs.String()), 400), err)
	}
	return nil
}

// environment is what git needs of the environment, and nothing else: no
// token, and no GIT_DIR of a hook that this may be called from. What
// refs/replace says is not what a clone, and so a cluster, has.
func environment() []string {
	env := []string{"LC_ALL=C", "GIT_NO_REPLACE_OBJECTS=1"}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"} {
		if value, ok := os.LookupEnv(name); ok { //nolint:forbidigo // what a child process is given
			env = append(env, name+"="+value)
		}
	}
	return env
}
