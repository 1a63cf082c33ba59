package flux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/monosense/k8s-ops/rollout"
)

// Options are what [Verify] and [Render] need to know.
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
	// Clusters are the names of those to look at. Default is all of the plan.
	Clusters []string
	// Changed are the files that differ from a tree that was verified before, as
	// slash paths relative to Root. What did not change, and has nothing that
	// Flux makes sources or directories of, is not built then. Default is nil:
	// everything may have changed.
	Changed []string
	// Helm is the helm command, a name in PATH or a path. It is looked for
	// only if a cluster's tree has charts. Default is helm.
	Helm string
}

// Verify renders what every cluster of the plan would apply and returns what
// would let it apply anything but its stage's branch. Whatever is wrong with
// the tree is a finding. An error means that nothing was verified: the root
// cannot be opened, or the context ended.
func Verify(ctx context.Context, options Options) (rollout.Verification, error) {
	v, err := newVerifier(options)
	if err != nil {
		return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
	}
	defer v.close()
	v.rulesOnly = true
	if err := v.each(ctx, v.verify); err != nil {
		return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
	}
	if len(v.Clusters) == 0 {
		if err := v.findUnclaimed(); err != nil {
			return rollout.Verification{}, fmt.Errorf("verify branches: %w", err)
		}
	}
	v.findShared()
	return v.finish(), nil
}

// A verifier is one call of Verify or Render.
type verifier struct {
	Options
	tree   *tree
	parser *parser
	// entries are the clusters whose entry point a directory is.
	entries map[string]cluster
	// changed are the files that did; nil is all.
	changed changes
	// rulesOnly says that only the rules ask for objects, so that others need not
	// be kept.
	rulesOnly bool
	// phase counts clusters and directories.
	phase *rollout.Phase

	// mu guards what follows: clusters are looked at side by side.
	mu     sync.Mutex
	helm   helm
	result rollout.Verification
	// directories are those that were built, and destinations where the paths
	// lead that were looked up, as they are written.
	directories  map[string]*directory
	destinations map[string]destination
	// used are the directories with something that the stages' clusters apply.
	// unknown says that a cluster could not be rendered, so that there may be
	// more.
	used    map[string]bool
	unknown bool
	// pins are from which files the clusters have their sources.
	pins []pin
}

func newVerifier(options Options) (*verifier, error) {
	t, err := openTree(options.Root)
	if err != nil {
		return nil, err
	}
	v := &verifier{
		Options: options, tree: t, parser: newParser(), directories: map[string]*directory{}, destinations: map[string]destination{},
		entries: entriesOf(options.Plan), used: map[string]bool{},
	}
	if v.PlanFile == "" {
		v.PlanFile = path.Join(clustersDir, "rollout.yaml")
	}
	v.changed = newChanges(v.Changed, v.PlanFile)
	return v, nil
}

func (v *verifier) close() {
	if v.helm.dir != "" {
		v.helm.remove()
	}
	v.tree.close()
}

// clusters are those of the plan that are looked at, in its order.
func (v *verifier) clusters() []cluster {
	var all []cluster
	for _, stage := range v.Plan.Stages {
		for _, name := range stage.Clusters {
			if len(v.Clusters) == 0 || slices.Contains(v.Clusters, name) {
				all = append(all, cluster{stage: stage, name: name, entry: v.Plan.Entries[name]})
			}
		}
	}
	return all
}

// each looks at every cluster, as many at once as there are processors.
func (v *verifier) each(ctx context.Context, look func(cluster)) error {
	clusters := v.clusters()
	v.phase = rollout.Begin(ctx, rollout.Effort{What: "rendering", Parts: "clusters", Total: len(clusters), Pieces: "directories"})
	defer v.phase.End()
	all := make(chan cluster)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for c := range all {
				look(c)
				v.phase.Add(1)
			}
		})
	}
	defer workers.Wait()
	defer close(all)
	for _, c := range clusters {
		select {
		case all <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// longestMessage is how many characters of a message are kept: what a manifest
// or helm brings along may be of any length.
const longestMessage = 2000

func (v *verifier) add(c cluster, rule string, at place, message, fix string) {
	v.addFinding(rollout.Finding{
		Rule: rule, Stage: c.stage.Name, Cluster: c.name, Chain: []string{c.name},
		File: at.file, Line: at.line, Message: message, Fix: fix,
	})
}

func (v *verifier) addFinding(f rollout.Finding) {
	if known, ok := rollout.RuleByID(f.Rule); ok {
		f.Severity = known.Severity
	}
	f.Message, f.Fix = rollout.Printable(f.Message, longestMessage), rollout.Printable(f.Fix, longestMessage)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.result.Findings = append(v.result.Findings, f)
}

// verify checks one cluster. What is meant to be impossible is a finding of
// that cluster too, so that it hides nothing of the others.
func (v *verifier) verify(c cluster) {
	v.guarded(c, func() {
		r, ok := v.reach(c)
		if !ok {
			return
		}
		v.count(r)
		v.report(r)
		if len(r.entry().directory.problems) > 0 {
			return // every rule would be violated for want of objects
		}
		for _, violation := range check(r, v.Plan, c.stage) {
			v.addFinding(r.finding(violation))
		}
	})
}

func (v *verifier) guarded(c cluster, look func()) {
	defer func() {
		if cause := recover(); cause != nil {
			v.add(c, rollout.RuleBuildFailed, place{file: c.home()},
				fmt.Sprintf("verifying it failed in a way that nobody foresaw: %v", cause), "report it with the tree that caused it")
		}
	}()
	look()
}

// reach renders a cluster. It is false for one without an entry point.
func (v *verifier) reach(c cluster) (*reach, bool) {
	v.mu.Lock()
	v.result.Clusters++
	v.mu.Unlock()
	if v.isNamed(c) {
		if entry, ok := v.entryOf(c); ok {
			return v.reachFrom(c, entry), true
		}
	}
	v.mu.Lock()
	v.unknown = true
	v.mu.Unlock()
	return nil, false
}

// count notes what a cluster applies.
func (v *verifier) count(r *reach) {
	incomplete := r.incomplete()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unknown = v.unknown || incomplete
	v.result.Kustomizations += len(r.applications) - 1
	counted := map[*directory]bool{}
	for _, a := range r.applications {
		d := a.directory
		if counted[d] {
			continue
		}
		counted[d] = true
		if d.skipped {
			v.result.Unchanged++
		}
		v.result.Objects += len(d.resources)
		for _, k := range d.order {
			v.used[k.dir] = true
		}
		for _, file := range d.files {
			v.used[path.Dir(file)] = true
		}
	}
	for _, o := range r.of(kustomizeGroup, kindKustomization) {
		if dir := o.path(); dir != "" {
			v.used[dir] = true
		}
	}
}

// report adds the problems of what cannot be built.
func (v *verifier) report(r *reach) {
	for _, a := range r.applications {
		for _, p := range a.directory.problems {
			f := r.at(a, p.place)
			f.Rule, f.Message, f.Fix = p.rule, p.message, p.fix
			v.addFinding(f)
		}
		for _, failed := range a.failures {
			v.addFinding(r.finding(violation{
				rule: rollout.RuleBuildFailed, object: failed.object, keys: []string{fieldMetadata, fieldName},
				message: fmt.Sprintf("Flux cannot substitute variables in %s, and applies nothing of %s: %s", failed.object, a.directory.name, failed.reason),
				fix:     "write $${ for a ${ that is no variable, or label the object " + substituteKey + ": disabled",
			}))
		}
	}
}

// finish sorts the findings, and takes out those of rules that are turned off.
func (v *verifier) finish() rollout.Verification {
	rollout.SortFindings(v.result.Findings)
	// A manifest that a cluster applies by two ways is at fault once.
	v.result.Findings = slices.CompactFunc(v.result.Findings, func(a, b rollout.Finding) bool { return a.Compare(b) == 0 })
	return v.result.Without(v.Plan.RulesOff)
}

// helmFor is the helm command for a tree, empty for one without charts. Only who
// applies an entry point by hand can have one: kustomize-controller starts no helm.
func (v *verifier) helmFor(s *survey, o overlay) (string, []problem) {
	if s.helm.file == "" {
		return "", nil
	}
	if !o.Entry {
		return "", []problem{{
			place: s.helm, rule: rollout.RuleBuildFailed,
			message: "a chart is to be inflated here, and Flux's kustomize-controller inflates none: it applies nothing of the directory",
			fix:     "write a HelmRelease instead of the chart, or commit the output of `helm template` as a resource",
		}}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
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
	if mode, err := v.tree.stat(dir); err != nil || !mode.IsDir() {
		return false
	}
	if mode, err := v.tree.stat(path.Join(dir, entryDir)); err == nil && mode.IsDir() {
		return true
	}
	if v.isFile(path.Join(dir, bootstrapDir, syncFile)) {
		return true
	}
	if v.unknown || v.uses(dir) {
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

// uses tells whether a stage's cluster applies anything below a directory.
func (v *verifier) uses(dir string) bool {
	for used := range v.used {
		if strings.HasPrefix(used+"/", dir+"/") {
			return true
		}
	}
	return false
}
