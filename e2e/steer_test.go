package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
)

// TestReconcileHurries: where Flux looks once an hour, an override arrives in
// seconds, because it asks Flux to hurry; and when the command ends, it is there.
func TestReconcileHurries(t *testing.T) {
	s := begin(t)
	s.merge("Look every hour for something new", looking(apps, "1h"))
	s.overrideAndWait("to see who hurries")
	urgent := s.merge("Note a hurry", noting(s.word("in a hurry")))
	s.overrideAndWait("nobody waits an hour")
	t.Logf("override command that waits, where Flux looks once an hour: %.1f s", time.Since(s.moved).Seconds())
	s.says(apps, s.word("in a hurry"))
	s.had(apps, urgent)

	s.commit("Look every second for something new", looking(apps, "1s"))
	soaked := s.merge("Note at leisure", noting(s.word("at leisure")))
	s.notes(infra, s.word("at leisure"))
	s.clock.Advance(soak)
	s.runs(done, "is applied and ready", "release:promote", "-wait")
	s.says(apps, s.word("at leisure"))
	s.had(apps, soaked)
}

// TestBrake: a cluster that is suspended takes nothing, and nothing is promoted into
// its stage; and what failed is named while somebody waits for it.
func TestBrake(t *testing.T) {
	s := begin(t)
	defer s.Rollout(context.Background(), "release:resume", "-cluster="+apps) //nolint:errcheck // for whoever comes after a failure
	s.atRest(apps)                                                            // by its looks, of which there are none once it is suspended
	s.runs(done, "apps: held", "flux:suspend", apps, "-reason=it loses its nodes")
	before := s.inventory(apps)
	s.merge("Note something behind the brake", noting(s.word("behind the brake")))
	s.notes(infra, s.word("behind the brake"))
	s.clock.Advance(soak)
	s.runs(notYet, "while the source of the cluster apps is suspended: it loses its nodes", "release:promote")
	s.runs(failed, "is suspended, so the cluster takes nothing new", "flux:reconcile", apps)
	s.unchanged(apps, before)

	s.runs(done, "apps: 1 hold lifted", "release:resume", "-cluster="+apps)
	s.runs(done, "is applied and ready", "release:promote", "-wait")
	s.says(apps, s.word("behind the brake"))
}

// TestLeastRights: the rights that the guide names are enough to look and to hurry;
// and without the right to change anything one can still look, and wait for Flux.
func TestLeastRights(t *testing.T) {
	s := begin(t)
	role := s.guide("kind: ClusterRole")
	for _, c := range []struct{ account, verbs, says string }{
		{"hurrying", "[list, patch]", "is applied and ready"},
		{"looking", "[list]", "Flux could not be asked to hurry: these credentials may not change GitRepository flux-system/k8s-ops"},
	} {
		operator := s.operator(apps, c.account, strings.ReplaceAll(role, "[list, patch]", c.verbs))
		s.runsWith(operator, done, "", "verify:clusters", "-cluster="+apps)
		s.runsWith(operator, done, c.says, "flux:reconcile", apps)
	}
}

// looking is a change of how often a cluster looks for something new.
func looking(name, every string) edit {
	return edit{
		path: fmt.Sprintf("clusters/%s/flux/config/flux-system.yaml", name),
		from: `(?m)^  interval: \S+$`, to: "  interval: " + every,
	}
}

// overrideAndWait overrides with the head of main, which has to be applied and ready on
// apps when the command ends.
func (s *scene) overrideAndWait(reason string) {
	s.t.Helper()
	s.runs(done, "is applied and ready", "release:override", "-direct", "-yes", "-reason="+reason)
}

// says is that podinfo of a cluster has a word for a note, by now.
func (s *scene) says(name, word string) {
	s.t.Helper()
	if note, err := s.note(s.t.Context(), name); err != nil || !strings.Contains(note, word) {
		s.t.Errorf("podinfo of %s has the note %q, and not %q (%v)", name, note, word, err)
	}
}

// operator is the environment of somebody who has a role in a cluster, under an
// account of its own, and no more.
func (s *scene) operator(name, account, role string) []string {
	s.t.Helper()
	account = fmt.Sprintf("%s-%d", account, s.number)
	dir := s.t.TempDir()
	manifest, path := filepath.Join(dir, "role.yaml"), filepath.Join(dir, "kubeconfig")
	s.must(os.WriteFile(manifest, []byte(role), 0o600))
	for _, args := range [][]string{
		{"apply", "--filename=" + manifest},
		{"create", "serviceaccount", account, "--namespace=" + cluster.Namespace},
		{"create", "clusterrolebinding", account, "--clusterrole=k8s-ops", "--serviceaccount=" + cluster.Namespace + ":" + account},
	} {
		s.kube(name, args...)
	}
	token := strings.TrimSpace(s.kube(name, "create", "token", account, "--namespace="+cluster.Namespace))
	config, err := clientcmd.LoadFromFile(s.site.Kubeconfig())
	s.must(err)
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	s.must(clientcmd.WriteToFile(*config, path))
	return []string{"KUBECONFIG=" + path}
}

// guide is the block of docs/guide.md that has a line.
func (s *scene) guide(line string) string {
	s.t.Helper()
	root, err := suite.Root()
	s.must(err)
	data, err := os.ReadFile(filepath.Join(root, "docs", "guide.md"))
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
