package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// The branches of the plan, and how long a revision soaks by it.
const (
	upstream   = "main"
	downstream = "release"
	soak       = 24 * time.Hour
)

// A scene is one repository on a GitHub of its own. Its methods fail the test.
type scene struct {
	*machine
	t      *testing.T
	dir    string // everything of the scene
	work   string // somebody's checkout of main
	clock  *rollouttest.Clock
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
}

// begin starts a GitHub with a private repository that is empty.
func begin(t *testing.T) *scene {
	t.Helper()
	t.Parallel()
	dir, err := os.MkdirTemp(shared.run.Dir(), "scene-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &scene{machine: shared, t: t, dir: dir, work: filepath.Join(dir, "checkout")}
	s.clock = rollouttest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	s.github = rollouttest.New(t, rollouttest.Options{
		Clock: s.clock.Now, Dir: dir,
		Repositories: []rollouttest.RepositoryOptions{{Owner: "octo-org", Name: "fleet", Private: true}},
	})
	s.repo = s.github.Repositories()[0]
	return s
}

// template is the first way of adopting the toolkit: a copy of this repository.
func template(t *testing.T) *scene {
	t.Helper()
	s := begin(t)
	s.copyTo(s.work, "")
	s.adopt()
	return s
}

// caller is the second way: a repository without any Go, whose workflow calls ours.
// The toolkit is another, public one.
func caller(t *testing.T) (s *scene, toolkit string) {
	t.Helper()
	s = begin(t)
	own := rollouttest.RepositoryOptions{Owner: "monosense", Name: "k8s-ops"}
	_, err := s.github.AddRepository(own)
	s.must(err)
	code := filepath.Join(s.dir, "toolkit")
	s.copyTo(code, "")
	toolkit = s.publish(code, own.Owner+"/"+own.Name)
	s.copyTo(s.work, "clusters/")
	s.write(s.calling(), strings.ReplaceAll(s.readme("jobs:\n  promote:\n"), "<sha>", toolkit))
	s.adopt()
	return s, toolkit
}

// calling is the workflow of a repository that calls ours.
func (s *scene) calling() string {
	return filepath.Join(s.work, ".github", "workflows", rollout.PromoteWorkflow)
}

// readme is the block of the README that has some lines.
func (s *scene) readme(lines string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, "README.md"))
	s.must(err)
	for _, match := range regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$").FindAllStringSubmatch(string(data), -1) {
		indent, block := match[1], match[2]
		if block = strings.ReplaceAll("\n"+block, "\n"+indent, "\n")[1:]; strings.Contains(block, lines) {
			return block
		}
	}
	s.t.Fatalf("the README has no block with %q", lines)
	return ""
}

// copyTo copies the files of this repository that are below a directory.
func (s *scene) copyTo(dir, below string) {
	s.t.Helper()
	for _, name := range s.files {
		if !strings.HasPrefix(name, below) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(s.root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed
		}
		s.must(err)
		s.write(filepath.Join(dir, name), string(data))
	}
}

func (s *scene) write(path, text string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(text), 0o644))
}

// adopt names the scene's repository in the checkout, pushes it, and has the
// targets set up the rest.
func (s *scene) adopt() {
	s.t.Helper()
	url := s.github.URL() + "/" + s.repo.Slug()
	s.edit("clusters/rollout.yaml", `(?m)^repository: \S+$`, "repository: "+url+"\nforge: github")
	for _, cluster := range []string{"infra", "apps"} {
		s.edit("clusters/"+cluster+"/flux/config/flux-system.yaml", `(?m)^  url: \S+$`, "  url: "+url+".git")
	}
	s.publish(s.work, s.repo.Slug())
	s.people(0, "", "release:init")
}

// publish pushes a directory to main of an empty repository.
func (s *scene) publish(dir, slug string) (commit string) {
	s.t.Helper()
	s.git(dir, "init", "--quiet", "--initial-branch", upstream)
	s.git(dir, "remote", "add", "origin", s.github.CloneURL(slug))
	s.git(dir, "add", ".")
	s.git(dir, "commit", "--quiet", "--message", "Begin")
	s.git(dir, "push", "--quiet", "origin", upstream)
	return s.git(dir, "rev-parse", "HEAD")
}

// edit changes a file of the checkout. It has to fit.
func (s *scene) edit(path, from, to string) {
	s.t.Helper()
	file, pattern := filepath.Join(s.work, filepath.FromSlash(path)), regexp.MustCompile(from)
	data, err := os.ReadFile(file)
	s.must(err)
	if !pattern.Match(data) {
		s.t.Fatalf("%s has nothing like %s", path, from)
	}
	s.must(os.WriteFile(file, pattern.ReplaceAll(data, []byte(to)), 0o644))
}

// merge commits what was edited on main and pushes it.
func (s *scene) merge(subject string) (commit string) {
	s.t.Helper()
	s.git(s.work, "add", ".")
	s.git(s.work, "commit", "--quiet", "--message", subject)
	s.git(s.work, "push", "--quiet", "origin", upstream)
	return s.git(s.work, "rev-parse", "HEAD")
}

// budget merges a change of what apps gets, and of nothing else.
func (s *scene) budget(atLeast string) (commit string) {
	s.t.Helper()
	s.edit("clusters/apps/local/disruption-budget-podinfo.yaml", `minAvailable: \S+`, "minAvailable: "+atLeast)
	return s.merge("Keep " + atLeast + " pods")
}

// git runs git as somebody who may push.
func (s *scene) git(dir string, args ...string) string {
	s.t.Helper()
	out, code := s.exec(dir, "git", args...)
	if code != 0 {
		s.t.Fatalf("git %s ends with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return strings.TrimSpace(out)
}

// people run a target in the checkout, which has to end with a code and say
// something.
func (s *scene) people(code int, says string, args ...string) {
	s.t.Helper()
	out, got := s.exec(s.work, s.binary, args...)
	if got != code || !strings.Contains(out, says) {
		s.t.Fatalf("%s ends with %d, want %d and %q:\n%s", args[0], got, code, says, out)
	}
}

// exec runs a program in a directory, as somebody at a terminal.
func (s *scene) exec(dir, path string, args ...string) (out string, code int) {
	s.t.Helper()
	path, err := exec.LookPath(path)
	s.must(err)
	p, err := s.run.Start(process.Command{
		Name: fmt.Sprintf("%s-%03d-%s", s.t.Name(), s.started.Add(1), filepath.Base(path)),
		Path: path, Args: args, Dir: dir,
		Env: slices.Concat(s.github.Env(), []string{
			"HOME=" + s.dir, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=Ben", "GIT_AUTHOR_EMAIL=ben@example.com",
			"GIT_COMMITTER_NAME=Ben", "GIT_COMMITTER_EMAIL=ben@example.com",
		}),
	})
	s.must(err)
	code = p.Wait()
	said, err := os.ReadFile(p.Log())
	s.must(err)
	return string(said), code
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) head(branch string) string {
	s.t.Helper()
	head, err := s.repo.Head(branch)
	s.must(err)
	return head
}

func (s *scene) stands(branch, commit string) {
	s.t.Helper()
	if head := s.head(branch); head != commit {
		s.t.Errorf("%s stands at %s, want %s", branch, head, commit)
	}
}

// An entry is what the ledger keeps of something that was done.
type entry struct {
	Kind, Stage, From, To, By, Run, Reason string
}

// entry is the newest of the ledger.
func (s *scene) entry() entry {
	s.t.Helper()
	trailer, err := s.repo.Git("log", "-1", "--format=%(trailers:key=Rollout-Entry,valueonly)", "rollout/ledger")
	s.must(err)
	var e entry
	s.must(json.Unmarshal([]byte(trailer), &e))
	return e
}
