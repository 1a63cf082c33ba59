package flux_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

// rendered are the texts of what the cluster apps gets of a tree, by object.
func rendered(t *testing.T, tree map[string]string) map[string]string {
	t.Helper()
	o := options(write(t, tree))
	o.Clusters = []string{"apps"}
	r, err := flux.Render(t.Context(), o)
	if err != nil || len(r.Clusters) != 1 {
		t.Fatalf("Render = %d clusters, %v", len(r.Clusters), err)
	}
	texts := map[string]string{}
	for _, object := range r.Clusters[0].Objects() {
		texts[object.String()] = object.Text
	}
	return texts
}

// A Flux Kustomization changes images, sets variables and gives everything its
// labels, in this order.
func TestRenderAnApplication(t *testing.T) {
	tree := good(t)
	tree["clusters/apps/flux/config/cluster.yaml"] = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: cluster, namespace: flux-system}
spec:
  interval: 10m
  path: ./kubernetes
  prune: true
  targetNamespace: web
  sourceRef: {kind: GitRepository, name: flux-system}
  commonMetadata:
    labels: {team: a, app: other}
    annotations: {number: "1"}
  images:
    - name: nginx
      newName: registry.example.com/nginx
    - name: redis
      digest: sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3
  postBuild:
    substitute: {REPLICAS: "3", HOST: "${NOT_AGAIN}"}
    substituteFrom:
      - {kind: Secret, name: secret}
`
	tree["kubernetes/kustomization.yaml"] = "resources: [deployment.yaml]\nimages: [{name: nginx, newTag: \"1.2\"}, {name: redis, newTag: old}]\n"
	tree["kubernetes/deployment.yaml"] = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: ${REPLICAS}
  template:
    spec:
      containers:
        - {name: web, image: nginx, env: [{name: HOST, value: "${HOST:=x}"}, {name: KEY, value: "${KEY:=none}"}]}
        - {name: cache, image: "redis:1"}
`
	want := `apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    number: "1"
  labels:
    app: other
    team: a
  name: web
  namespace: web
spec:
  replicas: 3
  template:
    spec:
      containers:
      - env:
        - name: HOST
          value: ${NOT_AGAIN}
        - name: KEY
          value: ${KEY}
        image: registry.example.com/nginx:1.2
        name: web
      - image: redis@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3
        name: cache
`
	if diff := cmp.Diff(want, rendered(t, tree)["Deployment web/web"]); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
}

// Flux writes every kustomization anew: without resources, it has objects
// annotated. Whoever applies an entry point by hand does not.
func TestRenderAKustomizationAnew(t *testing.T) {
	tree := good(t)
	generator := "configMapGenerator: [{name: made, namespace: web, literals: [a=b]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n"
	tree["kubernetes/kustomization.yaml"] = generator
	tree["clusters/apps/flux/kustomization.yaml"] += strings.Replace(generator, "web", "hand", 1)
	texts := rendered(t, tree)
	if !strings.Contains(texts["ConfigMap web/made"], "config.kubernetes.io/origin") {
		t.Errorf("what Flux applies has no origin:\n%s", texts["ConfigMap web/made"])
	}
	if texts["ConfigMap hand/made"] == "" || strings.Contains(texts["ConfigMap hand/made"], "config.kubernetes.io/origin") {
		t.Errorf("what is applied by hand has an origin:\n%s", texts["ConfigMap hand/made"])
	}
}

// Of what Flux refuses as a whole, the rendering says so.
func TestRenderWhatFluxRefuses(t *testing.T) {
	for name, change := range map[string]func(tree map[string]string){
		"a variable that cannot be one": func(tree map[string]string) {
			tree["clusters/apps/flux/config/cluster.yaml"] += "  postBuild: {substitute: {a-b: c}}\n"
		},
		"a Flux Kustomization that the API server refuses": func(tree map[string]string) {
			tree["kubernetes/namespace.yaml"] = strings.Replace(tree["clusters/apps/flux/config/cluster.yaml"], "prune: true", "prune: \"yes\"", 1)
		},
		"a key that is a number": func(tree map[string]string) { tree["kubernetes/namespace.yaml"] += "  labels: {1: a}\n" },
		"no number of JSON":      func(tree map[string]string) { tree["kubernetes/namespace.yaml"] += "spec: {a: [.NaN]}\n" },
		"no apiVersion": func(tree map[string]string) {
			tree["kubernetes/namespace.yaml"] = "kind: Namespace\nmetadata: {name: a}\n"
		},
		"a key twice": func(tree map[string]string) { tree["kubernetes/namespace.yaml"] += "  labels: {a: b, a: c}\n" },
	} {
		t.Run(name, func(t *testing.T) {
			tree := good(t)
			change(tree)
			r, err := flux.Render(t.Context(), options(write(t, tree)))
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range r.Clusters[1].Applications {
				if broken := len(a.Broken) > 0; broken != (a.Name == "cluster") {
					t.Errorf("%s: Broken = %q", strings.Join(a.Chain, " › "), a.Broken)
				}
			}
		})
	}
}

// Flux takes a list apart, and leaves out what is kustomize's own or has a number
// for a name. A label n is no truth value.
func TestRenderWhatFluxApplies(t *testing.T) {
	tree := good(t)
	tree["clusters/apps/flux/config/cluster.yaml"] += "  commonMetadata: {labels: {team: a}}\n"
	tree["kubernetes/namespace.yaml"] = `apiVersion: example.com/v1
kind: Shop
metadata: {name: shop}
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: inside, labels: {n: y}}}
---
{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, metadata: {name: own}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: 5}}
`
	texts := rendered(t, tree)
	want := "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    \"n\": \"y\"\n    team: a\n  name: inside\n"
	if diff := cmp.Diff(want, texts["Namespace inside"]); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	for name := range texts {
		if strings.HasPrefix(name, "Shop") || strings.HasSuffix(name, "own") || strings.HasSuffix(name, "5") {
			t.Errorf("%s is rendered", name)
		}
	}
}

// A Flux Kustomization that brings the ConfigMap that it takes variables from has
// them when it is reconciled again, if it can do without at first.
func TestRenderVariablesOfItself(t *testing.T) {
	for optional, want := range map[string]string{"true": "x3", "false": "x${REPLICAS}"} {
		tree := good(t)
		tree["clusters/apps/flux/config/cluster.yaml"] += "  postBuild: {substituteFrom: [{kind: ConfigMap, name: settings, optional: " + optional + "}]}\n"
		tree["kubernetes/namespace.yaml"] = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: flux-system}
data: {REPLICAS: "3"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: web}
data: {a: "x${REPLICAS}"}
`
		if text := rendered(t, tree)["ConfigMap web/other"]; !strings.Contains(text, want+"\n") {
			t.Errorf("optional: %s: want %s:\n%s", optional, want, text)
		}
	}
}

// A diff shows that a Secret's value changes, and never the value.
func TestDiffMasksSecrets(t *testing.T) {
	secret := func(text string) rollout.Rendering {
		o := rollout.RenderedObject{Kind: "Secret", Namespace: "a", Name: "b", Text: text}
		return rollout.Rendering{Clusters: []rollout.RenderedCluster{{
			Stage: "apps", Cluster: "apps", Applications: []rollout.Application{{Chain: []string{"apps"}, Objects: []rollout.RenderedObject{o}}},
		}}}
	}
	const head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: b\n"
	for name, tt := range map[string]struct{ before, after, want string }{
		"changed":    {"data: {a: c2VjcmV0, b: c2FtZXZhbHVl}\n", "data: {a: c2VjcmV0Mg==, b: c2FtZXZhbHVl}\n", "*** (after)"},
		"added":      {"data: {a: c2VjcmV0}\n", "data: {a: c2VjcmV0, b: c2VjcmV0Mg==}\n", "+"},
		"plain":      {"stringData: {a: secret}\n", "stringData: {a: secret2}\n", "*** (after)"},
		"kind":       {"data: {a: c2VjcmV0}\n", "data: {a: {b: c2VjcmV0Mg==}}\n", "*** (after)"},
		"applied":    {"type: Opaque\n", "type: x\ndata: {a: c2VjcmV0}\n", "***"},
		"unreadable": {"data: {a: c2VjcmV0}\n", "data: [c2VjcmV0\n", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			found := flux.Diff(secret(head+tt.before), secret(head+tt.after))
			if len(found) != 1 || len(found[0].Changes) != 1 {
				t.Fatalf("Diff = %+v, want one change", found)
			}
			diff := found[0].Changes[0].Diff
			if strings.Contains(diff, "c2") || strings.Contains(diff, "secret") || !strings.Contains(diff, tt.want) {
				t.Errorf("diff, which has to have %q and no secret:\n%s", tt.want, diff)
			}
		})
	}
}

// What apps renders and infra does not soaks for nothing.
func TestExpose(t *testing.T) {
	before := good(t)
	before["clusters/apps/flux/kustomization.yaml"] += "  - only.yaml\n"
	before["clusters/apps/flux/only.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only, namespace: a}\ndata: {a: b}\n"
	after := map[string]string{}
	for name, content := range before {
		after[name] = strings.ReplaceAll(content, "data: {a: b}", "data: {a: c}")
	}
	after["kubernetes/namespace.yaml"] += "  labels: {a: b}\n"
	render := func(tree map[string]string) rollout.Rendering {
		r, err := flux.Render(t.Context(), options(write(t, tree)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	changed := []string{"README.md", "clusters/apps/flux/only.yaml", "kubernetes/namespace.yaml"}
	e := flux.Expose(plan(), render(before), render(after), changed)
	if len(e.Stages) != 1 || len(e.Unused) != 1 {
		t.Fatalf("Expose = %+v", e)
	}
	s := e.Stages[0]
	if diff := cmp.Diff([]string{"clusters/apps/flux/only.yaml"}, s.Unexercised()); diff != "" || s.FilesExercised() != 50 || s.ObjectsExercised() != 50 || len(s.Objects) != 2 {
		t.Errorf("exposure = %+v, want one of two files and of two objects exercised\n%s", s, diff)
	}
}

// That a cluster of an earlier stage rendered a file once says nothing of how the
// file is now.
func TestExposeCountsWhatIsThereAfterwards(t *testing.T) {
	for name, c := range map[string]struct {
		infraBefore, infraAfter, appsBefore, appsAfter bool
		exercised, anew, left                          bool
	}{
		"both have it":                    {true, true, true, true, true, false, false},
		"infra gets it":                   {false, true, true, true, true, false, false},
		"infra gives it up":               {true, false, true, true, false, false, true},
		"both give it up":                 {true, false, true, false, true, false, false},
		"apps gives it up":                {true, true, true, false, true, false, false},
		"apps gives up what it alone had": {false, false, true, false, false, false, false},
		"apps gets what infra gave up":    {true, false, false, true, false, true, true},
		"apps alone gets it":              {false, false, false, true, false, true, false},
	} {
		tree := func(infra, apps bool) rollout.Rendering {
			cluster := func(name string, renders bool) rollout.RenderedCluster {
				c := rollout.RenderedCluster{Stage: name, Cluster: name}
				if renders {
					c.Applications = []rollout.Application{{Files: []string{"base/x.yaml"}}}
				}
				return c
			}
			return rollout.Rendering{Clusters: []rollout.RenderedCluster{cluster("infra", infra), cluster("apps", apps)}}
		}
		e := flux.Expose(plan(), tree(c.infraBefore, c.appsBefore), tree(c.infraAfter, c.appsAfter), []string{"base/x.yaml"})
		if got := e.Of("apps"); len(got.Files) != 1 || (len(got.Unexercised()) == 0) != c.exercised || got.Files[0].New != c.anew || got.Files[0].Left != c.left {
			t.Errorf("%s: %+v", name, got.Files)
		}
	}
}

// What a cluster does not apply meets nothing, although it is rendered.
func TestExposeCountsWhatIsApplied(t *testing.T) {
	application := func(chain ...string) rollout.Application {
		return rollout.Application{Chain: chain, Files: []string{"base/x.yaml"}}
	}
	entry, below := application("infra"), application("infra", "apps", "shop")
	parent := rollout.Application{Chain: []string{"infra", "apps"}}
	broken := func(a rollout.Application) rollout.Application {
		a.Broken = []string{"kustomize says no"}
		return a
	}
	suspended := func(a rollout.Application) rollout.Application {
		a.Suspended = true
		return a
	}
	for name, c := range map[string]struct {
		before, after []rollout.Application
		gone          bool
		exercised     bool
	}{
		"it is applied":                          {[]rollout.Application{entry}, []rollout.Application{entry}, false, true},
		"it is broken":                           {[]rollout.Application{entry}, []rollout.Application{broken(entry)}, false, false},
		"it is suspended":                        {[]rollout.Application{entry}, []rollout.Application{suspended(entry)}, false, false},
		"it was broken":                          {[]rollout.Application{broken(entry)}, []rollout.Application{entry}, false, true},
		"what brings it is broken":               {[]rollout.Application{parent, below}, []rollout.Application{broken(parent), below}, false, false},
		"what brings it is suspended":            {[]rollout.Application{parent, below}, []rollout.Application{suspended(parent), below}, false, false},
		"another one is broken":                  {[]rollout.Application{parent, entry}, []rollout.Application{broken(parent), entry}, false, true},
		"it is taken away":                       {[]rollout.Application{entry}, []rollout.Application{{Chain: entry.Chain}}, true, true},
		"it is taken away where it is broken":    {[]rollout.Application{entry}, []rollout.Application{broken(rollout.Application{Chain: entry.Chain})}, true, false},
		"it is taken away where it is suspended": {[]rollout.Application{entry}, []rollout.Application{suspended(rollout.Application{Chain: entry.Chain})}, true, false},
	} {
		tree := func(infra []rollout.Application, gone bool) rollout.Rendering {
			apps := rollout.RenderedCluster{Stage: "apps", Cluster: "apps", Applications: []rollout.Application{{Chain: []string{"apps"}}}}
			if !gone {
				apps.Applications[0].Files = []string{"base/x.yaml"}
			}
			return rollout.Rendering{Clusters: []rollout.RenderedCluster{{Stage: "infra", Cluster: "infra", Applications: infra}, apps}}
		}
		got := flux.Expose(plan(), tree(c.before, false), tree(c.after, c.gone), []string{"base/x.yaml"}).Of("apps")
		if (len(got.Unexercised()) == 0) != c.exercised {
			t.Errorf("%s: %+v", name, got.Files)
		}
		idle := slices.ContainsFunc(c.after, func(a rollout.Application) bool { return a.Suspended || len(a.Broken) > 0 })
		if idle != (len(got.Idle) == 1) {
			t.Errorf("%s: idle are %q", name, got.Idle)
		}
	}
}

// The same with manifests: what breaks on infra alone is met by nobody.
func TestExposeOfWhatInfraDoesNotApply(t *testing.T) {
	before := good(t)
	for name, add := range map[string]string{"broken": "  - gone.yaml\n", "suspended": ""} {
		after := maps.Clone(before)
		after["kubernetes/namespace.yaml"] += "  labels: {a: b}\n"
		after["clusters/infra/flux/kustomization.yaml"] += add
		if add == "" {
			for file, content := range after {
				if strings.HasPrefix(file, "clusters/infra/") && strings.Contains(content, "kind: Kustomization\nmetadata") {
					after[file] = strings.Replace(content, "spec:\n", "spec:\n  suspend: true\n", 1)
				}
			}
		}
		render := func(tree map[string]string) rollout.Rendering {
			r, err := flux.Render(t.Context(), options(write(t, tree)))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		s := flux.Expose(plan(), render(before), render(after), []string{"kubernetes/namespace.yaml"}).Of("apps")
		if len(s.Unexercised()) != 1 || s.ObjectsExercised() != 0 || len(s.Idle) == 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// A change of what all render can have a cluster render what did not change: as
// much as that it did is met by nobody.
func TestExposeOfWhatDidNotChange(t *testing.T) {
	shop := []string{"base/all.yaml", "apps/shop.yaml"}
	base := shop[:1]
	for name, c := range map[string]struct {
		infra, before, after []string
		changed, unexercised []string
	}{
		"apps begins to":                    {base, base, shop, base, shop[1:]},
		"apps ceases to":                    {base, shop, base, base, shop[1:]},
		"both begin to":                     {shop, base, shop, base, nil},
		"nothing else changes that is seen": {base, base, shop, []string{".sourceignore"}, shop[1:]},
		"a file of apps alone makes it": {
			base, append(base[:1:1], "clusters/apps.yaml"), append(shop[:2:2], "clusters/apps.yaml"),
			[]string{"clusters/apps.yaml"},
			[]string{"clusters/apps.yaml"},
		},
	} {
		tree := func(infra, apps []string) rollout.Rendering {
			return rollout.Rendering{Clusters: []rollout.RenderedCluster{
				{Stage: "infra", Cluster: "infra", Applications: []rollout.Application{{Chain: []string{"infra"}, Files: infra}}},
				{Stage: "apps", Cluster: "apps", Applications: []rollout.Application{{Chain: []string{"apps"}, Files: apps}}},
			}}
		}
		got := flux.Expose(plan(), tree(base, c.before), tree(c.infra, c.after), c.changed).Of("apps")
		if diff := cmp.Diff(c.unexercised, got.Unexercised()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
