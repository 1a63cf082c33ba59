package oracle

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// sourceName is the name and the namespace of the plan's source.
const sourceName = "flux-system"

// different are the fixtures in which the rendering differs from Flux on purpose,
// and why.
var different = map[string]string{
	"build_empty_file":     "a file without a text is a finding, though kustomize takes it for nothing to apply",
	"ignore_kustomization": "Flux generates a kustomization where one is a link or not packed; that is a finding",
	"paths":                "Flux takes a path that leaves the repository for one below its root; that is a finding",
	"keys_top":             "Flux hands on a number for a key of the object itself, and the API server knows no such field",
	"entry_differs":        "two Flux Kustomizations of one name undo what the other does, without end",
	"level_makes_ever_new": "Flux makes ever new ones, and the rendering stops",
	"sourceref_kinds":      "Flux does not look at the group of a sourceRef; another one is a finding",
}

// exhausting are the fixtures that take all the memory of a kustomize-controller.
var exhausting = []string{"hostile_laughs", "hostile_self_alias"}

func plan() rollout.Plan {
	return rollout.Plan{
		Repository: rollout.Repository{
			URL: "https://github.com/monosense/k8s-ops.git", Forge: rollout.ForgeGitHub,
			Host: "github.com", Owner: "monosense", Name: "k8s-ops",
		},
		Source: rollout.Source{Name: sourceName, Namespace: sourceName},
		Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{"infra"}},
			{Name: "apps", Branch: "release", Clusters: []string{"apps"}},
		},
	}
}

// TestFixtures: what is rendered of every fixture is what Flux applies.
func TestFixtures(t *testing.T) {
	good := readTree(t, "../testdata/good.txtar", nil)
	var names []string
	for _, pattern := range []string{"../testdata/*.txtar", "testdata/*.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	shared := builds{}
	for _, name := range names {
		fixture := strings.TrimSuffix(filepath.Base(name), ".txtar")
		t.Run(fixture, func(t *testing.T) {
			if slices.Contains(exhausting, fixture) {
				t.Skip("kustomize expands its aliases until there is no memory left")
			}
			found, err := disagree(t.Context(), t.TempDir(), readTree(t, name, good), shared)
			if err != nil {
				t.Fatal(err)
			}
			switch reason := different[fixture]; {
			case reason == "" && len(found) > 0:
				t.Error(strings.Join(found, "\n"))
			case reason != "" && len(found) == 0:
				t.Errorf("Flux and the rendering agree: take it off the list of those that differ (%s)", reason)
			}
		})
	}
	for name := range different {
		if !slices.ContainsFunc(names, func(file string) bool { return filepath.Base(file) == name+".txtar" }) {
			t.Errorf("there is no fixture %s", name)
		}
	}
}

// disagree renders a tree in both ways, and says how they differ on some clusters,
// or on all. It works in a directory that is not there yet.
func disagree(ctx context.Context, dir string, tr tree, shared builds, clusters ...string) ([]string, error) {
	root := filepath.Join(dir, "repository")
	if err := tr.write(root); err != nil {
		return nil, err
	}
	options := flux.Options{Root: root, Plan: plan(), Clusters: clusters, Helm: "no-such-helm"}
	rendering, err := flux.Render(ctx, options)
	if err != nil {
		return nil, err
	}
	verification, err := flux.Verify(ctx, options)
	if err != nil {
		return nil, err
	}
	written, err := json.Marshal(tr)
	if err != nil {
		return nil, err
	}
	c := &controller{root: root, digest: fmt.Sprint(sha256.Sum256(written)), temp: dir, built: shared}
	var all []string
	for _, rendered := range rendering.Clusters {
		found := slices.ContainsFunc(verification.Findings, func(f rollout.Finding) bool { return f.Cluster == rendered.Cluster })
		for _, d := range c.disagree(rendered, found) {
			all = append(all, rendered.Cluster+": "+d)
		}
	}
	return all, nil
}

func (c *controller) disagree(rendered rollout.RenderedCluster, findings bool) []string {
	w := &world{controller: c, name: rendered.Cluster, applied: map[string]outcome{}, presumed: map[string]bool{}}
	at, ok := entryOf(c.root, w.name)
	if !ok {
		if findings {
			return nil
		}
		return []string{"it has no entry point, and nothing was found wrong"}
	}
	w.entry.objects, w.entry.err = c.byHand(at)
	if w.entry.err == nil {
		w.entry.err = refused(w.entry.objects)
	}
	if w.entry.err != nil {
		w.entry.objects = nil
	}
	w.entry.objects = append(w.entry.objects, operated(w.entry.objects)...)
	if err := w.settle(); err != nil {
		return []string{err.Error()}
	}
	return disagreements(w, rendered, findings)
}
