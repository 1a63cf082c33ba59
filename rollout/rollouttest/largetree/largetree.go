// Package largetree writes GitOps repositories of any size, for benchmarks.
//
// # Model
//
// A [Shape] says how many clusters there are, and how many manifests each of them
// applies: in directories of twenty, one Flux Kustomization for each, with
// variables from a ConfigMap of the cluster. All clusters share the directories,
// as clusters of one kind do.
//
// # Invariants
//
// The same shape gives the same tree, and a verification finds nothing in it.
//
// # Concurrency
//
// Each call writes into a directory of its own.
//
// # Not handled
//
// Trees with anything wrong; those are the fixtures of rollout/flux.
package largetree

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Shape is the size of a tree.
type Shape struct {
	// Clusters is how many there are: the first follows main, all others
	// release.
	Clusters int
	// Files is how many manifests each cluster applies besides its entry point.
	Files int
}

// PerDirectory is how many manifests a directory has.
const PerDirectory = 20

// Cluster is the name of a cluster.
func Cluster(i int) string { return fmt.Sprintf("cluster-%04d", i) }

// Directories are those that a cluster applies: its entry point first.
func (s Shape) Directories(cluster int) []string {
	all := []string{"clusters/" + Cluster(cluster) + "/flux"}
	for i := range s.groups() {
		all = append(all, group(i))
	}
	return all
}

func (s Shape) groups() int { return (s.Files + PerDirectory - 1) / PerDirectory }

func group(i int) string { return fmt.Sprintf("kubernetes/apps/group-%03d", i) }

// File is the path of a manifest.
func File(i int) string {
	return fmt.Sprintf("%s/%s.yaml", group(i/PerDirectory), app(i))
}

func app(i int) string { return fmt.Sprintf("app-%04d", i) }

// Write writes a tree, with its plan, into a directory.
func (s Shape) Write(dir string) error {
	t := tree{dir: dir}
	t.write("clusters/rollout.yaml", s.plan())
	for i := range s.Clusters {
		s.cluster(&t, i)
	}
	for i := range s.groups() {
		var names []string
		for j := i * PerDirectory; j < min(s.Files, (i+1)*PerDirectory); j++ {
			names = append(names, app(j)+".yaml")
			t.write(File(j), manifest(j))
		}
		t.write(group(i)+"/kustomization.yaml", list(names))
	}
	return t.err
}

func (s Shape) plan() string {
	var b strings.Builder
	b.WriteString("repository: https://github.com/monosense/k8s-ops\nsource: {name: k8s-ops, namespace: flux-system}\nledger: rollout/ledger\nstages:\n")
	fmt.Fprintf(&b, "  - name: infra\n    branch: main\n    clusters: [%s]\n", Cluster(0))
	if s.Clusters > 1 {
		b.WriteString("  - name: apps\n    branch: release\n    soak: 24h\n    clusters:\n")
		for i := 1; i < s.Clusters; i++ {
			fmt.Fprintf(&b, "      - %s\n", Cluster(i))
		}
	}
	return b.String()
}

// cluster writes an entry point: the source, the variables, and a Flux
// Kustomization for each directory.
func (s Shape) cluster(t *tree, i int) {
	entry, branch := "clusters/"+Cluster(i)+"/flux", "release"
	if i == 0 {
		branch = "main"
	}
	t.write(entry+"/kustomization.yaml", list([]string{"source.yaml", "vars.yaml", "apps.yaml"}))
	t.write(entry+"/source.yaml", fmt.Sprintf(source, branch))
	t.write(entry+"/vars.yaml", fmt.Sprintf(vars, Cluster(i)))
	var apps strings.Builder
	for g := range s.groups() {
		fmt.Fprintf(&apps, kustomization, g, group(g))
	}
	t.write(entry+"/apps.yaml", apps.String())
}

const (
	source = `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: k8s-ops
  namespace: flux-system
spec:
  interval: 1m
  url: https://github.com/monosense/k8s-ops
  ref:
    branch: %s
`
	vars = `apiVersion: v1
kind: ConfigMap
metadata:
  name: cluster-vars
  namespace: flux-system
data:
  CLUSTER: %s
  DOMAIN: example.com
`
	kustomization = `---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: group-%03d
  namespace: flux-system
spec:
  interval: 30m
  timeout: 5m
  path: ./%s
  prune: true
  wait: true
  sourceRef:
    kind: GitRepository
    name: k8s-ops
  postBuild:
    substituteFrom:
      - kind: ConfigMap
        name: cluster-vars
`
)

func list(names []string) string {
	return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - " + strings.Join(names, "\n  - ") + "\n"
}

// manifest is a Deployment, a Service, a ConfigMap or a HelmRelease in turn.
func manifest(i int) string {
	name := app(i)
	switch i % 4 {
	case 0:
		return strings.ReplaceAll(deployment, "NAME", name)
	case 1:
		return strings.ReplaceAll(service, "NAME", name)
	case 2:
		return strings.ReplaceAll(configMap, "NAME", name)
	default:
		return strings.ReplaceAll(release, "NAME", name)
	}
}

const (
	deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: default
  labels:
    app.kubernetes.io/name: NAME
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
  template:
    metadata:
      labels:
        app.kubernetes.io/name: NAME
    spec:
      containers:
        - name: app
          image: ghcr.io/example/NAME:1.2.3
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: CLUSTER
              value: ${CLUSTER}
          resources:
            requests: {cpu: 10m, memory: 64Mi}
            limits: {memory: 256Mi}
`
	service = `apiVersion: v1
kind: Service
metadata:
  name: NAME
  namespace: default
spec:
  selector:
    app.kubernetes.io/name: NAME
  ports:
    - name: http
      port: 80
      targetPort: http
`
	configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
  namespace: default
data:
  host: NAME.${DOMAIN}
  config.yaml: |
    name: NAME
    key: value
`
	release = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: NAME
  namespace: default
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: app-template}
  values:
    controllers:
      NAME:
        containers:
          app:
            image: {repository: ghcr.io/example/NAME, tag: 1.2.3}
            env: {TZ: UTC}
            probes: {liveness: {enabled: true}, readiness: {enabled: true}}
    service: {app: {controller: NAME, ports: {http: {port: 8080}}}}
`
)

// A tree is what is being written. It keeps the first error.
type tree struct {
	dir string
	err error
}

func (t *tree) write(name, content string) {
	path := filepath.Join(t.dir, filepath.FromSlash(name))
	if t.err == nil {
		t.err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if t.err == nil {
		t.err = os.WriteFile(path, []byte(content), 0o644)
	}
}
