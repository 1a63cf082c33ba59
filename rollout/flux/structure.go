package flux

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// sameManifest tells whether two objects come from one manifest, which two
// directories apply, say a cluster's directory and the entry point in it.
func sameManifest(a, b *object) bool {
	if a.by != nil && b.by != nil {
		return sameManifest(a.by, b.by)
	}
	if a.manifest == nil || b.manifest == nil {
		return false
	}
	if a.manifest == b.manifest {
		return true
	}
	keys := []string{fieldMetadata, fieldName}
	for _, file := range a.in.directory.files {
		if slices.Contains(b.in.directory.files, file) && a.in.directory.line(file, a.manifest, keys) > 0 {
			return true
		}
	}
	return false
}

// checkEntry checks that a Flux Kustomization does not apply what makes another
// cluster what it is.
func (c *checker) checkEntry(k *object) {
	applied := k.path()
	if applied == "" || !k.sourceRef().isSource(c.source) {
		return
	}
	other, ok := c.verifier.entries[applied]
	if !ok || other.name == c.cluster.name {
		return
	}
	own := path.Clean(c.cluster.home())
	if c.verifier.isFile(own) {
		own = path.Dir(own)
	}
	c.add(rollout.RuleEntryDiffers, k, []string{fieldSpec, fieldPath},
		fmt.Sprintf("%s of the cluster %s applies %s, which is the entry point of the cluster %s, of the stage %s", k, c.cluster.name, applied, other.name, other.stage.Name),
		fmt.Sprintf("write path: ./%s, or another directory that is not a cluster's entry point", own))
}

// entriesOf are the directories that make up the entry points of all clusters.
func entriesOf(plan rollout.Plan) map[string]cluster {
	all := map[string]cluster{}
	for _, stage := range plan.Stages {
		for _, name := range stage.Clusters {
			c := cluster{stage: stage, name: name, entry: plan.Entries[name]}
			all[path.Clean(c.home())] = c
			if c.entry == "" {
				all[path.Join(c.home(), entryDir)] = c
				all[path.Join(c.home(), bootstrapDir)] = c
			}
		}
	}
	return all
}

// checkDependencies checks what the Flux Kustomizations of the cluster wait
// for.
func (c *checker) checkDependencies() {
	type name struct{ namespace, name string }
	all := map[name]*object{}
	for _, k := range c.fluxKustomizations {
		all[name{k.namespace, k.name}] = k
	}
	mayBringMore := sync.OnceValue(c.mayBringMore)
	waitsFor := func(k *object) []*object {
		var found []*object
		for i, on := range elements(field(k.node, fieldSpec, "dependsOn")) {
			wanted := name{cmp.Or(text(field(on, fieldNamespace)), k.namespace), text(field(on, fieldName))}
			switch other := all[wanted]; {
			case other != nil:
				found = append(found, other)
			case hasVariable(wanted.name) || hasVariable(wanted.namespace) || mayBringMore():
				// It may be in what is not known here.
			default:
				c.add(rollout.RuleDependsOnMissing, k, []string{fieldSpec, "dependsOn", fmt.Sprint(i), fieldName},
					fmt.Sprintf("%s waits for the Kustomization %s/%s, which the cluster does not have, so it is never applied", k, wanted.namespace, wanted.name),
					"correct the name or the namespace, or remove it")
			}
		}
		return found
	}
	c.findCircles(waitsFor)
}

// mayBringMore tells whether the cluster can have Flux Kustomizations that are
// not seen here: of other repositories, of ResourceSets, or of what could not be
// built.
func (c *checker) mayBringMore() bool {
	return c.incomplete() || len(c.of(operatorGroup, kindResourceSet)) > 0 ||
		slices.ContainsFunc(c.fluxKustomizations, func(k *object) bool { return !k.sourceRef().isSource(c.source) })
}

// findCircles walks along what Flux Kustomizations wait for, and reports each
// circle once, at the one that it was entered by.
func (c *checker) findCircles(waitsFor func(*object) []*object) {
	const walking, done = 1, 2
	state := map[*object]int{}
	var way []*object
	var walk func(*object)
	walk = func(k *object) {
		state[k] = walking
		way = append(way, k)
		for _, next := range waitsFor(k) {
			switch state[next] {
			case walking:
				c.circle(way[slices.Index(way, next):])
			case done:
			default:
				walk(next)
			}
		}
		way = way[:len(way)-1]
		state[k] = done
	}
	for _, k := range c.fluxKustomizations {
		if state[k] == 0 {
			walk(k)
		}
	}
}

func (c *checker) circle(way []*object) {
	names := make([]string, 0, len(way)+1)
	for _, k := range append(slices.Clone(way), way[0]) {
		names = append(names, k.name)
	}
	c.add(rollout.RuleDependsOnCircle, way[0], []string{fieldSpec, "dependsOn"},
		fmt.Sprintf("%s waits for itself (%s), so none of them is ever applied", way[0], strings.Join(names, " → ")), "remove one of the dependencies")
}

// checkAutomation checks which branches an ImageUpdateAutomation of the
// repository reads and pushes to (fluxcd/image-automation-controller api,
// GitSpec).
func (c *checker) checkAutomation(a *object, plan rollout.Plan) {
	source := c.find(a.sourceRef().namespace, a.sourceRef().name)
	if !a.sourceRef().isSource(c.source) && (source == nil || !c.isRepository(source)) {
		return
	}
	readKeys := []string{fieldSpec, "git", "checkout", "ref", fieldBranch}
	pushKeys := []string{fieldSpec, "git", "push", fieldBranch}
	reads := text(field(a.node, readKeys...))
	if reads == "" && source != nil {
		reads = text(field(source.node, refKeys(fieldBranch)...))
	}
	pushes := text(field(a.node, pushKeys...))
	if _, target, ok := strings.Cut(text(field(a.node, fieldSpec, "git", "push", "refspec")), ":"); ok && pushes == "" {
		pushKeys[3], pushes = "refspec", strings.TrimPrefix(target, branchRef)
	}
	if pushes == "" {
		pushKeys, pushes = readKeys, reads
	}
	if owner := c.promoted(pushes, plan); owner != "" {
		c.add(rollout.RuleAutomationPushes, a, pushKeys,
			fmt.Sprintf("%s pushes to %s, %s: with a commit of its own there, it can never be fast-forwarded again", a, substitute.Readable(pushes), owner),
			fmt.Sprintf("push to a branch of its own, or to %s, and let it soak", plan.Stages[0].Branch))
	}
	if reads != c.stage.Branch && substitute.IsKnown(reads) {
		c.add(rollout.RuleAutomationReads, a, readKeys,
			fmt.Sprintf("%s reads %s, and the clusters of the stage %s follow %s", a, reads, c.stage.Name, c.stage.Branch),
			fmt.Sprintf("let a cluster of the stage that follows %s run it", reads))
	}
}

// promoted says whose branch it is, if only promotions may move it. A branch
// that nobody knows may be.
func (c *checker) promoted(branch string, plan rollout.Plan) string {
	switch {
	case branch == plan.Ledger && branch != "":
		return "the ledger"
	case hasVariable(branch):
		return "which nothing in the repository says is not a stage's branch"
	}
	for _, stage := range plan.Downstream() {
		if stage.Branch == branch {
			return "the branch of the stage " + stage.Name
		}
	}
	return ""
}

func (c *checker) checkResourceSet(set *object) {
	c.add(rollout.RuleResourceSet, set, []string{fieldMetadata, fieldName},
		fmt.Sprintf("%s makes objects of a template in the cluster, which nobody can see here; it may make sources and Kustomizations, too", set),
		"check what it makes; if none of it is a source of this repository, turn the rule off in the plan with that reason")
}

// shownSecrets is how many encrypted Secrets of one directory are named.
const shownSecrets = 5

// checkManifests checks what is wrong with single manifests: what cannot be
// written as JSON, a name that is no text, and a Secret that nothing decrypts.
func (c *checker) checkManifests() {
	for _, a := range c.applications {
		for _, m := range slices.Concat(a.directory.defective, a.directory.nameless) {
			o := a.plain(m)
			c.add(rollout.RuleBuildFailed, o, m.at, fmt.Sprintf("%s %s", o, m.defect.says), m.defect.mend)
		}
		if a.by == nil || !isEmpty(field(a.by.node, fieldSpec, "decryption")) {
			continue
		}
		for _, m := range a.directory.encrypted[:min(shownSecrets, len(a.directory.encrypted))] {
			o := a.plain(m)
			c.add(rollout.RuleSecretEncrypted, o, []string{fieldMetadata, fieldName},
				fmt.Sprintf("%s is encrypted, and %s has no spec.decryption, so the cluster gets it as it is", o, a.by),
				"add spec.decryption to the Kustomization")
		}
	}
}

// A pin notes from which files a cluster has its source.
type pin struct {
	stage, cluster string
	files          []string
}

func (v *verifier) pin(r *reach, sources []*object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, source := range sources {
		v.pins = append(v.pins, pin{r.cluster.stage.Name, r.cluster.name, source.in.directory.files})
	}
}

// findShared reports the manifests with the wrong branch for one stage that a
// cluster of another stage applies, too: whoever mends the branch for the one
// breaks the other.
func (v *verifier) findShared() {
	for _, f := range slices.Clone(v.result.Findings) {
		if f.Rule != rollout.RuleBranchDiffers {
			continue
		}
		for _, p := range v.pins {
			if p.stage == f.Stage || !slices.Contains(p.files, f.File) {
				continue
			}
			v.addFinding(rollout.Finding{
				Rule: rollout.RuleBranchShared, Stage: f.Stage, Cluster: f.Cluster, Chain: f.Chain, File: f.File, Line: f.Line,
				Message: fmt.Sprintf("the cluster %s of the stage %s applies this manifest, too, and it names one branch for both", p.cluster, p.stage),
				Fix:     "write the branch as a variable or patch it in each cluster's own directory, or give each cluster a manifest of its own",
			})
			break
		}
	}
}
