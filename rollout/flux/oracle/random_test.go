package oracle

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// TestRandom: what is rendered of any repository is what Flux applies.
func TestRandom(t *testing.T) {
	good := readTree(t, "../testdata/good.txtar", nil)
	temp := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(temp, "random-")
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		tr := maps.Clone(good)
		g := generator{rt, tr}
		g.repository()
		found, err := disagree(t.Context(), dir, tr, builds{}, "apps")
		if err != nil {
			rt.Fatal(err)
		}
		found = slices.DeleteFunc(found, isStricter)
		if len(found) > 0 {
			rt.Errorf("%s\n\nof\n%s", strings.Join(found, "\n"), tr.changed(good))
		}
	})
}

// isStricter tells whether a disagreement is one on purpose: Flux prunes what an
// empty kustomization no longer lists, and generates one where one is not packed.
func isStricter(disagreement string) bool {
	return strings.Contains(disagreement, "the kustomization is empty") ||
		strings.Contains(disagreement, "ustomization") && strings.Contains(disagreement, "is there, and Flux leaves it out of what it packs")
}

// changed writes what differs from another tree, as a fixture.
func (tr tree) changed(from tree) string {
	var b strings.Builder
	for name, content := range tr {
		if from[name] != content {
			fmt.Fprintf(&b, "-- %s --\n%s", name, content)
		}
	}
	return b.String()
}

// A generator draws a repository: tiers with manifests of all sorts, and the Flux
// Kustomizations that apply them. Each has a name of its own, so that none undoes
// what another does.
type generator struct {
	*rapid.T
	tree tree
}

const config = "clusters/apps/flux/config/"

func (g generator) repository() {
	tiers := g.number("tiers", 1, 3)
	var applied []string
	for i := range tiers {
		dir := fmt.Sprintf("tiers/t%d", i)
		g.tier(dir, i)
		for j := range g.number("ways", 1, 2) {
			applied = append(applied, g.kustomization(fmt.Sprintf("k%d-%d", i, j), dir, i))
		}
	}
	if g.maybe("level") {
		// The last of them by another one.
		last := applied[len(applied)-1]
		applied[len(applied)-1] = g.plain("level", "./level", nil)
		g.tree["level/k.yaml"] = last
	}
	applied = append(applied, g.plain("settings", "./settings", nil))
	g.tree["settings/c.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: flux-system}\ndata: {A: \"" + g.value("setting") + "\", C: c}\n"
	g.tree[config+"more.yaml"] = strings.Join(applied, "---\n")
	g.tree[config+"kustomization.yaml"] += "  - more.yaml\n"
	if g.maybe("ignore") {
		g.tree[g.one("ignore at", ".sourceignore", "tiers/.sourceignore", "tiers/t0/.sourceignore")] = g.patterns()
	}
}

func (g generator) patterns() string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
		"# nothing", "*.yml", "m1.yaml", "!m1.yaml", "/tiers/t1/", "t0/*", "!t0/m0.yaml", "sub/", "!sub/", "**/part", "/sub/m*.yaml", "*.png", "",
	}), 1, 4).Draw(g.T, "patterns"), "\n") + "\n"
}

// kustomization is a Flux Kustomization with anything that it can add.
func (g generator) kustomization(name, dir string, tier int) string {
	spec := map[string]any{}
	g.add(spec, "targetNamespace", "web")
	g.add(spec, "namePrefix", fmt.Sprintf("p%d-", tier))
	g.add(spec, "nameSuffix", "-s")
	g.add(spec, "commonMetadata", map[string]any{"labels": map[string]any{"team": "a", "y": "n"}, "annotations": map[string]any{"who": g.value("who")}})
	g.add(spec, "images", []any{map[string]any{"name": "nginx", "newTag": "2"}, map[string]any{"name": "redis", "newName": "r/redis"}})
	g.add(spec, "components", []any{"../part"})
	g.add(spec, "patches", g.patches())
	if g.maybe("ignoreMissingComponents") {
		spec["ignoreMissingComponents"] = true
		spec["components"] = []any{"../part", "../gone"}
	}
	if g.maybe("postBuild") {
		build := map[string]any{}
		g.add(build, "substitute", map[string]any{"A": g.value("A"), "B": g.value("B")})
		g.add(build, "substituteStrategy", g.one("strategy", "Always", "WithVariables"))
		g.add(build, "substituteFrom", g.sources())
		spec["postBuild"] = build
	}
	return g.plain(name, "./"+dir, spec)
}

func (g generator) sources() []any {
	all := []any{}
	for range g.number("sources", 1, 2) {
		all = append(all, map[string]any{
			"kind": g.one("source", "ConfigMap", "Secret"), "name": g.one("source name", "settings", "settings", "none"), "optional": g.maybe("optional"),
		})
	}
	return all
}

func (g generator) patches() []any {
	return []any{map[string]any{
		"patch":  g.one("patch", "- {op: add, path: /metadata/annotations, value: {patched: \"${A:=1}\"}}", "{apiVersion: v1, kind: X, metadata: {name: x, labels: {patched: \"on\"}}}"),
		"target": map[string]any{"kind": g.one("target", "ConfigMap", "Deployment", "Thing", ".*")},
	}}
}

func (g generator) plain(name, path string, spec map[string]any) string {
	if spec == nil {
		spec = map[string]any{}
	}
	maps.Copy(spec, map[string]any{
		"interval": "10m", "path": path, "prune": true, "sourceRef": map[string]any{"kind": "GitRepository", "name": sourceName},
	})
	return g.yaml(map[string]any{
		"apiVersion": kustomizeGroup + "/v1", "kind": "Kustomization", "metadata": map[string]any{"name": name, "namespace": sourceName}, "spec": spec,
	})
}

// tier draws a directory, with a kustomization or without, and what it names.
func (g generator) tier(dir string, tier int) {
	g.tree["tiers/part/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {part: x}}]\n"
	var names []string
	for i := range g.number("manifests", 1, 3) {
		name := fmt.Sprintf("m%d%s", i, g.one("extension", ".yaml", ".yaml", ".yml", ".json.yaml"))
		g.tree[dir+"/"+name] = g.manifests(fmt.Sprintf("o%d%d", tier, i))
		names = append(names, name)
	}
	if g.maybe("below") {
		g.tree[dir+"/sub/m.yaml"] = g.manifests(fmt.Sprintf("s%d", tier))
		if g.maybe("kustomization below") {
			g.tree[dir+"/sub/kustomization.yaml"] = g.yaml(g.spec([]string{"m.yaml"}))
		}
		if g.tree[dir+"/sub/kustomization.yaml"] != "" {
			names = append(names, "sub")
		}
	}
	if g.maybe("written") {
		g.tree[dir+"/"+g.one("file", "kustomization.yaml", "kustomization.yml", "Kustomization")] = g.yaml(g.spec(names))
	}
}

// spec is a kustomization with anything in it.
func (g generator) spec(resources []string) map[string]any {
	spec := map[string]any{}
	if g.maybe("resources") || g.maybe("resources after all") {
		spec["resources"] = resources
	}
	g.add(spec, "namespace", "inner")
	g.add(spec, "namePrefix", "a-")
	g.add(spec, "commonLabels", map[string]any{"app": "x"})
	g.add(spec, "labels", []any{map[string]any{"pairs": map[string]any{"tier": "${A:=1}"}, "includeTemplates": true}})
	g.add(spec, "commonAnnotations", map[string]any{"note": g.value("note")})
	g.add(spec, "images", []any{map[string]any{"name": "nginx", "newName": "n/nginx", "digest": "sha256:1"}})
	g.add(spec, "replicas", []any{map[string]any{"name": "d", "count": 3}})
	g.add(spec, "buildMetadata", []any{g.one("metadata", "originAnnotations", "managedByLabel", "transformerAnnotations")})
	g.add(spec, "generatorOptions", map[string]any{"disableNameSuffixHash": true, "labels": map[string]any{"made": "x"}})
	g.add(spec, "configMapGenerator", []any{map[string]any{"name": "conf", "literals": []any{"a=" + g.value("literal"), "b=${A}"}}})
	g.add(spec, "secretGenerator", []any{map[string]any{"name": "sec", "literals": []any{"a=${A}"}}})
	g.add(spec, "patches", g.patches())
	g.add(spec, "sortOptions", map[string]any{"order": "fifo"})
	return spec
}

// manifests are some objects, in one file.
func (g generator) manifests(name string) string {
	var all []string
	for i := range g.number("objects", 1, 2) {
		all = append(all, g.object(fmt.Sprint(name, "-", i)))
	}
	return strings.Join(all, g.one("separator", "---\n", "--- # next\n", "---\n---\n"))
}

func (g generator) object(name string) string {
	metadata := "metadata:\n  name: " + name + "\n"
	if g.maybe("namespace") {
		metadata += "  namespace: " + g.one("namespaces", "x", "flux-system", "default") + "\n"
	}
	if g.maybe("labels") {
		metadata += "  labels: {" + g.one("label", "app: x", "n: y", "\"on\": \"1\"", "kustomize.toolkit.fluxcd.io/substitute: disabled", "") + "}\n"
	}
	if g.maybe("annotations") {
		metadata += "  annotations: {" + g.one("annotation", "a: b", "config.kubernetes.io/local-config: \"true\"", "kustomize.toolkit.fluxcd.io/substitute: disabled", "c: \"${A}\"") + "}\n"
	}
	switch g.one("kind", "ConfigMap", "Thing", "Deployment", "List", "Shop") {
	case "Thing":
		return "apiVersion: example.com/v1\nkind: Thing\n" + metadata + "spec:\n" + g.fields()
	case "Deployment":
		return "apiVersion: apps/v1\nkind: Deployment\n" + metadata + "spec:\n  replicas: " + g.one("replicas", "1", "${A:=2}") +
			"\n  template:\n    spec:\n      containers:\n        - {name: c, image: " + g.one("image", "nginx", "\"redis:1\"", "nginx:1", "\"a${A}\"") + ", envFrom: [{configMapRef: {name: conf}}]}\n"
	case "List":
		return "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}, data: {a: \"${A}\"}}\n"
	case "Shop":
		return "apiVersion: example.com/v1\nkind: Shop\n" + metadata + "items:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "-i}, data: {a: \"${A}\"}}\n"
	}
	return "apiVersion: v1\nkind: ConfigMap\n" + metadata + "data:\n" + g.fields()
}

func (g generator) fields() string {
	var b strings.Builder
	for i := range g.number("fields", 1, 3) {
		fmt.Fprintf(&b, "  %s%d: %s\n", g.one("key", "k", "on", "a.b", "\"1\"", "n"), i, g.one("scalar",
			"x", "5", "\"5\"", "1.0", "1e3", "0777", "0x1F", "true", "\"true\"", "yes", "\"yes\"", "~", "\"\"", "2024-01-01", "|\n    a\n    b ${A}", ">-\n    a\n    b",
			"${A}", "\"${A}\"", "x-${B:-y}", "$${A}", "\"a: ${A}\"", "[1, ${A:=2}]", "{a: ${B:=x}}", "'it''s'", "!!str 5", "\"é\\n\"", "${A/x/y}", "${#A}", "${A:0:1}"))
	}
	return b.String()
}

// value is that of a variable, a label, a literal.
func (g generator) value(label string) string {
	return g.one(label, "x", "5", "true", "a b", "1.0", "xyz", "0", "a-b", "null", "on", "")
}

func (g generator) number(label string, least, most int) int {
	return rapid.IntRange(least, most).Draw(g.T, label)
}

func (g generator) maybe(label string) bool { return rapid.Bool().Draw(g.T, label) }

func (g generator) one(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.T, label)
}

// add sets a field, in one of four.
func (g generator) add(to map[string]any, key string, value any) {
	if g.number(key, 0, 3) == 3 {
		to[key] = value
	}
}

func (g generator) yaml(value any) string {
	written, err := yaml.Marshal(value)
	if err != nil {
		g.Fatal(err)
	}
	return string(written)
}
