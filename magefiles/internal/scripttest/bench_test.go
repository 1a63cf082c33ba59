package scripttest

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest/largetree"
)

// The most that the targets may cost. `mage bench` holds them to it.
const (
	noOpLimit = 10.0 // ms of CPU
	// times the CPU of kustomize build
	verifyOneLimit, verifyTenLimit, verifyThousandLimit = 1.0, 0.25, 0.02
	changedSinceLimit                                   = 100.0 // ms of CPU
	memoryLimit                                         = 1.5   // times the memory for ten clusters
	// times what a tenth of the files costs
	largeLimit, largeMemoryLimit = 14.0, 10.0
	unrenderedLimit              = 50.0 // ms of CPU
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

// BenchmarkVerifyBranches compares the compiled target with the kustomize CLI,
// which builds the same directories of 500 manifests one after the other: for one
// cluster, for ten that share all but their entry points, and for a thousand.
// What the CLI takes for one cluster it takes for each.
func BenchmarkVerifyBranches(b *testing.B) {
	binary, kustomize := compileTargets(b), install(b, kustomizeCLI)
	ten, thousand := largetree.Shape{Clusters: 10, Files: 500}, largetree.Shape{Clusters: 1000, Files: 500}
	tree := plant(b, ten)
	var builds [][]string
	for _, dir := range ten.Directories(1) {
		builds = append(builds, []string{kustomize, "build", dir})
	}
	theirs := measure(b, "kustomize-build-one-cluster", 0, tree, builds...)
	one := measure(b, "rollout-one-cluster", 0, tree, []string{binary, "verify:branches", "-cluster=" + largetree.Cluster(1)})
	all := measure(b, "rollout-ten-clusters", 0, tree, []string{binary, "verify:branches"})
	most := measure(b, "rollout-thousand-clusters", 0, plant(b, thousand), []string{binary, "verify:branches"})
	report := func(what string, ratio, limit float64) {
		b.Logf("%s: %.4f of kustomize build, at most %.2f", what, ratio, limit)
		holdTo(b, "verify:branches of "+what, ratio, limit, "times the CPU of kustomize build")
	}
	report("one cluster", one/theirs, verifyOneLimit)
	report("ten clusters", all/(10*theirs), verifyTenLimit)
	report("a thousand clusters", most/(1000*theirs), verifyThousandLimit)
}

// BenchmarkChangedSince is what it costs to verify one changed file among ten
// clusters of 500.
func BenchmarkChangedSince(b *testing.B) {
	binary := compileTargets(b)
	tree := plant(b, largetree.Shape{Clusters: 10, Files: 500})
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "--all"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message=all"},
	} {
		run(b, 0, tree, append([]string{"git"}, args...))
	}
	changed := filepath.Join(tree, filepath.FromSlash(largetree.File(42)))
	content, err := os.ReadFile(changed)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(changed, append(content, "# changed\n"...), 0o644); err != nil {
		b.Fatal(err)
	}
	cost := measure(b, "rollout", 0, tree, []string{binary, "verify:branches", "-changedSince=HEAD"})
	holdTo(b, "verify:branches -changedSince", cost, changedSinceLimit, "ms of CPU")
}

// BenchmarkVerifyMemory is the memory for a thousand clusters beside that for
// ten.
func BenchmarkVerifyMemory(b *testing.B) {
	binary := compileTargets(b)
	var peak [2]float64
	for i, clusters := range []int{10, 1000} {
		tree := plant(b, largetree.Shape{Clusters: clusters, Files: 500})
		b.Run(fmt.Sprintf("%d-clusters", clusters), func(b *testing.B) {
			for b.Loop() {
				peak[i] = max(peak[i], memory(b, tree, []string{binary, "verify:branches"}))
			}
			b.ReportMetric(peak[i], "MB/op")
		})
	}
	holdTo(b, "verify:branches of a thousand clusters", peak[1]/peak[0], memoryLimit, "times the memory for ten")
}

// BenchmarkVerifyLargeTree is what a tree of 100,000 files costs beside one of
// 10,000, and what it costs where no cluster renders them.
func BenchmarkVerifyLargeTree(b *testing.B) {
	if testing.Short() {
		b.Skip("it takes minutes")
	}
	binary := compileTargets(b)
	var cost, peak [2]float64
	for i, files := range []int{10_000, 100_000} {
		tree := plant(b, largetree.Shape{Clusters: 2, Files: files})
		verify := []string{binary, "verify:branches"}
		cost[i] = measure(b, fmt.Sprintf("%d-files", files), 0, tree, verify)
		b.Run(fmt.Sprintf("%d-files-memory", files), func(b *testing.B) {
			for b.Loop() {
				peak[i] = max(peak[i], memory(b, tree, verify))
			}
			b.ReportMetric(peak[i], "MB/op")
		})
	}
	holdTo(b, "verify:branches of 100,000 files", cost[1]/cost[0], largeLimit, "times the CPU for 10,000")
	holdTo(b, "verify:branches of 100,000 files", peak[1]/peak[0], largeMemoryLimit, "times the memory for 10,000")

	tree := plant(b, largetree.Shape{Clusters: 2, Files: 20})
	plantUnrendered(b, tree, 100_000)
	unrendered := measure(b, "100000-files-unrendered", 0, tree, []string{binary, "verify:branches"})
	holdTo(b, "verify:branches beside 100,000 files that nothing renders", unrendered, unrenderedLimit, "ms of CPU")
}

// plantUnrendered writes files that no cluster applies into a tree, a hundred in
// a directory.
func plantUnrendered(b *testing.B, tree string, files int) {
	b.Helper()
	for i := range files {
		dir := filepath.Join(tree, "attic", fmt.Sprint(i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		content := fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: attic-%d\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

// memory is the most that a command has resident, in megabytes.
func memory(b *testing.B, dir string, args []string) float64 {
	b.Helper()
	command := exec.Command(args[0], args[1:]...)
	command.Dir = dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%.2000s", strings.Join(args, " "), err, out)
	}
	return resident(b, command.ProcessState)
}

// resident is the most that a process had resident, in megabytes.
func resident(b *testing.B, ended *os.ProcessState) float64 {
	b.Helper()
	usage, ok := ended.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Skip("this system does not tell how much memory a process had")
	}
	return float64(usage.Maxrss) / 1024
}

func plant(b *testing.B, shape largetree.Shape) string {
	b.Helper()
	dir := b.TempDir()
	if err := shape.Write(dir); err != nil {
		b.Fatal(err)
	}
	return dir
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
