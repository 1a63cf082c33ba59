package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// The repository of every scenario.
const (
	owner = "monosense"
	name  = "k8s-ops"
)

// The clusters, and the branch that each one follows by the plan.
const (
	infra = "infra"
	apps  = "apps"

	upstream   = "main"
	downstream = "release"
)

// A fleet is two clusters that follow one repository.
type fleet struct {
	run      *process.Run
	site     *cluster.Site
	clusters map[string]*cluster.Cluster
	clock    *rollouttest.Clock
	github   *rollouttest.GitHub
	repo     *rollouttest.Repository
	work     string // somebody's checkout of main
	binary   string // the compiled targets
	scenes   int    // that were played
	cancel   context.CancelFunc
}

// startFleet starts clusters that follow the repository's own manifests, and waits
// until all of it is ready.
func startFleet(ctx context.Context, run *process.Run, binaries cluster.Binaries, definitions []*unstructured.Unstructured) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{run: run, cancel: cancel, work: filepath.Join(run.Dir(), "checkout"), binary: filepath.Join(run.Dir(), "rollout")}
	err := f.start(ctx, binaries, definitions)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *fleet) start(ctx context.Context, binaries cluster.Binaries, definitions []*unstructured.Unstructured) error {
	var err error
	if err = f.compile(ctx); err != nil {
		return err
	}
	if err = f.openGitHub(); err != nil {
		return err
	}
	if err = f.publish(ctx); err != nil {
		return err
	}
	if f.site, err = cluster.Open(ctx, f.run, binaries, definitions); err != nil {
		return err
	}
	if f.clusters, err = f.site.StartAll(ctx, infra, apps); err != nil {
		return err
	}
	for name := range f.clusters {
		if err = f.bootstrap(ctx, name); err != nil {
			return err
		}
	}
	for name := range f.clusters {
		if err = f.settled(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// close ends what the run does not end, and complains of what GitHub was asked
// that it does not know.
func (f *fleet) close() error {
	f.cancel()
	if f.github == nil {
		return nil
	}
	err := f.github.Close()
	for _, request := range f.github.Unexpected() {
		err = errors.Join(err, fmt.Errorf("GitHub does not know the request: %s", request))
	}
	return err
}

// compile makes the binary that the scenarios run.
func (f *fleet) compile(ctx context.Context) error {
	dir, err := root()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "tool", "mage", "-compile", f.binary)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the targets: %w\n%s", err, out)
	}
	return nil
}

// openGitHub starts the stand-in, with a token for each cluster that reads and
// no more, as a deploy key would.
func (f *fleet) openGitHub() error {
	f.clock = rollouttest.NewClock(time.Now().UTC().Truncate(time.Second))
	var err error
	f.github, err = rollouttest.Start(rollouttest.Options{
		Clock: f.clock.Now, Dir: f.run.Dir(),
		Repositories: []rollouttest.RepositoryOptions{{Owner: owner, Name: name, Private: true}},
	})
	if err != nil {
		return err
	}
	for _, name := range []string{infra, apps} {
		f.github.AddToken(token(name), rollouttest.Identity{Login: login(name), Permissions: map[string]string{"contents": "read"}})
	}
	f.repo, err = f.github.Repository(owner, name)
	return err
}

// login is who a cluster is to GitHub.
func login(cluster string) string { return "flux-of-" + cluster }

func token(cluster string) string { return "token-of-" + cluster }

// publish pushes this repository's clusters to main, and has the targets set up
// the rest.
func (f *fleet) publish(ctx context.Context) error {
	from, err := root()
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(f.work, "clusters"), os.DirFS(filepath.Join(from, "clusters"))); err != nil {
		return err
	}
	workflows := filepath.Join(".github", "workflows")
	if err := os.CopyFS(filepath.Join(f.work, workflows), os.DirFS(filepath.Join(from, workflows))); err != nil {
		return err
	}
	if err := f.patch(); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", upstream},
		{"remote", "add", "origin", f.github.CloneURL(owner + "/" + name)},
		{"add", "."},
		{"commit", "--quiet", "--message", "Begin"},
		{"push", "--quiet", "origin", upstream},
	} {
		if _, err := f.git(ctx, args...); err != nil {
			return err
		}
	}
	out, code, err := f.rollout(ctx, "release:init")
	if err == nil && code != 0 {
		err = fmt.Errorf("release:init ends with %d:\n%s", code, out)
	}
	return err
}

// restore pushes what main began with.
func (f *fleet) restore(ctx context.Context) error {
	first, err := f.git(ctx, "rev-list", "--max-parents=0", "HEAD")
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"checkout", first, "--", "."},
		{"commit", "--quiet", "--allow-empty", "--message", "Begin again"},
		{"push", "--quiet", "origin", upstream},
	} {
		if _, err := f.git(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// bootstrap connects a cluster as clusters/README.md says.
func (f *fleet) bootstrap(ctx context.Context, name string) error {
	authority, err := os.ReadFile(f.github.CACert())
	if err != nil {
		return err
	}
	if _, err := f.kubectl(ctx, name, "create", "secret", "generic", "github-deploy-key", "--namespace="+cluster.Namespace,
		"--from-literal=username=git", "--from-literal=password="+token(name), "--from-literal=ca.crt="+string(authority)); err != nil {
		return err
	}
	dir := filepath.Join(f.work, "clusters", name, "flux")
	_, err = f.kubectl(ctx, name, "apply", "--kustomize", dir)
	return err
}

// git runs git in the checkout, as somebody who may push.
func (f *fleet) git(ctx context.Context, args ...string) (string, error) {
	out, code, err := f.exec(ctx, "git", args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("git %s ends with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return strings.TrimSpace(out), err
}

// rollout runs a target in the checkout.
func (f *fleet) rollout(ctx context.Context, args ...string) (out string, code int, err error) {
	return f.exec(ctx, f.binary, args...)
}

// kubectl talks to a cluster as its administrator.
func (f *fleet) kubectl(ctx context.Context, cluster string, args ...string) (string, error) {
	args = append([]string{"--kubeconfig=" + f.site.Kubeconfig(), "--context=" + cluster}, args...)
	out, code, err := f.exec(ctx, f.site.Kubectl(), args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("kubectl %s ends with %d:\n%s", args[2], code, out)
	}
	return out, err
}

// exec runs a program in the checkout. A code other than 0 is no error.
func (f *fleet) exec(ctx context.Context, path string, args ...string) (out string, code int, err error) {
	command := exec.CommandContext(ctx, path, args...)
	command.Dir = f.work
	command.Env = slices.Concat(f.github.Env(), []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + f.run.Dir(), "GH_REPO=" + f.github.Host() + "/" + owner + "/" + name,
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ben", "GIT_AUTHOR_EMAIL=ben@example.com",
		"GIT_COMMITTER_NAME=Ben", "GIT_COMMITTER_EMAIL=ben@example.com",
	})
	said, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return string(said), exit.ExitCode(), nil
	}
	return string(said), 0, err
}
