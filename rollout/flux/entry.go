package flux

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// clustersDir holds one directory a cluster.
const clustersDir = "clusters"

// The places below a cluster's directory where its entry point is looked for.
const (
	// entryDir is this project's own.
	entryDir = "flux"
	// bootstrapDir and syncFile are those of `flux bootstrap`.
	bootstrapDir = "flux-system"
	syncFile     = "gotk-sync.yaml"
)

// A cluster is one that a stage claims.
type cluster struct {
	stage rollout.Stage
	name  string
	// entry is where the plan says that its entry point is; empty for where it
	// is looked for.
	entry string
}

// home is the directory whose content is the cluster's own.
func (c cluster) home() string {
	if c.entry != "" {
		return c.entry
	}
	return path.Join(clustersDir, c.name)
}

// An entryPoint is what somebody applied to a cluster by hand, and what makes
// its Flux apply all the rest: a directory, or some manifests in it.
type entryPoint struct {
	dir  string
	only []string
}

// entryOf finds the entry point of a cluster: what the plan names, or else
// clusters/<name>/flux, `flux bootstrap`'s clusters/<name>/flux-system, or a
// manifest below clusters/<name> that makes a FluxInstance.
func (v *verifier) entryOf(c cluster) (entryPoint, bool) {
	if c.entry != "" {
		return v.planned(c)
	}
	home := c.home()
	root := v.tree.artifact("")
	for _, dir := range []string{path.Join(home, entryDir), path.Join(home, bootstrapDir)} {
		if len(root.kustomizationsIn(dir)) > 0 {
			return entryPoint{dir: dir}, true
		}
	}
	if dir := path.Join(home, bootstrapDir); v.isFile(path.Join(dir, syncFile)) {
		return entryPoint{dir: dir, only: []string{syncFile}}, true
	}
	if file, ok := v.instanceIn(home); ok {
		return v.around(file), true
	}
	at := v.clusterPlace(c)
	v.add(c, rollout.RuleClusterMissing, at,
		fmt.Sprintf("the stage %s has the cluster %s, and there is no %s/kustomization.yaml, no %s, and no FluxInstance below %s",
			c.stage.Name, c.name, path.Join(home, entryDir), path.Join(home, bootstrapDir, syncFile), home),
		fmt.Sprintf("add %s/kustomization.yaml, name the entry point under entries in the plan, or remove %s from the plan", path.Join(home, entryDir), c.name))
	return entryPoint{}, false
}

// planned is the entry point that the plan names: a directory, or a manifest.
func (v *verifier) planned(c cluster) (entryPoint, bool) {
	name, ok := joinLocal(".", c.entry)
	if !ok {
		v.add(c, rollout.RuleClusterMissing, v.clusterPlace(c), fmt.Sprintf("the entry point %q of %s leaves the repository", c.entry, c.name), "write a path relative to the repository's root")
		return entryPoint{}, false
	}
	mode, err := v.tree.stat(name)
	switch {
	case err != nil:
		v.add(c, rollout.RuleClusterMissing, v.clusterPlace(c), fmt.Sprintf("the entry point of %s, %s, cannot be read: %v", c.name, name, rootCause(err)),
			"correct its path under entries in the plan, or add it")
		return entryPoint{}, false
	case mode.IsDir():
		return entryPoint{dir: name}, true
	}
	return v.around(name), true
}

// around is the entry point of a manifest: its directory, where that has a
// kustomization that names the manifest.
func (v *verifier) around(file string) entryPoint {
	dir, base := path.Split(file)
	dir = path.Clean(dir)
	s := surveyDirectory(v.tree.artifact(""), dir, overlay{Entry: true, Only: []string{base}})
	if kustomizations := s.tree.kustomizationsIn(dir); len(kustomizations) > 0 {
		if whole := surveyDirectory(v.tree.artifact(""), dir, overlay{Entry: true}); slices.Contains(whole.files, file) {
			return entryPoint{dir: dir}
		}
	}
	return entryPoint{dir: dir, only: []string{base}}
}

func (v *verifier) isFile(name string) bool {
	mode, err := v.tree.stat(name)
	return err == nil && mode.IsRegular()
}

// instanceIn finds the manifest below a directory that makes a FluxInstance, the
// first by name.
func (v *verifier) instanceIn(dir string) (string, bool) {
	found := ""
	_ = fs.WalkDir(v.tree.root.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isManifest(name) {
			return nil //nolint:nilerr // what cannot be read is no entry point
		}
		content, err := v.tree.read(name)
		if err == nil && makesInstance(content) {
			found = name
			return fs.SkipAll
		}
		return nil
	})
	return found, found != ""
}

// makesInstance tells whether a manifest is a FluxInstance with a sync, or a
// HelmRelease of the chart that makes one.
func makesInstance(content []byte) bool {
	if !bytes.Contains(content, []byte(kindInstance)) && !bytes.Contains(content, []byte(chartOfInstance)) || checkBounds(content) != nil {
		return false
	}
	nodes, _ := documents(content)
	return slices.ContainsFunc(nodes, func(node *yaml.Node) bool {
		o := newObject(node)
		switch {
		case o.is(operatorGroup, kindInstance):
			return !isEmpty(field(node, fieldSpec, "sync"))
		case o.is(helmGroup, kindHelmRelease):
			return !isEmpty(field(node, fieldSpec, "values", "instance", "sync"))
		}
		return false
	})
}

// clusterPlace is where the plan names a cluster.
func (v *verifier) clusterPlace(c cluster) place {
	at := place{file: v.PlanFile}
	if v.ClusterLine != nil {
		at.line = v.ClusterLine(c.name)
	}
	return at
}

// isNamed tells whether a cluster's name can be that of a directory.
func (v *verifier) isNamed(c cluster) bool {
	if c.name != "" && c.name != "." && c.name != ".." && !strings.ContainsAny(c.name, `/\`) {
		return true
	}
	v.add(c, rollout.RuleClusterMissing, v.clusterPlace(c), fmt.Sprintf("%q cannot be the name of a directory under %s/", c.name, clustersDir),
		"write the name of the cluster's directory")
	return false
}
