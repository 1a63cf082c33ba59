package flux_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// fakeHelm answers as helm does for what kustomize asks, writes its
// environment and arguments down, and renders the chart's only template.
const fakeHelm = `#!/bin/sh
env > "$(dirname "$(readlink -f "$0")")/environment"
case "$1" in
version) echo v3.19.0 ;;
template)
  for chart; do test -f "$chart/templates/all.yaml" && cat "$chart/templates/all.yaml"; done
  exit 0 ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`

const chart = `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: from-chart
  namespace: flux-system
spec:
  url: https://github.com/monosense/k8s-ops
  ref:
    branch: main
`

// writeHelm puts the fake helm into a directory and returns its path.
func writeHelm(t *testing.T, script string) string {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	command := filepath.Join(t.TempDir(), "helm")
	if err := os.WriteFile(command, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return command
}

func withChart(t *testing.T) map[string]string {
	t.Helper()
	tree := good(t)
	tree["clusters/apps/flux/kustomization.yaml"] += "helmCharts:\n  - name: sources\n    releaseName: sources\n"
	tree["clusters/apps/flux/charts/sources/values.yaml"] = "a: b\n"
	tree["clusters/apps/flux/charts/sources/Chart.yaml"] = "apiVersion: v2\nname: sources\nversion: 1.0.0\n"
	tree["clusters/apps/flux/charts/sources/templates/all.yaml"] = chart
	return tree
}

// TestChart: what a chart renders is verified, at the line of helmCharts.
func TestChart(t *testing.T) {
	o := options(write(t, withChart(t)))
	o.Helm = writeHelm(t, fakeHelm)
	findings := verify(t, o).Findings
	if len(findings) != 1 || findings[0].Rule != rollout.RuleOtherSourceBranch ||
		findings[0].File != "clusters/apps/flux/kustomization.yaml" || findings[0].Line != 5 {
		t.Errorf("findings = %+v, want one %s at helmCharts", findings, rollout.RuleOtherSourceBranch)
	}
}

// TestChartOfFlux: what Flux applies inflates no charts, and helm is not started
// for it.
func TestChartOfFlux(t *testing.T) {
	tree := good(t)
	tree["kubernetes/kustomization.yaml"] += "helmCharts:\n  - name: sources\n    releaseName: sources\n"
	tree["kubernetes/charts/sources/values.yaml"] = "a: b\n"
	tree["kubernetes/charts/sources/Chart.yaml"] = "apiVersion: v2\nname: sources\nversion: 1.0.0\n"
	tree["kubernetes/charts/sources/templates/all.yaml"] = strings.Replace(chart, "monosense", "elsewhere", 1)
	o := options(write(t, tree))
	o.Helm = writeHelm(t, fakeHelm)
	findings := verify(t, o).Findings
	if len(findings) != 2 {
		t.Fatalf("findings = %+v, want one of each cluster", findings)
	}
	for _, f := range findings {
		if f.Rule != rollout.RuleBuildFailed || f.File != "kubernetes/kustomization.yaml" || f.Line != 5 || !strings.Contains(f.Message, "inflates none") {
			t.Errorf("finding = %+v, want a %s at helmCharts", f, rollout.RuleBuildFailed)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(o.Helm), "environment")); err == nil {
		t.Error("helm was started")
	}
}

// TestHelmSeesNoToken: helm gets what it needs and no credential, whatever
// this process has.
func TestHelmSeesNoToken(t *testing.T) {
	for _, name := range []string{"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "SSH_AUTH_SOCK"} {
		t.Setenv(name, "secret-value")
	}
	t.Setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
	o := options(write(t, withChart(t)))
	o.Helm = writeHelm(t, fakeHelm)
	verify(t, o)
	environment, err := os.ReadFile(filepath.Join(filepath.Dir(o.Helm), "environment"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(environment), "secret-value") {
		t.Errorf("helm saw a credential:\n%s", environment)
	}
	for _, name := range []string{"PATH=", "HOME=", "HELM_CONFIG_HOME=", "HELM_CACHE_HOME=", "HELM_DATA_HOME=", "HTTPS_PROXY=http://proxy.example.com:3128"} {
		if !strings.Contains(string(environment), name) {
			t.Errorf("helm did not get %s:\n%s", name, environment)
		}
	}
	if token := os.Getenv("GH_TOKEN"); token != "secret-value" {
		t.Error("the environment of this process was changed")
	}
}

// TestHelmLeavesNothing: neither the script nor kustomize's values stay.
func TestHelmLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o := options(write(t, withChart(t)))
	o.Helm = writeHelm(t, fakeHelm)
	verify(t, o)
	left, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "helm-") || strings.HasPrefix(entry.Name(), "kustomize-") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

// TestHelmFails: the finding says what helm said.
func TestHelmFails(t *testing.T) {
	o := options(write(t, withChart(t)))
	o.Helm = writeHelm(t, "#!/bin/sh\necho 'chart is broken' >&2\nexit 1\n")
	findings := verify(t, o).Findings
	if len(findings) != 1 || findings[0].Rule != rollout.RuleBuildFailed ||
		findings[0].Line != 5 || findings[0].Message != "helm cannot render the charts here: chart is broken: exit status 1" {
		t.Errorf("findings = %+v, want one %s at helmCharts that says what helm said", findings, rollout.RuleBuildFailed)
	}
}

// TestHelmIsNotLookedForWithoutCharts: most trees need none.
func TestHelmIsNotLookedForWithoutCharts(t *testing.T) {
	o := options(write(t, good(t)))
	o.Helm = "/nowhere/helm"
	if findings := verify(t, o).Findings; len(findings) > 0 {
		t.Errorf("findings = %+v, want none", findings)
	}
}
