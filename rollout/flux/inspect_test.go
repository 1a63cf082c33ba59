package flux_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

const (
	liveSource = `{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"GitRepository","metadata":{"name":"flux-system","namespace":"flux-system"},` +
		`"spec":{"interval":"1m","url":"ssh://git@github.com/monosense/k8s-ops.git","ref":{"branch":"release"}}}`
	liveApps = `{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"name":"apps","namespace":"flux-system"},` +
		`"spec":{"path":"./apps","prune":true,"sourceRef":{"kind":"GitRepository","name":"flux-system"}}}`
)

// What a live cluster has is judged by the rules that are about it, whatever lies in
// the repository.
func TestInspect(t *testing.T) {
	for name, c := range map[string]struct {
		manifests []string
		want      []string
	}{
		"all is well": {[]string{liveSource, liveApps}, nil},
		"another branch": {
			[]string{strings.Replace(liveSource, "release", "main", 1), liveApps},
			[]string{rollout.RuleBranchDiffers},
		},
		"a tag beside the branch": {
			[]string{strings.Replace(liveSource, `"branch"`, `"tag":"v1","branch"`, 1), liveApps},
			[]string{rollout.RuleRefOutranked},
		},
		"another repository": {
			[]string{strings.Replace(liveSource, "monosense", "mallory", 1), liveApps},
			[]string{rollout.RuleURLDiffers},
		},
		"suspended": {
			[]string{strings.Replace(liveSource, `"interval"`, `"suspend":true,"interval"`, 1), liveApps},
			[]string{rollout.RuleSourceSuspended},
		},
		"no source": {[]string{liveApps}, []string{rollout.RuleSourceMissing}},
		"another source of the repository": {
			[]string{liveSource, liveApps, strings.NewReplacer(`"name":"flux-system","namespace"`, `"name":"other","namespace"`, "release", "main").Replace(liveSource)},
			[]string{rollout.RuleOtherSourceBranch},
		},
		"an application of what no stage decides": {
			[]string{liveSource, strings.Replace(liveApps, `"GitRepository"`, `"OCIRepository"`, 1)},
			[]string{rollout.RuleSourceRefDiffers},
		},
		"what is no object": {[]string{liveSource, liveApps, "[", "", "7", `{"kind":{}}`, `{"spec":[]}`}, nil},
	} {
		var manifests [][]byte
		for _, text := range c.manifests {
			manifests = append(manifests, []byte(text))
		}
		var rules []string
		for _, f := range flux.Inspect(plan(), "apps", manifests) {
			if f.Message == "" || f.Fix == "" || strings.Contains(f.Message, "the build") {
				t.Errorf("%s: %+v", name, f)
			}
			rules = append(rules, f.Rule)
		}
		slices.Sort(rules)
		if diff := cmp.Diff(c.want, slices.Compact(rules)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if found := flux.Inspect(plan(), "nobody", [][]byte{[]byte(liveApps)}); found != nil {
		t.Errorf("of a cluster that the plan does not have: %v", found)
	}
}
