package workflows

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestPushThenSchedule: a push is told "not yet", which is no failure; when the
// revision has soaked, a tick promotes it and shows what went out.
func TestPushThenSchedule(t *testing.T) {
	s := template(t)
	before := s.head(downstream)
	commit := s.budget("2")
	r := s.runs(s.pushed())
	s.green(r, "soak", "promote")
	s.shows(r.summary("promote"), "apps: not yet")
	s.promoted(r, "")
	s.stands(downstream, before)

	s.clock.Advance(soak)
	tick := s.scheduled()
	r = s.runs(tick)
	s.green(r, "promote", "diff")
	s.shows(r.summary("promote"), "apps: promoted to "+commit[:7])
	s.promoted(r, "apps "+before+" "+commit)
	s.shows(r.summary("diff"), "+  minAvailable: 2")
	s.stands(downstream, commit)
	s.recorded(entry{
		Kind: "promotion", Stage: "apps", From: before, To: commit, By: "github-actions[bot]", Run: s.url(tick.id),
	})
}

// TestDispatchIsATick: who dispatches the workflow without skip_wait asks what a
// tick asks. Inputs that belong to an override are refused before anything is done.
func TestDispatchIsATick(t *testing.T) {
	s := template(t)
	before := s.head(downstream)
	commit := s.budget("2")
	s.clock.Advance(soak)
	r := s.dispatch(map[string]string{"reason": "it is urgent"})
	s.red(r, "promote")
	s.shows(strings.Join(r.orders(), "\n"), "belong to an override: set skip_wait")
	s.stands(downstream, before)

	r = s.dispatch(map[string]string{"stage": "apps"})
	s.green(r, "promote", "diff")
	s.promoted(r, "apps "+before+" "+commit)
	s.stands(downstream, commit)
	s.recorded(entry{
		Kind: "promotion", Stage: "apps", From: before, To: commit, By: rollouttest.DefaultLogin, Run: s.entry().Run,
	})
}

// TestOverrideFromATerminal: release:override starts the workflow with skip_wait,
// which waits for nothing; the command ends when the run has, and the ledger has who
// asked and why.
func TestOverrideFromATerminal(t *testing.T) {
	s := template(t)
	before := s.head(downstream)
	commit := s.budget("2")
	const reason = "the old budget blocks the upgrade"
	runs := s.onDispatch(s.promoting())
	s.people(0, "", "release:override", "-yes", "-reason="+reason)
	r := s.finishes(runs)
	s.green(r, "promote", "diff")
	s.shows(r.summary("promote"), "apps: overridden to "+commit[:7])
	s.shows(r.summary("promote"), reason)
	s.promoted(r, "apps "+before+" "+commit)
	s.shows(r.summary("diff"), "+  minAvailable: 2")
	s.stands(downstream, commit)
	s.recorded(entry{
		Kind: "override", Stage: "apps", From: before, To: commit, Reason: reason,
		By: rollouttest.DefaultLogin, Run: s.url(s.repo.Runs()[0].RunID),
	})
}

// TestAppPromotesWorkflows: the run's own token may not promote other workflow files
// than main has, and the summary says who may; the token of a GitHub App does.
func TestAppPromotesWorkflows(t *testing.T) {
	s := template(t)
	before := s.head(downstream)
	s.write(filepath.Join(s.work, ".github", "workflows", "one.yaml"), "on: push\n")
	commit := s.merge("Add a workflow")
	s.clock.Advance(soak)
	s.write(filepath.Join(s.work, ".github", "workflows", "two.yaml"), "on: push\n")
	s.merge("Add another")
	r := s.runs(s.scheduled())
	s.red(r, "promote")
	s.shows(r.summary("promote"), "Workflows: write")
	s.stands(downstream, before)

	tick := s.scheduled()
	tick.vars = map[string]string{"ROLLOUT_APP_ID": "4242"}
	tick.secrets = map[string]string{"ROLLOUT_APP_KEY": privateKey(t)}
	s.install("fleet-promoter[bot]", tick.secrets["ROLLOUT_APP_KEY"])
	r = s.runs(tick)
	s.green(r, "promote", "diff")
	s.promoted(r, "apps "+before+" "+commit)
	s.stands(downstream, commit)
	s.recorded(entry{
		Kind: "promotion", Stage: "apps", From: before, To: commit, By: "fleet-promoter[bot]", Run: s.url(tick.id),
	})
}

// install makes the token known that comes of an App's key, with the permissions
// that the workflow asks for.
func (s *scene) install(login, key string) {
	s.t.Helper()
	w, err := readWorkflow(s.promoting())
	s.must(err)
	permissions := map[string]string{}
	for _, step := range w.Jobs["promote"].Steps {
		for input, level := range step.With {
			if name, found := strings.CutPrefix(input, "permission-"); found {
				permissions[name] = fmt.Sprint(level)
			}
		}
	}
	path := filepath.Join(s.dir, "key")
	s.write(path, key)
	s.github.AddToken(s.git(s.dir, "hash-object", "--no-filters", path), rollouttest.Identity{
		Login: login, Kind: rollouttest.KindApp, Permissions: permissions, Repositories: []string{s.repo.Slug()},
	})
}

// TestDeployKeyIsNoFallback: with a deploy key, which has nobody here to come to,
// nothing is promoted, although the run's own token could; and the key is nowhere to
// be read.
func TestDeployKeyIsNoFallback(t *testing.T) {
	s := template(t)
	before := s.head(downstream)
	s.budget("2")
	s.clock.Advance(soak)
	tick := s.scheduled()
	tick.secrets = map[string]string{"ROLLOUT_DEPLOY_KEY": privateKey(t)}
	r := s.runs(tick)
	s.red(r, "promote")
	s.shows(r.summary("promote"), "nothing says which host keys ssh://")
	s.stands(downstream, before)
}

// privateKey is one that nobody knows.
func privateKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
