package workflows

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// The parts of a workflow that decide how it is run here.
type (
	workflow struct{ Jobs map[string]job }
	job      struct {
		Uses        string // another workflow
		RunsOn      string `json:"runs-on"`
		Permissions map[string]string
		Steps       []step
	}
	step struct {
		Uses string
		With map[string]any
	}
)

// patience is how long a run may take: they take seconds, and a minute or two where
// others have the machine.
const patience = 10 * time.Minute

// workflow is the path of one of this repository's workflows.
func (m *machine) workflow(file string) string {
	return filepath.Join(m.root, ".github", "workflows", file)
}

func readWorkflow(path string) (workflow, error) {
	var w workflow
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, &w)
	}
	return w, err
}

// permissions are those of all jobs together: act has one token for all of them.
func (w workflow) permissions() map[string]string {
	all := map[string]string{}
	for _, job := range w.Jobs {
		for name, level := range job.Permissions {
			if all[name] != "write" {
				all[name] = level
			}
		}
	}
	return all
}

// play starts what an event starts, and waits until it has ended. What it says may
// have no secret in it.
func (s *scene) play(e event) (*result, error) {
	if e.token == "" {
		token, err := s.ownToken(e)
		if err != nil {
			return nil, err
		}
		e.token = token
	}
	p, err := s.start(e)
	if err != nil {
		return nil, err
	}
	code, err := p.EndsWithin(patience)
	if err != nil {
		return nil, err
	}
	r, err := readResult(p.Log(), code)
	if err == nil {
		err = r.keeps(e)
	}
	return r, err
}

// start starts act.
func (s *scene) start(e event) (*process.Process, error) {
	name := fmt.Sprintf("%s-%03d-%s", s.t.Name(), s.started.Add(1), e.name)
	args, err := s.arguments(e, name)
	if err != nil {
		return nil, err
	}
	return s.run.Start(process.Command{Name: name, Path: s.act, Args: args, Env: s.jobEnvironment()})
}

// ownToken makes the GITHUB_TOKEN of a run.
func (s *scene) ownToken(e event) (string, error) {
	w, err := readWorkflow(e.file)
	if err != nil {
		return "", err
	}
	token := fmt.Sprintf("ghs-of-run-%d", e.id)
	s.github.AddToken(token, rollouttest.Identity{
		Kind: rollouttest.KindActions, Permissions: w.permissions(), Repositories: []string{s.repo.Slug()},
	})
	return token, nil
}

// jobEnvironment is what every job finds in its environment, besides what the
// workflow and act put there.
func (s *scene) jobEnvironment() []string {
	return slices.Concat(s.golang, []string{
		"SSL_CERT_FILE=" + s.github.CACert(), "GIT_SSL_CAINFO=" + s.github.CACert(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
		"PAGES=" + s.pages(),
	})
}

// pages is where the stand-ins for GitHub Pages keep what is uploaded and published.
func (s *scene) pages() string { return filepath.Join(s.dir, "pages") }

// arguments are those of act.
func (s *scene) arguments(e event, name string) ([]string, error) {
	args := []string{
		e.name, "--directory", s.work, "--workflows", e.file, "--actor", e.actor,
		"--json", "--insecure-secrets", "--no-cache-server", "--no-skip-checkout",
		"--github-instance", s.github.Host(),
		"--env", "GITHUB_REPOSITORY=" + s.repo.Slug(), "--env", "GITHUB_RUN_ID=" + strconv.FormatInt(e.id, 10),
		"--env", "GITHUB_REF=" + e.ref, "--env", "SHA_REF=" + e.sha,
	}
	secrets := map[string]string{"GITHUB_TOKEN": e.token}
	for name, value := range e.secrets {
		secrets[name] = value
	}
	for flag, content := range map[string]any{"--eventpath": e.payload, "--secret-file": secrets, "--var-file": e.vars} {
		data, err := json.Marshal(content)
		if err != nil {
			return nil, err
		}
		// What is JSON is YAML, and act reads a file as what it is called.
		path := filepath.Join(s.dir, name+flag+".yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
		args = append(args, flag, path)
	}
	w, err := readWorkflow(e.file)
	if err != nil {
		return nil, err
	}
	more, err := s.replacements(w)
	return append(args, more...), err
}

// replacements have a workflow's jobs run on this machine, and replace the actions
// and the workflow of ours that it uses.
func (m *machine) replacements(w workflow) ([]string, error) {
	var args []string
	for _, job := range w.Jobs {
		if job.Uses != "" {
			more, err := m.called(job.Uses)
			if err != nil {
				return nil, err
			}
			args = append(args, more...)
			continue
		}
		args = append(args, "--platform", job.RunsOn+"=-self-hosted")
		for _, step := range job.Steps {
			if step.Uses == "" {
				continue
			}
			dir, err := m.standIn(step)
			if err != nil {
				return nil, err
			}
			args = append(args, "--local-repository", step.Uses+"="+dir)
		}
	}
	return args, nil
}

// called are the replacements for a workflow of ours that another repository calls,
// as owner/name/.github/workflows/file@ref.
func (m *machine) called(uses string) ([]string, error) {
	repository, file, _ := strings.Cut(uses, "/.github/workflows/")
	file, ref, _ := strings.Cut(file, "@")
	w, err := readWorkflow(m.workflow(file))
	if err != nil {
		return nil, err
	}
	args, err := m.replacements(w)
	return append(args, "--local-repository", repository+"@"+ref+"="+m.root), err
}

// standIn is the directory of what stands in for an action. It has to know what
// the action is given.
func (m *machine) standIn(s step) (string, error) {
	name, _, _ := strings.Cut(s.Uses, "@")
	dir := filepath.Join(m.root, "e2e", "workflows", "testdata", filepath.FromSlash(name))
	data, err := os.ReadFile(filepath.Join(dir, "action.yaml"))
	if err != nil {
		return "", fmt.Errorf("%s has no stand-in: %w", s.Uses, err)
	}
	var action struct{ Inputs map[string]any }
	if err := yaml.Unmarshal(data, &action); err != nil {
		return "", fmt.Errorf("read the stand-in for %s: %w", s.Uses, err)
	}
	for input := range s.With {
		if _, known := action.Inputs[input]; !known {
			return "", fmt.Errorf("the stand-in for %s does not know the input %s", s.Uses, input)
		}
	}
	return dir, nil
}
