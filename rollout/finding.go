package rollout

import (
	"cmp"
	"slices"
)

// The rules of a branch verification. The ids are stable: reports, suppression
// lists and scripts may name them.
const (
	// RuleSourceMissing: the build has no GitRepository with the name and the
	// namespace of the plan's source.
	RuleSourceMissing = "source-missing"
	// RuleSourceDuplicate: the source is there twice, so which one a cluster
	// ends up with depends on the order in which they are applied.
	RuleSourceDuplicate = "source-duplicate"
	// RuleURLDiffers: the source's spec.url is another repository than the
	// plan's.
	RuleURLDiffers = "url-differs"
	// RuleBranchDiffers: the source's spec.ref.branch is not the stage's
	// branch, written as a plain branch name.
	RuleBranchDiffers = "branch-differs"
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
)

// A Finding is one thing that would let a cluster apply something else than
// its stage's branch, or that keeps anybody from knowing.
type Finding struct {
	// Rule is one of the rules above.
	Rule string `json:"rule"`
	// Stage and Cluster are whose build it was found in. Stage is empty for a
	// cluster that no stage claims.
	Stage   string `json:"stage,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	// File is a slash path relative to the repository's root, and Line counts
	// from 1; it is 0 where the file as a whole is meant.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Message is what is wrong, Fix what to write instead.
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

// Compare orders findings by file, line and rule; findings of one place and
// rule by cluster and message, so that the order is always the same.
func (f Finding) Compare(other Finding) int {
	return cmp.Or(
		cmp.Compare(f.File, other.File),
		cmp.Compare(f.Line, other.Line),
		cmp.Compare(f.Rule, other.Rule),
		cmp.Compare(f.Stage, other.Stage),
		cmp.Compare(f.Cluster, other.Cluster),
		cmp.Compare(f.Message, other.Message),
	)
}

// SortFindings puts findings in the order of [Finding.Compare].
func SortFindings(findings []Finding) {
	slices.SortFunc(findings, Finding.Compare)
}

// A Verification is what a branch verification looked at, and found.
type Verification struct {
	// Clusters and Objects count what was built and checked.
	Clusters int `json:"clusters"`
	Objects  int `json:"objects"`
	// Findings are sorted; there are none if every cluster can only apply its
	// stage's branch.
	Findings []Finding `json:"findings"`
}
