package rollout

import "slices"

// Severity is how bad a finding is.
type Severity string

// The severities. Only an error fails a verification.
const (
	// SeverityError: a cluster can apply something else than its stage's branch,
	// or Flux cannot apply what is there, or nobody can tell.
	SeverityError Severity = "error"
	// SeverityWarning: somebody should look at it. It is often meant.
	SeverityWarning Severity = "warning"
)

// A Rule is one thing that a verification looks for.
type Rule struct {
	// ID is what findings, reports, and the plan name it by. It is stable.
	ID string
	// Severity is that of its findings.
	Severity Severity
	// Title is what a finding of it says, in a few words.
	Title string
}

// The rules of a verification. docs/rules.md has a page on each.
const (
	// RuleSourceMissing: the build has no GitRepository with the name and the
	// namespace of the plan's source.
	RuleSourceMissing = "source-missing"
	// RuleSourceDuplicate: the source is there twice, so which one a cluster
	// ends up with depends on the order in which they are applied.
	RuleSourceDuplicate = "source-duplicate"
	// RuleSourceSuspended: the source has spec.suspend, so the cluster takes
	// nothing new.
	RuleSourceSuspended = "source-suspended"
	// RuleURLDiffers: the source's spec.url is another repository than the
	// plan's.
	RuleURLDiffers = "url-differs"
	// RuleBranchDiffers: the source's spec.ref.branch is not the stage's
	// branch, written as a plain branch name.
	RuleBranchDiffers = "branch-differs"
	// RuleBranchShared: clusters of different stages apply one manifest that
	// names a branch of the repository.
	RuleBranchShared = "branch-shared"
	// RuleRefMissing: the source names no branch, and Flux falls back to
	// master.
	RuleRefMissing = "ref-missing"
	// RuleRefOutranked: a commit, name, semver or tag beside the branch takes
	// precedence over it.
	RuleRefOutranked = "ref-outranked"
	// RuleSourceInclude: the source includes the content of another
	// GitRepository.
	RuleSourceInclude = "source-include"
	// RuleOtherSourceBranch: another GitRepository of the same repository
	// follows anything but the stage's branch.
	RuleOtherSourceBranch = "other-source-branch"
	// RuleSourceRefDiffers: a Flux Kustomization applies something that is
	// neither the source nor another repository's GitRepository.
	RuleSourceRefDiffers = "sourceref-differs"
	// RuleSourceRefMissing: a Flux Kustomization names no source, or a
	// GitRepository that the build does not have.
	RuleSourceRefMissing = "sourceref-missing"
	// RuleNamespaceMismatch: the name is the source's, the namespace is not.
	RuleNamespaceMismatch = "namespace-mismatch"
	// RuleDependsOnMissing: a Flux Kustomization depends on one that the
	// cluster does not have, and is never applied.
	RuleDependsOnMissing = "dependson-missing"
	// RuleDependsOnCircle: Flux Kustomizations wait for each other for ever.
	RuleDependsOnCircle = "dependson-circle"
	// RuleAutomationPushes: an ImageUpdateAutomation pushes to a branch that
	// only promotions may move.
	RuleAutomationPushes = "automation-pushes"
	// RuleAutomationReads: an ImageUpdateAutomation reads another branch than
	// the one that its cluster follows.
	RuleAutomationReads = "automation-reads"
	// RuleEntryDiffers: an entry point applies that of another cluster.
	RuleEntryDiffers = "entry-differs"
	// RuleOtherCluster: what is applied goes to another cluster.
	RuleOtherCluster = "other-cluster"
	// RulePathUnknown: a variable that nothing in the repository sets decides
	// which directory is applied.
	RulePathUnknown = "path-unknown"
	// RuleVariablesUnknown: variables come from a ConfigMap that nothing in
	// the repository brings.
	RuleVariablesUnknown = "variables-unknown"
	// RuleResourceSet: the Flux Operator makes objects of a template, which is
	// not rendered here.
	RuleResourceSet = "resourceset-unknown"
	// RuleSecretEncrypted: what is applied holds an encrypted Secret that
	// nothing decrypts.
	RuleSecretEncrypted = "secret-encrypted"
	// RuleBuildFailed: what the cluster would apply cannot be built, so
	// nothing is known of it.
	RuleBuildFailed = "build-failed"
	// RuleHelmMissing: the build needs helm, and there is none.
	RuleHelmMissing = "helm-missing"
	// RuleClusterMissing: the plan names a cluster that has no entry point.
	RuleClusterMissing = "cluster-missing"
	// RuleClusterUnclaimed: a directory under clusters/ that belongs to no
	// stage.
	RuleClusterUnclaimed = "cluster-unclaimed"
	// RuleClusterUnreachable: a live cluster does not answer, or has no Flux.
	RuleClusterUnreachable = "cluster-unreachable"
	// RuleRevisionForeign: a live cluster has a commit that its stage's branch
	// has not.
	RuleRevisionForeign = "revision-foreign"
	// RuleRevisionBehind: a live cluster has not applied for long what its
	// stage's branch has.
	RuleRevisionBehind = "revision-behind"
	// RuleNotReady: Flux says of something in a live cluster that it failed.
	RuleNotReady = "not-ready"
	// RuleApplicationSuspended: a live cluster's Flux Kustomization is
	// suspended.
	RuleApplicationSuspended = "kustomization-suspended"
)

// Rules lists all rules, in the order of docs/rules.md.
func Rules() []Rule {
	return []Rule{
		{RuleSourceMissing, SeverityError, "the cluster has no source of the plan's name"},
		{RuleSourceDuplicate, SeverityError, "the source is there twice"},
		{RuleSourceSuspended, SeverityWarning, "the source is suspended"},
		{RuleURLDiffers, SeverityError, "the source is of another repository"},
		{RuleBranchDiffers, SeverityError, "the source follows another branch than its stage"},
		{RuleBranchShared, SeverityError, "clusters of different stages share a manifest that names a branch"},
		{RuleRefMissing, SeverityError, "the source names no branch"},
		{RuleRefOutranked, SeverityError, "something takes precedence over the source's branch"},
		{RuleSourceInclude, SeverityError, "the source includes another repository's content"},
		{RuleOtherSourceBranch, SeverityError, "another source of the repository follows another branch"},
		{RuleSourceRefDiffers, SeverityError, "a Kustomization applies what no stage decides"},
		{RuleSourceRefMissing, SeverityError, "a Kustomization has no source"},
		{RuleNamespaceMismatch, SeverityError, "the source is looked for in the wrong namespace"},
		{RuleDependsOnMissing, SeverityError, "a Kustomization depends on one that is not there"},
		{RuleDependsOnCircle, SeverityError, "Kustomizations wait for each other"},
		{RuleAutomationPushes, SeverityError, "an automation pushes to a branch that promotions move"},
		{RuleAutomationReads, SeverityWarning, "an automation reads another branch than its cluster follows"},
		{RuleEntryDiffers, SeverityError, "an entry point applies that of another cluster"},
		{RuleOtherCluster, SeverityWarning, "a Kustomization applies to another cluster"},
		{RulePathUnknown, SeverityError, "nobody can tell which directory is applied"},
		{RuleVariablesUnknown, SeverityWarning, "variables come from outside of the repository"},
		{RuleResourceSet, SeverityWarning, "a ResourceSet makes objects that nobody checked"},
		{RuleSecretEncrypted, SeverityWarning, "an encrypted Secret is applied as it is"},
		{RuleBuildFailed, SeverityError, "what the cluster would apply cannot be built"},
		{RuleHelmMissing, SeverityError, "the build needs helm"},
		{RuleClusterMissing, SeverityError, "a cluster of the plan has no entry point"},
		{RuleClusterUnclaimed, SeverityError, "a cluster belongs to no stage"},
		{RuleClusterUnreachable, SeverityError, "a cluster does not answer"},
		{RuleRevisionForeign, SeverityError, "a cluster has what its branch has not"},
		{RuleRevisionBehind, SeverityWarning, "a cluster is behind its branch"},
		{RuleNotReady, SeverityError, "Flux could not apply something"},
		{RuleApplicationSuspended, SeverityWarning, "a Kustomization is suspended"},
	}
}

// RuleByID finds a rule. It is false for an ID that there is none of.
func RuleByID(id string) (Rule, bool) {
	all := Rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Essential says why a rule cannot be turned off. It is empty for one that can.
func (r Rule) Essential() string {
	switch r.ID {
	case RuleBuildFailed:
		return "what cannot be built is checked by no rule at all"
	case RuleClusterMissing:
		return "of a cluster without an entry point nothing is checked"
	case RuleSourceMissing:
		return "without the source no branch decides what the cluster applies"
	case RuleBranchDiffers:
		return "a cluster that follows another branch than its stage's passes by the rollout"
	}
	return ""
}
