package flux_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// ownClusters are the files of the repository's own clusters/, by name.
func ownClusters(t *testing.T) map[string]string {
	t.Helper()
	root := os.DirFS("../..")
	tree := map[string]string{}
	err := fs.WalkDir(root, "clusters", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		tree[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func ownOptions(root string) flux.Options {
	o := options(root)
	o.Plan.Source.Name = "k8s-ops"
	return o
}

// manifestsOf are the names of the YAML files of a tree but the plan, sorted.
func manifestsOf(tree map[string]string) []string {
	var names []string
	for name := range tree {
		if path.Ext(name) == ".yaml" && path.Base(name) != "rollout.yaml" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestOwnClusters(t *testing.T) {
	result := verify(t, ownOptions(write(t, ownClusters(t))))
	if len(result.Findings) > 0 || result.Clusters != 2 || result.Objects == 0 {
		t.Errorf("result = %+v, want two clusters without findings", result)
	}
}

// A breakage is one way to break a file: content is what becomes of it, and
// false for a file that has not what it breaks.
type breakage struct {
	name  string
	apply func(content string) (string, bool)
	// rule is found in the file itself. Where it is empty any rule will do,
	// also in the file that names this one.
	rule string
}

// within replaces in files that contain a text.
func within(text, old, replacement string) func(string) (string, bool) {
	return func(content string) (string, bool) {
		return strings.Replace(content, old, replacement, 1), strings.Contains(content, text) && strings.Contains(content, old)
	}
}

const (
	gitRepository     = "kind: GitRepository\nmetadata:"
	fluxKustomization = "apiVersion: kustomize.toolkit.fluxcd.io/"
)

var breakages = []breakage{
	{"broken at the end", func(content string) (string, bool) { return content + "\n\t- a: [\n", true }, ""},
	{"broken in the middle", func(content string) (string, bool) {
		i := strings.LastIndex(strings.TrimSpace(content), "\n")
		return content[:i] + "\n<<<<<<< HEAD" + content[i:], true
	}, ""},
	{"removed", func(string) (string, bool) { return "", true }, ""},
	{"emptied", func(string) (string, bool) { return "\x00", true }, ""},
	{"missing resource", within("kind: Kustomization\nresources:", "  - ", "  - no-such-"), rollout.RuleBuildFailed},
	{"other branch", within(gitRepository, "    branch: ", "    branch: not-"), rollout.RuleBranchDiffers},
	{"no branch", within(gitRepository, "    branch: ", "    brunch: "), rollout.RuleRefMissing},
	{"tag", within(gitRepository, "    branch: ", "    tag: v1\n    branch: "), rollout.RuleRefOutranked},
	{"other repository", within(gitRepository, "monosense/", "other/"), rollout.RuleURLDiffers},
	{"renamed source", within(gitRepository, "name: k8s-ops", "name: other"), rollout.RuleSourceMissing},
	{"moved source", within(gitRepository, "namespace: flux-system", "namespace: default"), rollout.RuleNamespaceMismatch},
	{"unknown source", within(fluxKustomization, "    name: k8s-ops", "    name: other"), rollout.RuleSourceRefMissing},
	{"source of another kind", within(fluxKustomization, "    kind: GitRepository", "    kind: Bucket"), rollout.RuleSourceRefDiffers},
	{"no source", within(fluxKustomization, "  sourceRef:", "  source:"), rollout.RuleSourceRefMissing},
	{"source in another namespace", within(fluxKustomization, "    name: k8s-ops", "    name: k8s-ops\n    namespace: default"), rollout.RuleNamespaceMismatch},
	{"moved Kustomization", within(fluxKustomization, "  namespace: flux-system", "  namespace: default"), rollout.RuleNamespaceMismatch},
	{"missing directory", within(fluxKustomization, "path: ./clusters/", "path: ./cluster/"), rollout.RuleBuildFailed},
	{"path out of the repository", within(fluxKustomization, "path: ./", "path: ../"), rollout.RuleBuildFailed},
}

// TestOwnClustersBroken breaks every file of the repository's own clusters in
// every way: there is always a finding, in the file or in one that names it.
func TestOwnClustersBroken(t *testing.T) {
	clean := ownClusters(t)
	tried := map[string]bool{}
	for _, name := range manifestsOf(clean) {
		for _, b := range breakages {
			broken, ok := b.apply(clean[name])
			if !ok {
				continue
			}
			tried[b.name] = true
			t.Run(b.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				tree := ownClusters(t)
				tree[name] = broken
				root := write(t, tree)
				if b.name == "emptied" {
					truncate(t, filepath.Join(root, name))
				}
				findings := verify(t, ownOptions(root)).Findings
				if b.name == "removed" && generates(clean, name) {
					if len(findings) > 0 {
						t.Errorf("findings = %+v, want none: the cluster applies the same", findings)
					}
					return
				}
				b.check(t, name, clean, findings)
			})
		}
	}
	for _, b := range breakages {
		if !tried[b.name] {
			t.Errorf("%q was tried on no file", b.name)
		}
	}
}

func truncate(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// generates tells whether Flux generates the same kustomization when it is
// removed: a Flux Kustomization names its directory, and it names all that
// stands there.
func generates(tree map[string]string, name string) bool {
	if path.Base(name) != "kustomization.yaml" {
		return false
	}
	named := false
	for other, content := range tree {
		named = named || strings.Contains(content, fluxKustomization) && strings.Contains(content, "path: ./"+path.Dir(name)+"\n")
		below, ok := strings.CutPrefix(other, path.Dir(name)+"/")
		first, _, _ := strings.Cut(below, "/")
		if ok && other != name && !strings.Contains(tree[name], "- "+first+"\n") {
			return false
		}
	}
	return named
}

func (b breakage) check(t *testing.T, broken string, clean map[string]string, findings []rollout.Finding) {
	t.Helper()
	if !slices.ContainsFunc(findings, func(f rollout.Finding) bool {
		if b.rule != "" {
			return f.Rule == b.rule && f.File == broken && f.Line > 0
		}
		return f.Line > 0 && (f.File == broken || names(clean[f.File], broken))
	}) {
		t.Errorf("findings = %+v, want %s in %s", findings, b.rule, broken)
	}
}

// names tells whether a file names another one, or its directory.
func names(content, file string) bool {
	return strings.Contains(content, path.Base(file)) || path.Base(file) == "kustomization.yaml" && strings.Contains(content, path.Base(path.Dir(file)))
}

// Where the plan names a manifest as the entry point, the way out of the wrong
// path is its directory.
func TestEntryDiffersNamesADirectory(t *testing.T) {
	tree := good(t)
	tree["fleet/apps/apps.yaml"] = tree["clusters/apps/flux/config/flux-system.yaml"] + `---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: cluster, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/infra/flux
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
`
	o := options(write(t, tree))
	o.Plan.Entries = map[string]string{"apps": "fleet/apps/apps.yaml"}
	o.Clusters = []string{"apps"}
	for _, f := range verify(t, o).Findings {
		if f.Rule != rollout.RuleEntryDiffers {
			continue
		}
		if want := "write path: ./fleet/apps, or another directory that is not a cluster's entry point"; f.Fix != want {
			t.Errorf("the way out is %q, want %q", f.Fix, want)
		}
		return
	}
	t.Error("nothing says that apps applies the entry point of infra")
}

// Clusters that share a directory in which something is wrong look for its line side
// by side. The race detector watches.
func TestClustersShareWhatIsWrong(t *testing.T) {
	tree := map[string]string{
		"base/kustomization.yaml": "resources:\n  - namespace.yaml\n  - gone.yaml\n",
		"base/namespace.yaml":     "apiVersion: v1\nkind: Namespace\nmetadata: {name: shared}\n",
	}
	p := plan()
	p.Stages[1].Clusters = nil
	for i := range 8 {
		name := fmt.Sprintf("c%d", i)
		p.Stages[1].Clusters = append(p.Stages[1].Clusters, name)
		tree["clusters/"+name+"/flux/kustomization.yaml"] = "resources: [../../../base]\n"
	}
	o := options(write(t, tree))
	o.Plan = p
	v, err := flux.Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range v.Findings {
		if f.File == "base/kustomization.yaml" && f.Line == 3 {
			found++
		}
	}
	if found != 8 {
		t.Errorf("%d of 8 clusters say where it is: %+v", found, v.Findings)
	}
}
