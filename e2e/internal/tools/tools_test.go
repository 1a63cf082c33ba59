package tools

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// modules is e2e/tools.
const modules = "../../tools"

// TestModulesPinPrograms: each program has a module that pins it, by a `tool`
// line and a version.
func TestModulesPinPrograms(t *testing.T) {
	for _, p := range append(Programs(), Act, Kubeconform) {
		version, err := p.Version(modules)
		if err != nil {
			t.Error(err)
			continue
		}
		data, err := os.ReadFile(filepath.Join(modules, p.Module, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), p.Package+"\n") {
			t.Errorf("no tool line of %s names %s", p.Module, p.Package)
		}
		t.Logf("%s %s: %s", p.Name, version, p.linker(version))
	}
}

func TestKubernetesKnowsItsVersion(t *testing.T) {
	flags := APIServer.linker("v1.36.3")
	for _, want := range []string{"version.gitVersion=v1.36.3", "version.gitMajor=1", "version.gitMinor=36"} {
		if !strings.Contains(flags, want) {
			t.Errorf("%s is not in %s", want, flags)
		}
	}
}

func TestRequiredSaysWhatToDo(t *testing.T) {
	_, err := required(filepath.Join(modules, "etcd"), "example.com/nothing")
	if err == nil || !strings.Contains(err.Error(), "go get -tool example.com/nothing@VERSION") {
		t.Errorf("it says %v", err)
	}
}

// newCache is a cache over one module, of which nothing is built.
func newCache(t *testing.T, out *bytes.Buffer) Cache {
	t.Helper()
	c := Cache{Root: t.TempDir(), Dir: t.TempDir(), Out: out}
	write(t, filepath.Join(c.Root, "one", "go.mod"), "module one\n")
	write(t, filepath.Join(c.Root, "one", "go.sum"), "")
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
		dir, err := c.place("program", []string{"one"}, how)
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
	write(t, filepath.Join(c.Root, "one", "go.sum"), "example.com/lib v1.0.0 h1:x=\n")
	if other := place(""); other == first {
		t.Error("another go.sum has the same place")
	}
}

func TestMakeOnceAndWhole(t *testing.T) {
	var out bytes.Buffer
	c := newCache(t, &out)
	dir, times := filepath.Join(c.Dir, "thing", "key"), 0
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

func definition(name string, versions ...string) *unstructured.Unstructured {
	var list []any
	for i, version := range versions {
		list = append(list, map[string]any{"name": version, "served": i > 0, "storage": i == 0})
	}
	d := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"versions": list}}}
	d.SetName(name)
	return d
}

func TestOlderVersionsAreServedAndNotStored(t *testing.T) {
	newer := []*unstructured.Unstructured{definition("repositories", "v1"), definition("artifacts", "v1")}
	if err := serveToo(newer, []*unstructured.Unstructured{definition("repositories", "v1beta2", "v1")}); err != nil {
		t.Fatal(err)
	}
	versions, err := versionsOf(newer[0])
	if err != nil {
		t.Fatal(err)
	}
	if old := versions["v1beta2"]; len(versions) != 2 || old["served"] != true || old["storage"] != false {
		t.Errorf("the versions are %v", versions)
	}
	if versions["v1"]["storage"] != true {
		t.Errorf("v1 is not stored any more: %v", versions["v1"])
	}
	if err := serveToo(newer, []*unstructured.Unstructured{definition("buckets", "v1")}); err == nil {
		t.Error("a kind that is gone is not missed")
	}
}

// TestPatchesFit: the pinned versions have what is patched, and have it once.
func TestPatchesFit(t *testing.T) {
	c := Cache{Root: modules}
	for _, p := range append(Programs(), Act, Kubeconform) {
		if len(p.patches) == 0 {
			continue
		}
		if _, err := c.patched(t.Context(), p, t.TempDir()); err != nil {
			t.Error(err)
		}
		p.patches = []patch{{file: p.patches[0].file, from: "nothing has this"}}
		if _, err := c.patched(t.Context(), p, t.TempDir()); err == nil || !strings.Contains(err.Error(), "stands there 0 times") {
			t.Errorf("a patch that does not fit is no error: %v", err)
		}
	}
}
