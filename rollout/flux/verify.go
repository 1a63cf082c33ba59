package flux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// clustersDir holds one directory a cluster, and entryDir in it is what the
// cluster's Flux applies first.
const (
	clustersDir = "clusters"
	entryDir    = "flux"
)

// Options are what [Verify] needs to know.
type Options struct {
	// Root is the repository's checkout.
	Root string
	// Plan is checked against.
	Plan rollout.Plan
	// PlanFile is the plan's slash path relative to Root, for the places of
	// findings. Default is clusters/rollout.yaml.
	PlanFile string
	// ClusterLine tells the line of the plan that names a cluster. Default is
	// line 0, the plan as a whole.
	ClusterLine func(cluster string) int
	// Helm is the helm command, a name in PATH or a path. It is looked for
	// only if a cluster's tree has charts. Default is helm.
	Helm string
}

// Verify builds what every cluster of the plan would apply and returns what
// would let it apply anything but its stage's branch. Whatever is wrong with
// the tree is a finding. An error means that nothing was verified: the root
// cannot be opened, or the context ended.
func Verify(ctx context.Context, options Options) (rollout.Verification, error) {
	t, err := openTree(options.Root)
	if err != nil {
		return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
	}
	defer t.close()
	v := &verifier{Options: options, tree: t, directories: map[string]*directory{}, destinations: map[string]destination{}}
	if v.PlanFile == "" {
		v.PlanFile = path.Join(clustersDir, "rollout.yaml")
	}
	defer v.close()
	for _, stage := range options.Plan.Stages {
		for _, name := range stage.Clusters {
			if err := ctx.Err(); err != nil {
				return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
			}
			v.verify(cluster{stage: stage, name: name})
		}
	}
	if err := v.findUnclaimed(); err != nil {
		return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
	}
	rollout.SortFindings(v.result.Findings)
	// A manifest that a cluster applies by two ways is at fault once.
	v.result.Findings = slices.Compact(v.result.Findings)
	return v.result, nil
}

// A cluster is one that a stage claims.
type cluster struct {
	stage rollout.Stage
	name  string
}

// A verifier is one call of Verify.
type verifier struct {
	Options
	tree   *tree
	helm   helm
	result rollout.Verification
	// directories are those that were built, by name, and destinations where
	// the paths lead that were looked up, as they are written.
	directories  map[string]*directory
	destinations map[string]destination
	// used are the slash paths that the stages' clusters build from or point
	// their Flux Kustomizations at. unknown says that a cluster could not be
	// built, so that there may be more.
	used    []string
	unknown bool
}

func (v *verifier) close() {
	if v.helm.dir != "" {
		v.helm.remove()
	}
}

// longestMessage is how many characters of a message are kept: what a manifest
// or helm brings along may be of any length.
const longestMessage = 2000

func (v *verifier) add(c cluster, rule string, at place, message, fix string) {
	v.result.Findings = append(v.result.Findings, rollout.Finding{
		Rule: rule, Stage: c.stage.Name, Cluster: c.name, File: at.file, Line: at.line,
		Message: rollout.Printable(message, longestMessage), Fix: rollout.Printable(fix, longestMessage),
	})
}

// verify checks one cluster. What is meant to be impossible is a finding of
// that cluster too, so that it hides nothing of the others.
func (v *verifier) verify(c cluster) {
	defer func() {
		if cause := recover(); cause != nil {
			v.add(c, rollout.RuleBuildFailed, place{file: path.Join(clustersDir, c.name, entryDir)},
				fmt.Sprintf("verifying it failed in a way that nobody foresaw: %v", cause), "report it with the tree that caused it")
		}
	}()
	v.result.Clusters++
	if !v.hasEntry(c) {
		v.unknown = true
		return
	}
	r := v.reachFrom(v.open(path.Join(clustersDir, c.name, entryDir)))
	for _, d := range r.directories {
		v.used = append(v.used, d.files...)
		v.result.Objects += d.count
		v.report(c, d.problems)
	}
	v.used = append(v.used, r.paths()...)
	v.unknown = v.unknown || r.incomplete()
	if len(r.entry().problems) > 0 {
		return // every rule would be violated for want of objects
	}
	for _, violation := range check(r, v.Plan, c.stage) {
		v.add(c, violation.rule, r.place(violation), violation.message, violation.fix)
	}
}

func (v *verifier) report(c cluster, problems []problem) {
	for _, p := range problems {
		v.add(c, p.rule, p.place, p.message, p.fix)
	}
}

// hasEntry tells whether a cluster has an entry point that can be built.
func (v *verifier) hasEntry(c cluster) bool {
	at := place{file: v.PlanFile}
	if v.ClusterLine != nil {
		at.line = v.ClusterLine(c.name)
	}
	if c.name == "" || c.name == "." || c.name == ".." || strings.ContainsAny(c.name, `/\`) {
		v.add(c, rollout.RuleClusterMissing, at, fmt.Sprintf("%q cannot be the name of a directory under %s/", c.name, clustersDir),
			"write the name of the cluster's directory")
		return false
	}
	entry := path.Join(clustersDir, c.name, entryDir)
	_, err := v.tree.stat(entry)
	if isOutside(err) || len(v.tree.kustomizationsIn(entry)) > 0 {
		return true // what else may be wrong with it, the survey says
	}
	v.add(c, rollout.RuleClusterMissing, at,
		fmt.Sprintf("the stage %s has the cluster %s, and there is no %s/kustomization.yaml", c.stage.Name, c.name, entry),
		fmt.Sprintf("add %s/kustomization.yaml, or remove %s from the plan", entry, c.name))
	return false
}

// helmFor is the helm command for a tree, empty for one without charts.
func (v *verifier) helmFor(s *survey) (string, []problem) {
	if s.helm.file == "" {
		return "", nil
	}
	if v.helm.command == "" {
		prepared, err := prepareHelm(v.Options.Helm)
		if err != nil {
			return "", []problem{{
				place: s.helm, rule: rollout.RuleHelmMissing,
				message: fmt.Sprintf("the charts here are inflated by helm, and it cannot be started: %v", err),
				fix:     "install helm (https://helm.sh/docs/intro/install), or commit the output of `helm template` as a resource instead of the chart",
			}}
		}
		v.helm = prepared
	}
	return v.helm.command, nil
}

// findUnclaimed reports the directories of clusters that no stage has.
func (v *verifier) findUnclaimed() error {
	var claimed []string
	for _, stage := range v.Plan.Stages {
		claimed = append(claimed, stage.Clusters...)
	}
	entries, err := fs.ReadDir(v.tree.root.FS(), clustersDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // every cluster of the plan is already reported
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", clustersDir, err)
	}
	for _, found := range entries {
		name := found.Name()
		if slices.Contains(claimed, name) || !v.isCluster(path.Join(clustersDir, name)) {
			continue
		}
		v.add(cluster{name: name}, rollout.RuleClusterUnclaimed, place{file: path.Join(clustersDir, name)},
			fmt.Sprintf("no stage has the cluster %s, so no rule holds for what it applies", name),
			fmt.Sprintf("add %s to the clusters of a stage in %s, or remove the directory", name, v.PlanFile))
	}
	return nil
}

// isCluster tells whether a directory could be what a cluster applies: it has
// an entry point; or a kustomization at any depth, and no stage's cluster uses
// anything of it, as clusters use shared bases. While a cluster cannot be
// built, what it uses is not known, and only entry points count.
func (v *verifier) isCluster(dir string) bool {
	if info, err := v.tree.stat(dir); err != nil || !info.IsDir() {
		return false
	}
	if info, err := v.tree.stat(path.Join(dir, entryDir)); err == nil && info.IsDir() {
		return true
	}
	if v.unknown || slices.ContainsFunc(v.used, func(file string) bool { return strings.HasPrefix(file+"/", dir+"/") }) {
		return false
	}
	found := false
	_ = fs.WalkDir(v.tree.root.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read cannot be applied
		}
		if !entry.IsDir() && isKustomizationFile(name) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}
