package flux_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// A mutation is one way in which an edit can go wrong.
type mutation struct {
	name     string
	old, new string
	// rule is found, in the line that contains line, where it is not empty.
	rule, line string
}

// mutations are tried on every file that contains their old text.
var mutations = []mutation{
	{"other branch", "branch: BRANCH", "branch: topic", rollout.RuleBranchDiffers, "branch: topic"},
	{"branch in capitals", "branch: BRANCH", "branch: BRANCH-UP", rollout.RuleBranchDiffers, "branch: "},
	{"full ref", "branch: BRANCH", "branch: refs/heads/BRANCH", rollout.RuleBranchDiffers, "branch: refs"},
	{"number", "branch: BRANCH", "branch: 1", rollout.RuleBranchDiffers, "branch: 1"},
	{"boolean", "branch: BRANCH", "branch: true", rollout.RuleBranchDiffers, "branch: true"},
	{"empty branch", "branch: BRANCH", `branch: ""`, rollout.RuleRefMissing, "branch:"},
	{"misspelt branch", "branch: BRANCH", "brnch: BRANCH", rollout.RuleRefMissing, "ref:"},
	{"misspelt ref", "  ref:", "  reff:", rollout.RuleRefMissing, "spec:"},
	{"tag", "branch: BRANCH", "tag: v1\n    branch: BRANCH", rollout.RuleRefOutranked, "tag:"},
	{"tag only", "branch: BRANCH", "tag: v1", rollout.RuleRefOutranked, "tag:"},
	{"semver", "branch: BRANCH", "semver: '*'\n    branch: BRANCH", rollout.RuleRefOutranked, "semver:"},
	{"commit", "branch: BRANCH", "branch: BRANCH\n    commit: 0123456", rollout.RuleRefOutranked, "commit:"},
	{"name", "branch: BRANCH", "branch: BRANCH\n    name: refs/heads/BRANCH", rollout.RuleRefOutranked, "name: refs"},
	{"other owner", "monosense/", "other/", rollout.RuleURLDiffers, "url:"},
	{"other host", "@github.com", "@gitlab.com", rollout.RuleURLDiffers, "url:"},
	{"no url", "  url:", "  uri:", rollout.RuleURLDiffers, "spec:"},
	{"include", "  ref:", "  include: [{repository: {name: x}}]\n  ref:", rollout.RuleSourceInclude, "include:"},
	{"renamed source", "  name: flux-system\n  namespace", "  name: flux\n  namespace", rollout.RuleSourceMissing, "name: flux"},
	{"other kind", "kind: GitRepository\nmetadata", "kind: Bucket\nmetadata", rollout.RuleSourceMissing, "resources:"},
	{"moved source", "name: flux-system\n  namespace: flux-system", "name: flux-system\n  namespace: default", rollout.RuleNamespaceMismatch, "namespace: default"},
	{"moved Kustomization", "name: cluster\n  namespace: flux-system", "name: cluster\n  namespace: default", rollout.RuleNamespaceMismatch, "name: flux-system"},
	{"sourceRef elsewhere", "    name: flux-system\n", "    name: flux-system\n    namespace: default\n", rollout.RuleNamespaceMismatch, "namespace: default"},
	{"sourceRef unknown", "    name: flux-system\n", "    name: gone\n", rollout.RuleSourceRefMissing, "name: gone"},
	{"sourceRef kind", "    kind: GitRepository", "    kind: OCIRepository", rollout.RuleSourceRefDiffers, "kind: OCI"},
	{"no sourceRef", "  sourceRef:", "  sourceref:", rollout.RuleSourceRefMissing, "spec:"},
	{"missing resource", "  - cluster.yaml", "  - clusters.yaml", rollout.RuleBuildFailed, "clusters.yaml"},
	{"missing directory", "  - config", "  - konfig", rollout.RuleBuildFailed, "konfig"},
	{"repeated resource", "  - cluster.yaml", "  - cluster.yaml\n  - flux-system.yaml", rollout.RuleSourceDuplicate, ""},
	{"remote resource", "  - cluster.yaml", "  - cluster.yaml\n  - https://example.com/x", rollout.RuleBuildFailed, "example.com"},
	{"unknown field", "resources:", "resource:", rollout.RuleBuildFailed, "resource:"},
	{"wrong apiVersion", "apiVersion: kustomize.config.k8s.io/v1beta1", "apiVersion: kustomize.config.k8s.io/v2", rollout.RuleBuildFailed, "apiVersion:"},
	{"tab", "metadata:\n", "metadata:\n\t", rollout.RuleBuildFailed, ""},
	{"conflict marker", "metadata:\n", "<<<<<<< HEAD\nmetadata:\n", rollout.RuleBuildFailed, ""},
	{"no kind", "kind: ", "knd: ", "", ""},
}

// TestMutations breaks the good tree in every way, in every place that it can
// happen: there is always a finding, of the right rule, in the right line of
// the file that was broken, and only of that cluster.
func TestMutations(t *testing.T) {
	branches := map[string]string{"infra": "main", "apps": "release"}
	tried := map[string]bool{}
	for cluster, branch := range branches {
		for file, content := range good(t) {
			if !strings.HasPrefix(file, "clusters/"+cluster+"/") {
				continue
			}
			for _, m := range mutations {
				old := strings.ReplaceAll(m.old, "BRANCH", branch)
				if !strings.Contains(content, old) {
					continue
				}
				m.new = strings.ReplaceAll(m.new, "BRANCH", branch)
				tried[m.name] = true
				t.Run(m.name+"/"+file, func(t *testing.T) {
					tree := good(t)
					tree[file] = strings.Replace(content, old, m.new, 1)
					m.check(t, cluster, tree, verify(t, options(write(t, tree))).Findings)
				})
			}
		}
	}
	for _, m := range mutations {
		if !tried[m.name] {
			t.Errorf("%q was tried on no file", m.name)
		}
	}
}

func (m mutation) check(t *testing.T, cluster string, tree map[string]string, findings []rollout.Finding) {
	t.Helper()
	if len(findings) == 0 {
		t.Fatal("no finding")
	}
	for _, finding := range findings {
		if finding.Cluster != cluster {
			t.Errorf("finding in another cluster: %+v", finding)
		}
	}
	if m.rule == "" {
		return
	}
	i := slices.IndexFunc(findings, func(f rollout.Finding) bool { return f.Rule == m.rule })
	if i < 0 {
		t.Fatalf("findings = %+v, want %s", findings, m.rule)
	}
	lines := strings.Split(tree[findings[i].File], "\n")
	if line := lines[max(0, findings[i].Line-1)]; !strings.Contains(line, m.line) {
		t.Errorf("%s is placed at %s:%d %q, want the line of %q", m.rule, findings[i].File, findings[i].Line, line, m.line)
	}
}
