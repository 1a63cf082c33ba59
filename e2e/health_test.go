package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestBreakageIsReported: what the API server of infra refuses reaches GitHub as a
// failure, written by Flux, and does not go out, however long it soaks; its revert
// does.
func TestBreakageIsReported(t *testing.T) {
	s := begin(t)
	s.reports(infra)
	defer s.merge("Ask for health no more", edit{asking.path, regexp.QuoteMeta(asking.to), "    soak: 24h\n"})
	good := s.merge("Ask for health", asking)
	s.settled(infra)
	s.reported(good, "success", kustomizations...)

	bad := s.merge("Break the network policy", edit{
		path: "clusters/base/apps/podinfo/network-policy.yaml", from: `- Ingress`, to: "- Sideways",
	})
	s.reported(bad, "failure", "cluster-apps")
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, good)
	s.promote(notYet, "unhealthy: kustomization/cluster-apps/")
	s.settled(apps)
	s.looks(apps, 3)

	mended := s.revert(bad)
	s.settled(infra)
	s.reported(mended, "success", kustomizations...)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	s.settled(apps)
	s.neverHad(apps, bad)
}

// asking is a change of the plan that asks for health.
var asking = edit{
	path: "clusters/rollout.yaml",
	from: `(?m)^    soak: 24h\n`,
	to:   "    soak: 24h\n    health:\n      settle: 1m\n      clusters:\n        infra: [\"kustomization/*/*\"]\n",
}

// reports has a cluster report to GitHub until the test ends, as the guide says:
// with its own manifests, and a token that can write statuses and nothing else.
func (s *scene) reports(from string) {
	s.t.Helper()
	const secret = "github-status"
	s.github.AddToken("statuses-of-"+from, rollouttest.Identity{
		Login: "reporter-of-" + from, Permissions: map[string]string{"statuses": "write"},
	})
	authority, err := os.ReadFile(s.github.CACert())
	s.must(err)
	s.kube(from, "create", "secret", "generic", secret, "--namespace="+cluster.Namespace,
		"--from-literal=token=statuses-of-"+from, "--from-literal=ca.crt="+string(authority))
	manifests := filepath.Join(s.t.TempDir(), "report.yaml")
	s.must(os.WriteFile(manifests, []byte(s.guide("kind: Provider")), 0o644))
	s.must(rewrite(manifests,
		patch{regexp.MustCompile(`(?m)^  address: \S+$`), "  address: " + s.github.URL() + "/" + owner + "/" + name},
		// The controller is older than this key, and has to be told whom to trust.
		patch{regexp.MustCompile(`(?m)^  commitStatusExpr: .+$`), "  certSecretRef:\n    name: " + secret},
	))
	s.kube(from, "apply", "--filename="+manifests)
	s.t.Cleanup(func() {
		for _, args := range [][]string{
			{"delete", "--filename=" + manifests}, {"delete", "secret", secret, "--namespace=" + cluster.Namespace},
		} {
			if _, err := s.kubectl(context.Background(), from, args...); err != nil {
				s.t.Error(err)
			}
		}
	})
}

func (s *scene) kube(cluster string, args ...string) {
	s.t.Helper()
	_, err := s.kubectl(s.t.Context(), cluster, args...)
	s.must(err)
}

// guide is the block of docs/guide.md that has a line.
func (s *scene) guide(line string) string {
	s.t.Helper()
	dir, err := suite.Root()
	s.must(err)
	data, err := os.ReadFile(filepath.Join(dir, "docs", "guide.md"))
	s.must(err)
	for i, block := range strings.Split(string(data), "```") {
		if i%2 == 1 && strings.Contains(block, line+"\n") {
			_, text, _ := strings.Cut(block, "\n")
			return text
		}
	}
	s.t.Fatalf("docs/guide.md has no block with %s", line)
	return ""
}

// reported waits until GitHub has statuses of a commit, of these Kustomizations
// and with this state as the newest.
func (s *scene) reported(commit, state string, of ...string) {
	s.t.Helper()
	s.must(cluster.Await(s.t.Context(), "statuses of "+commit, func(ctx context.Context) error {
		statuses, err := s.statuses(ctx, commit)
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

// statuses are the newest of a commit, by the Kustomization.
func (s *scene) statuses(ctx context.Context, commit string) (map[string]string, error) {
	url := fmt.Sprintf("%s/api/v3/repos/%s/%s/commits/%s/statuses?per_page=100", s.github.URL(), owner, name, commit)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+rollouttest.DefaultToken)
	response, err := (&http.Client{Transport: s.github.Transport()}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var listed []struct{ Context, State string }
	if err := json.NewDecoder(response.Body).Decode(&listed); err != nil {
		return nil, fmt.Errorf("%s answers %s: %w", url, response.Status, err)
	}
	statuses := map[string]string{}
	for _, status := range listed { // the newest first
		parts := strings.Split(status.Context, "/")
		if len(parts) == 3 && parts[0] == "kustomization" && statuses[parts[1]] == "" {
			statuses[parts[1]] = status.State
		}
	}
	return statuses, nil
}
