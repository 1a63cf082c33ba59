package flux_test

import (
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/monosense/k8s-ops/rollout/flux"
)

// The bounds of what an archive of the fuzzer may take. It is small, and so is what
// a fixture takes.
const (
	longestRender = 20 * time.Second
	mostAllocated = 4 << 30
)

// FuzzRender: whatever a file of a repository has, the repository is verified and
// rendered in bounded time and memory, and every finding has a place. The input is
// a fixture, and a file that is put into it.
func FuzzRender(f *testing.F) {
	fixtures := allFixtures(f)
	for i, fixture := range fixtures {
		// One file of each: all of them would take a minute with the race detector.
		names := slices.Sorted(maps.Keys(fixture))
		name := names[i%len(names)]
		f.Add(uint16(i), name, []byte(fixture[name]))
	}
	good := good(f)
	f.Fuzz(func(t *testing.T, fixture uint16, name string, content []byte) {
		tree := maps.Clone(good)
		maps.Copy(tree, fixtures[int(fixture)%len(fixtures)])
		tree[name] = string(content)
		if !isWritable(tree) {
			t.Skip()
		}
		o := options(write(t, tree))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		started := time.Now()
		for _, finding := range verify(t, o).Findings {
			if strings.Contains(finding.Message, "nobody foresaw") {
				t.Errorf("finding of a panic: %+v", finding)
			}
		}
		if _, err := flux.Render(t.Context(), o); err != nil {
			t.Errorf("Render: %v", err)
		}
		took := time.Since(started)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; took > longestRender || allocated > mostAllocated {
			t.Errorf("it took %s and %d MiB", took, allocated>>20)
		}
	})
}

// allFixtures are the files of each fixture.
func allFixtures(f *testing.F) []map[string]string {
	var all []map[string]string
	for _, pattern := range []string{"testdata/*.txtar", "oracle/testdata/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no fixtures %s: %v", pattern, err)
		}
		for _, name := range names {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, files(archive))
		}
	}
	return all
}

// isWritable tells whether a tree can be written to a disk.
func isWritable(tree map[string]string) bool {
	const longest, largest = 200, 64 << 10
	directories := map[string]bool{}
	for name := range tree {
		if !filepath.IsLocal(name) || name != filepath.Clean(name) || name == "." || len(name) > longest || strings.Contains(name, "\x00") {
			return false
		}
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			directories[dir] = true
		}
	}
	for name, content := range tree {
		target, link := strings.CutPrefix(content, "-> ")
		target = strings.TrimSpace(target)
		if directories[name] || len(content) > largest || link && (target == "" || strings.Contains(target, "\x00") || len(target) > longest) {
			return false
		}
	}
	return true
}
