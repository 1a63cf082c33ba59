package scripttest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest/apiserver"
)

const (
	fleetSize, fleetSilent = 50, 5
	// fleetLimit is the most that asking all of them may take: the ten seconds that
	// one request waits, and two more.
	fleetLimit = 12.0 // s
)

// BenchmarkVerifyClusters is what it takes to ask fifty API servers, of which five
// take the connection and never answer; and beside it, one that does not answer,
// alone. It is the one benchmark in which the clock on the wall counts: what is
// measured is waiting.
func BenchmarkVerifyClusters(b *testing.B) {
	binary, root := compileTargets(b), b.TempDir()
	kubeconfig := startFleet(b, plantFleet(b, root))
	ask := func(name string, silent int, args ...string) {
		b.Run(name, func(b *testing.B) {
			least := time.Hour
			for b.Loop() {
				command := exec.Command(binary, append([]string{"verify:clusters"}, args...)...)
				command.Dir, command.Env = root, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "KUBECONFIG=" + kubeconfig}
				began := time.Now()
				out, _ := command.CombinedOutput() // which fails: some do not answer
				least = min(least, time.Since(began))
				if n := strings.Count(string(out), "nobody knows what the cluster runs"); n != silent {
					b.Fatalf("%d do not answer, want %d:\n%.3000s", n, silent, out)
				}
			}
			b.ReportMetric(least.Seconds(), "s/op")
			holdTo(b, "verify:clusters of "+name, least.Seconds(), fleetLimit, "s")
		})
	}
	ask("one-silent-cluster", 1, "-cluster="+member(0))
	ask("fifty-clusters-five-silent", fleetSilent)
}

func member(i int) string { return fmt.Sprintf("c%d", i) }

// startFleet starts the API servers, and returns a kubeconfig with all of them. The
// first ones do not answer.
func startFleet(b *testing.B, head string) (kubeconfig string) {
	b.Helper()
	servers := map[string]*apiserver.Server{}
	var ends []func()
	over := make(chan struct{})
	for i := range fleetSize {
		s := apiserver.Start()
		ends = append(ends, s.Close)
		servers[member(i)] = s
		branch := "release"
		if i == fleetSize-1 {
			branch = "main"
		}
		revision := branch + "@sha1:" + head
		s.Set(apiserver.GitRepositories, apiserver.GitRepository("fleet", "file:///srv/fleet.git", branch, revision))
		s.Set(apiserver.Kustomizations, apiserver.Kustomization("web", "fleet", revision, apiserver.Ready("True", "", "", 1)))
		if i < fleetSilent {
			s.Answer = func(http.ResponseWriter, *http.Request) bool { <-over; return true }
		}
	}
	b.Cleanup(func() {
		close(over) // a server waits for those that it answers
		for _, end := range ends {
			end()
		}
	})
	kubeconfig = filepath.Join(b.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(apiserver.Kubeconfig(servers)), 0o600); err != nil {
		b.Fatal(err)
	}
	return kubeconfig
}

// plantFleet writes a plan, and makes the bare repository that it names. It returns
// the commit of both branches. The last cluster is that of the first stage.
func plantFleet(b *testing.B, root string) (head string) {
	b.Helper()
	var names []string
	for i := range fleetSize {
		names = append(names, member(i))
	}
	plan := fmt.Sprintf("repository: ./fleet.git\nsource: {name: fleet, namespace: flux-system}\nledger: rollout/ledger\nstages:\n"+
		"  - {name: hub, branch: main, clusters: [%s]}\n  - {name: edge, branch: release, clusters: [%s], soak: 24h}\n",
		names[fleetSize-1], strings.Join(names[:fleetSize-1], ", "))
	if err := os.MkdirAll(filepath.Join(root, "clusters"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "clusters", "rollout.yaml"), []byte(plan), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main", "work"},
		{"-C", "work", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--allow-empty", "--message=all"},
		{"-C", "work", "branch", "release"},
		{"clone", "--quiet", "--bare", "work", "fleet.git"},
	} {
		run(b, 0, root, append([]string{"git"}, args...))
	}
	command := exec.Command("git", "rev-parse", "main")
	command.Dir = filepath.Join(root, "fleet.git")
	out, err := command.Output()
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
