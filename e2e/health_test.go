package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
)

// TestBreakageIsReported: what the API server of infra refuses is what an operator reads
// who waits for it; it reaches GitHub as a failure, written by Flux, and does not go out,
// however long it soaks; its revert does. So it is with pods that never become ready, and
// what mends them.
func TestBreakageIsReported(t *testing.T) {
	s := begin(t)
	good := s.merge("Ask for health", asking)
	s.settled(infra)
	s.reported(infra, good, "success", kustomizations...)

	bad := s.merge("Break the network policy", edit{
		path: "clusters/base/apps/podinfo/network-policy.yaml", from: `- Ingress`, to: "- Sideways",
	})
	s.runs(failed, `Unsupported value: "Sideways"`, "flux:reconcile", infra)
	s.reported(infra, bad, "failure", "cluster-apps")
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, good)
	s.promote(notYet, "unhealthy: flux/infra/cluster-apps")
	s.looks(apps, 2)

	mended := s.revert(bad)
	s.runs(done, "is applied and ready", "flux:reconcile", infra)
	s.reported(infra, mended, "success", kustomizations...)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	s.settled(apps)
	s.reported(apps, mended, "success", kustomizations...)
	s.neverHad(apps, bad)

	bad = s.neverReady(mended)
	s.revert(good)
	s.settled(apps)
	s.neverHad(apps, bad)
}

// TestReportsNeedASecretAndNothingElseDoes: without its token a cluster reports
// nothing, and all else in it goes on. When it gets one it reports what it runs.
func TestReportsNeedASecretAndNothingElseDoes(t *testing.T) {
	s := begin(t)
	restore := s.silence(infra)
	commit := s.merge("Note something in silence", noting(s.word("silence")))
	s.notes(infra, s.word("silence"))
	s.looks(infra, 2)
	s.settled(infra)
	s.unreported(infra, commit)

	restore()
	s.runs(done, "", "flux:reconcile", infra)
	s.reported(infra, commit, "success", kustomizations...)
}

// silence takes away the secret with which a cluster reports, until it is restored
// or the test ends.
func (s *scene) silence(name string) (restore func()) {
	s.t.Helper()
	s.kube(name, "delete", "secret", reportSecret, "--namespace="+cluster.Namespace)
	restore = sync.OnceFunc(func() {
		if err := s.letReport(context.Background(), name); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(restore)
	return restore
}

// asking is a change of the plan that asks for what infra reports: what the plan has as a
// comment, but for a time to settle that is shorter.
var asking = edit{
	path: "clusters/rollout.yaml",
	from: `    # health:\n    #   settle: 10m\n    #   clusters:\n    #     infra: \["flux/infra/\*"\]\n`,
	to:   "    health:\n      settle: 1m\n      clusters:\n        infra: [\"flux/infra/*\"]\n",
}

// reporter is who a cluster is to GitHub when it reports.
func reporter(cluster string) string { return "reporter-of-" + cluster }

func reportToken(cluster string) string { return "report-token-of-" + cluster }

// reportSecret is what the manifests call the secret with that token.
const reportSecret = "github-status"

// letReport gives a cluster the secret with which it reports, as clusters/README.md
// says, and the authority of the stand-in.
func (f *fleet) letReport(ctx context.Context, name string) error {
	authority, err := os.ReadFile(f.github.CACert())
	if err != nil {
		return err
	}
	_, err = f.kubectl(ctx, name, "create", "secret", "generic", reportSecret, "--namespace="+cluster.Namespace,
		"--from-literal=token="+reportToken(name), "--from-literal=ca.crt="+string(authority))
	return err
}

func (s *scene) kube(cluster string, args ...string) string {
	s.t.Helper()
	out, err := s.kubectl(s.t.Context(), cluster, args...)
	s.must(err)
	return out
}

// reported waits until GitHub has statuses of a commit from a cluster, of these
// Kustomizations and with this state as the newest.
func (s *scene) reported(from, commit, state string, of ...string) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), "statuses of "+commit+" from "+from, func(ctx context.Context) error {
		statuses, err := s.statuses(ctx, from, commit)
		if err != nil {
			return err
		}
		for _, kustomization := range of {
			if statuses[kustomization] != state {
				return fmt.Errorf("%s is not reported as %s: %v", kustomization, state, statuses)
			}
		}
		return nil
	}))
}

// unreported is that GitHub has no status of a commit from a cluster.
func (s *scene) unreported(from, commit string) {
	s.t.Helper()
	statuses, err := s.statuses(s.t.Context(), from, commit)
	s.must(err)
	if len(statuses) > 0 {
		s.t.Errorf("%s has reported of %s: %v", from, commit, statuses)
	}
}

// statuses are the newest of a commit from a cluster, by the Kustomization.
func (s *scene) statuses(ctx context.Context, from, commit string) (map[string]string, error) {
	var listed []struct {
		Context, State string
		Creator        struct{ Login string }
	}
	if err := s.Ask(ctx, http.MethodGet, "/commits/"+commit+"/statuses?per_page=100", &listed); err != nil {
		return nil, err
	}
	statuses := map[string]string{}
	for _, status := range listed { // the newest first
		kustomization, named := strings.CutPrefix(status.Context, "flux/"+from+"/")
		if status.Creator.Login != reporter(from) {
			continue
		}
		if !named {
			return nil, fmt.Errorf("%s reports as %q, which its manifests do not say", from, status.Context)
		}
		if statuses[kustomization] == "" {
			statuses[kustomization] = status.State
		}
	}
	return statuses, nil
}
