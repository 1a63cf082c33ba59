package flux_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// What a fixture changes in the good tree is found, too, where only that is
// looked at: with the same findings, and less built.
func TestChangedFindsTheSame(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	spared := 0
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree := good(t)
		maps.Copy(tree, files(archive))
		o := options(write(t, tree))
		want := verify(t, o)
		o.Changed = slices.Collect(maps.Keys(files(archive)))
		got := verify(t, o)
		if diff := cmp.Diff(golden(want.Findings), golden(got.Findings)); diff != "" {
			t.Errorf("%s (-all +changed):\n%s", name, diff)
		}
		spared += got.Unchanged
	}
	if spared < len(names)/2 {
		t.Errorf("of %d trees only %d directories were spared", len(names), spared)
	}
}

// A tree in which nothing changed has its findings that have to do with how it
// hangs together, and nothing is built that leads nowhere.
func TestNothingChanged(t *testing.T) {
	tree := good(t)
	tree["clusters/apps/flux/config/flux-system.yaml"] = strings.Replace(tree["clusters/apps/flux/config/flux-system.yaml"], "release", "main", 1)
	o := options(write(t, tree))
	o.Changed = []string{}
	got := verify(t, o)
	if len(got.Findings) != 1 || got.Unchanged != 2 {
		t.Errorf("verification = %+v, want the wrong branch, and two directories spared", got)
	}
}

// A change of the plan, or of what Flux packs, may change everything.
func TestEverythingMayHaveChanged(t *testing.T) {
	for _, file := range []string{"clusters/rollout.yaml", "kubernetes/.sourceignore", ".sourceignore"} {
		o := options(write(t, good(t)))
		o.Changed = []string{file}
		if got := verify(t, o); got.Unchanged != 0 {
			t.Errorf("%s: %d directories were spared", file, got.Unchanged)
		}
	}
}
