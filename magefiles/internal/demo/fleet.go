package demo

import (
	"fmt"
	"maps"
	"strings"
)

// plan is the demo's own, so that it tells the same story in a repository
// whose plan is another one.
const plan = `repository: https://%s/%s/%s
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - {name: apps, branch: release, clusters: [apps], soak: 24h, exposure: warn}
`

// The directories of the fleet: both clusters apply the one, and apps the other.
const (
	everywhere = "clusters/base"
	appsAlone  = "clusters/apps/local"
)

// fleet are the files with which the repository begins.
func fleet() map[string]string {
	files := adds(everywhere, "Begin the fleet")
	maps.Copy(files, adds(appsAlone, "Begin the apps"))
	for cluster, branch := range map[string]string{"infra": "main", "apps": "release"} {
		entry := "clusters/" + cluster + "/flux/"
		files[entry+"kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [flux.yaml]\n"
		flux := fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: k8s-ops, namespace: flux-system}\n"+
			"spec: {interval: 1m, url: https://github.com/monosense/k8s-ops, ref: {branch: %s}}\n", branch)
		flux += applies("base", everywhere)
		if cluster == "apps" {
			flux += applies("local", appsAlone)
		}
		files[entry+"flux.yaml"] = flux
	}
	return files
}

// applies is a Flux Kustomization that applies a directory.
func applies(name, dir string) string {
	return fmt.Sprintf("---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: %s, namespace: flux-system}\n"+
		"spec: {interval: 10m, prune: true, path: ./%s, sourceRef: {kind: GitRepository, name: k8s-ops}}\n", name, dir)
}

// adds are the files of a commit that adds something to a directory.
func adds(dir, subject string) map[string]string {
	return map[string]string{file(dir, subject): manifest(subject)}
}

// file is where in a directory somebody adds something.
func file(dir, subject string) string { return dir + "/" + called(subject) + ".yaml" }

// manifest is what somebody adds.
func manifest(subject string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: fleet}\ndata: {what: %q}\n", called(subject), subject)
}

// called is the name of an object that a commit adds.
func called(subject string) string {
	return strings.ToLower(strings.NewReplacer(" ", "-", "'", "").Replace(subject))
}
