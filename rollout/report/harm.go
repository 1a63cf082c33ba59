package report

import "github.com/monosense/k8s-ops/rollout"

// harm says of each rule why it hurts, for whoever sees a finding where the pages
// of docs/rules.md are not at hand.
var harm = map[string]string{
	rollout.RuleSourceMissing:     "Nothing that was checked decides which branch the cluster applies.",
	rollout.RuleSourceDuplicate:   "The cluster keeps whichever of the two is applied last.",
	rollout.RuleSourceSuspended:   "The cluster takes nothing new, so no promotion arrives, and nothing says so.",
	rollout.RuleURLDiffers:        "The cluster follows a branch of the right name in the wrong repository.",
	rollout.RuleBranchDiffers:     "The cluster gets what its stage has not let out, or never gets what it has.",
	rollout.RuleBranchShared:      "Whoever mends the branch for one of the stages breaks the other.",
	rollout.RuleRefMissing:        "Flux falls back to master. If there is one, the cluster follows it.",
	rollout.RuleRefOutranked:      "A commit, name, semver or tag beside the branch decides; the branch is there to read only.",
	rollout.RuleSourceInclude:     "The content of another GitRepository is copied into this one's, and no stage's branch decides it.",
	rollout.RuleOtherSourceBranch: "Whatever uses the other source gets another branch than the cluster's stage.",
	rollout.RuleSourceRefDiffers:  "What the Kustomization brings changes the cluster past the stages.",
	rollout.RuleSourceRefMissing:  "Nobody can know what the Kustomization applies.",
	rollout.RuleNamespaceMismatch: "The Kustomization finds no source and stops, or finds another object of that name.",
	rollout.RuleDependsOnMissing:  "Flux never applies the Kustomization, and so none of what is in it.",
	rollout.RuleDependsOnCircle:   "Flux applies none of the Kustomizations that wait for each other.",
	rollout.RuleAutomationPushes:  "With a commit of its own on it, the branch can never be fast-forwarded again.",
	rollout.RuleAutomationReads:   "The automation updates what its own cluster does not apply.",
	rollout.RuleEntryDiffers:      "The cluster becomes the other one, with its source, its branch and its secrets.",
	rollout.RuleOtherCluster:      "The branch of one stage decides what a cluster of another one, or of none, applies.",
	rollout.RulePathUnknown:       "What stands in that directory is not checked: it can be anything.",
	rollout.RuleVariablesUnknown:  "What the variables make of the manifests is checked only as far as the repository says.",
	rollout.RuleResourceSet:       "What it makes in the cluster can be a source, too, of any branch.",
	rollout.RuleSecretEncrypted:   "The cluster gets the encrypted text in the place of the secret, or refuses it.",
	rollout.RuleBuildFailed:       "Nothing is known of what the cluster applies, and Flux mostly stops there, too.",
	rollout.RuleHelmMissing:       "Nothing is known of what the cluster applies.",
	rollout.RuleClusterMissing:    "The plan promises something that nobody keeps.",
	rollout.RuleClusterUnclaimed:  "No rule holds for what the cluster applies.",

	rollout.RuleClusterUnreachable:   "Nobody knows what the cluster runs, or whether a promotion arrived.",
	rollout.RuleRevisionForeign:      "The cluster runs what no promotion brought.",
	rollout.RuleRevisionBehind:       "A promotion did not arrive.",
	rollout.RuleNotReady:             "Part of a revision is not applied, or is and does not come up.",
	rollout.RuleApplicationSuspended: "What is suspended does not change, and nothing else says so.",
}
