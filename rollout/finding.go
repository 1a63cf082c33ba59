package rollout

import (
	"cmp"
	"maps"
	"slices"
)

// A Finding is one thing that would let a cluster apply something else than
// its stage's branch, or that keeps anybody from knowing.
type Finding struct {
	// Rule is the ID of one of [Rules], and Severity that rule's.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Stage and Cluster are whose build it was found in. Stage is empty for a
	// cluster that no stage claims.
	Stage   string `json:"stage,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	// File is a slash path relative to the repository's root, and Line counts
	// from 1; it is 0 where the file as a whole is meant.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Chain leads to what is at fault: the cluster, and the Flux Kustomizations
	// by which it comes to it.
	Chain []string `json:"chain,omitempty"`
	// Related are the other places that have to do with it: the manifest where
	// a patch or a variable changed it, and the other way round.
	Related []Related `json:"related,omitempty"`
	// Message is what is wrong, Fix what to write instead.
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

// Related is a place that a finding has to do with.
type Related struct {
	// File and Line are like those of a [Finding].
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Message is what stands there.
	Message string `json:"message"`
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
	// Clusters, Kustomizations and Objects count what was rendered and
	// checked.
	Clusters       int `json:"clusters"`
	Kustomizations int `json:"kustomizations"`
	Objects        int `json:"objects"`
	// Unchanged counts the directories that were not built, because nothing in
	// them changed that a rule could be about.
	Unchanged int `json:"unchanged,omitempty"`
	// Findings are sorted; there are none if every cluster can only apply its
	// stage's branch.
	Findings []Finding `json:"findings"`
	// Off are the findings of rules that the plan turns off, with the reason.
	Off []TurnedOff `json:"off,omitempty"`
}

// TurnedOff are the findings of a rule that the plan turns off. They fail
// nothing.
type TurnedOff struct {
	Rule   string `json:"rule"`
	Count  int    `json:"count"`
	Reason string `json:"reason"`
	// Findings are sorted.
	Findings []Finding `json:"findings"`
}

// Errors counts the findings that fail a verification.
func (v Verification) Errors() int {
	n := 0
	for _, f := range v.Findings {
		if f.Severity != SeverityWarning {
			n++
		}
	}
	return n
}

// Warnings counts the findings that fail nothing.
func (v Verification) Warnings() int { return len(v.Findings) - v.Errors() }

// Without sets the findings of rules aside that are turned off, by ID, with the
// reason.
func (v Verification) Without(off map[string]string) Verification {
	aside := map[string][]Finding{}
	v.Findings = slices.DeleteFunc(slices.Clone(v.Findings), func(f Finding) bool {
		_, turnedOff := off[f.Rule]
		if turnedOff {
			aside[f.Rule] = append(aside[f.Rule], f)
		}
		return turnedOff
	})
	for _, rule := range slices.Sorted(maps.Keys(aside)) {
		v.Off = append(v.Off, TurnedOff{Rule: rule, Count: len(aside[rule]), Reason: off[rule], Findings: aside[rule]})
	}
	return v
}
