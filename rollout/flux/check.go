package flux

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// A violation is a finding whose place is not known yet.
type violation struct {
	rule string
	// object is at fault, and keys lead to its field. The entry point is at
	// fault where there is no object.
	object       *object
	keys         []string
	message, fix string
}

// A checker applies the rules to what one cluster applies.
type checker struct {
	*reach
	stage  rollout.Stage
	source rollout.Source
	// repository is the plan's, or the one that the source names where the
	// plan's is a path. It is not known where both fail.
	repository address
	known      bool
	// repositories and fluxKustomizations are all of the cluster.
	repositories, fluxKustomizations []*object
	violations                       []violation
}

// check returns the violations of all rules, those of the reach among them.
func check(r *reach, plan rollout.Plan, stage rollout.Stage) []violation {
	c := &checker{
		reach: r, stage: stage, source: plan.Source, violations: slices.Clone(r.astray),
		repositories: r.of(sourceGroup, kindGitRepository), fluxKustomizations: r.of(kustomizeGroup, kindKustomization),
	}
	c.repository, c.known = planned(plan.Repository)
	sources := c.sources()
	if !c.known && len(sources) > 0 {
		c.repository, c.known = parseAddress(text(field(sources[0].node, fieldSpec, "url")))
	}
	c.checkSources(sources)
	for _, repository := range c.repositories {
		if !c.isSource(repository) {
			c.checkOther(repository)
		}
	}
	for _, kustomization := range c.fluxKustomizations {
		c.checkKustomization(kustomization)
		c.checkEntry(kustomization)
	}
	c.checkDependencies()
	for _, automation := range r.of(imageGroup, kindAutomation) {
		c.checkAutomation(automation, plan)
	}
	for _, set := range r.of(operatorGroup, kindResourceSet) {
		c.checkResourceSet(set)
	}
	c.checkManifests()
	v := r.verifier
	v.pin(r, sources)
	return c.violations
}

func (c *checker) add(rule string, o *object, keys []string, message, fix string) {
	c.violations = append(c.violations, violation{rule: rule, object: o, keys: keys, message: message, fix: fix})
}

func (c *checker) isSource(repository *object) bool {
	return repository.is(sourceGroup, kindGitRepository) && repository.namespace == c.source.Namespace && repository.name == c.source.Name
}

func (c *checker) sources() []*object {
	var sources []*object
	for _, repository := range c.repositories {
		if c.isSource(repository) {
			sources = append(sources, repository)
		}
	}
	return sources
}

// isRepository tells whether a GitRepository is one of the plan's repository.
func (c *checker) isRepository(o *object) bool {
	named, ok := parseAddress(text(field(o.node, fieldSpec, "url")))
	return ok && c.known && named.same(c.repository)
}

func (c *checker) checkSources(sources []*object) {
	if len(sources) == 0 {
		c.checkMissing()
		return
	}
	for _, source := range sources {
		c.checkSource(source)
	}
	if first := sources[0]; !slices.ContainsFunc(slices.Concat(c.entry().objects, c.entry().made), c.isSource) {
		c.add(rollout.RuleSourceMissing, first, []string{fieldMetadata, fieldName},
			fmt.Sprintf("%s is only in %s, which a cluster reaches by having it", first, first.in.directory.name),
			fmt.Sprintf("move it to the entry point, %s", c.entry().directory.name))
	}
	for _, double := range sources[1:] {
		c.checkDouble(sources[0], double)
	}
}

// checkDouble reports a second source, unless it is the first one once more.
func (c *checker) checkDouble(first, double *object) {
	if equalTrees(first.node, double.node) && sameManifest(first, double) {
		return
	}
	twice := fmt.Sprintf("as %s/%s and as %s/%s", first.group, first.version, double.group, double.version)
	if first.in.directory.name != double.in.directory.name {
		twice = fmt.Sprintf("in %s and in %s", first.in.directory.name, double.in.directory.name)
	}
	c.add(rollout.RuleSourceDuplicate, double, []string{fieldMetadata, fieldName},
		fmt.Sprintf("%s is there twice, %s, and the cluster keeps whichever is applied last", double, twice), "keep one of the two")
}

// checkMissing reports the source that is not there. A GitRepository that only
// its namespace tells apart from it is what was meant, and so is the only one
// of the plan's repository.
func (c *checker) checkMissing() {
	wanted := c.source.Namespace + "/" + c.source.Name
	var misplaced, misnamed []*object
	for _, repository := range c.repositories {
		switch {
		case repository.name == c.source.Name:
			misplaced = append(misplaced, repository)
		case c.isRepository(repository):
			misnamed = append(misnamed, repository)
		}
	}
	for _, near := range misplaced {
		c.add(rollout.RuleNamespaceMismatch, near, []string{fieldMetadata, fieldNamespace},
			fmt.Sprintf("the source is %s in the plan and %s here", wanted, near), "write namespace: "+c.source.Namespace)
	}
	message := fmt.Sprintf("the build has no GitRepository %s, so no branch decides what is applied", wanted)
	switch {
	case len(misplaced) > 0:
	case len(misnamed) == 1:
		c.add(rollout.RuleSourceMissing, misnamed[0], []string{fieldMetadata, fieldName},
			fmt.Sprintf("%s; it has %s", message, misnamed[0]), fmt.Sprintf("write the plan's name and namespace: %s", wanted))
	default:
		c.add(rollout.RuleSourceMissing, nil, nil, message,
			fmt.Sprintf("add a GitRepository %s with spec.ref.branch: %s", wanted, c.stage.Branch))
	}
}

// checkSource checks every field of a GitRepository that decides what is
// applied (fluxcd/source-controller api/v1, GitRepositorySpec).
func (c *checker) checkSource(source *object) {
	c.checkURL(source)
	if text(field(source.node, fieldSpec, "suspend")) == "true" {
		c.add(rollout.RuleSourceSuspended, source, []string{fieldSpec, "suspend"},
			fmt.Sprintf("%s is suspended, so the cluster takes nothing new, and no promotion arrives", source),
			"remove suspend; to stop promotions, use mage release:hold, which says who and why")
	}
	if !isEmpty(field(source.node, fieldSpec, "include")) {
		c.add(rollout.RuleSourceInclude, source, []string{fieldSpec, "include"},
			fmt.Sprintf("%s includes the content of another GitRepository, which no stage's branch decides", source),
			"remove include, and apply the other GitRepository with a Kustomization of its own")
	}
	outranking := c.outranking(source)
	for _, key := range outranking {
		c.add(rollout.RuleRefOutranked, source, refKeys(key),
			fmt.Sprintf("spec.ref.%s (%s) takes precedence over the branch", key, refText(source, key)),
			c.branchFix(source, fmt.Sprintf("remove %s; write only ", key)))
	}
	branch := field(source.node, refKeys(fieldBranch)...)
	switch {
	case !isEmpty(branch):
		c.checkBranch(source, branch)
	case len(outranking) == 0:
		c.add(rollout.RuleRefMissing, source, refKeys(fieldBranch),
			fmt.Sprintf("%s names no branch, and Flux falls back to %s", source, defaultFluxBranch), c.branchFix(source, "write "))
	}
}

// branchFix is how to write the stage's branch into a source, or into the
// FluxInstance that makes it.
func (c *checker) branchFix(source *object, lead string) string {
	if source.by != nil {
		return fmt.Sprintf("write sync.ref: %s%s", branchRef, c.stage.Branch)
	}
	return fmt.Sprintf("%sspec.ref.branch: %s", lead, c.stage.Branch)
}

func refKeys(key string) []string { return []string{fieldSpec, "ref", key} }

func refText(o *object, key string) string {
	return describe(field(o.node, refKeys(key)...))
}

// describe is a value for a message: its text, or what it is.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return substitute.Readable(node.Value)
	default:
		return node.Value
	}
}

// outranking lists the fields of spec.ref that are set and take precedence
// over the branch, strongest first (GitRepositoryRef of source-controller).
func (c *checker) outranking(o *object) []string {
	var keys []string
	for _, key := range []string{"commit", "name", "semver", "tag"} {
		if !isEmpty(field(o.node, refKeys(key)...)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkBranch checks the branch of the source.
func (c *checker) checkBranch(source *object, branch *yaml.Node) {
	message := ""
	switch {
	case branch.Kind != yaml.ScalarNode || !isString(branch):
		message = fmt.Sprintf("spec.ref.branch is %s, and the API server only takes a string", describe(branch))
	case branch.Value == "refs/heads/"+c.stage.Branch:
		message = fmt.Sprintf("spec.ref.branch is %s, and Flux looks for a branch of that whole name", branch.Value)
	case branch.Value != c.stage.Branch:
		message = fmt.Sprintf("spec.ref.branch is %s, and the stage %s follows %s", branch.Value, c.stage.Name, c.stage.Branch)
	default:
		return
	}
	c.add(rollout.RuleBranchDiffers, source, refKeys(fieldBranch), message, c.branchFix(source, "write "))
}

func (c *checker) checkURL(source *object) {
	if c.isRepository(source) || !c.known {
		return
	}
	written := text(field(source.node, fieldSpec, "url"))
	c.add(rollout.RuleURLDiffers, source, []string{fieldSpec, "url"},
		fmt.Sprintf("spec.url is %q, and the plan's repository is %s/%s", redact(written), c.repository.host, c.repository.path),
		fmt.Sprintf("write url: ssh://git@%s/%s.git, or its https form", c.repository.host, c.repository.path))
}

// checkOther checks a GitRepository that is not the source: of the same
// repository it may only follow the stage's branch, of another one anything.
func (c *checker) checkOther(other *object) {
	if !c.isRepository(other) {
		return
	}
	fix := c.branchFix(other, "remove it and use the source, or write ")
	outranking := c.outranking(other)
	for _, key := range outranking {
		c.add(rollout.RuleOtherSourceBranch, other, refKeys(key),
			fmt.Sprintf("%s follows %s %s of the same repository, and the stage %s follows the branch %s",
				other, key, refText(other, key), c.stage.Name, c.stage.Branch), fix)
	}
	branch := field(other.node, refKeys(fieldBranch)...)
	switch {
	case isEmpty(branch) && len(outranking) == 0:
		c.add(rollout.RuleOtherSourceBranch, other, refKeys(fieldBranch),
			fmt.Sprintf("%s is of the same repository and names no branch, and Flux falls back to %s", other, defaultFluxBranch), fix)
	case !isEmpty(branch) && (!isString(branch) || branch.Value != c.stage.Branch):
		c.add(rollout.RuleOtherSourceBranch, other, refKeys(fieldBranch),
			fmt.Sprintf("%s follows the branch %s of the same repository, and the stage %s follows %s",
				other, describe(branch), c.stage.Name, c.stage.Branch), fix)
	}
}

// checkKustomization checks what a Flux Kustomization applies. Another
// repository's GitRepository is legitimate.
func (c *checker) checkKustomization(k *object) {
	keys := []string{fieldSpec, fieldSourceRef}
	ref := k.sourceRef()
	fix := fmt.Sprintf("write sourceRef: {kind: GitRepository, name: %s, namespace: %s}", c.source.Name, c.source.Namespace)
	switch {
	case ref.kind == "" || ref.name == "":
		c.add(rollout.RuleSourceRefMissing, k, keys, fmt.Sprintf("%s names no source", k), fix)
	case !ref.isRepository():
		c.add(rollout.RuleSourceRefDiffers, k, append(keys, "kind"),
			fmt.Sprintf("%s applies the %s %s, which no stage's branch decides", k, ref.kind, ref.name), fix)
	case !ref.isSource(c.source):
		c.checkReference(k, ref, fix)
	}
}

// checkReference checks a reference to a GitRepository that is not the source.
func (c *checker) checkReference(k *object, ref reference, fix string) {
	nameKeys := []string{fieldSpec, fieldSourceRef, fieldName}
	target := c.find(ref.namespace, ref.name)
	switch {
	case target != nil:
		// A source in the wrong namespace is reported as that, once.
		misplaced := ref.name == c.source.Name && len(c.sources()) == 0
		if c.isRepository(target) && !misplaced {
			c.add(rollout.RuleSourceRefDiffers, k, nameKeys,
				fmt.Sprintf("%s applies %s, which is of the plan's repository and is not the source %s/%s", k, target, c.source.Namespace, c.source.Name), fix)
		}
	case hasVariable(ref.name):
		c.add(rollout.RuleSourceRefDiffers, k, nameKeys,
			fmt.Sprintf("%s names its source by a variable, %s, and nothing proves which one that is", k, substitute.Readable(ref.name)), fix)
	case c.incomplete():
		// It may be in what could not be built, which is reported.
	case ref.name == c.source.Name:
		c.add(rollout.RuleNamespaceMismatch, k, namespaceKeys(k),
			fmt.Sprintf("%s looks for its source in the namespace %q, and it is in %q", k, ref.namespace, c.source.Namespace),
			fmt.Sprintf("write namespace: %s in sourceRef", c.source.Namespace))
	default:
		full := strings.TrimPrefix(ref.namespace+"/"+ref.name, "/")
		c.add(rollout.RuleSourceRefMissing, k, nameKeys, fmt.Sprintf("%s applies the GitRepository %s, which the build does not have", k, full), fix)
	}
}

// namespaceKeys lead to the field that decides the namespace of a Flux
// Kustomization's sourceRef, or to where one has to be written.
func namespaceKeys(k *object) []string {
	ref := []string{fieldSpec, fieldSourceRef}
	switch {
	case !isEmpty(field(k.node, append(ref, fieldNamespace)...)):
		return append(ref, fieldNamespace)
	case !isEmpty(field(k.node, fieldMetadata, fieldNamespace)):
		return append(ref, fieldName)
	default:
		return []string{fieldMetadata, fieldNamespace}
	}
}

// find returns the GitRepository that a reference means: that of the name, or
// else one that can be it once the variables are substituted.
func (c *checker) find(namespace, name string) *object {
	var possible *object
	for _, repository := range c.repositories {
		switch {
		case repository.namespace == namespace && repository.name == name:
			return repository
		case hasVariable(name):
			// It could be any, and that is a finding.
		case possible == nil && mayBe(repository.namespace, namespace) && mayBe(repository.name, name):
			possible = repository
		}
	}
	return possible
}
