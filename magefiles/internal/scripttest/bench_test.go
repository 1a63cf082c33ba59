package scripttest

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The most that the targets may cost. `mage bench` holds them to it.
const (
	noOpLimit   = 10.0 // ms of CPU
	verifyLimit = 1.1  // times the CPU of kustomize build
)

// kustomizeCLI is what the verification is compared with.
const kustomizeCLI = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"

// BenchmarkNoOp is what a target costs before it does anything: the start of
// the compiled binary, the plan read, and an argument that is refused. Beside
// it, the least that a program costs here: git saying its version.
func BenchmarkNoOp(b *testing.B) {
	binary := compileTargets(b)
	cost := measure(b, "rollout", 2, checkoutRoot, []string{binary, "verify:branches", "-format=none"})
	measure(b, "git-version", 0, checkoutRoot, []string{"git", "--version"})
	holdTo(b, "a no-op target", cost, noOpLimit, "ms of CPU")
}

// BenchmarkVerifyBranches compares the compiled target with the kustomize CLI
// on two clusters of 500 files.
func BenchmarkVerifyBranches(b *testing.B) {
	binary, kustomize := compileTargets(b), install(b, kustomizeCLI)
	tree := largeTree(b, 500)
	ours := measure(b, "rollout", 0, tree, []string{binary, "verify:branches"})
	theirs := measure(b, "kustomize-build", 0, tree,
		[]string{kustomize, "build", "clusters/infra/flux"}, []string{kustomize, "build", "clusters/apps/flux"})
	holdTo(b, "verify:branches", ours/theirs, verifyLimit, "times the CPU of kustomize build")
}

const checkoutRoot = "../../.."

// holdTo fails a benchmark that costs too much, where limits are asked for: a
// single run on a busy machine proves nothing.
func holdTo(b *testing.B, what string, cost, limit float64, unit string) {
	b.Helper()
	if os.Getenv("BENCH_LIMITS") != "" && cost > limit {
		b.Errorf("%s costs %.2f %s, at most %.2f are allowed", what, cost, unit, limit)
	}
}

// measure runs the commands one after the other, again and again, and reports
// the least CPU time of one round, in milliseconds: what else the machine does
// can only add to it.
func measure(b *testing.B, name string, exit int, dir string, commands ...[]string) (ms float64) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		ms = math.Inf(1)
		for b.Loop() {
			var cpu float64
			for _, args := range commands {
				cpu += run(b, exit, dir, args)
			}
			ms = min(ms, cpu*1000)
		}
		b.ReportMetric(ms, "cpu-ms/op")
	})
	return ms
}

// run runs a command and returns its CPU time in seconds.
func run(b *testing.B, exit int, dir string, args []string) float64 {
	b.Helper()
	command := exec.Command(args[0], args[1:]...)
	command.Dir = dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	out, _ := command.Output()
	if got := command.ProcessState.ExitCode(); got != exit {
		b.Fatalf("%s ended with %d, want %d:\n%.2000s", strings.Join(args, " "), got, exit, out)
	}
	return command.ProcessState.UserTime().Seconds() + command.ProcessState.SystemTime().Seconds()
}

func compileTargets(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "rollout")
	command := exec.Command("go", "tool", "mage", "-compile", binary)
	command.Dir = checkoutRoot
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("compile the targets: %v\n%s", err, out)
	}
	return binary
}

// install builds a tool of another module, at a pinned version.
func install(b *testing.B, tool string) string {
	b.Helper()
	dir := b.TempDir()
	command := exec.Command("go", "install", tool)
	command.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := command.CombinedOutput(); err != nil {
		b.Skipf("%s cannot be built, so there is nothing to compare with: %v\n%s", tool, err, out)
	}
	return filepath.Join(dir, "kustomize")
}

// largeTree makes two clusters with so many manifests each, ten to a
// directory.
func largeTree(b *testing.B, perCluster int) string {
	b.Helper()
	root := b.TempDir()
	write := func(path, text string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("clusters/rollout.yaml", `repository: https://github.com/monosense/k8s-ops
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - {name: apps, branch: release, clusters: [apps], soak: 24h}
`)
	for cluster, branch := range map[string]string{"infra": "main", "apps": "release"} {
		entry := filepath.Join("clusters", cluster, "flux")
		directories := []string{"source.yaml"}
		write(filepath.Join(entry, "source.yaml"), fmt.Sprintf(source, branch))
		for i := range perCluster / 10 {
			directory := fmt.Sprintf("group-%03d", i)
			directories = append(directories, directory)
			var files []string
			for j := range 10 {
				file := fmt.Sprintf("app-%03d-%d.yaml", i, j)
				files = append(files, file)
				write(filepath.Join(entry, directory, file), fmt.Sprintf(workloads[j%len(workloads)], fmt.Sprintf("app-%03d-%d", i, j)))
			}
			write(filepath.Join(entry, directory, "kustomization.yaml"), "resources:\n  - "+strings.Join(files, "\n  - ")+"\n")
		}
		write(filepath.Join(entry, "kustomization.yaml"), "resources:\n  - "+strings.Join(directories, "\n  - ")+"\n")
	}
	return root
}

const source = `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: k8s-ops, namespace: flux-system}
spec:
  interval: 1m
  url: ssh://git@github.com/monosense/k8s-ops.git
  ref: {branch: %s}
`

// workloads are what a homelab's repository is made of.
var workloads = []string{
	`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: %[1]s, namespace: default}
spec:
  interval: 30m
  chart:
    spec:
      chart: app-template
      version: 4.0.1
      sourceRef: {kind: HelmRepository, name: bjw-s, namespace: flux-system}
  values:
    controllers:
      %[1]s:
        containers:
          app:
            image: {repository: ghcr.io/example/%[1]s, tag: 1.2.3}
            resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 256Mi}}
`,
	`apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s, namespace: default}
data:
  config.yaml: |
    name: %[1]s
    level: info
`,
	`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  namespace: default
  labels: {app.kubernetes.io/name: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/name: %[1]s}}
  template:
    metadata: {labels: {app.kubernetes.io/name: %[1]s}}
    spec:
      containers:
        - name: app
          image: ghcr.io/example/%[1]s:1.2.3
          ports: [{containerPort: 8080, name: http}]
          readinessProbe: {httpGet: {path: /healthz, port: http}}
`,
}
