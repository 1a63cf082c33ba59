package tools

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// modules is e2e/tools.
const modules = "../../tools"

// all are the modules there.
var all = []Module{ForClusters, ForManifests, ForWorkflows}

// TestModulesPinPrograms: each program has a module that pins it, by a `tool`
// line and a version.
func TestModulesPinPrograms(t *testing.T) {
	for _, m := range all {
		what, err := m.describe(modules)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(what)
		data, err := os.ReadFile(filepath.Join(modules, m.Name, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Programs {
			if !strings.Contains(string(data), p.Package+"\n") {
				t.Errorf("no tool line of %s names %s", m.Name, p.Package)
			}
		}
	}
}

func TestKubernetesKnowsItsVersion(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, ForClusters.Name, "go.mod"), "module one\n\nrequire k8s.io/kubernetes v1.36.3\n")
	flags, err := ForClusters.linker(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"version.gitVersion=v1.36.3", "version.gitMajor=1", "version.gitMinor=36"} {
		if !slices.Contains(strings.Split(flags, " "), "k8s.io/component-base/"+want) {
			t.Errorf("%s is not in %s", want, flags)
		}
	}
	if flags, err := ForWorkflows.linker(modules); err != nil || flags != "-s -w" {
		t.Errorf("others are given %q (%v)", flags, err)
	}
}

func TestVersionSaysWhatToDo(t *testing.T) {
	p := Program{Package: "example.com/nothing/cmd", Repository: "example.com/nothing"}
	_, err := ForManifests.Version(modules, p)
	if err == nil || !strings.Contains(err.Error(), "go get -tool example.com/nothing/cmd@VERSION") {
		t.Errorf("it says %v", err)
	}
}

// TestBinariesAreCalledAsGoDoes: by the package, or by what stands before its major
// version.
func TestBinariesAreCalledAsGoDoes(t *testing.T) {
	for p, want := range map[Program]string{Etcd: "server", Kubectl: "kubectl", Act: "act"} {
		if got := p.binary(); got != want {
			t.Errorf("%s is %s, want %s", p.Package, got, want)
		}
	}
}

// one is a module of which nothing is built.
var one = Module{Name: "one"}

// newCache is a cache over it.
func newCache(t *testing.T, out *bytes.Buffer) Cache {
	t.Helper()
	c := Cache{Root: t.TempDir(), Dir: t.TempDir(), Out: out}
	write(t, filepath.Join(c.Root, one.Name, "go.mod"), "module one\n")
	write(t, filepath.Join(c.Root, one.Name, "go.sum"), "")
	return c
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPlaceChangesWithWhatDecides(t *testing.T) {
	c := newCache(t, new(bytes.Buffer))
	place := func(how string) string {
		dir, err := c.place("program", one, how)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	first := place("")
	if again := place(""); again != first {
		t.Errorf("the same has two places: %s and %s", first, again)
	}
	if other := place("-s"); other == first {
		t.Error("other flags have the same place")
	}
	write(t, filepath.Join(c.Root, one.Name, "go.sum"), "example.com/lib v1.0.0 h1:x=\n")
	if other := place(""); other == first {
		t.Error("another go.sum has the same place")
	}
}

func TestMakeOnceAndWhole(t *testing.T) {
	var out bytes.Buffer
	c := newCache(t, &out)
	dir, times := filepath.Join(c.Dir, "thing", "key"), 0
	write(t, filepath.Join(c.Dir, "thing", ".making-killed", "half"), "")
	broken := errors.New("broken")
	if err := c.make(dir, "Making it", func(into string) error {
		write(t, filepath.Join(into, "half"), "")
		return broken
	}); !errors.Is(err, broken) {
		t.Errorf("it fails with %v", err)
	}
	for range 2 {
		if err := c.make(dir, "Making it", func(into string) error {
			times++
			write(t, filepath.Join(into, "whole"), "")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, "thing", "*", "*"))
	if err != nil || times != 1 || len(left) != 1 || filepath.Base(left[0]) != "whole" {
		t.Errorf("made %d times, %v is there: %v", times, left, err)
	}
	if !strings.Contains(out.String(), "Making it …") {
		t.Errorf("it says %q", &out)
	}
}

// TestPatchesFit: the pinned versions have what is patched, and have it once.
func TestPatchesFit(t *testing.T) {
	c := Cache{Root: modules}
	for _, m := range all {
		if len(m.patches) == 0 {
			continue
		}
		if _, err := c.patched(t.Context(), m, t.TempDir()); err != nil {
			t.Error(err)
		}
		m.patches = []patch{{file: m.patches[0].file, from: "nothing has this"}}
		if _, err := c.patched(t.Context(), m, t.TempDir()); err == nil || !strings.Contains(err.Error(), "stands there 0 times") {
			t.Errorf("a patch that does not fit is no error: %v", err)
		}
	}
}
