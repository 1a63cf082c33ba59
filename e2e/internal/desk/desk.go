package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// The repository of every scenario.
const (
	Owner = "monosense"
	Name  = "k8s-ops"
)

// Upstream is the branch that is pushed to.
const Upstream = "main"

// A Desk is a checkout, and what works on it.
type Desk struct {
	Clock  *rollouttest.Clock
	GitHub *rollouttest.GitHub
	Repo   *rollouttest.Repository
	Work   string // somebody's checkout of main

	site   *cluster.Site
	home   string
	binary string // the compiled targets
}

// Open compiles the targets and starts GitHub, where these clusters of a site may
// read.
func Open(ctx context.Context, run *process.Run, site *cluster.Site, clusters ...string) (*Desk, error) {
	d := &Desk{
		site:  site,
		Clock: rollouttest.NewClock(time.Now().UTC().Truncate(time.Second)),
		Work:  filepath.Join(run.Dir(), "checkout"),
		home:  run.Dir(),
	}
	var err error
	if d.binary, err = suite.Compile(run); err != nil {
		return nil, err
	}
	address, err := site.Address()
	if err != nil {
		return nil, err
	}
	d.GitHub, err = rollouttest.Start(rollouttest.Options{
		Clock: d.Clock.Now, Dir: run.Dir(), Address: address,
		Repositories: []rollouttest.RepositoryOptions{{Owner: Owner, Name: Name, Private: true}},
	})
	if err != nil {
		return nil, err
	}
	for _, name := range clusters {
		d.GitHub.AddToken(token(name), rollouttest.Identity{Login: login(name), Permissions: map[string]string{"contents": "read"}})
	}
	if d.Repo, err = d.GitHub.Repository(Owner, Name); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close ends GitHub, and complains of what it was asked that it does not know.
func (d *Desk) Close() error {
	err := d.GitHub.Close()
	for _, request := range d.GitHub.Unexpected() {
		err = errors.Join(err, fmt.Errorf("GitHub does not know the request: %s", request))
	}
	return err
}

// login is who a cluster is to GitHub.
func login(cluster string) string { return "flux-of-" + cluster }

func token(cluster string) string { return "token-of-" + cluster }

// URL is what git is given to reach the repository.
func (d *Desk) URL() string { return d.GitHub.CloneURL(Owner + "/" + Name) }

// Begin pushes what is in the checkout to main, and has the targets set up the
// rest.
func (d *Desk) Begin(ctx context.Context) error {
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", Upstream},
		{"remote", "add", "origin", d.URL()},
		{"add", "."},
		{"commit", "--quiet", "--message", "Begin"},
		{"push", "--quiet", "origin", Upstream},
	} {
		if _, err := d.Git(ctx, args...); err != nil {
			return err
		}
	}
	out, code, err := d.Rollout(ctx, "release:init")
	if err == nil && code != 0 {
		err = fmt.Errorf("release:init ends with %d:\n%s", code, out)
	}
	return err
}

// Admit gives a cluster what it reads the repository with.
func (d *Desk) Admit(ctx context.Context, name string) error {
	authority, err := os.ReadFile(d.GitHub.CACert())
	if err != nil {
		return err
	}
	_, err = d.Kubectl(ctx, name, "create", "secret", "generic", "github-deploy-key", "--namespace="+cluster.Namespace,
		"--from-literal=username=git", "--from-literal=password="+token(name), "--from-literal=ca.crt="+string(authority))
	return err
}

// Looks is how often a cluster has asked GitHub for the heads.
func (d *Desk) Looks(cluster string) int {
	n := 0
	for _, request := range d.GitHub.Requests() {
		if request.Login == login(cluster) && strings.HasSuffix(request.Path, "/info/refs") {
			n++
		}
	}
	return n
}

// Ask asks GitHub's interface about the repository, as its administrator. The answer
// is decoded into a value, unless that is nil.
func (d *Desk) Ask(ctx context.Context, method, path string, into any) error {
	url := d.GitHub.URL() + "/api/v3/repos/" + Owner + "/" + Name + path
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+rollouttest.DefaultToken)
	response, err := (&http.Client{Transport: d.GitHub.Transport()}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answers %s", method, url, response.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("%s %s answers %s: %w", method, url, response.Status, err)
	}
	return nil
}

// Git runs git in the checkout, as somebody who may push.
func (d *Desk) Git(ctx context.Context, args ...string) (string, error) {
	out, code, err := d.Exec(ctx, "git", args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("git %s ends with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return strings.TrimSpace(out), err
}

// Rollout runs a target in the checkout.
func (d *Desk) Rollout(ctx context.Context, args ...string) (out string, code int, err error) {
	return d.Exec(ctx, d.binary, args...)
}

// RolloutWith runs a target in the checkout, with more in its environment.
func (d *Desk) RolloutWith(ctx context.Context, environment []string, args ...string) (out string, code int, err error) {
	return d.exec(ctx, environment, d.binary, args...)
}

// Kubectl talks to a cluster as its administrator.
func (d *Desk) Kubectl(ctx context.Context, name string, args ...string) (string, error) {
	out, code, err := d.Exec(ctx, d.site.Kubectl(), append([]string{"--context=" + name}, args...)...)
	if err == nil && code != 0 {
		err = fmt.Errorf("kubectl %s ends with %d:\n%s", args[0], code, out)
	}
	return out, err
}

// Exec runs a program in the checkout. A code other than 0 is no error; that it was
// killed, with ctx or by somebody, is.
func (d *Desk) Exec(ctx context.Context, path string, args ...string) (out string, code int, err error) {
	return d.exec(ctx, nil, path, args...)
}

func (d *Desk) exec(ctx context.Context, environment []string, path string, args ...string) (out string, code int, err error) {
	command := exec.CommandContext(ctx, path, args...)
	command.Dir = d.Work
	command.Env = slices.Concat(d.GitHub.Env(), []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + d.home, "GH_REPO=" + d.GitHub.Host() + "/" + Owner + "/" + Name,
		"KUBECONFIG=" + d.site.Kubeconfig(),
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ben", "GIT_AUTHOR_EMAIL=ben@example.com",
		"GIT_COMMITTER_NAME=Ben", "GIT_COMMITTER_EMAIL=ben@example.com",
	}, environment)
	said, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return string(said), exit.ExitCode(), nil
	}
	return string(said), 0, err
}
