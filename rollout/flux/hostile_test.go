package flux_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

const appsSource = "clusters/apps/flux/config/flux-system.yaml"

// TestEncodings: how a file is encoded changes neither what is found nor its
// line.
func TestEncodings(t *testing.T) {
	wrong := strings.Replace(good(t)[appsSource], "release", "main", 1)
	for name, content := range map[string]string{
		"CRLF":                  strings.ReplaceAll(wrong, "\n", "\r\n"),
		"BOM":                   "\ufeff" + wrong,
		"BOM and CRLF":          "\ufeff" + strings.ReplaceAll(wrong, "\n", "\r\n"),
		"no newline at the end": strings.TrimSuffix(wrong, "\n"),
		"trailing documents":    wrong + "---\n---\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			tree := good(t)
			tree[appsSource] = content
			findings := verify(t, options(write(t, tree))).Findings
			if len(findings) != 1 || findings[0].Rule != rollout.RuleBranchDiffers || findings[0].Line != 10 {
				t.Errorf("findings = %+v, want one %s in line 10", findings, rollout.RuleBranchDiffers)
			}
		})
	}
}

// TestGarbage: whatever a file holds, the result is a finding of that cluster
// and never a panic, an error or a hang; the other cluster is still verified.
func TestGarbage(t *testing.T) {
	garbage := map[string]string{
		"empty document": "---\n", "null": "null\n", "scalar": "x\n", "list": "- a\n- b\n", "NUL": "\x00\x00\n",
		"invalid UTF-8": "a: \xff\xfe\n", "UTF-16 BOM": "\xff\xfea\x00", "tab": "a:\n\t- b\n", "binary": "\x7fELF\x02\x01\x01\x00",
		"unclosed": "a: [b\n", "deep flow": "a: " + strings.Repeat("[", 20_000), "deep block": deep(3_000), "deep sequence": "a:\n" + strings.Repeat("- ", 3_000) + "a\n", "deep by aliases": deepAliases(1_000),
		"self alias": "a: &a\n  b: *a\n", "merge of itself": "a: &a\n  <<: *a\n", "unknown alias": "a: *b\n",
		"complex key": "? [a, b]\n: c\n", "tagged": "a: !!python/object:os.system x\n", "directive": "%YAML 9.9\n---\na: b\n",
		"kind is a map": "apiVersion: v1\nkind: {a: b}\nmetadata: {name: a}\n", "name is a list": "apiVersion: v1\nkind: A\nmetadata: {name: [a]}\n",
		"metadata is a string": "apiVersion: v1\nkind: A\nmetadata: a\n", "list without items": "apiVersion: v1\nkind: List\n",
		"items is a map": "apiVersion: v1\nkind: List\nitems: {a: b}\n", "items of null": "apiVersion: v1\nkind: List\nitems: [null]\n",
	}
	// What kustomize takes for nothing to apply is no fault of the file.
	for _, file := range []string{appsSource, "clusters/apps/flux/config/kustomization.yaml", "clusters/apps/flux/kustomization.yaml", "clusters/apps/flux/patch.yaml"} {
		for name, content := range garbage {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				tree := good(t)
				tree["clusters/apps/flux/kustomization.yaml"] += "patches:\n  - path: patch.yaml\n    target: {kind: GitRepository}\n"
				tree["clusters/apps/flux/patch.yaml"] = "- op: test\n  path: /kind\n  value: GitRepository\n"
				tree[file] = content
				result := verify(t, options(write(t, tree)))
				if len(result.Findings) == 0 && file != "clusters/apps/flux/patch.yaml" {
					t.Error("no finding")
				}
				for _, finding := range result.Findings {
					if finding.Cluster != "apps" {
						t.Errorf("finding in another cluster: %+v", finding)
					}
				}
			})
		}
	}
}

// laughs ask for gigabytes, below a mapping at a depth.
func laughs(indent string) string {
	var b strings.Builder
	b.WriteString(indent + "a0: &a0 [" + strings.Repeat("x,", 9) + "]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "%sa%d: &a%d [%s]\n", indent, i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9))
	}
	return b.String()
}

// TestLaughs: a text in a manifest that kustomize parses is as dangerous as a file.
func TestLaughs(t *testing.T) {
	const config, cluster = "clusters/apps/flux/kustomization.yaml", "clusters/apps/flux/config/cluster.yaml"
	patch := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\ndata:\n" + laughs("  ")
	indented := func(by int) string {
		return "|\n" + strings.Repeat(" ", by) + strings.ReplaceAll(strings.TrimSuffix(patch, "\n"), "\n", "\n"+strings.Repeat(" ", by)) + "\n"
	}
	plugin := "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\ntarget: {kind: Namespace}\n"
	for name, change := range map[string]func(tree map[string]string){
		"kustomization": func(tree map[string]string) { tree[config] += "commonAnnotations:\n" + laughs("  ") },
		"patch":         func(tree map[string]string) { tree[config] += "patches:\n  - patch: " + indented(6) },
		"target": func(tree map[string]string) {
			tree[config] += "patches:\n  - target: {kind: GitRepository}\n    patch: " + indented(6)
		},
		"merge": func(tree map[string]string) { tree[config] += "patchesStrategicMerge:\n  - " + indented(6) },
		"JSON": func(tree map[string]string) {
			tree[config] += "patchesJson6902:\n  - target: {version: v1, group: source.toolkit.fluxcd.io, kind: GitRepository, name: flux-system}\n    patch: " + indented(6)
		},
		"transformer": func(tree map[string]string) {
			tree[config] += "transformers:\n  - |\n    " + strings.ReplaceAll(plugin, "\n", "\n    ") + "patch: " + indented(6)
		},
		"transformer file": func(tree map[string]string) {
			tree[config] += "transformers: [plugin.yaml]\n"
			tree["clusters/apps/flux/plugin.yaml"] = plugin + "patch: " + indented(2)
		},
		"base": func(tree map[string]string) {
			tree["clusters/apps/flux/config/kustomization.yaml"] += "patches:\n  - patch: " + indented(6)
		},
		"Flux Kustomization": func(tree map[string]string) { tree[cluster] += "  patches:\n    - patch: " + indented(8) },
		"FluxInstance": func(tree map[string]string) {
			tree[cluster] += "---\napiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\nspec:\n" +
				"  sync: {kind: GitRepository, url: x, ref: refs/heads/release, path: kubernetes}\n" +
				"  kustomize:\n    patches:\n      - target: {kind: Kustomization}\n        patch: " + indented(10)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := good(t)
			change(tree)
			findings := verify(t, options(write(t, tree))).Findings
			if !slices.ContainsFunc(findings, func(f rollout.Finding) bool {
				return f.Rule == rollout.RuleBuildFailed && f.Cluster == "apps" && f.Line > 0
			}) {
				t.Errorf("findings = %+v, want a %s with a line", findings, rollout.RuleBuildFailed)
			}
		})
	}
}

func deep(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i))
		b.WriteString("a:\n")
	}
	return b.String()
}

// deepAliases nests by naming the level before.
func deepAliases(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range levels {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d]\n", i+1, i+1, i)
	}
	return b.String()
}

// TestLineBeyondTheEnd: the parser of YAML says of the last line that the one behind
// it is wrong.
func TestLineBeyondTheEnd(t *testing.T) {
	tree := good(t)
	tree["kubernetes/kustomization.yaml"] = "kind: Kustomization\nresources:\n  - namespace.yaml\nP"
	for _, f := range verify(t, options(write(t, tree))).Findings {
		if f.Rule != rollout.RuleBuildFailed || f.Line != 4 {
			t.Errorf("finding = %+v, want a %s in line 4", f, rollout.RuleBuildFailed)
		}
	}
}

// TestPathGarbage: whatever a spec.path is, it neither ends the verification nor
// leads out of the repository.
func TestPathGarbage(t *testing.T) {
	for written, found := range map[string]int{
		"kubernetes//.": 0, "kubernetes/..//kubernetes": 0, `"${A}/../.."`: 1,
		`".."`: 1, "/..": 1, "//../x": 1, "../repository": 1, "a/../../kubernetes": 1, `"a\0b"`: 1, `kubernetes\x`: 1, `"~/x"`: 1,
		"loop": 1, "loop/x": 1, "[a]": 1, "{a: b}": 1, "true": 1, "1.5": 1, "https://example.com/x": 1, strings.Repeat("a/", 10_000): 1, strings.Repeat("a", 10_000): 1,
	} {
		t.Run(written[:min(20, len(written))], func(t *testing.T) {
			tree := good(t)
			tree["clusters/apps/flux/config/cluster.yaml"] = strings.Replace(tree["clusters/apps/flux/config/cluster.yaml"], "./kubernetes", written, 1)
			tree["loop"] = "-> loop"
			findings := verify(t, options(write(t, tree))).Findings
			if len(findings) != found {
				t.Fatalf("findings = %+v, want %d", findings, found)
			}
			for _, finding := range findings {
				if finding.Cluster != "apps" || finding.Rule != rollout.RuleBuildFailed || finding.Line != 8 || strings.Contains(finding.Message, "nobody foresaw") {
					t.Errorf("finding = %+v, want a %s of apps in line 8", finding, rollout.RuleBuildFailed)
				}
			}
		})
	}
}

// TestNothingIsFetched: a server that anything in the tree points at is never
// asked.
func TestNothingIsFetched(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("fetched %s", r.URL)
	}))
	defer server.Close()
	for name, text := range map[string]string{
		"resource":         "resources: [URL]\n",
		"resource in case": "Resources: [URL]\n",
		"base":             "bases: [URL]\n",
		"component":        "components: [URL]\n",
		"patch":            "patches: [{path: URL}]\n",
		"merge patch":      "patchesStrategicMerge: [URL]\n",
		"JSON patch":       "patchesJson6902: [{path: URL, target: {kind: A, name: a, version: v1}}]\n",
		"file of a map":    "configMapGenerator: [{name: a, files: [k=URL]}]\n",
		"variables":        "secretGenerator: [{name: a, envs: [URL]}]\n",
		"variable":         "secretGenerator: [{name: a, env: URL}]\n",
		"schema":           "openapi: {path: URL}\n",
		"crds":             "crds: [URL]\n",
		"configuration":    "configurations: [URL]\n",
		"replacement":      "replacements: [{path: URL}]\n",
		"generator":        "generators: [URL]\n",
		"transformer":      "transformers: [URL]\n",
		"validator":        "validators: [URL]\n",
		"values":           "helmCharts: [{name: a, valuesFile: URL}]\n",
		"more values":      "helmCharts: [{name: a, additionalValuesFiles: [URL]}]\n",
		"old values":       "helmChartInflationGenerator: [{chartName: a, values: URL}]\n",
		"inline generator": "generators:\n  - |\n    apiVersion: builtin\n    kind: ConfigMapGenerator\n    metadata: {name: a}\n    files: [k=URL]\n",
		"inline patch":     "transformers:\n  - '{apiVersion: builtin, kind: PatchTransformer, metadata: {name: a}, target: {kind: A}, path: \"URL\"}'\n",
		"applied plugin":   "resources: [plugin]\ntransformers: [plugin]\n",
		"alias":            "namePrefix: &u URL\nresources: [*u]\n",
	} {
		t.Run(name, func(t *testing.T) {
			tree := good(t)
			tree["clusters/apps/flux/kustomization.yaml"] = strings.ReplaceAll(text, "URL", server.URL+"/a.yaml")
			tree["clusters/apps/flux/plugin/kustomization.yaml"] = "resources: [patch.yaml]\n"
			tree["clusters/apps/flux/plugin/patch.yaml"] = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\ntarget: {kind: A}\npath: " + server.URL + "/p.yaml\n"
			findings := verify(t, options(write(t, tree))).Findings
			if len(findings) == 0 || findings[0].Rule != rollout.RuleBuildFailed {
				t.Errorf("findings = %+v, want %s", findings, rollout.RuleBuildFailed)
			}
		})
	}
}

// TestPipe: reading a pipe would wait forever.
func TestPipe(t *testing.T) {
	for _, file := range []string{appsSource, "clusters/apps/flux/config/kustomization.yaml"} {
		tree := good(t)
		delete(tree, file)
		root := write(t, tree)
		if err := syscall.Mkfifo(filepath.Join(root, file), 0o644); err != nil {
			t.Skip("no pipes here:", err)
		}
		findings := verify(t, options(root)).Findings
		if len(findings) != 1 || findings[0].Rule != rollout.RuleBuildFailed {
			t.Errorf("%s: findings = %+v, want one %s", file, findings, rollout.RuleBuildFailed)
		}
	}
}

// TestRootBehindALink: the checkout itself may be reached through a link.
func TestRootBehindALink(t *testing.T) {
	root := write(t, good(t))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	if findings := verify(t, options(link)).Findings; len(findings) > 0 {
		t.Errorf("findings = %+v, want none", findings)
	}
}

func TestErrors(t *testing.T) {
	if _, err := flux.Verify(context.Background(), options(filepath.Join(t.TempDir(), "gone"))); err == nil {
		t.Error("no error without a root")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := flux.Verify(ctx, options(write(t, good(t)))); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that the context ended", err)
	}
}

// TestClusterNames: a plan that was not read by planfile cannot lead out of
// clusters/ either.
func TestClusterNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../apps", "a/b", `a\b`, "gone"} {
		o := options(write(t, good(t)))
		o.Plan.Stages = append(o.Plan.Stages, rollout.Stage{Name: "more", Branch: "more", Clusters: []string{name}})
		result, err := flux.Verify(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Findings) != 1 || result.Findings[0].Rule != rollout.RuleClusterMissing {
			t.Errorf("%q: findings = %+v, want one %s", name, result.Findings, rollout.RuleClusterMissing)
		}
	}
}

// TestRepositoryThatIsAPath: a plan whose repository no cluster can reach is
// verified against the repository that the source names.
func TestRepositoryThatIsAPath(t *testing.T) {
	tree := good(t)
	tree["clusters/apps/flux/config/kustomization.yaml"] += "  - other.yaml\n"
	tree["clusters/apps/flux/config/other.yaml"] = strings.NewReplacer("name: flux-system", "name: other", "release", "main").Replace(tree[appsSource])
	o := options(write(t, tree))
	o.Plan.Repository = rollout.Repository{URL: "/srv/git/k8s-ops.git", Forge: rollout.ForgeGit}
	findings := verify(t, o).Findings
	if len(findings) != 1 || findings[0].Rule != rollout.RuleOtherSourceBranch {
		t.Errorf("findings = %+v, want one %s", findings, rollout.RuleOtherSourceBranch)
	}
}

// TestConcurrently: Verify may be called from anywhere, and is always the
// same.
func TestConcurrently(t *testing.T) {
	tree := good(t)
	tree[appsSource] = strings.Replace(tree[appsSource], "release", "main", 1)
	root := write(t, tree)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			result, err := flux.Verify(context.Background(), options(root))
			if err != nil || len(result.Findings) != 1 {
				t.Errorf("findings = %+v, error %v, want one finding", result.Findings, err)
			}
		})
	}
	group.Wait()
}
